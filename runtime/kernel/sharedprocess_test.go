package kernel

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cabitrans/internal/effort"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
	"cabitrans/runtime/memory"
)

// roleEnv tells a process that was started by one of these tests what it is.
const roleEnv = "CABITRANS_TEST_ROLE"

// sharedObject is the descriptor of the object in such a process: its standard input.
func (f *fixture) sharedObject() int {
	f.Helper()
	fd, err := host.AdoptFD(0)
	if err != nil {
		f.Fatal(err)
	}
	return fd
}

// What lies where in the shared page.
const (
	offLock    = 0x40 // protects count
	offCount   = 0x80
	offWriting = 0xc0
	offReading = 0xc4
	offWrites  = 0xc8 // how many the processes have made, to compare with count
	offQueue   = 0x100
	offFilled  = 0x140 // items in the queue, protected by offQueue
	offMore    = 0x180 // condition variable: it is not empty
	offRoom    = 0x1c0 // it is not full
	offReady   = 0x200 // processes that have come
)

// sharePage maps a page of a new object, and starts this test in another process
// that has the object, in a role.
func (f *fixture) sharePage(role string) (page uint64, other *exec.Cmd) {
	f.Helper()
	fd, err := host.NewSharedObject("test")
	if err != nil {
		f.Fatal(err)
	}
	file, err := host.OSFile(fd, "shared object")
	if err != nil {
		f.Fatal(err)
	}
	defer file.Close()
	if err := host.Truncate(fd, abi.PageSize); err != nil {
		f.Fatal(err)
	}
	page = f.mapShared(fd)
	if err := host.CloseFD(fd); err != nil {
		f.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		f.Fatal(err)
	}
	other = exec.Command(exe, "-test.run", "^"+f.Name()+"$", "-test.v")
	other.Env = append(os.Environ(), roleEnv+"="+role)
	other.Stdin = file
	other.Stdout, other.Stderr = new(strings.Builder), os.Stderr
	if err := other.Start(); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if other.ProcessState == nil {
			_ = other.Process.Kill()
			_ = other.Wait()
		}
	})
	return page, other
}

func (f *fixture) mapShared(fd int) uint64 {
	f.Helper()
	info, err := host.StatFD(fd)
	if err != nil {
		f.Fatal(err)
	}
	page, err := f.mem.Map(memory.Request{
		Len: abi.PageSize, Prot: abi.ProtRead | abi.ProtWrite, Shared: true,
		Object: &memory.Object{FD: fd, ID: objectID(info)},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := f.mem.Unmap(page, abi.PageSize); err != nil {
			f.Error(err)
		}
	})
	return page
}

// add adds to a word that other threads, perhaps of another process, change too.
func (g *guestLib) add(addr uint64, n int32) int32 {
	for {
		old := g.load(addr)
		if g.cas(addr, old, old+uint32(n)) {
			return int32(old) + n
		}
	}
}

// meet waits until n processes have come.
func (f *fixture) meet(page uint64, n int32) {
	f.Helper()
	g := newGuestLib(f, nil)
	g.add(page+offReady, 1)
	for end := time.Now().Add(60 * time.Second); int32(g.load(page+offReady)) < n; {
		if time.Now().After(end) {
			f.Fatal("the other process did not come")
		}
		sleepABit()
	}
}

// Two processes with readers, writers, producers and consumers over one page, with
// waits that time out and kicks in between.
func TestSharedBetweenProcesses(t *testing.T) {
	f := newFixture(t)
	f.scopes = scopes{abi.ScopeShared, abi.ScopeShared}
	if role := os.Getenv(roleEnv); role != "" {
		f.pages(3) // so that the page lies elsewhere
		f.shareWork(f.mapShared(f.sharedObject()), 2)
		return
	}
	page, other := f.sharePage("worker")
	f.shareWork(page, 1)
	if err := other.Wait(); err != nil {
		t.Errorf("the other process: %v\n%v", err, other.Stdout)
	}
	g := newGuestLib(f, nil)
	if count, want := g.load(page+offCount), g.load(page+offWrites); count != want {
		t.Errorf("counted %d under the lock, want %d", count, want)
	}
	t.Logf("%d write locks", g.load(page+offWrites))
	for _, off := range []uint64{offLock, offQueue, offFilled, offWriting, offReading, offMore, offRoom} {
		if w := g.load(page + off); w != 0 {
			t.Errorf("at the end the word at %#x is %#x", off, w)
		}
	}
}

