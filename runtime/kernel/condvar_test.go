package kernel

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// Producers and consumers over a bounded queue: no item is lost or doubled, and
// every wake-up arrives, with waits that time out and kicks in between.
func TestCondvarStress(t *testing.T) {
	for _, kicks := range []bool{false, true} {
		name := "calm"
		if kicks {
			name = "kicked"
		}
		t.Run(name, func(t *testing.T) {
			eachScope(t, func(t *testing.T, s scopes) { condvarStress(t, kicks, s) })
		})
	}
}

func condvarStress(t *testing.T, kicks bool, s scopes) {
	f := newFixture(t)
	f.scopes = s
	l, notEmpty, notFull := f.alloc(4), f.alloc(4), f.alloc(4)
	const producers, consumers, each, room = 3, 3, 2000, 4
	var queue []int // protected by l, as is got
	got := make([]bool, producers*each)
	var expired atomic.Int64
	var dones []chan struct{}
	wait := func(g *guestLib, rnd *rand.Rand, cv uint64) {
		timeout := int64(-1)
		if rnd.IntN(3) == 0 {
			timeout = rnd.Int64N(100_000)
		}
		if !g.wait(cv, l, timeout) {
			expired.Add(1)
		}
	}
	for i := range producers {
		g := newGuestLib(f, nil)
		dones = append(dones, f.spawn(func(th *Thread) {
			g.th = th
			rnd := rand.New(rand.NewPCG(uint64(i), 2))
			for j := range each {
				g.lock(l, true, -1)
				for len(queue) == room {
					wait(g, rnd, notFull)
				}
				queue = append(queue, i*each+j)
				if rnd.IntN(2) == 0 {
					g.signal(notEmpty, 1)
					g.unlock(l)
				} else {
					g.unlock(l)
					g.signal(notEmpty, 1)
				}
			}
		}))
	}
	for i := range consumers {
		g := newGuestLib(f, nil)
		dones = append(dones, f.spawn(func(th *Thread) {
			g.th = th
			rnd := rand.New(rand.NewPCG(uint64(i), 3))
			for range producers * each / consumers {
				g.lock(l, true, -1)
				for len(queue) == 0 {
					wait(g, rnd, notEmpty)
				}
				item := queue[0]
				queue = queue[1:]
				if got[item] {
					t.Errorf("item %d came twice", item)
				}
				got[item] = true
				if rnd.IntN(8) == 0 {
					g.signal(notFull, ^uint32(0))
				} else {
					g.signal(notFull, 1)
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
			e, _ := host.Load32(notEmpty)
			u, _ := host.Load32(notFull)
			t.Fatalf("a thread is stuck; lock %#x, condvars %#x %#x, queue %d", w, e, u, len(queue))
		}
	}
	words := []uint64{l, notEmpty, notFull}
	for _, addr := range words {
		if w, _ := host.Load32(addr); w != 0 {
			t.Errorf("at the end the word is %#x", w)
		}
	}
	f.idle()
	t.Logf("%d waits timed out", expired.Load())
}

// Signal wakes as many as it is told, broadcast all, and the word says when
// nobody is left.
func TestSignalCount(t *testing.T) { eachScope(t, testSignalCount) }

func testSignalCount(t *testing.T, s scopes) {
	f := newFixture(t)
	f.scopes = s
	l, cv := f.alloc(4), f.alloc(4)
	const n = 5
	var waiting, awake atomic.Int32
	var dones []chan struct{}
	for range n {
		g := newGuestLib(f, nil)
		dones = append(dones, f.spawn(func(th *Thread) {
			g.th = th
			g.lock(l, true, -1)
			waiting.Add(1)
			g.wait(cv, l, -1)
			awake.Add(1)
			g.unlock(l)
		}))
	}
	main := newGuestLib(f, nil)
	f.run(func(th *Thread) {
		main.th = th
		// Each has released the lock by waiting once it can be had after this.
		for waiting.Load() < n {
			sleepABit()
		}
		main.lock(l, true, -1)
		step := func(signal uint32, want int32, locked bool) {
			main.signal(cv, signal)
			if !locked {
				for deadline := time.Now().Add(5 * time.Second); awake.Load() < want && time.Now().Before(deadline); {
					sleepABit()
				}
			}
			time.Sleep(2 * time.Millisecond)
			if got := awake.Load(); got != want {
				t.Errorf("after signal(%d): %d awake, want %d", signal, got, want)
			}
		}
		step(0, 0, true)
		step(2, 0, true) // the lock is held: they queue for it
		main.unlock(l)
		step(0, 2, false)
		if w := main.load(cv); w == condvarNoWaiters {
			t.Errorf("the condition variable has waiters and its word is %#x", w)
		}
		step(1, 3, false)
		step(^uint32(0), n, false)
		if w := main.load(cv); w != condvarNoWaiters {
			t.Errorf("the condition variable has no waiters and its word is %#x", w)
		}
	})
	for _, d := range dones {
		f.within(d, "a waiter")
	}
	f.idle()
}

// A wait with a timeout gets the lock back, even if that takes longer.
func TestCondvarTimeout(t *testing.T) { eachScope(t, testCondvarTimeout) }

func testCondvarTimeout(t *testing.T, s scopes) {
	f := newFixture(t)
	f.scopes = s
	l, cv := f.alloc(4), f.alloc(4)
	a, b := newGuestLib(f, nil), newGuestLib(f, nil)
	asleep := make(chan bool, 1)
	waiter := f.spawn(func(th *Thread) {
		a.th = th
		a.lock(l, true, -1)
		asleep <- true
		begin := time.Now()
		cpu, _ := host.Now(host.ClockThreadCPU)
		if a.wait(cv, l, 10_000_000) {
			t.Error("a wait that nobody signalled did not time out")
		}
		if now, err := host.Now(host.ClockThreadCPU); err != nil || now-cpu > 20e6 {
			t.Errorf("waiting for the lock took %v of CPU time, %v", time.Duration(now-cpu), err)
		}
		if d := time.Since(begin); d < 40*time.Millisecond {
			t.Errorf("the lock was held for 50 ms, but the wait was over after %v", d)
		}
		a.unlock(l)
	})
	<-asleep
	holder := f.spawn(func(th *Thread) {
		b.th = th
		b.lock(l, true, -1)
		time.Sleep(50 * time.Millisecond)
		if w := b.load(cv); w != condvarNoWaiters {
			t.Errorf("the only waiter has given up and the word is %#x", w)
		}
		b.unlock(l)
	})
	f.within(waiter, "the waiter")
	f.within(holder, "the holder")
}

// One condition variable, two locks: refused for the second.
func TestCondvarTwoLocks(t *testing.T) {
	f := newFixture(t)
	l1, l2, cv := f.alloc(4), f.alloc(4), f.alloc(4)
	a, b := newGuestLib(f, nil), newGuestLib(f, nil)
	first := f.spawn(func(th *Thread) {
		a.th = th
		a.lock(l1, true, -1)
		a.wait(cv, l1, -1)
		a.unlock(l1)
	})
	f.run(func(th *Thread) {
		b.th = th
		for b.load(cv) == condvarNoWaiters {
			sleepABit()
		}
		b.lock(l2, true, -1)
		ev := b.poll(abi.Subscription{Type: abi.EventtypeCondvar, Condvar: abi.SubCondvar{
			Condvar: cv, Lock: l2, CondvarScope: abi.ScopePrivate, LockScope: abi.ScopePrivate}}, -1)
		if ev.Error != abi.EINVAL || b.load(l2) != b.mine() {
			t.Errorf("%+v, lock word %#x", ev, b.load(l2))
		}
		b.signal(cv, 1)
	})
	f.within(first, "the first waiter")
}
