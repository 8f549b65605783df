//go:build (linux || windows) && amd64

package engine

import (
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cabitrans/decode"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
	"cabitrans/runtime/kernel"
	"cabitrans/runtime/memory"
)

// Where things are in the guest.
const (
	stressPC     = 0x5200_0000
	stressShared = 0x52ff_0000
	stressStop   = stressShared
	stressLock   = stressShared + 0x40
	stressCount  = stressShared + 0x80 // what the lock guards
	stressOwn    = 0x5300_0000         // the threads' memory, stressSize for each

	stressSize  = 0x4_0000
	stressWant  = 0x1000   // the XSAVE area that raw calls must keep
	stressStack = 0x1_8000 // end
	stressText  = 0x2_0000 // a page of code, at a place where every host maps an object
	stressAlias = 0x3_0000 // the same page, writable
)

// stressKinds are the loops of stressCode, and how many threads run each.
var stressKinds = []struct {
	name  string
	entry uint64
	n     int
	waits bool // or never looks at the stop word
	slot  abi.Call
}{
	{name: "raw", entry: 0, n: 2},
	{name: "vdso", entry: 0x176, n: 2, slot: abi.CallClockResGet},
	{name: "spin", entry: 0x28c, n: 2, waits: true},
	{name: "jit", entry: 0x313, n: 1},
	{name: "alias", entry: 0x363, n: 1},
	{name: "tcb", entry: 0x38b, n: 2},
	{name: "read", entry: 0x3fe, n: 2, waits: true, slot: abi.CallFDRead},
	{name: "lock", entry: 0x492, n: 3, waits: true},
}

type stress struct {
	*guest
	x       *xstate
	threads []*stressThread
	readers []*stressThread // of them; complete before there is a disturber
	pipes   []*os.File      // written to for readers
	fed     []uint64        // bytes written to each

	list    sync.Mutex // guards running and ended
	running []*stressThread
	loops   atomic.Int64 // threads that will see the stop word

	kicks   int
	sink    atomic.Uint64
	garbage []*[64]byte
}

type stressThread struct {
	number, kind int
	base         uint64
	host         *host.Thread
	tid          int  // of the host, for disturb
	ended        bool // under list
	fault        *Fault
}

func newStress(t *testing.T, seed uint64) *stress {
	s := &stress{guest: newGuest(t)}
	needsBehindWord(t)
	// The vector state is what a guest's XSAVE makes of a random image.
	s.x = s.newXState(rand.New(rand.NewPCG(seed, seed)))
	s.mapFixed(memory.Request{Addr: stressPC, Len: 0x1000, Prot: abi.ProtRead | abi.ProtExec})
	s.mapFixed(memory.Request{Addr: stressShared, Len: 0x1000, Prot: abi.ProtRead | abi.ProtWrite})
	s.put(stressPC, stressCode)
	s.put(s.vdso+7, "c3")
	s.normalize()

	var grants []kernel.Grant
	for i := range stressKinds {
		if stressKinds[i].name != "read" {
			continue
		}
		for range stressKinds[i].n {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { r.Close(); w.Close() })
			grants = append(grants, kernel.Grant{HostFD: int(r.Fd())})
			s.pipes = append(s.pipes, w)
		}
	}
	s.fed = make([]uint64, len(s.pipes))
	s.kernel.Close()
	var err error
	if s.kernel, err = kernel.NewProcess(kernel.Config{Space: s.mem, Engine: s.guest, FDs: grants}); err != nil {
		t.Fatal(err)
	}
	if err := s.kernel.Reserve(); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *stress) mapFixed(r memory.Request) {
	s.Helper()
	r.Fixed = true
	if _, err := s.mem.Map(r); err != nil {
		s.Fatal(err)
	}
}

