package engine

import (
	"fmt"
	"strings"
	"testing"

	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

func TestCallsAndReturns(t *testing.T) { eachTLS(t, testCallsAndReturns) }

func testCallsAndReturns(t *testing.T, tls rewrite.TLS) {
	g := newGuestTLS(t, tls)
	g.put(g.code, `
		bf 05 00 00 00          ;   0 movl $5, %edi
		e8 39 00 00 00          ;   5 callq 0x43 <fact>
		48 89 c3                ;   a movq %rax, %rbx
		48 8d 05 04 00 00 00    ;   d leaq 4(%rip), %rax # 0x18 <next>
		ff e0                   ;  14 jmpq *%rax
		0f 0b                   ;  16 ud2
		4c 8d 15 24 00 00 00    ;  18 leaq 36(%rip), %r10 # 0x43 <fact>
		bf 06 00 00 00          ;  1f movl $6, %edi
		41 ff d2                ;  24 callq *%r10
		48 89 c5                ;  27 movq %rax, %rbp
		48 8d 0d 12 00 00 00    ;  2a leaq 18(%rip), %rcx # 0x43 <fact>
		51                      ;  31 pushq %rcx
		bf 04 00 00 00          ;  32 movl $4, %edi
		49 89 e7                ;  37 movq %rsp, %r15
		ff 14 24                ;  3a callq *(%rsp)
		49 29 e7                ;  3d subq %rsp, %r15
		59                      ;  40 popq %rcx
		0f 0b                   ;  41 ud2
		83 ff 01                ;  43 cmpl $1, %edi
		76 0e                   ;  46 jbe 0x56 <one>
		57                      ;  48 pushq %rdi
		ff cf                   ;  49 decl %edi
		e8 f3 ff ff ff          ;  4b callq 0x43 <fact>
		5f                      ;  50 popq %rdi
		48 0f af c7             ;  51 imulq %rdi, %rax
		c3                      ;  55 retq
		b8 01 00 00 00          ;  56 movl $1, %eax
		c3                      ;  5b retq`)
	f := g.run(g.code, nil)
	if f == nil || f.Signal != SigILL || f.RIP != g.code+0x41 {
		t.Fatalf("ended with %+v", f)
	}
	want := map[decode.Reg]uint64{decode.RBX: 120, decode.RBP: 720, decode.RAX: 24, decode.R15: 0, decode.RSP: g.stack - 8}
	for r, v := range want {
		if f.Regs[r] != v {
			t.Errorf("register %d is %#x, want %#x", r, f.Regs[r], v)
		}
	}
	// The hot path has linked itself: another run leaves translated code once,
	// for the ud2.
	before := g.engine.Stats().Threads
	if f := g.run(g.code, nil); f.RIP != g.code+0x41 {
		t.Fatalf("the second run ended with %+v", f)
	}
	after := g.engine.Stats().Threads
	if n := after.Switches - before.Switches; n != 1 {
		t.Errorf("the second run left translated code %d times, want 1; %v %v", n, before, after)
	}
}

// TestWildBranches sends every kind of indirect branch to every kind of wrong
// target. The guest must fault where the CPU would have.
func TestWildBranches(t *testing.T) {
	eachTLS(t, func(t *testing.T, tls rewrite.TLS) { testWildBranches(t, newGuestTLS(t, tls), false) })
}

func testWildBranches(t *testing.T, g *guest, home bool) {
	branches := []struct {
		name, code string
		at         uint64 // offset of the branch
		rsp        int64  // change of rsp when the target is reached
	}{
		{"jmp *%rax", "ff e0", 0, 0},
		{"jmp *%r11", "49 89 c3 41 ff e3", 3, 0},
		{"call *%rax", "ff d0", 0, -8},
		{"jmp *(%rdi)", "48 89 07 ff 27", 3, 0},
		{"call *8(%rdi)", "48 89 47 08 ff 57 08", 4, -8},
		{"ret", "50 c3", 1, 0},
		{"ret $16", "50 c2 10 00", 1, 16},
	}
	text := g.code + 0x800
	g.put(text, ud2)
	targets := []struct {
		name    string
		addr    uint64
		atFault bool // #GP at the branch itself
		good    bool
	}{
		{name: "valid", addr: text, good: true},
		{name: "data", addr: g.data},
		{name: "null", addr: 0},
		{name: "unmapped", addr: 0x3000_0000},
		{name: "code cache", addr: host.CacheLo},
		{name: "table", addr: host.Landings.Slot(text)},
		{name: "miss region", addr: host.MissBase + text},
		{name: "guard page", addr: host.GuardAddr},
		{name: "below 4 GiB", addr: 0xffff_fff8},
		{name: "4 GiB above", addr: text + 1<<32},
		{name: "Go heap", addr: 0xc000_0000_00},
		{name: "user top", addr: 0x7fff_ffff_f000},
		{name: "kernel", addr: 0xffff_8000_0000_0000 + text},
		{name: "top", addr: 1<<64 - 1},
		{name: "not canonical", addr: 0x8000_0000_0000, atFault: true},
		{name: "not canonical 2", addr: 1<<63 + text, atFault: true},
	}
	for k := uint64(1); k < 8; k++ {
		targets = append(targets, struct {
			name    string
			addr    uint64
			atFault bool
			good    bool
		}{fmt.Sprintf("alias %d", k), text + k<<61, true, false})
	}
	for bi, b := range branches {
		pc := g.code + uint64(bi)*64
		g.put(pc, b.code+strings.Repeat(" cc", 64-(len(b.code)+1)/3))
		for _, to := range targets {
			if home && to.name == "miss region" {
				continue // from there the cache goes on
			}
			t.Run(b.name+"/"+to.name, func(t *testing.T) {
				for range 2 { // untranslated, then translated
					f := g.run(pc, func(ht *host.Thread) {
						ht.Block().Regs[decode.RAX] = to.addr
						ht.Block().Regs[decode.RDI] = g.data
						ht.Block().Regs[decode.R11] = to.addr
					})
					checkWild(t, g, f, to.addr, pc+b.at, to.good, to.atFault, b.rsp)
				}
			})
		}
	}
}

func checkWild(t *testing.T, g *guest, f *Fault, target, branch uint64, good, atFault bool, rsp int64) {
	t.Helper()
	if f == nil {
		t.Fatal("no fault")
	}
	switch {
	case good:
		if f.Signal != SigILL || f.RIP != target {
			t.Fatalf("signal %d at %#x, want the ud2 at %#x", f.Signal, f.RIP, target)
		}
	case atFault:
		if f.Signal != SigSEGV || f.RIP != branch || f.HasAddr {
			t.Fatalf("%+v, want a protection fault at the branch, %#x", f, branch)
		}
		return // rsp as before the branch: covered by the code before it
	default:
		if f.Signal != SigSEGV || f.RIP != target || !f.Fetch || f.Addr != target {
			t.Fatalf("%+v, want a fetch fault at %#x", f, target)
		}
	}
	if got := int64(f.Regs[decode.RSP] - (g.stack - 8)); got != rsp {
		t.Errorf("rsp moved by %d, want %d", got, rsp)
	}
	if rsp == -8 {
		if ret, err := g.mem.Load64(f.Regs[decode.RSP]); err != nil || ret <= branch || ret > branch+4 {
			t.Errorf("return address %#x (%v), want one right behind the call", ret, err)
		}
	}
	// r11 is dead at a return and at an indirect call, by contract (package rewrite).
	if f.Regs[decode.R11] != target && g.flow(branch) == decode.FlowJumpInd {
		t.Errorf("r11 is %#x, want %#x", f.Regs[decode.R11], target)
	}
}

func (g *guest) flow(pc uint64) decode.Flow {
	in, err := (&Thread{engine: g.engine}).decode(pc)
	if err != nil {
		g.Fatal(err)
	}
	return in.Flow
}

// TestR11 has r11 read where the ABI makes it dead: behind a call, and in a
// function called through a register.
func TestR11(t *testing.T) {
	for _, c := range []struct {
		name, code string
		end        uint64
		want       uint64
	}{
		{"return", `
			e8 05 00 00 00          ;   0 callq 0xa <f>
			4c 89 db                ;   5 movq %r11, %rbx
			0f 0b                   ;   8 ud2
			41 bb 2b 00 00 00       ;   a movl $43, %r11d
			c3                      ;  10 retq`, 8, 43},
		{"call", `
			41 bb 2a 00 00 00       ;   0 movl $42, %r11d
			48 8d 05 04 00 00 00    ;   6 leaq 4(%rip), %rax # 0x11 <f>
			ff d0                   ;   d callq *%rax
			0f 0b                   ;   f ud2
			4c 89 db                ;  11 movq %r11, %rbx
			c3                      ;  14 retq`, 0xf, 42},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGuest(t)
			g.put(g.code, c.code)
			for range 3 {
				f := g.run(g.code, nil)
				if f == nil || f.RIP != g.code+c.end {
					t.Fatalf("%+v", f)
				}
				if f.Regs[decode.RBX] != c.want {
					t.Errorf("r11 was %d, want %d", f.Regs[decode.RBX], c.want)
				}
			}
		})
	}
}

