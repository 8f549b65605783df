package profile

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"cabitrans/decode"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/ehframe"
	"cabitrans/runtime/engine"
	"cabitrans/runtime/host"
	"cabitrans/runtime/memory"
)

// maxFrames bounds the frames of a sample. Of a deeper stack the outer ones are missing.
const maxFrames = 200

// A Thread counts the samples of one guest thread. It implements engine.Sampler.
type Thread struct {
	recorder *Recorder
	mem      *memory.AddressSpace
	tid      uint32
	timer    host.CPUTimer
	period   int64  // ns
	first    int64  // when the first sample is due, by the thread's CPU clock
	taken    int64  // samples so far, those that count for several counted so
	stacks   counts // what they have found

	walker ehframe.Walker
	regs   ehframe.Regs
	frames [maxFrames]uint64
	key    [8 * (1 + maxFrames)]byte
}

// counts are numbers of samples by stack. A stack is a row of 8-byte words, so that a map
// can have it as a key and looking it up allocates nothing: what the thread was doing
// (activity), then addresses, innermost first.
type counts map[string]*int64

// activity is the first word of a stack: what was done, and for a call which one.
type activity uint64

const endOfThread activity = 1 << 32 // beyond every engine.Activity

func activityOf(p engine.Place) activity {
	return activity(p.Doing) | activity(p.Call)<<8
}

// name is that of the frame on top of the guest's; empty for none.
func (a activity) name() string {
	switch {
	case a == endOfThread:
		return "[end of thread]"
	case a.doing() == engine.InCall:
		if c := abi.Call(a >> 8); c < abi.NumCalls {
			return "[system call " + c.Info().Name + "]"
		}
		return "[system call without a name]"
	case a.doing() == engine.Translating:
		return "[translation]"
	case a.doing() == engine.Emulating:
		return "[emulation]"
	}
	return ""
}

func (a activity) doing() engine.Activity { return engine.Activity(a & 0xff) }

// exact reports whether the innermost address is that of an instruction which is to run
// next, and not that behind a call.
func (a activity) exact() bool { return a.doing() != engine.InCall }

// Thread begins to sample the calling guest thread; nil when that is not possible, which
// Write tells. w walks the stacks in mem.
func (r *Recorder) Thread(ht *host.Thread, w ehframe.Walker, mem *memory.AddressSpace) *Thread {
	first := 1 + rand.Int64N(int64(r.period))
	now, err := host.Now(host.ClockThreadCPU)
	t := &Thread{recorder: r, mem: mem, tid: ht.ID(), period: int64(r.period), first: now + first, stacks: make(counts), walker: w}
	if err == nil {
		t.timer, err = ht.NewCPUTimer(time.Duration(first), r.period)
	}
	if err != nil {
		r.missed(err)
		return nil
	}
	return t
}

// due is how many samples are due and not taken yet.
func (t *Thread) due() int64 {
	now, err := host.Now(host.ClockThreadCPU)
	if err != nil {
		panic("profile: a thread cannot read its own clock: " + err.Error())
	}
	if now < t.first {
		return 0
	}
	n := (now-t.first)/t.period + 1 - t.taken
	t.taken += n
	return n
}

// Sample takes a sample, if one is due: kicks come for other reasons, too.
func (t *Thread) Sample(p engine.Place) {
	if n := t.due(); n > 0 {
		t.count(activityOf(p), t.walk(p), n)
	}
}

// count adds n samples of a stack.
func (t *Thread) count(a activity, frames []uint64, n int64) {
	key := binary.LittleEndian.AppendUint64(t.key[:0], uint64(a))
	for _, f := range frames {
		key = binary.LittleEndian.AppendUint64(key, f)
	}
	if c := t.stacks[string(key)]; c != nil {
		*c += n
		return
	}
	c := new(int64) // &n would be allocated every time
	*c = n
	t.stacks[string(key)] = c
}

// walk finds the frames of the guest.
func (t *Thread) walk(p engine.Place) []uint64 {
	frames, r := t.frames[:0], &t.regs
	r.R, r.PC = *p.Regs, p.RIP
	exact := p.Doing != engine.InCall
	if p.RIP != 0 {
		frames = append(frames, p.RIP)
		if t.walker.Knows(p.RIP, exact) {
			frames, _ = t.walker.Walk(frames, r, exact)
			return frames
		}
	}
	if at := t.returnAddress(p); at != 0 {
		ret, err := t.mem.Load64(at)
		if err != nil || !t.mem.Executable(ret) {
			return frames
		}
		frames = append(frames, ret)
		r.PC, r.R[decode.RSP], exact = ret, at+8, false
	}
	frames, _ = t.walker.Walk(frames, r, exact)
	return frames
}

// returnAddress is where the return address of the innermost function lies while its frame
// is not made yet, or is gone; 0 when the chain of frame pointers has it.
func (t *Thread) returnAddress(p engine.Place) uint64 {
	if p.Doing == engine.InCall {
		if p.RIP == 0 { // through the vDSO, which makes no frame
			return p.RSP
		}
		return 0
	}
	var code [3]byte
	t.mem.RLock()
	n, _ := t.mem.Fetch(p.RIP, code[:])
	t.mem.RUnlock()
	switch {
	case n > 0 && (code[0] == pushRBP || code[0] == ret):
		return p.RSP
	case n == len(code) && code == movRSPtoRBP:
		return p.RSP + 8
	}
	return 0
}

// The instructions that a function makes its frame with, and that at which it is gone.
const (
	pushRBP = 0x55
	ret     = 0xc3
)

var movRSPtoRBP = [3]byte{0x48, 0x89, 0xe5}

// Close ends the sampling of the calling thread.
func (t *Thread) Close() {
	t.timer.Stop()
	if n := t.due(); n > 0 {
		t.count(endOfThread, nil, n)
	}
	t.recorder.ended(t)
}
