//go:build amd64

package decode

import (
	"bytes"
	"os"
	"syscall"
	"testing"
)

// useHostVendor makes Decode follow the vendor of the CPU that the test runs on.
func useHostVendor(t *testing.T) {
	t.Helper()
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		t.Fatal(err)
	}
	old := hostVendor
	t.Cleanup(func() { SetVendor(old) })
	SetVendor(VendorIntel)
	if bytes.Contains(info, []byte("AuthenticAMD")) {
		SetVendor(VendorAMD)
	}
}

// emulated reports instructions that the kernel reads itself when the CPU refuses them (user-mode instruction
// prevention): it fetches 15 bytes, so a fault tells nothing of the length.
func (in *Inst) emulated() bool {
	return in.Enc == EncLegacy && in.OpMap == 1 && (in.Opcode == 0x00 && in.Reg3() < 2 ||
		in.Opcode == 0x01 && (in.HasMem && in.Reg3() < 2 || in.Reg3() == 4))
}

// unsafeToRun reports what could leave 64-bit mode or the virtual machine.
func (in *Inst) unsafeToRun() bool {
	vmcall := in.OpMap == 1 && in.Opcode == 0x01 && !in.HasMem
	return in.Flow == FlowFar || in.Class&ClassSegLoad != 0 || vmcall && in.Class&ClassMustTrap != 0
}

// The CPU itself says how long instructions are: it must not fetch behind the last byte, and must when that byte is
// missing.
func TestCPULengths(t *testing.T) {
	useHostVendor(t)
	c := newCPU(t)
	s := newSampler(11)
	var ran, undecided, refused, failures int
	var buf []byte
	fail := func(code []byte, why string) {
		if failures++; failures <= 20 {
			t.Errorf("% x: %s", code, why)
		}
	}
	for range sampleSize(t, 30000) {
		buf = s.next(buf)
		var in Inst
		if err := in.Decode(buf, 0); err != nil {
			refused++
			if c.executes(t, buf) && !lockedAnyway(&in, buf) {
				fail(buf, err.Error()+", but the CPU executes it")
			}
			continue
		}
		vmx := in.Enc == EncLegacy && in.OpMap == 1 && (in.Opcode == 0x78 || in.Opcode == 0x79)
		if in.unsafeToRun() || in.emulated() || vmx {
			continue // vmread and vmwrite have the length of a form of SSE4A where that exists
		}
		whole := c.try(t, buf[:in.Len])
		short := c.try(t, buf[:in.Len-1])
		switch {
		case whole.fetch:
			fail(buf[:in.Len], "the CPU wants more bytes")
		case whole.signal == syscall.SIGILL:
			undecided++
		case !short.fetch:
			fail(buf[:in.Len], "the CPU wants fewer bytes")
		default:
			ran++
			if whole.signal == syscall.SIGTRAP && in.Flow == FlowNext && !in.Repeats() && whole.regs.Rip != cpuCodeEnd {
				fail(buf[:in.Len], "the instruction pointer is wrong")
			}
		}
	}
	t.Logf("%d lengths confirmed, %d instructions that this CPU lacks, %d refusals", ran, undecided, refused)
	if ran == 0 {
		t.Error("no instruction was executed")
	}
}

// try executes code at the end of the page.
func (c *cpu) try(t *testing.T, code []byte) outcome {
	t.Helper()
	r := c.harmless()
	var err error
	if r.Rip, err = c.place(code); err != nil {
		t.Fatal(err)
	}
	o, err := c.step(&r)
	if err != nil {
		t.Fatalf("% x: %v", code, err)
	}
	return o
}

// executes reports whether the CPU accepts the instruction: it completes, or accesses memory. #GP (which has no
// address) is no proof: it is also the answer to more than 15 bytes.
func (c *cpu) executes(t *testing.T, code []byte) bool {
	o := c.try(t, code)
	return o.signal == syscall.SIGTRAP || o.signal == syscall.SIGSEGV && o.addr != 0
}

// lockedAnyway is a quirk: AMD's CPUs execute verr and verw with LOCK, which the manuals refuse.
func lockedAnyway(in *Inst, code []byte) bool {
	return in.Prefixes&PrefixLock != 0 && in.OpMap == 1 && in.Opcode == 0x00
}

// Which of several segment prefixes acts, and that REX counts only right before the opcode, said by the CPU. Each reads
// 8 bytes at rax from a different base, or as many as the effective operand size.
func TestCPUSegmentPrefixes(t *testing.T) {
	c := newCPU(t)
	for i := range 8 {
		c.data[i], c.data[0x100+i], c.data[0x200+i] = 0xf0|byte(i), 0xa0|byte(i), 0xb0|byte(i)
	}
	if err := c.write(cpuData, c.data[:]); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		code []byte
		seg  Seg
	}{
		{[]byte{0x48, 0x8b, 0x08}, SegNone},
		{[]byte{0x64, 0x48, 0x8b, 0x08}, SegFS},
		{[]byte{0x65, 0x48, 0x8b, 0x08}, SegGS},
		{[]byte{0x64, 0x65, 0x48, 0x8b, 0x08}, SegGS},
		{[]byte{0x65, 0x64, 0x48, 0x8b, 0x08}, SegFS},
		{[]byte{0x64, 0x64, 0x48, 0x8b, 0x08}, SegFS},
		{[]byte{0x2e, 0x64, 0x48, 0x8b, 0x08}, SegFS},
		{[]byte{0x64, 0x2e, 0x48, 0x8b, 0x08}, SegFS},
		{[]byte{0x64, 0x3e, 0x48, 0x8b, 0x08}, SegFS},
		{[]byte{0x64, 0x26, 0x48, 0x8b, 0x08}, SegFS},
		{[]byte{0x64, 0x36, 0x48, 0x8b, 0x08}, SegFS},
		{[]byte{0x65, 0x3e, 0x48, 0x8b, 0x08}, SegGS},
		{[]byte{0x48, 0x64, 0x8b, 0x08}, SegFS}, // the REX is ignored: 4 bytes
		{[]byte{0x64, 0xc5, 0xf9, 0x6e, 0x08}, SegFS},
		{[]byte{0x64, 0x48, 0x8d, 0x08}, SegNone}, // lea has no segment
	} {
		var in Inst
		if err := in.Decode(tc.code, 0); err != nil {
			t.Fatalf("% x: %v", tc.code, err)
		}
		effective := SegNone
		if in.SegMatters() {
			effective = in.Seg
		}
		if effective != tc.seg {
			t.Errorf("% x: segment %d, want %d", tc.code, effective, tc.seg)
		}
		r := c.harmless()
		r.Rax, r.Fs_base, r.Gs_base, r.Rip = cpuData, 0x100, 0x200, cpuCodeEnd-uint64(len(tc.code))
		if _, err := c.place(tc.code); err != nil {
			t.Fatal(err)
		}
		o, err := c.step(&r)
		if err != nil || o.signal != syscall.SIGTRAP {
			t.Fatalf("% x: %v, signal %v", tc.code, err, o.signal)
		}
		base := map[Seg]uint64{SegNone: 0xf7f6f5f4_f3f2f1f0, SegFS: 0xa7a6a5a4_a3a2a1a0, SegGS: 0xb7b6b5b4_b3b2b1b0}[tc.seg]
		if in.OpSize == 4 {
			base = uint64(uint32(base))
		}
		if in.Opcode == 0x8b && in.Enc == EncLegacy && o.regs.Rcx != base {
			t.Errorf("% x: the CPU reads %#x, want %#x", tc.code, o.regs.Rcx, base)
		}
	}
}