// TestSwitchReadsR11: a jump table may lead to code that reads r11. That is no
// reason to keep r11 across calls, even where a call has been made before.
func TestSwitchReadsR11(t *testing.T) {
	g := newGuest(t)
	g.put(g.code, `
		e8 16 00 00 00          ;   0 callq 0x1b <f>
		41 bb 2a 00 00 00       ;   5 movl $42, %r11d
		48 8d 05 04 00 00 00    ;   b leaq 4(%rip), %rax # 0x16 <label>
		ff e0                   ;  12 jmpq *%rax
		0f 0b                   ;  14 ud2
		4c 89 db                ;  16 movq %r11, %rbx
		0f 0b                   ;  19 ud2
		c3                      ;  1b retq`)
	f := g.run(g.code, nil)
	if f == nil || f.Regs[decode.RBX] != 42 {
		t.Fatalf("%+v", f)
	}
	if g.engine.rw.Options.KeepR11 {
		t.Error("the process keeps r11 now")
	}
}

func TestVDSOCall(t *testing.T) { eachTLS(t, testVDSOCall) }

func testVDSOCall(t *testing.T, tls rewrite.TLS) {
	g := newGuestTLS(t, tls)
	g.put(g.code, `
		bb 01 00 00 00      ;   0 movl $1, %ebx
		ff d0               ;   5 callq *%rax
		0f 0b               ;   7 ud2`)
	slot := func(c abi.Call) uint64 { return g.vdso + 16*uint64(slotOf(c)) }
	for _, c := range []struct {
		call abi.Call
		args [3]uint64
		want abi.Errno
	}{
		{abi.CallClockTimeGet, [3]uint64{uint64(abi.ClockMonotonic), 0, g.data}, 0},
		{abi.CallClockTimeGet, [3]uint64{99, 0, g.data}, abi.EINVAL},
		{abi.CallFDClose, [3]uint64{5}, abi.EBADF},
		{abi.CallProcFork, [3]uint64{}, abi.EFAULT},
	} {
		f := g.run(g.code, func(ht *host.Thread) {
			r := &ht.Block().Regs
			r[decode.RAX], r[decode.RDI], r[decode.RSI], r[decode.RDX] = slot(c.call), c.args[0], c.args[1], c.args[2]
		})
		if f == nil || f.RIP != g.code+7 {
			t.Fatalf("%v: %+v", c.call, f)
		}
		if f.Regs[decode.RAX] != uint64(c.want) || f.Regs[decode.RBX] != 1 || f.Regs[decode.RSP] != g.stack-8 {
			t.Errorf("%v: rax %d, want %v; registers %x", c.call, f.Regs[decode.RAX], c.want, f.Regs)
		}
	}
	if v, _ := g.mem.Load64(g.data); v == 0 {
		t.Error("clock_time_get stored nothing")
	}
}
