package kernel

import (
	"cabitrans/runtime/abi"
	"cabitrans/runtime/memory"
)

// A Tracer is told of system calls, on the thread that makes them and while the
// kernel holds no lock.
type Tracer interface {
	// Enter is called before a call, once however often it is made again after a
	// kick. c is not below abi.NumCalls for a raw number that means none.
	Enter(t *Thread, c abi.Call, args *[8]uint64)
	// Exit is called after it; r0 and r1 are its results. When o says that the thread
	// does not return, the guest never learns of them.
	Exit(t *Thread, c abi.Call, args *[8]uint64, r0, r1 uint64, o Outcome)
}

// Traced reports whether a Tracer is told of the process's calls.
func (p *Process) Traced() bool { return p.tracer != nil }

// Memory is the guest's memory.
func (p *Process) Memory() *memory.AddressSpace { return p.mem }

// traced makes a call and tells the tracer, if there is one.
func (t *Thread) traced(c abi.Call, args *[8]uint64, do func() (r0, r1 uint64, o Outcome)) (r0, r1 uint64, o Outcome) {
	again := t.again
	if !again {
		t.why = nil
		t.proc.tracer.Enter(t, c, args)
	}
	r0, r1, o = do()
	if o.Action != ActionRestart {
		t.proc.tracer.Exit(t, c, args, r0, r1, o)
	}
	return r0, r1, o
}