// shareWork is one process's part.
func (f *fixture) shareWork(page uint64, process uint64) {
	f.meet(page, 2)
	rounds := 5000
	if runtime.GOOS == "windows" {
		rounds = 100 // a wait takes four calls of the system's, under Wine of its server
	}
	rounds = effort.Times(f, rounds)
	var dones []chan struct{}
	spawn := func(i int, work func(g *guestLib, rnd *rand.Rand)) {
		g := newGuestLib(f, nil)
		dones = append(dones, f.spawn(func(th *Thread) {
			g.th = th
			work(g, rand.New(rand.NewPCG(process, uint64(i))))
		}))
	}
	for i := range 4 {
		spawn(i, func(g *guestLib, rnd *rand.Rand) { g.readAndWrite(page, rounds, rnd) })
	}
	for i := range 2 {
		spawn(10+i, func(g *guestLib, rnd *rand.Rand) { g.produce(page, rounds, rnd) })
		spawn(20+i, func(g *guestLib, rnd *rand.Rand) { g.consume(page, rounds, rnd) })
	}
	var stop atomic.Bool
	kicks := f.kicker(&stop)
	defer func() { stop.Store(true); <-kicks }()
	g := newGuestLib(f, nil)
	for _, d := range dones {
		select {
		case <-d:
		case <-time.After(100 * time.Second):
			f.Fatalf("a thread is stuck; lock %#x, the queue's %#x, its condition variables %#x %#x, %d items",
				g.load(page+offLock), g.load(page+offQueue), g.load(page+offMore), g.load(page+offRoom), g.load(page+offFilled))
		}
	}
}

func (g *guestLib) readAndWrite(page uint64, rounds int, rnd *rand.Rand) {
	for range rounds {
		write, timeout := rnd.IntN(3) == 0, int64(-1)
		if rnd.IntN(4) == 0 {
			timeout = rnd.Int64N(200_000)
		}
		if !g.lock(page+offLock, write, timeout) {
			continue
		}
		if write {
			if n, r := g.add(page+offWriting, 1), g.load(page+offReading); n != 1 || r != 0 {
				g.t.Errorf("%d writers, %d readers", n, r)
			}
			n := g.load(page + offCount)
			g.pause(page, rnd)
			if _, err := host.CompareAndSwap32(page+offCount, g.load(page+offCount), n+1); err != nil {
				g.t.Error(err)
			}
			g.add(page+offWrites, 1)
			g.add(page+offWriting, -1)
		} else {
			g.add(page+offReading, 1)
			g.pause(page, rnd)
			if n := g.load(page + offWriting); n != 0 {
				g.t.Errorf("%d writers while reading", n)
			}
			g.add(page+offReading, -1)
		}
		g.unlock(page + offLock)
	}
}

func (g *guestLib) pause(page uint64, rnd *rand.Rand) {
	switch rnd.IntN(8) {
	case 0:
		g.th.Host.Yield()
	case 1:
		for range 200 {
			g.load(page)
		}
	}
}

// waitQueue waits for one of the queue's condition variables.
func (g *guestLib) waitQueue(page, cv uint64, rnd *rand.Rand) {
	timeout := int64(-1)
	if rnd.IntN(3) == 0 {
		timeout = rnd.Int64N(200_000)
	}
	g.wait(page+cv, page+offQueue, timeout)
}

const queueRoom = 3

func (g *guestLib) produce(page uint64, n int, rnd *rand.Rand) {
	for range n {
		g.lock(page+offQueue, true, -1)
		for g.load(page+offFilled) == queueRoom {
			g.waitQueue(page, offRoom, rnd)
		}
		g.add(page+offFilled, 1)
		if rnd.IntN(2) == 0 {
			g.signal(page+offMore, 1)
			g.unlock(page + offQueue)
		} else {
			g.unlock(page + offQueue)
			g.signal(page+offMore, 1)
		}
	}
}

func (g *guestLib) consume(page uint64, n int, rnd *rand.Rand) {
	for range n {
		g.lock(page+offQueue, true, -1)
		for g.load(page+offFilled) == 0 {
			g.waitQueue(page, offMore, rnd)
		}
		if left := g.add(page+offFilled, -1); left < 0 {
			g.t.Errorf("%d items in the queue", left)
		}
		if rnd.IntN(8) == 0 {
			g.signal(page+offRoom, ^uint32(0))
		} else {
			g.signal(page+offRoom, 1)
		}
		g.unlock(page + offQueue)
	}
}

