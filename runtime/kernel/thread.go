package kernel

import (
	"sync/atomic"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// Thread is the kernel's side of one guest thread. Only the thread itself uses
// it, apart from what waiter says and the counters, which others may read. It
// holds the scratch memory of all calls: a call allocates nothing.
type Thread struct {
	Tid  abi.Tid
	Host *host.Thread

	proc   *Process
	counts Counts // see count

	// vdso makes calls through the vDSO: callVDSO or tracedVDSO.
	vdso Caller

	// again is set while the engine owes us the repetition of a call.
	again     bool
	againCall abi.Call

	awaits atomic.Uint64 // the descriptors it may block in; an fdSet

	wait   waiter
	shared threadWords
	poll   poll
	fork   int   // holder's end of a process that has not said yet that it runs; 0 for none
	why    error // of Why
	recv   recv
	msg    host.Message
	pass   *passing // once descriptors have been sent or received
	bounce []byte   // of receiveCopy
	iov    [inlineIovecs]host.Iovec
	more   []host.Iovec // for longer arrays, once one has been seen
	paths  [2][]byte    // host.MaxPath bytes each, once a path has been seen
	raw    bool         // the ABI of the call is that of 2016-08: a raw one, or of a program of that time
	buf    [128]byte
}

// count adds 1 to a counter of the calling thread's own, which load reads on any other: an
// aligned word of 8 bytes is read and written at once, and to count with a locked
// instruction would take as long as all else that dispatch does.
//
//go:norace
func count(n *uint64) { *n++ }

//go:norace
func load(n *uint64) uint64 { return *n }

// Why is what the errno of the last call does not tell, where more is known: for what reason
// the host could make no process. A Tracer may ask for it in Exit; nil when there is nothing.
func (t *Thread) Why() error { return t.why }

// Process returns the process the thread belongs to.
func (t *Thread) Process() *Process { return t.proc }

func (t *Thread) addCounts(c *Counts) {
	for i := range c {
		c[i] += load(&t.counts[i])
	}
	c[abi.CallClockTimeGet] += t.Host.Clocks() // by stubs
}

// Action says what the engine does after a system call.
type Action uint8

const (
	ActionContinue    Action = iota // return to the guest
	ActionRestart                   // kicked: see to the kick, then make the same call again
	ActionExitThread                // the guest thread is gone, its stack may be too
	ActionExitProcess               // the process is ending
)

// Outcome is the end of a system call. Errno counts only with ActionContinue.
type Outcome struct {
	Errno  abi.Errno
	Action Action
}

// CallVDSO executes a call made through the vDSO. args are the machine arguments
// in order, rdi, rsi, rdx, rcx, r8, r9 and then the stack's; results are stored
// through the trailing pointers among them.
func (t *Thread) CallVDSO(c abi.Call, args *[8]uint64) Outcome {
	_, _, o := t.vdso(t, c, args)
	return o
}

// A Caller is CallVDSO of threads of one process, with the call's results besides.
type Caller func(t *Thread, c abi.Call, args *[8]uint64) (r0, r1 uint64, o Outcome)

// Caller is what CallVDSO calls, for an engine that has no time for that.
func (t *Thread) Caller() Caller { return t.vdso }

// tracedVDSO is callVDSO in a process with a tracer.
func (t *Thread) tracedVDSO(c abi.Call, args *[8]uint64) (r0, r1 uint64, o Outcome) {
	return t.traced(c, args, func() (r0, r1 uint64, o Outcome) { return t.callVDSO(c, args) })
}

func (t *Thread) callVDSO(c abi.Call, args *[8]uint64) (r0, r1 uint64, o Outcome) {
	d := &calls[c]
	if d.do == nil {
		return 0, 0, t.unknown(c)
	}
	if d.checked && !t.canStore(d, args) {
		return 0, 0, Outcome{Errno: abi.EFAULT}
	}
	if t.again {
		t.repeat(c)
	} else {
		count(&t.counts[c])
	}
	r0, r1, e := d.do(t, args)
	if e < errExitProcess && (e != 0 || d.results == 0) {
		return r0, r1, Outcome{Errno: e}
	}
	return t.finishVDSO(c, args, r0, r1, e)
}

// canStore reports whether the results of a call can be stored.
func (t *Thread) canStore(d *dispatch, args *[8]uint64) bool {
	for i := range d.results {
		if t.proc.mem.Check(args[d.params+i], uint64(d.size[i]), true) != nil {
			return false
		}
	}
	return true
}

// finishVDSO ends a call that has results or does not return as others do.
func (t *Thread) finishVDSO(c abi.Call, args *[8]uint64, r0, r1 uint64, e abi.Errno) (uint64, uint64, Outcome) {
	d := &calls[c]
	if e == errRestart {
		e = t.interruptedCall(c)
	}
	if e != 0 || d.results == 0 {
		return r0, r1, outcome(e)
	}
	e = t.storeResult(args[d.params], d.size[0], r0)
	if e == 0 && d.results > 1 {
		e = t.storeResult(args[d.params+1], d.size[1], r1)
	}
	return r0, r1, Outcome{Errno: e}
}

// CallRaw executes a raw system call. num is the whole of rax, args are rdi, rsi,
// rdx, r10, r8, r9. r0 and r1 are what rax and rdx hold on success.
func (t *Thread) CallRaw(num uint64, args *[8]uint64) (r0, r1 uint64, o Outcome) {
	c, ok := abi.ByNum2016(num)
	if !ok {
		c = abi.NumCalls
	}
	if t.proc.tracer != nil {
		return t.traced(c, args, func() (r0, r1 uint64, o Outcome) { return t.callRaw(c, args) })
	}
	return t.callRaw(c, args)
}

func (t *Thread) callRaw(c abi.Call, args *[8]uint64) (r0, r1 uint64, o Outcome) {
	if c >= abi.NumCalls {
		return 0, 0, Outcome{Errno: abi.ENOSYS}
	}
	d := &calls[c]
	if d.do == nil {
		return 0, 0, t.unknown(c)
	}
	t.raw = true
	t.begin(c)
	r0, r1, e := d.do(t, args)
	t.raw = t.proc.of2016
	if e == errRestart {
		e = t.interruptedCall(c)
	}
	return r0, r1, outcome(e)
}

// unknown answers a call that is not built.
func (t *Thread) unknown(c abi.Call) Outcome {
	if int(c) < len(t.counts) {
		count(&t.counts[c])
	}
	return Outcome{Errno: abi.ENOSYS}
}

// begin counts a call, once however often it is made again.
func (t *Thread) begin(c abi.Call) {
	if t.again {
		t.repeat(c)
		return
	}
	count(&t.counts[c])
}

func (t *Thread) repeat(c abi.Call) {
	if t.againCall != c {
		panic("kernel: an interrupted system call was not repeated")
	}
	t.again = false
}

// interruptedCall notes that a kick has interrupted call c, which is to be made again.
func (t *Thread) interruptedCall(c abi.Call) abi.Errno {
	if t.proc.exiting.Load() {
		return errExitProcess
	}
	t.again, t.againCall = true, c
	return errRestart
}

func outcome(e abi.Errno) Outcome {
	switch e {
	case errRestart:
		return Outcome{Action: ActionRestart}
	case errExitThread:
		return Outcome{Action: ActionExitThread}
	case errExitProcess:
		return Outcome{Action: ActionExitProcess}
	}
	return Outcome{Errno: e}
}

// storeResult writes a result of size bytes, 4 or 8, for the guest.
func (t *Thread) storeResult(addr uint64, size uint8, v uint64) abi.Errno {
	mem := t.proc.mem
	switch {
	case addr%uint64(size) != 0:
		for i := range size {
			t.buf[i] = byte(v >> (8 * i))
		}
		return toErrno(mem.CopyOut(addr, t.buf[:size]))
	case size == 8:
		return toErrno(mem.Store64(addr, v))
	}
	return toErrno(mem.Store32(addr, uint32(v)))
}
