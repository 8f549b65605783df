package engine

import (
	"cabitrans/decode"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// A Sampler is told where a thread was whenever it has been kicked, for whatever
// purpose: on that thread, outside the guest, with no lock held.
type Sampler interface{ Sample(Place) }

// SetSampler makes s the thread's sampler, before Run.
func (t *Thread) SetSampler(s Sampler) { t.sampler = s }

// An Activity is what a thread was at.
type Activity uint8

// The activities.
const (
	InGuest     Activity = iota // running the guest's code
	InCall                      // in the system call Place.Call
	Translating                 // making code, or looking for it
	Emulating                   // doing what an instruction does that cannot be translated
)

// A Place is where a kick has found a thread: what it was doing, and the guest's
// registers, RIP at an instruction boundary. In a call through the vDSO RIP is 0 and
// the word at RSP is the return address; of a raw one RIP is behind the instruction.
type Place struct {
	Doing         Activity
	Call          abi.Call // not below abi.NumCalls for a number that means none
	RIP, RSP, RBP uint64

	// Regs are the general registers in encoding order, as long as the call lasts; of a call through the vDSO those that
	// survive a C function call.
	Regs *[16]uint64
}

// place is where the kick that attend sees to has found the thread. When the entry
// stub has noticed it, the thread was busy with what it had left the guest for.
func (t *Thread) place() Place {
	b := t.block
	p := Place{RIP: b.RIP, RSP: b.Regs[decode.RSP], RBP: b.Regs[decode.RBP], Regs: &b.Regs}
	switch t.left {
	case host.ExitCall:
		p.Doing, p.Call, p.RIP = InCall, t.calls[b.ExitArg], 0
	case host.ExitSyscall:
		p.Doing, p.Call = InCall, abi.NumCalls
		if c, ok := abi.ByNum2016(t.number); ok {
			p.Call = c
		}
	case host.ExitTrap:
		p.Doing = Emulating
	case host.ExitKick:
		if b.Exit == host.ExitAbort {
			p.Doing = Translating
		}
	default:
		p.Doing = Translating
	}
	return p
}
