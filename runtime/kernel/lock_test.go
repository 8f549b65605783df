package kernel

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

func sleepABit() { time.Sleep(200 * time.Microsecond) }

// The transition of a lock word by an attempt of thread 7, by hand.
func TestTransition(t *testing.T) {
	const l = 0x1000
	const km, wr = lockKernelManaged, lockWrlocked
	tests := []struct {
		name  string
		queue string // who is queued for the lock: r and w
		write bool
		old   uint32
		val   uint32
		got   bool
		e     abi.Errno
	}{
		{"free", "", true, 0, wr | 7, true, 0},
		{"free", "", false, 0, 1, true, 0},
		{"free, others on their way", "r", true, 0, wr | 7 | km, true, 0},
		{"free, others on their way", "w", false, 0, 1 | km, true, 0},
		{"owned", "", true, wr | 9, wr | 9 | km, false, 0},
		{"owned", "", false, wr | 9, wr | 9 | km, false, 0},
		{"owned and marked", "w", true, wr | 9 | km, wr | 9 | km, false, 0},
		{"own", "", true, wr | 7, 0, false, abi.EDEADLK},
		{"own and marked", "w", true, wr | 7 | km, 0, false, abi.EDEADLK},
		{"own, for reading", "", false, wr | 7, 0, false, abi.EDEADLK},
		{"one reader", "", true, 1, 1 | km, false, 0},
		{"seven readers are not thread 7", "", true, 7, 7 | km, false, 0},
		{"seven readers are not thread 7", "w", true, 7 | km, 7 | km, false, 0},
		{"readers join readers", "", false, 2, 3, true, 0},
		{"not past a writer", "w", false, 2 | km, 2 | km, false, 0},
		{"mark without writer", "", false, 2 | km, 3 | km, true, 0},
		{"too many readers", "", false, lockCount, 0, false, abi.EAGAIN},
		{"bogus", "", true, lockBogus, 0, false, abi.EINVAL},
		{"bogus", "", false, lockBogus, 0, false, abi.EINVAL},
	}
	for _, tt := range tests {
		var b bucket
		other := &waiter{lock: 0x2000, write: true}
		b.pushBack(other, 0x2000) // another lock in the same bucket
		for _, c := range tt.queue {
			b.pushBack(&waiter{lock: l, write: c == 'w'}, l)
		}
		w := &waiter{lock: l, tid: 7, write: tt.write}
		val, got, e := b.transition(w, tt.old)
		if got != tt.got || e != tt.e || e == 0 && val != tt.val {
			t.Errorf("%s, write %v, word %#x: %#x, %v, %v; want %#x, %v, %v", tt.name, tt.write, tt.old, val, got, e, tt.val, tt.got, tt.e)
		}
	}
}

// The word that an unlock leaves behind, by who is queued and since when.
func TestSuccessor(t *testing.T) {
	const l = 0x1000
	const km, wr = lockKernelManaged, lockWrlocked
	for _, tt := range []struct {
		queue string // r, w, and W for a writer who has waited for too long; w and W are thread 7 in front
		val   uint32
		woken string // who is taken off the queue
	}{
		{"", 0, ""},
		{"w", 0, "w"},
		{"ww", 0, "w"},
		{"wr", 0, "w"},
		{"W", wr | 7, "W"},
		{"Ww", wr | 7 | km, "W"},
		{"Wr", wr | 7 | km, "W"},
		{"r", 1, "r"},
		{"rrr", 3, "rrr"},
		{"rwr", 2 | km, "rr"},
		{"rW", 1 | km, "r"},
	} {
		var b bucket
		b.pushBack(&waiter{lock: 0x2000}, 0x2000) // another lock in the same bucket
		var ws []*waiter
		for _, c := range tt.queue {
			w := &waiter{lock: l, tid: 7 + uint32(len(ws)), write: c != 'r', since: host.Monotonic(), wake: func() {}}
			if c == 'W' {
				w.since -= 2 * fairAfter
			}
			if !w.write {
				w.since = 1
			}
			w.state.Store(waitLock)
			b.pushBack(w, l)
			ws = append(ws, w)
		}
		next := b.first(l)
		val := b.successor(next, l)
		b.release(next, l, val)
		woken := ""
		for i, w := range ws {
			want := uint32(waitLock)
			if tt.queue[i] == 'w' {
				want = waitRetry
			} else if w.state.Load() != waitLock {
				want = waitGranted
			}
			switch got := w.state.Load(); {
			case got == waitLock:
			case got != want:
				t.Errorf("%q: waiter %d is in state %d, want %d", tt.queue, i, got, want)
			default:
				woken += tt.queue[i : i+1]
			}
		}
		if val != tt.val || woken != tt.woken {
			t.Errorf("%q: word %#x, woken %q; want %#x, %q", tt.queue, val, woken, tt.val, tt.woken)
		}
		if n := len(tt.queue) - len(tt.woken); (b.first(l) != nil) != (n > 0) {
			t.Errorf("%q: the queue is wrong after it", tt.queue)
		}
	}
}

