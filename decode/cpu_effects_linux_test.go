//go:build amd64

package decode

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"syscall"
	"testing"
)

// random reports instructions whose result is not a function of registers and memory.
func (in *Inst) random() bool {
	rdrand := in.Enc == EncLegacy && in.OpMap == 1 && in.Opcode == 0xc7 && !in.HasMem
	return rdrand || in.Class&ClassTime != 0
}

// What the CPU does with registers, flags, memory and segment bases must be within what the effect sets say: it must
// not depend on a register outside Reads or a flag outside FlagsRead, nor change one outside Writes; and what Kills
// and FlagsWritten hold must not keep anything of its old value.
func TestCPUEffects(t *testing.T) {
	useHostVendor(t)
	c := newCPU(t)
	s := newSampler(12)
	e := effectsTest{t: t, cpu: c, s: s, opcodes: map[[3]uint8]bool{}}
	var buf []byte
	for range sampleSize(t, 20000) {
		buf = s.next(buf)
		e.check(buf)
	}
	e.report()
}

// The same for every opcode of the legacy maps, with each ModRM.reg, in several states: operands of zero and partial writes
// are too rare among random sequences.
func TestCPUEffectsByOpcode(t *testing.T) {
	useHostVendor(t)
	e := effectsTest{t: t, cpu: newCPU(t), s: newSampler(13), opcodes: map[[3]uint8]bool{}}
	prefixes := [][]byte{nil, {0x48}, {0x66}, {0xf3}, {0xf2}, {0x4d}, {0xf3, 0x48}, {0xf3}}
	for opcode := range 0x200 {
		for reg := range byte(8) {
			for round := range 10 {
				code := append([]byte(nil), prefixes[e.s.IntN(len(prefixes))]...)
				if opcode >= 0x100 {
					code = append(code, 0x0f)
				}
				modrm := reg<<3 | e.s.byte()&7
				if round%2 == 0 {
					modrm |= 0xc0
				}
				code = append(code, byte(opcode), modrm)
				for len(code) < MaxLen {
					code = append(code, e.s.byte())
				}
				e.check(code)
			}
		}
	}
	e.report()
}

// effectsTest counts what a test of effects has seen.
type effectsTest struct {
	t             *testing.T
	cpu           *cpu
	s             sampler
	ran, failures int
	opcodes       map[[3]uint8]bool
}

func (e *effectsTest) check(buf []byte) {
	var in Inst
	if in.Decode(buf, 0) != nil || in.unsafeToRun() || in.emulated() || in.random() || in.Class&ClassMustTrap != 0 {
		return
	}
	code := buf[:in.Len]
	wrong, ok, err := e.cpu.cpuEffects(&in, code, e.s)
	if err != nil {
		e.t.Fatalf("% x: %v", code, err)
	}
	if wrong != "" {
		if e.failures++; e.failures <= 20 {
			e.t.Errorf("% x: %s; reads %#x, writes %#x, kills %#x, flags read %#x, written %#x", code, wrong,
				in.Reads, in.Writes, in.Kills, in.FlagsRead, in.FlagsWritten)
		}
	}
	if ok {
		e.ran++
		e.opcodes[[3]uint8{in.Enc, in.OpMap, in.Opcode}] = true
	}
}

func (e *effectsTest) report() {
	e.t.Logf("%d executed, %d different opcodes", e.ran, len(e.opcodes))
	if e.ran == 0 {
		e.t.Error("no instruction was executed")
	}
}

// flagBits are the bits of rflags in the order of FlagCF and so on.
var flagBits = [...]uint64{1, 4, 0x10, 0x40, 0x80, 0x400, 0x800}

func flagsOf(eflags uint64) (f uint8) {
	for i, b := range flagBits {
		if eflags&b != 0 {
			f |= 1 << i
		}
	}
	return f
}

func toggled(eflags uint64, which uint8) uint64 {
	for i, b := range flagBits {
		if which>>i&1 != 0 {
			eflags ^= b
		}
	}
	return eflags
}

// aim makes the memory operand of in, whose bytes are code, fall into the data area where that is possible: it
// changes the displacement, or the registers of the address.
func (c *cpu) aim(in *Inst, code []byte, pc uint64, r *syscall.PtraceRegs, s sampler) {
	g := gprs(r)
	for _, implicit := range []Reg{RSP, RBP, RSI, RDI} {
		*g[implicit] = cpuMid + uint64(s.byte()&0xf8)
	}
	if in.Class&ClassImplicitSeg != 0 {
		*g[RBX], *g[RAX] = cpuMid, cpuMid+uint64(s.byte())
	}
	if in.Moffs {
		binary.LittleEndian.PutUint32(code[in.ImmOff:], cpuMid)
		if in.ImmLen == 8 {
			binary.LittleEndian.PutUint32(code[in.ImmOff+4:], 0)
		}
	}
	if !in.HasMem {
		return
	}
	if in.DispLen == 4 {
		d := uint32(s.byte())
		switch in.Base {
		case RIP:
			d = uint32(cpuMid - (pc + uint64(in.Len)))
		case NoReg:
			d = cpuMid
		}
		binary.LittleEndian.PutUint32(code[in.DispOff:], d)
	}
	if in.Index != NoReg {
		*g[in.Index] = uint64(s.byte() & 0x1f)
	}
	if in.Base < 16 {
		*g[in.Base] = cpuMid + uint64(s.byte()&0xf0)
	}
}

