package kernel

import (
	"errors"
	"fmt"
	"iter"
	"slices"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// The model runs threads of a small program one step at a time, a step being one
// access to a word or one call of the host's futex, in an order that a chooser
// decides. The code under test is that of the kernel; the words, the futex and the
// guest's library are the model's.

const (
	modelLock    = 4
	modelCondvar = 8
)

var errAbandoned = errors.New("the run is over")

type model struct {
	words    map[uint64]uint32
	clock    int64
	threads  []*modelThread
	sleepers []*modelThread // longest first
	mutant   mutant
	events   int          // timeouts, kicks and looks that may still come
	looks    bool         // looks come, too, when nothing else can happen
	last     *modelThread // the one that has made the last step

	tokens  int // what the condition variable is about
	writers int // inside
	readers int
	most    int // readers at a time
	failure string
}

// A mutant is a mistake in the protocol. See TestModelFindsMistakes.
type mutant struct {
	store func(addr uint64, old, val uint32) uint32 // the value to store instead
	wake  func(addr uint64, n, class uint32) bool   // whether to wake
}

// A modelThread is sharedWords for itself.
type modelThread struct {
	m     *model
	w     waiter
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
	ended bool

	asleep bool
	addr   uint64
	class  uint32
	until  bool
	look   int64
	result host.FutexResult
	reads  int  // read locks it has, as its library counts
	mortal bool // a kick is the end of its process
}

func newModel(program string) *model {
	m := &model{words: map[uint64]uint32{modelLock: 0, modelCondvar: 0}, clock: 1}
	ops := []rune{}
	start := func() {
		t := &modelThread{m: m}
		t.w.tid = uint32(len(m.threads) + 1)
		t.w.lock = modelLock
		mine := slices.Clone(ops)
		t.next, t.stop = iter.Pull(func(yield func(struct{}) bool) {
			defer func() {
				if r := recover(); r != nil && r != any(errAbandoned) {
					panic(r)
				}
			}()
			t.yield = yield
			t.step()
			for _, op := range mine {
				t.do(op)
			}
		})
		m.threads = append(m.threads, t)
	}
	for _, op := range program + " " {
		if op != ' ' {
			ops = append(ops, op)
			continue
		}
		start()
		ops = ops[:0]
	}
	return m
}

func (m *model) fail(format string, args ...any) {
	if m.failure == "" {
		m.failure = fmt.Sprintf(format, args...)
	}
}

// run executes the program; choose picks one of n ways to go on, of which the
// first is the same thread as before, if it can.
func (m *model) run(choose func(n int, preempts bool) int) {
	defer func() {
		for _, t := range m.threads {
			t.stop()
		}
	}()
	for steps := 0; m.failure == ""; steps++ {
		ways := m.ways()
		if len(ways) == 0 {
			break
		}
		if steps == 5000 {
			m.fail("threads go round in circles")
		}
		preempts := m.last != nil && !m.last.ended && !m.last.asleep
		ways[choose(len(ways), preempts)]()
	}
	m.check()
}

// ways lists what can happen next.
func (m *model) ways() (ways []func()) {
	var running []*modelThread
	for _, t := range m.threads {
		if !t.ended && !t.asleep {
			running = append(running, t)
		}
	}
	if i := slices.Index(running, m.last); i > 0 {
		running[0], running[i] = running[i], running[0]
	}
	for _, t := range running {
		ways = append(ways, t.resume)
	}
	for _, t := range m.sleepers {
		if t.until && (m.events > 0 || len(running) == 0) {
			ways = append(ways, func() { t.leave(host.FutexTimedOut) })
		}
		if t.look >= 0 && (m.events > 0 || len(running) == 0 && m.looks) {
			ways = append(ways, func() { m.clock = max(m.clock, t.look); t.leave(host.FutexChanged) })
		}
		if m.events > 0 {
			ways = append(ways, func() { t.leave(host.FutexInterrupted) })
		}
	}
	return ways
}

func (m *model) check() {
	if m.failure != "" {
		return
	}
	for i, t := range m.threads {
		if !t.ended {
			m.fail("thread %d sleeps for ever, as class %d", i+1, t.class)
		}
	}
	for addr, w := range m.words {
		if m.failure == "" && w != 0 {
			m.fail("at the end the word %d is %#x", addr, w)
		}
	}
}

// resume lets the thread make one step.
func (t *modelThread) resume() {
	t.m.last = t
	if _, more := t.next(); !more {
		t.ended = true
	}
}

// leave ends the sleep of the thread.
func (t *modelThread) leave(r host.FutexResult) {
	t.asleep, t.result = false, r
	if r != host.FutexWoken {
		t.m.events--
	}
	t.m.sleepers = slices.DeleteFunc(t.m.sleepers, func(o *modelThread) bool { return o == t })
}

func (t *modelThread) step() {
	if !t.yield(struct{}{}) {
		panic(errAbandoned)
	}
}

func (t *modelThread) Load32(addr uint64) (uint32, error) {
	t.step()
	return t.m.words[addr], nil
}

func (t *modelThread) Store32(addr uint64, v uint32) error {
	panic("the protocol stores without looking")
}

func (t *modelThread) CompareAndSwap32(addr uint64, old, val uint32) (uint32, error) {
	t.step()
	prev := t.m.words[addr]
	if prev == old {
		if s := t.m.mutant.store; s != nil {
			val = s(addr, old, val)
		}
		t.m.words[addr] = val
	}
	return prev, nil
}

func (t *modelThread) now() int64 {
	t.m.clock++
	return t.m.clock
}

func (t *modelThread) sleep(addr uint64, val, class uint32, until deadline, look int64) host.FutexResult {
	t.step()
	if t.m.words[addr] != val {
		return host.FutexChanged
	}
	t.asleep, t.addr, t.class, t.until, t.look = true, addr, class, until.at >= 0, look
	t.m.sleepers = append(t.m.sleepers, t)
	t.step()
	return t.result
}

func (t *modelThread) wake(addr uint64, n, class uint32) (woken int) {
	t.step()
	if f := t.m.mutant.wake; f != nil && !f(addr, n, class) {
		return 0
	}
	for _, s := range slices.Clone(t.m.sleepers) {
		if uint32(woken) < n && s.addr == addr && s.class&class != 0 {
			s.leave(host.FutexWoken)
			woken++
		}
	}
	return woken
}

func (t *modelThread) wakeCount(addr uint64, n, val uint32) (slept int, r host.FutexResult) {
	t.step()
	if t.m.words[addr] != val {
		return 0, host.FutexChanged
	}
	for _, s := range slices.Clone(t.m.sleepers) {
		if s.addr == addr {
			if uint32(slept) < n {
				s.leave(host.FutexWoken)
			}
			slept++
		}
	}
	return slept, host.FutexWoken
}

// do makes one operation of a program:
//
//	W, R    lock for writing or reading, look around, unlock
//	w, r    the same with a timeout
//	Q       R, and in it a second read lock that the library does not count
//	X       R in a process that ends when it is kicked; X is a writer's
//	C, c    take a token, wait for the condition variable as long as there is none;
//	        c with a timeout
//	S, s, B add a token and signal before the unlock, after it; B adds two and
//	        wakes all
func (t *modelThread) do(op rune) {
	switch op {
	case 'W', 'w', 'X':
		t.mortal = op == 'X'
		if t.lock(true, op == 'w') {
			t.inside(true)
			t.unlock()
		}
	case 'R', 'r':
		if t.lock(false, op == 'r') {
			t.inside(false)
			t.unlock()
		}
	case 'Q':
		t.lock(false, false)
		t.reads--
		t.lock(false, false)
		t.reads++
		t.unlock()
		t.unlock()
	case 'C', 'c':
		t.lock(true, false)
		for expired := false; t.m.tokens == 0 && !expired; {
			expired = t.wait(op == 'c')
		}
		t.m.tokens = max(t.m.tokens-1, 0)
		t.unlock()
	case 'S', 's', 'B':
		t.lock(true, false)
		t.m.tokens++
		switch op {
		case 'S':
			t.signal(1)
		case 'B':
			t.m.tokens++
			t.signal(host.FutexAll)
		}
		t.unlock()
		if op == 's' {
			t.signal(1)
		}
	default:
		panic("unknown operation")
	}
}

func (t *modelThread) inside(write bool) {
	m := t.m
	if write {
		m.writers++
	} else {
		m.readers++
	}
	m.most = max(m.most, m.readers)
	if m.writers > 1 || m.writers == 1 && m.readers > 0 {
		m.fail("%d writers and %d readers at a time", m.writers, m.readers)
	}
	t.step()
	if write {
		m.writers--
	} else {
		m.readers--
	}
}

func (t *modelThread) mine() uint32 { return lockWrlocked | t.w.tid }

func (t *modelThread) cas(addr uint64, old, val uint32) bool {
	prev, _ := t.CompareAndSwap32(addr, old, val)
	return prev == old
}

// lock is that of the guest's library.
func (t *modelThread) lock(write, timeout bool) bool {
	if write {
		if t.cas(modelLock, 0, t.mine()) {
			return true
		}
	} else {
		for old, _ := t.Load32(modelLock); old&lockWrlocked == 0 && (old&lockKernelManaged == 0 || t.reads > 0); {
			if t.cas(modelLock, old, old+1) {
				t.reads++
				return true
			}
			old, _ = t.Load32(modelLock)
		}
	}
	got := t.enter(write, timeout)
	if got && !write {
		t.reads++
	}
	return got
}

// enter is the system call.
func (t *modelThread) enter(write, timeout bool) bool {
	until := never
	if timeout {
		until = deadline{host.ClockMonotonic, 1}
	}
	t.w.write = write
	t.w.shared.since, t.w.shared.woken = t.now(), false
	t.w.state.Store(waitLock)
	defer t.w.state.Store(waitIdle)
	for {
		timedOut, e := lockShared(t, &t.w, until)
		if e == errRestart && t.mortal {
			giveUpShared(t, &t.w)
			panic(errAbandoned)
		}
		if e == errRestart {
			continue
		}
		if e != 0 {
			t.m.fail("lock: %v", e)
		}
		return !timedOut
	}
}

func (t *modelThread) unlock() {
	for {
		old, _ := t.Load32(modelLock)
		switch {
		case old&lockWrlocked != 0:
			if old == t.mine() && t.cas(modelLock, old, 0) {
				return
			}
			if e := unlockShared(t, modelLock, t.w.tid); e != 0 {
				t.m.fail("unlock: %v, word %#x", e, old)
			}
			return
		case old&lockCount == 0:
			t.m.fail("the word is %#x though a thread reads", old)
			return
		case old == 1|lockKernelManaged:
			if t.cas(modelLock, old, t.mine()|lockKernelManaged) {
				t.reads--
				if e := unlockShared(t, modelLock, t.w.tid); e != 0 {
					t.m.fail("unlock of a read lock: %v", e)
				}
				return
			}
		case t.cas(modelLock, old, old-1):
			t.reads--
			return
		}
	}
}

// wait is cond_wait; it reports whether the time was up.
func (t *modelThread) wait(timeout bool) (expired bool) {
	until := never
	if timeout {
		until = deadline{host.ClockMonotonic, 1}
	}
	t.w.condvar, t.w.write = modelCondvar, true
	e := enterShared(t, &t.w)
	if e == 0 {
		e = unlockShared(t, modelLock, t.w.tid)
	}
	for again := true; again; again = e == errRestart {
		if e == 0 || e == errRestart {
			expired, e = sleepShared(t, &t.w, until)
		}
	}
	if e != 0 {
		t.m.fail("wait: %v", e)
	}
	t.enter(true, false)
	return expired
}

func (t *modelThread) signal(n uint32) {
	if w, _ := t.Load32(modelCondvar); w == condvarNoWaiters {
		return
	}
	if e := signalShared(t, modelCondvar, n); e != abi.Errno(0) {
		t.m.fail("signal: %v", e)
	}
}