func TestLockErrors(t *testing.T) { eachLockScope(t, testLockErrors) }

func testLockErrors(t *testing.T, s scopes) {
	f := newFixture(t)
	f.scopes = s
	f.run(func(th *Thread) {
		g := newGuestLib(f, th)
		l, bogus, full := f.alloc(4), f.alloc(4), f.alloc(4)
		for addr, w := range map[uint64]uint32{bogus: lockBogus, full: lockCount} {
			if err := f.mem.Store32(addr, w); err != nil {
				t.Error(err)
			}
		}
		scope := uint64(s.lock)
		f.expect(th, abi.EPERM, abi.CallLockUnlock, l, scope)
		f.expect(th, abi.EINVAL, abi.CallLockUnlock, l, 0)
		f.expect(th, abi.EINVAL, abi.CallLockUnlock, l+1, scope)
		f.expect(th, abi.EFAULT, abi.CallLockUnlock, badAddr, scope)
		f.expect(th, abi.EFAULT, abi.CallCondvarSignal, badAddr, scope, 1)
		f.expect(th, abi.EINVAL, abi.CallCondvarSignal, l, 3, 1)
		f.expect(th, 0, abi.CallCondvarSignal, l, scope, 1) // nobody waits: no error
		sub := func(typ abi.Eventtype, lock uint64, scope abi.Scope) abi.Event {
			return g.poll(abi.Subscription{Type: typ, Userdata: 5, Lock: abi.SubLock{Lock: lock, Scope: scope}}, -1)
		}
		tests := []struct {
			typ   abi.Eventtype
			lock  uint64
			scope abi.Scope
			want  abi.Errno
		}{
			{abi.EventtypeLockWrlock, badAddr, s.lock, abi.EFAULT},
			{abi.EventtypeLockRdlock, badAddr, s.lock, abi.EFAULT},
			{abi.EventtypeLockWrlock, l + 2, s.lock, abi.EINVAL},
			{abi.EventtypeLockWrlock, l, 0, abi.EINVAL},
			{abi.EventtypeLockWrlock, l, s.lock, 0},
			{abi.EventtypeLockWrlock, l, s.lock, abi.EDEADLK},
			{abi.EventtypeLockRdlock, l, s.lock, abi.EDEADLK},
			{abi.EventtypeLockRdlock, bogus, s.lock, abi.EINVAL},
			{abi.EventtypeLockWrlock, bogus, s.lock, abi.EINVAL},
			{abi.EventtypeLockRdlock, full, s.lock, abi.EAGAIN},
		}
		for _, tt := range tests {
			if ev := sub(tt.typ, tt.lock, tt.scope); ev.Error != tt.want || ev.Userdata != 5 || ev.Type != tt.typ {
				t.Errorf("%v of %#x, scope %v: %+v, want %v", tt.typ, tt.lock, tt.scope, ev, tt.want)
			}
		}
		f.expect(th, 0, abi.CallLockUnlock, l, scope)
		// Waiting for a condition variable takes a lock that is held.
		ev := g.poll(abi.Subscription{Type: abi.EventtypeCondvar, Condvar: abi.SubCondvar{
			Condvar: l + 8, Lock: l, CondvarScope: s.condvar, LockScope: s.lock}}, -1)
		if ev.Error != abi.EPERM || g.load(l+8) != condvarNoWaiters {
			t.Errorf("wait without the lock: %+v, condvar %#x", ev, g.load(l+8))
		}
	})
}

// A wait that times out takes its mark off the lock again, and a second writer
// that gives up lets the readers behind it go on.
func TestLockTimeout(t *testing.T) { eachLockScope(t, testLockTimeout) }

func testLockTimeout(t *testing.T, s scopes) {
	f := newFixture(t)
	f.scopes = s
	l := f.alloc(4)
	f.run(func(th *Thread) {
		if _, err := host.CompareAndSwap32(l, 0, 1); err != nil { // somebody reads
			t.Error(err)
		}
	})
	const timeout = 60 * time.Millisecond
	var begin, readerIn time.Time
	g := newGuestLib(f, nil)
	writer := f.spawn(func(th *Thread) {
		g.th = th
		begin = time.Now()
		if g.lock(l, true, int64(timeout)) {
			t.Error("a writer got a lock that is held for reading")
		}
		if d := time.Since(begin); d < timeout {
			t.Errorf("the timeout of %v took %v", timeout, d)
		}
	})
	// Until the writer waits, or has given up already.
	for w, _ := host.Load32(l); w&lockKernelManaged == 0; w, _ = host.Load32(l) {
		select {
		case <-writer:
		default:
			continue
		}
		break
	}
	g2 := newGuestLib(f, nil)
	behind := f.spawn(func(th *Thread) {
		g2.th = th
		if !g2.lock(l, false, -1) {
			t.Error("no read lock")
		}
		readerIn = time.Now()
	})
	f.within(writer, "the writer")
	f.within(behind, "the reader behind a writer that gave up")
	if d := readerIn.Sub(begin); d < timeout {
		t.Errorf("a reader overtook a waiting writer after %v", d)
	}
	if w, _ := host.Load32(l); w != 2 {
		t.Errorf("lock word %#x, want two readers and no mark", w)
	}
}