// normalize replaces the image by what an undisturbed guest stores of it.
func (s *stress) normalize() {
	at := s.pages(8, abi.ProtRead|abi.ProtWrite)
	s.put(s.code, xstateCopy)
	if err := s.mem.CopyOut(at, s.x.image); err != nil {
		s.Fatal(err)
	}
	if f := s.guest.run(s.code, func(ht *host.Thread) {
		ht.Block().Regs[decode.RDI], ht.Block().Regs[decode.RSI] = at, at+0x4000
	}); f == nil || f.Signal != SigILL {
		s.Fatalf("%+v", f)
	}
	got := make([]byte, len(s.x.image))
	if err := s.mem.CopyIn(got, at+0x4000); err != nil {
		s.Fatal(err)
	}
	if d := s.x.differs(got); d != "" {
		s.Fatal(d)
	}
	s.x.image = got
}

func (s *stress) store(addr, v uint64) {
	s.Helper()
	if err := s.mem.Store64(addr, v); err != nil {
		s.Fatal(err)
	}
}

func (s *stress) load(addr uint64) uint64 {
	s.Helper()
	v, err := s.mem.Load64(addr)
	if err != nil {
		s.Fatal(err)
	}
	return v
}

// spawn starts the threads of a kind.
func (s *stress) spawn(kind int) {
	for i := range stressKinds[kind].n {
		th := &stressThread{number: len(s.threads), kind: kind}
		th.base = stressOwn + uint64(th.number)*stressSize
		s.threads = append(s.threads, th)
		s.fill(th, i)
		if err := s.kernel.Reserve(); err != nil {
			s.Fatal(err)
		}
		if !stressKinds[kind].waits {
			s.loops.Add(1)
		}
		s.wg.Add(1)
		go s.thread(th)
	}
}

// fill prepares the memory of the i-th thread of its kind.
func (s *stress) fill(th *stressThread, i int) {
	k, b := &stressKinds[th.kind], th.base
	s.mapFixed(memory.Request{Addr: b, Len: stressStack, Prot: abi.ProtRead | abi.ProtWrite})
	s.store(b+8, slotAddr(s.guest, k.slot))
	s.store(b+0x30, uint64(len(s.x.image)-24)/8)
	if err := s.mem.CopyOut(b+stressWant, s.x.image); err != nil {
		s.Fatal(err)
	}
	s.store(b+0x50, b+stressText)
	s.store(b+0x58, b+stressAlias)
	s.store(b+0x60, uint64(i)) // descriptor
	s.store(b+0x70, b+0x90)    // buffer
	s.store(b+0x78, 1)         // its length
	s.store(b+0x200, b+0x200)  // bases of %fs
	s.store(b+0x300, b+0x300)
	sub := abi.Subscription{Type: abi.EventtypeFDRead, FDReadwrite: abi.SubFDReadwrite{FD: abi.FD(i)}}
	if k.name == "lock" {
		sub = abi.Subscription{Type: abi.EventtypeLockWrlock, Lock: abi.SubLock{Lock: stressLock, Scope: abi.ScopePrivate}}
	}
	raw := make([]byte, abi.SubscriptionSize)
	sub.Encode(raw)
	if err := s.mem.CopyOut(b+0x100, raw); err != nil {
		s.Fatal(err)
	}
	switch k.name {
	case "jit":
		s.mapFixed(memory.Request{Addr: b + stressText, Len: 0x1000, Prot: abi.ProtRead | abi.ProtExec})
		s.put(b+stressText, returnsImm)
	case "alias":
		s.mapAlias(b)
	case "read":
		s.readers = append(s.readers, th)
	}
}

func slotAddr(g *guest, c abi.Call) uint64 { return g.vdso + 16*uint64(slotOf(c)) }

// returnsImm returns the number that a thread writes into it.
const returnsImm = "b8 00 00 00 00 c3"

