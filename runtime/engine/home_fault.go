package engine

import (
	"cabitrans/runtime/host"
)

// homeFault deals with a host signal at home, where the registers are the guest's: a
// fetch of what is not at home, a write to code through another mapping, or the guest's
// own fault, which is returned.
func (t *Thread) homeFault() *Fault {
	b := t.block
	b.RIP = b.HostPC
	page := b.FaultTrap == trapPage && b.FaultSignal == SigSEGV
	switch {
	case page && b.FaultError&pfFetch != 0:
		if !samePage(b.FaultAddr, b.HostPC) && !t.engine.reaches(b.HostPC, b.FaultAddr) {
			// The rest of the instruction is not at home.
			h, err := t.engine.resolve(b.RIP, false)
			if err != nil {
				return t.fetchFault()
			}
			b.Entry, t.stub = h, t.engine.stubs.EnterFull
			return nil
		}
		if ret, err := host.Load64(b.Regs[4]); err == nil {
			t.from.ret = ret
		}
		return t.toCode(b.RIP, false)
	case page && b.FaultError&pfWrite != 0 && t.engine.mem.WriteFault(b.FaultAddr):
		t.alone, t.homeward = true, true
		return t.toCode(b.RIP, false)
	}
	return t.access()
}

func samePage(a, b uint64) bool { return a&^(host.PageSize-1) == b&^(host.PageSize-1) }

// reaches reports whether the instruction at pc, at home, can go on at addr on the next
// page. If not, it counts as a crossing.
func (e *Engine) reaches(pc, addr uint64) bool {
	e.mem.RLock()
	defer e.mem.RUnlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.home.on.Load() {
		return true // nothing is at home any more: pc is translated
	}
	next := addr &^ (host.PageSize - 1)
	if e.home.at[next] != nil || e.install(next) != nil {
		return true
	}
	if from := pc &^ (host.PageSize - 1); count(e.home.calls, from).tooOften(withdrawAfter, e.home.crossingTime) {
		e.withdraw(from, errCrosses)
	}
	return false
}

// strayed is the fault of a thread that has left its memory from home, by a jump that
// the code cache would not have made, into code of the translator's: it has been found
// there some time later. RIP is where, if that is known, else 0.
func (t *Thread) strayed() *Fault {
	b := t.block
	b.RIP = 0
	if b.Exit == host.ExitFault {
		b.RIP = b.HostPC
		if b.FaultTrap == trapPage && b.FaultError&pfFetch != 0 {
			return t.fetchFault()
		}
	}
	f := t.fault(SigSEGV)
	f.Note = "the program has jumped out of its memory, into the translator's; with --tier=cache it would have ended at the jump"
	return f
}