// Many threads, one lock and three counters that only it protects.
func TestLockStress(t *testing.T) {
	for _, kicks := range []bool{false, true} {
		name := "calm"
		if kicks {
			name = "kicked"
		}
		t.Run(name, func(t *testing.T) {
			eachLockScope(t, func(t *testing.T, s scopes) { lockStress(t, kicks, s) })
		})
	}
}

func lockStress(t *testing.T, kicks bool, s scopes) {
	f := newFixture(t)
	f.scopes = s
	l := f.alloc(4)
	const threads, rounds = 8, 3000
	var writing, reading atomic.Int32
	var count int // protected by l
	var want, gaveUp atomic.Int64
	var dones []chan struct{}
	for i := range threads {
		g := newGuestLib(f, nil)
		dones = append(dones, f.spawn(func(th *Thread) {
			g.th = th
			rnd := rand.New(rand.NewPCG(uint64(i), 1))
			for range rounds {
				write, timeout := rnd.IntN(3) > 0, int64(-1)
				if rnd.IntN(4) == 0 {
					timeout = rnd.Int64N(50_000)
				}
				if !g.lock(l, write, timeout) {
					gaveUp.Add(1)
					continue
				}
				if write {
					if writing.Add(1) != 1 || reading.Load() != 0 {
						t.Errorf("%d writers, %d readers", writing.Load(), reading.Load())
					}
					count++
					want.Add(1)
				} else if reading.Add(1); writing.Load() != 0 {
					t.Errorf("%d writers while reading", writing.Load())
				}
				switch rnd.IntN(8) {
				case 0:
					th.Host.Yield()
				case 1:
					for range 200 {
						g.load(l)
					}
				}
				if write {
					writing.Add(-1)
				} else {
					reading.Add(-1)
				}
				g.unlock(l)
			}
		}))
	}
	var stop atomic.Bool
	if kicks {
		done := f.kicker(&stop)
		defer func() { stop.Store(true); <-done }()
	}
	for _, d := range dones {
		select {
		case <-d:
		case <-time.After(20 * time.Second):
			w, _ := host.Load32(l)
			t.Fatalf("a thread is stuck; lock word %#x", w)
		}
	}
	if int64(count) != want.Load() {
		t.Errorf("counted %d, want %d", count, want.Load())
	}
	if w, _ := host.Load32(l); w != 0 {
		t.Errorf("at the end the lock word is %#x", w)
	}
	f.idle()
	t.Logf("%d write locks, %d time-outs", count, gaveUp.Load())
}

// idle checks that nobody is left in a queue.
func (f *fixture) idle() {
	f.Helper()
	for i := range f.p.futex.locks {
		if f.p.futex.locks[i].head != nil || f.p.futex.condvars[i].head != nil {
			f.Errorf("bucket %d is not empty", i)
		}
	}
}

// A thread that takes the lock in passing cannot keep a waiter out for long.
func TestNoStarvation(t *testing.T) { eachLockScope(t, testNoStarvation) }

func testNoStarvation(t *testing.T, s scopes) {
	f := newFixture(t)
	f.scopes = s
	l := f.alloc(4)
	hog, victim := newGuestLib(f, nil), newGuestLib(f, nil)
	var stop atomic.Bool
	held := make(chan bool, 1)
	hogDone := f.spawn(func(th *Thread) {
		hog.th = th
		for i := 0; !stop.Load(); i++ {
			hog.lock(l, true, -1)
			if i == 0 {
				held <- true
			}
			for range 500 {
				hog.load(l)
			}
			hog.unlock(l)
		}
	})
	<-held
	var worst time.Duration
	victimDone := f.spawn(func(th *Thread) {
		victim.th = th
		for range 50 {
			begin := time.Now()
			victim.lock(l, true, -1)
			worst = max(worst, time.Since(begin))
			victim.unlock(l)
		}
	})
	f.within(victimDone, "the victim")
	stop.Store(true)
	f.within(hogDone, "the hog")
	t.Logf("longest wait %v", worst)
	if worst > 2*time.Second {
		t.Errorf("a waiter was kept out for %v", worst)
	}
}