// scramble gives every general register an interesting value.
func scramble(r *syscall.PtraceRegs, s sampler) {
	for _, p := range gprs(r) {
		switch s.IntN(4) {
		case 0:
			*p = s.Uint64()
		case 1:
			*p = uint64(s.byte() & 63)
		case 2:
			*p = 0
		case 3:
			*p = uint64(s.Uint32())
		}
	}
	// A system call must not find a number it knows.
	r.Rax |= 0x4000_0000
}

// cpuEffects compares what in does with its effect sets; it returns what is wrong, or "".
func (c *cpu) cpuEffects(in *Inst, code []byte, s sampler) (wrong string, ran bool, err error) {
	pc := cpuCodeEnd - uint64(len(code))
	r := c.harmless()
	scramble(&r, s)
	r.Rcx &= 63
	r.Eflags = toggled(0x202, s.byte()&0x7f)
	r.Fs_base, r.Gs_base = 0, 0
	c.aim(in, code, pc, &r, s)
	if r.Rip, err = c.place(code); err != nil {
		return "", false, err
	}
	a, err := c.run(r)
	if err != nil || a.signal != syscall.SIGTRAP || a.regs.Rip == pc {
		return "", false, err
	}

	// Registers that are not read, and segment bases that do not matter, may be anything.
	r2 := r
	g, g2 := gprs(&r), gprs(&r2)
	for i := range g2 {
		if !in.Reads.Has(Reg(i)) {
			*g2[i] ^= s.Uint64() | 1<<63 | 1
		}
	}
	if in.Class&ClassFSBase == 0 {
		if in.Seg != SegFS || !in.SegMatters() {
			r2.Fs_base = 0xdead_0000
		}
		if in.Seg != SegGS || !in.SegMatters() {
			r2.Gs_base = 0xdead_0000
		}
	}
	b, err := c.run(r2)
	if err != nil {
		return "", true, err
	}
	if w := in.compare(&a, &b, g, g2, 0); w != "" {
		return "other registers: " + w, true, nil
	}
	// So may flags that are not read.
	r3 := r
	r3.Eflags = toggled(r.Eflags, 0x7f&^in.FlagsRead)
	d, err := c.run(r3)
	if err != nil {
		return "", true, err
	}
	if w := in.compare(&a, &d, g, gprs(&r3), 0x7f&^in.FlagsRead&^in.FlagsWritten); w != "" {
		return "other flags: " + w, true, nil
	}
	return "", true, nil
}

// compare checks that two runs of in, from registers g and h, did the same where it must not depend on the difference
// between g and h, and that registers outside Writes are unchanged. freeFlags may differ.
func (in *Inst) compare(a, b *outcome, g, h [16]*uint64, freeFlags uint8) string {
	if a.signal != b.signal || a.regs.Rip != b.regs.Rip {
		return fmt.Sprintf("ends with %v at %#x, %v at %#x", a.signal, a.regs.Rip, b.signal, b.regs.Rip)
	}
	oa, ob := gprs(&a.regs), gprs(&b.regs)
	for i := range oa {
		bit := RegSet(1) << i
		switch {
		case in.Writes&bit == 0 && *oa[i] != *g[i]:
			return fmt.Sprintf("r%d is written", i)
		case in.Writes&bit == 0 && *ob[i] != *h[i]:
			return fmt.Sprintf("r%d is written", i)
		case (in.Kills|in.Reads)&in.Writes&bit != 0 && *oa[i] != *ob[i]:
			return fmt.Sprintf("r%d becomes %#x or %#x", i, *oa[i], *ob[i])
		}
	}
	if d := (flagsOf(a.regs.Eflags) ^ flagsOf(b.regs.Eflags)) &^ freeFlags; d != 0 {
		return fmt.Sprintf("flags %#x differ", d)
	}
	// The XSAVE header says which components are in use, which may change on its own.
	if !bytes.Equal(a.xstate[:512], b.xstate[:512]) || !bytes.Equal(a.xstate[576:], b.xstate[576:]) {
		return "the vector state differs"
	}
	if !bytes.Equal(a.data, b.data) {
		return "memory differs"
	}
	return ""
}
