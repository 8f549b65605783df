//go:build amd64

package engine

import (
	"testing"

	"cabitrans/codegen"
	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// TestSystemCallsOfSwitches counts what host system calls a guest thread makes while it leaves
// translated code and comes back, over and over: none for the switch, but where %fs is exchanged by
// arch_prctl. Go may make some when it has given the thread's processor away meanwhile.
func TestSystemCallsOfSwitches(t *testing.T) { eachTLS(t, testSystemCalls) }

const countedTrips = 5000

// countedPrograms go round so often as rbx says.
var countedPrograms = []struct {
	name, code string
	end        uint64
	clock      bool // no switch, where a stub reads clocks
	raw        bool // not at home
}{
	{"vDSO", `
		4c 89 e0        ; movq %r12, %rax
		ff d0           ; callq *%rax
		48 ff cb        ; decq %rbx
		75 f6           ; jne
		0f 0b           ; ud2`, 10, false, false},
	{"clock", `
		4c 89 e8        ; movq %r13, %rax
		bf 01 00 00 00  ; movl $1, %edi
		4c 89 f2        ; movq %r14, %rdx
		ff d0           ; callq *%rax
		48 ff cb        ; decq %rbx
		75 ee           ; jne
		0f 0b           ; ud2`, 18, true, false},
	{"raw", `
		b8 e8 03 00 00  ; movl $1000, %eax
		0f 05           ; syscall
		48 ff cb        ; decq %rbx
		75 f4           ; jne
		0f 0b           ; ud2`, 12, false, true},
}

func testSystemCalls(t *testing.T, tls rewrite.TLS) {
	traced(t, func(tr *tracee) {
		for i := range countedPrograms {
			tr.scope(func(tr *tracee) { tr.countCalls(tls, i, false) })
			tr.scope(func(tr *tracee) { tr.countCalls(tls, i, true) })
		}
	})
}

func (tr *tracee) countCalls(tls rewrite.TLS, i int, home bool) {
	p := &countedPrograms[i]
	tr.g = newGuestTLS(tr.t, tls)
	g := tr.g
	if home && (p.raw || !g.engine.Home(&oneFunction{g.code, g.code})) {
		return
	}
	g.put(g.code, p.code)
	g.put(g.vdso+16*uint64(slotOf(abi.CallClockResGet))+7, "c3")
	g.put(g.vdso+16*uint64(slotOf(abi.CallClockTimeGet))+7, "c3")
	o := tr.run(g.code, nil, func(ht *host.Thread) {
		r := &ht.Block().Regs
		r[decode.RBX] = countedTrips
		r[decode.R12], r[decode.R13] = slotAddr(g, abi.CallClockResGet), slotAddr(g, abi.CallClockTimeGet)
		r[decode.R14] = g.data
		tr.ask(opCount)
	}, nil, nil)
	tr.ask(opCounted)
	if o.fault == nil || o.fault.RIP != g.code+p.end {
		tr.t.Fatalf("%s: %+v", p.name, o.fault)
	}
	if home {
		g.atHome(false)
	}
	switched := o.stats.Switches
	if p.clock && g.engine.stubs.Clock.Entry != 0 {
		if switched > countedTrips/10 {
			tr.t.Errorf("%s: %d switches for clocks that a stub can read", p.name, switched)
		}
	} else if switched < countedTrips {
		tr.t.Errorf("%s: %d switches only", p.name, switched)
	}
	calls := tr.req.Hits
	if exchanged := tls.Switch() == codegen.SwitchSyscall; exchanged && calls < 2*countedTrips || !exchanged && calls > countedTrips/2 {
		tr.t.Errorf("%s, home tier %v: %d host system calls in %d switches", p.name, home, calls, switched)
	}
	tr.t.Logf("%s, home tier %v: %d host system calls in %d trips, %d switches", p.name, home, calls, countedTrips, switched)
}