// mapAlias maps one page of an object as code, and writable.
func (s *stress) mapAlias(b uint64) {
	fd, err := host.NewSharedObject("stress")
	if err != nil {
		s.Fatal(err)
	}
	defer func() { _ = host.CloseFD(fd) }()
	if err := host.Truncate(fd, 0x1000); err != nil {
		s.Fatal(err)
	}
	o := &memory.Object{FD: fd, ID: memory.ObjectID{Dev: 1, Ino: b}}
	view := memory.Request{Len: 0x1000, Shared: true, Object: o}
	view.Addr, view.Prot = b+stressAlias, abi.ProtRead|abi.ProtWrite
	s.mapFixed(view)
	if err := s.mem.CopyOut(b+stressAlias, []byte("\xb8\x00\x00\x00\x00\xc3")); err != nil { // returnsImm
		s.Fatal(err)
	}
	view.Addr, view.Prot = b+stressText, abi.ProtRead|abi.ProtExec
	s.mapFixed(view)
}

// thread is one guest thread, from beginning to end.
func (s *stress) thread(th *stressThread) {
	defer s.wg.Done()
	if !stressKinds[th.kind].waits {
		defer s.loops.Add(-1)
	}
	ht, err := host.NewThread(0)
	if err != nil {
		s.Error(err)
		return
	}
	defer ht.Close()
	kt := s.kernel.NewThread(ht)
	defer kt.Leave()
	et := s.engine.NewThread(ht, kt, abi.Calls2020(), Start{
		RIP: stressPC + stressKinds[th.kind].entry, RSP: th.base + stressStack,
	})
	defer et.Close()
	ht.Block().Regs[decode.RBX] = th.base
	for i, v := range []uint64{th.base, 0} { // there may be what another thread has left
		if err := host.Store64(ht.FSWord+0x20+8*uint64(i), v); err != nil {
			s.Error(err)
		}
	}
	th.host, th.tid = ht, hostTID()
	s.list.Lock()
	s.running = append(s.running, th)
	s.list.Unlock()
	defer func() {
		s.list.Lock()
		defer s.list.Unlock()
		th.ended = true
		for i := range s.running {
			if s.running[i] == th {
				s.running = append(s.running[:i], s.running[i+1:]...)
				break
			}
		}
	}()
	th.fault = et.Run()
}

// any is a thread that runs, or has just ended.
func (s *stress) any(r *rand.Rand) *stressThread {
	s.list.Lock()
	defer s.list.Unlock()
	if len(s.running) == 0 {
		return nil
	}
	return s.running[r.IntN(len(s.running))]
}

// feed writes n bytes, which count up, for each reader that has not many left.
func (s *stress) feed(n int) {
	for _, th := range s.readers {
		i := s.load(th.base + 0x60)
		for range n {
			if s.fed[i] > s.load(th.base)+1000 {
				break
			}
			if _, err := s.pipes[i].Write([]byte{byte(s.fed[i])}); err != nil {
				s.Error(err)
				return
			}
			s.fed[i]++
		}
	}
}

// stressPatience is how long a thread may take for what takes milliseconds, on a
// machine that is busy with other things.
const stressPatience = time.Minute

// waitForTrips waits until every thread that still runs has made a trip.
func (s *stress) waitForTrips() {
	begin := time.Now()
	for _, th := range s.threads {
		for s.load(th.base) == 0 && th.alive(s) {
			if time.Since(begin) > stressPatience {
				s.Errorf("thread %d, %s, makes no trip", th.number, stressKinds[th.kind].name)
				return
			}
			time.Sleep(time.Millisecond)
		}
	}
}

// alive reports whether the thread has not ended by itself.
func (th *stressThread) alive(s *stress) bool {
	s.list.Lock()
	defer s.list.Unlock()
	return !th.ended
}

// waitForLoops waits until the threads that look at the stop word have ended.
func (s *stress) waitForLoops() {
	for begin := time.Now(); s.loops.Load() > 0; time.Sleep(time.Millisecond) {
		if time.Since(begin) > stressPatience {
			s.Errorf("%d threads do not end", s.loops.Load())
			return
		}
	}
}

// stressWhy explains the end of a thread.
func stressWhy(f *Fault) string {
	if f.Signal == SigILL {
		return "its own check failed: "
	}
	return "it faulted: "
}