// A process that is killed while its writer waits for readers leaves its mark: it
// keeps the next reader out for a while, not for ever, and no reader after that.
func TestKilledWriter(t *testing.T) {
	f := newFixture(t)
	f.scopes = scopes{abi.ScopeShared, abi.ScopeShared}
	if os.Getenv(roleEnv) != "" {
		g, page := newGuestLib(f, nil), f.mapShared(f.sharedObject())
		f.run(func(th *Thread) {
			g.th = th
			for g.load(page+offLock) == 0 { // the first reader is first
				sleepABit()
			}
			g.lock(page+offLock, true, -1)
		})
		return
	}
	page, other := f.sharePage("victim")
	l := page + offLock
	first, second := newGuestLib(f, nil), newGuestLib(f, nil)
	f.within(f.spawn(func(th *Thread) {
		first.th = th
		first.lock(l, false, -1)
	}), "the first reader")
	for first.load(l) != 1|lockKernelManaged {
		sleepABit()
	}
	time.Sleep(5 * time.Millisecond) // most likely it sleeps now; before is right, too
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = other.Wait() // it was killed
	f.within(f.spawn(func(th *Thread) {
		second.th = th
		second.lock(l, false, -1)
		if w := second.load(l); w != 2 {
			t.Errorf("the lock word is %#x, want two readers and no mark", w)
		}
	}), "a reader behind a writer that was killed")
}

// A process that ends in good order takes its mark away at once.
func TestExitUnmarks(t *testing.T) {
	f := newFixture(t)
	f.scopes = scopes{abi.ScopeShared, abi.ScopeShared}
	l := f.alloc(4)
	if err := f.mem.Store32(l, 1); err != nil { // somebody reads
		t.Fatal(err)
	}
	g := newGuestLib(f, nil)
	done := f.spawn(func(th *Thread) {
		g.th = th
		o := g.rawPoll(abi.Subscription{Type: abi.EventtypeLockWrlock, Lock: abi.SubLock{Lock: l, Scope: abi.ScopeShared}})
		if o.Action != ActionExitProcess {
			t.Errorf("%+v", o)
		}
	})
	for g.load(l) != 1|lockKernelManaged {
		sleepABit()
	}
	f.p.Exit(0)
	f.within(done, "the writer")
	if w := g.load(l); w != 1 {
		t.Errorf("the lock word is %#x, want one reader and no mark", w)
	}
}

// Threads sleep on, and are woken through, a page that the host keeps them from
// writing because code on it is translated.
func TestSharedLockOnTranslatedPage(t *testing.T) {
	f := newFixture(t)
	f.scopes = scopes{abi.ScopeShared, abi.ScopeShared}
	view, code := f.views()
	l, cv := view+64, view+128
	owner := newGuestLib(f, nil)
	held, release := make(chan bool), make(chan bool)
	ownerDone := f.spawn(func(th *Thread) {
		owner.th = th
		owner.lock(l, true, -1)
		held <- true
		<-release
		// The unlock and the signal are calls: the word is marked.
		owner.unlock(l)
	})
	<-held
	var dones []chan struct{}
	for i := range 3 {
		g := newGuestLib(f, nil)
		typ := []abi.Eventtype{abi.EventtypeLockWrlock, abi.EventtypeLockRdlock, abi.EventtypeLockWrlock}[i]
		dones = append(dones, f.spawn(func(th *Thread) {
			g.th = th
			f.translate(code)
			ev := g.poll(abi.Subscription{Type: typ, Lock: abi.SubLock{Lock: l, Scope: abi.ScopeShared}}, -1)
			if ev.Error != 0 {
				t.Errorf("%v: %+v", typ, ev)
			}
			f.translate(code)
			if typ == abi.EventtypeLockWrlock {
				g.signalRaw(cv)
				g.kernelUnlock(l)
				return
			}
			f.mem.WriteFault(l) // by the guest's own store
			g.readers = 1
			g.unlock(l)
		}))
		for g.load(l)&lockKernelManaged == 0 {
			sleepABit()
		}
		time.Sleep(2 * time.Millisecond)
		f.translate(code)
	}
	release <- true
	for i, d := range append(dones, ownerDone) {
		f.within(d, fmt.Sprintf("thread %d", i))
	}
	if w := owner.load(l); w != 0 {
		t.Errorf("at the end the word is %#x", w)
	}
}

// signalRaw signals without looking at the word.
func (g *guestLib) signalRaw(cv uint64) {
	if e := g.call(abi.CallCondvarSignal, cv, uint64(g.condvar), 1); e != 0 {
		g.t.Errorf("condvar_signal: %v", e)
	}
}
