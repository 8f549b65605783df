package kernel

import (
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// The end of the process reaches threads in every kind of sleep.
func TestExitKicksEverybody(t *testing.T) { eachScope(t, testExitKicksEverybody) }

func testExitKicksEverybody(t *testing.T, s scopes) {
	r, _ := pipe(t)
	f := newFixture(t, Grant{HostFD: blocking(r)})
	f.scopes = s
	l, cv := f.alloc(4), f.alloc(4)
	n, one := f.alloc(8), f.iov(abi.Iovec{Buf: f.alloc(8), Len: 8})
	blockers := []func(*guestLib) Outcome{
		func(g *guestLib) Outcome { return call(g.th, abi.CallFDRead, 0, one, 1, n) },
		func(g *guestLib) Outcome {
			s := subFD(0, abi.EventtypeFDRead, 0)
			return g.rawPoll(s)
		},
		func(g *guestLib) Outcome { return g.rawPoll(subClock(0, abi.ClockRealtime, 1e15, false)) },
		func(g *guestLib) Outcome { return call(g.th, abi.CallPoll, 0, 0, 0, g.n) }, // for nothing at all
		func(g *guestLib) Outcome {
			return g.rawPoll(abi.Subscription{Type: abi.EventtypeLockWrlock, Lock: abi.SubLock{Lock: l, Scope: s.lock}})
		},
		func(g *guestLib) Outcome {
			own := l + 8
			if !g.tryWrite(own) {
				t.Error("lock")
			}
			return g.rawPoll(abi.Subscription{Type: abi.EventtypeCondvar, Condvar: abi.SubCondvar{
				Condvar: cv, Lock: own, CondvarScope: s.condvar, LockScope: s.lock}})
		},
	}
	f.alloc(16)
	var dones []chan struct{}
	for i, block := range blockers {
		g := newGuestLib(f, nil)
		dones = append(dones, f.spawn(func(th *Thread) {
			g.th = th
			if i == 0 {
				g.tryWrite(l)
			}
			if o := block(g); o.Action != ActionExitProcess {
				t.Errorf("blocker %d: %+v", i, o)
			}
		}))
		time.Sleep(2 * time.Millisecond)
	}
	if _, over := f.p.Status(); over {
		t.Error("the process has ended already")
	}
	f.run(func(th *Thread) {
		if o := call(th, abi.CallProcExit, 0xabcd0000_00000103); o.Action != ActionExitProcess {
			t.Errorf("proc_exit: %+v", o)
		}
		f.p.Exit(5) // too late
		f.p.Kill(abi.SIGSEGV)
	})
	for _, d := range dones {
		f.within(d, "a blocked thread")
	}
	f.within(f.p.Done(), "Done")
	if s, over := f.p.Status(); !over || s != (ExitStatus{Code: 0x103}) {
		t.Errorf("status %+v, %v", s, over)
	}
	// A thread that begins now is told at once.
	f.run(func(th *Thread) {
		if !th.Host.Kicked() {
			t.Error("a late thread was not kicked")
		}
	})
}

// rawPoll polls for one subscription, with the outcome as the engine sees it.
func (g *guestLib) rawPoll(s abi.Subscription) Outcome {
	s.Encode(g.b[:])
	if err := g.th.proc.mem.CopyOut(g.sub, g.b[:abi.SubscriptionSize]); err != nil {
		g.t.Error(err)
	}
	return call(g.th, abi.CallPoll, g.sub, g.evs, 1, g.n)
}

func TestRaise(t *testing.T) {
	for sig := range abi.Signal(40) {
		switch sig {
		case abi.SIGSTOP, abi.SIGTSTP, abi.SIGTTIN, abi.SIGTTOU:
			continue // would stop the test
		}
		want := Outcome{Action: ActionExitProcess}
		switch {
		case sig == 0 || sig > abi.SIGXFSZ:
			want = Outcome{Errno: abi.EINVAL}
		case sig == abi.SIGCHLD || sig == abi.SIGCONT || sig == abi.SIGPIPE || sig == abi.SIGURG:
			want = Outcome{}
		}
		f := newFixture(t)
		f.run(func(th *Thread) {
			if o := call(th, abi.CallProcRaise, uint64(sig)|0xff00); o != want {
				t.Errorf("%v: %+v, want %+v", sig, o, want)
			}
		})
		s, over := f.p.Status()
		if dies := want.Action == ActionExitProcess; over != dies || dies && s != (ExitStatus{Signal: sig}) {
			t.Errorf("%v: status %+v, %v", sig, s, over)
		}
	}
}

// A thread is made, and its join lock opens when it has gone.
func TestCreateExitJoin(t *testing.T) {
	f := newFixture(t)
	join, result, tidAddr := f.alloc(4), f.alloc(4), f.alloc(4)
	stack := f.pages(4)
	var left chan struct{}
	release, joined := make(chan bool), make(chan bool)
	f.start = func(entry, top, arg uint64) (abi.Tid, error) {
		if entry != 0x1234 || arg != 77 || top%16 != 0 || top <= stack || top > stack+4*abi.PageSize {
			t.Errorf("StartThread(%#x, %#x, %#x)", entry, top, arg)
		}
		f.p.Unreserve() // spawn reserves for itself
		tid := make(chan abi.Tid)
		left = f.spawn(func(th *Thread) {
			tid <- th.Tid
			<-release
			if err := f.mem.Store32(result, 42); err != nil {
				t.Error(err)
			}
			if o := call(th, abi.CallThreadExit, join, uint64(abi.ScopePrivate)); o.Action != ActionExitThread {
				t.Errorf("thread_exit: %+v", o)
			}
			<-joined
		})
		return <-tid, nil
	}
	lib := newGuestLib(f, nil)
	attr := func(stack, size uint64) uint64 {
		b := make([]byte, abi.ThreadattrSize)
		(&abi.Threadattr{Entry: 0x1234, Stack: stack, StackLen: size, Argument: 77}).Encode(b)
		return f.bytes(b)
	}
	f.run(func(th *Thread) {
		lib.th = th
		f.expect(th, abi.EFAULT, abi.CallThreadCreate, badAddr, tidAddr)
		f.expect(th, abi.EFAULT, abi.CallThreadCreate, attr(stack, 4096), badAddr)
		f.expect(th, abi.EFAULT, abi.CallThreadCreate, attr(badAddr, 4096), tidAddr)
		f.expect(th, abi.EFAULT, abi.CallThreadCreate, attr(^uint64(0)-4095, 8192), tidAddr)
		f.expect(th, abi.EINVAL, abi.CallThreadCreate, attr(stack, 0), tidAddr)
		f.expect(th, 0, abi.CallThreadCreate, attr(stack, 4*abi.PageSize-8), tidAddr)
		tid := f.get32(tidAddr)
		if tid == 0 || tid > uint32(abi.TidMax) {
			t.Errorf("tid %#x", tid)
		}
		if err := f.mem.Store32(join, lockWrlocked|tid); err != nil {
			t.Error(err)
		}
		go func() { time.Sleep(5 * time.Millisecond); release <- true }()
		if !lib.lock(join, false, -1) || f.get32(result) != 42 {
			t.Error("joined too early")
		}
		// Its identifier is free, though the host thread has not even returned.
		f.p.mu.Lock()
		_, alive := f.p.threads[abi.Tid(tid)]
		f.p.mu.Unlock()
		if alive {
			t.Error("a thread that was joined has not left")
		}
		close(joined)
		if err := f.mem.Protect(stack, abi.PageSize, 0); err != nil { // a guard page
			t.Error(err)
		}
		f.start = func(entry, top, arg uint64) (abi.Tid, error) { return 0, abi.EAGAIN }
		f.expect(th, abi.EFAULT, abi.CallThreadCreate, attr(stack, abi.PageSize), tidAddr)
		before := f.p.starting
		f.expect(th, abi.EAGAIN, abi.CallThreadCreate, attr(stack, abi.PageSize+32), tidAddr)
		if after := f.p.starting; after != before {
			t.Errorf("a thread that could not start is still reserved: %d, then %d", before, after)
		}
	})
	f.within(left, "the thread")
}

// When the last thread leaves, the process ends well.
func TestLastThread(t *testing.T) {
	f := newFixture(t)
	f.p.Unreserve()
	f.run(func(th *Thread) {
		if o := call(th, abi.CallThreadExit, badAddr, uint64(abi.ScopePrivate)); o.Action != ActionExitThread {
			t.Errorf("thread_exit: %+v", o)
		}
	})
	if s, over := f.p.Status(); !over || s != (ExitStatus{}) {
		t.Errorf("status %+v, %v", s, over)
	}
}

// Identifiers are the host's, of different threads at a time, and fit a lock word.
func TestTids(t *testing.T) {
	f := newFixture(t)
	const n = 20
	var mu sync.Mutex
	seen := make(map[abi.Tid]bool)
	for range 3 {
		clear(seen)
		var all sync.WaitGroup
		all.Add(n)
		var dones []chan struct{}
		for range n {
			dones = append(dones, f.spawn(func(th *Thread) {
				mu.Lock()
				if seen[th.Tid] || th.Tid == 0 || th.Tid >= 1<<22 || uint32(th.Tid) != th.Host.ID() {
					t.Errorf("thread identifier %d, of host thread %d, seen %v", th.Tid, th.Host.ID(), seen[th.Tid])
				}
				seen[th.Tid] = true
				mu.Unlock()
				all.Done()
				all.Wait()
			}))
		}
		for _, done := range dones {
			f.within(done, "a thread")
		}
	}
}

func TestTooManyThreads(t *testing.T) {
	f := newFixture(t)
	for range host.MaxThreads - 1 { // one is reserved
		if err := f.p.Reserve(); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.p.Reserve(); err != abi.EAGAIN {
		t.Errorf("one thread too many: %v, want EAGAIN", err)
	}
}

// Two mappings of one shared memory object show the same bytes.
func TestSharedMemory(t *testing.T) {
	f := newFixture(t)
	f.run(func(th *Thread) {
		fd, mem := f.alloc(4), f.alloc(8)
		f.expect(th, abi.EINVAL, abi.CallFDCreate1, uint64(abi.FiletypeRegularFile), fd)
		f.expect(th, 0, abi.CallFDCreate1, uint64(abi.FiletypeSharedMemory), fd)
		n := uint64(f.get32(fd))
		b := make([]byte, abi.FilestatSize)
		(&abi.Filestat{Size: 2 * abi.PageSize}).Encode(b)
		size := f.bytes(b)
		f.expect(th, 0, abi.CallFileStatFput, n, size, uint64(abi.FsflagSize))
		f.expect(th, abi.EINVAL, abi.CallFileStatFput, n, size, 0)
		f.expect(th, abi.EINVAL, abi.CallFileStatFput, n, size, uint64(abi.FsflagSize|abi.FsflagAtim))
		f.expect(th, abi.ENOTCAPABLE, abi.CallFileStatFput, n, size, uint64(abi.FsflagMtimNow))
		st := f.alloc(abi.FilestatSize)
		f.expect(th, 0, abi.CallFileStatFget, n, st)
		var s abi.Filestat
		s.Decode(f.get(st, abi.FilestatSize))
		if s.Size != 2*abi.PageSize || s.Filetype != abi.FiletypeSharedMemory {
			t.Errorf("%+v", s)
		}
		var at [2]uint64
		for i := range at {
			f.expect(th, 0, abi.CallMemMap, 0, 2*abi.PageSize, uint64(abi.ProtRead|abi.ProtWrite), uint64(abi.MapShared), n, 0, mem)
			at[i] = f.get64(mem)
		}
		if err := f.mem.Store64(at[0]+abi.PageSize, 0x5555); err != nil {
			t.Error(err)
		}
		if got := f.get64(at[1] + abi.PageSize); got != 0x5555 || at[0] == at[1] {
			t.Errorf("the second mapping, at %#x, shows %#x", at[1], got)
		}
		f.expect(th, 0, abi.CallFDClose, n) // mappings outlive the descriptor
		if got := f.get64(at[1] + abi.PageSize); got != 0x5555 {
			t.Errorf("after the close: %#x", got)
		}
		for _, a := range at {
			f.expect(th, 0, abi.CallMemUnmap, a, 2*abi.PageSize)
		}
	})
}

func TestMapArguments(t *testing.T) {
	const rw = uint64(abi.ProtRead | abi.ProtWrite)
	const anon, priv, shared = uint64(abi.MapAnon), uint64(abi.MapPrivate), uint64(abi.MapShared)
	f := newFixture(t, Grant{HostFD: openFile(t, 0)}, Grant{HostFD: openFile(t, 2), Drop: abi.RightMemMapExec},
		Grant{HostFD: openFile(t, 2), Drop: abi.RightMemMap})
	none := uint64(abi.FDMapAnon)
	f.run(func(th *Thread) {
		tests := []struct {
			name                 string
			prot, flags, fd, off uint64
			want                 abi.Errno
		}{
			{"private anonymous", rw, anon | priv, none, 0, 0},
			{"neither private nor shared", rw, anon, none, 0, abi.EINVAL},
			{"both", rw, anon | priv | shared, none, 0, abi.EINVAL},
			{"unknown flag", rw, anon | priv | 0x10, none, 0, abi.EINVAL},
			{"anonymous with descriptor", rw, anon | priv, 0, 0, abi.EINVAL},
			{"anonymous with offset", rw, anon | priv, none, 4096, abi.EINVAL},
			{"no such descriptor", rw, priv, 50, 0, abi.EBADF},
			{"private writable needs reading only", rw, priv, 0, 0, 0},
			{"shared writable needs writing", rw, shared, 0, 0, abi.ENOTCAPABLE},
			{"shared readable", uint64(abi.ProtRead), shared, 0, 0, 0},
			{"execute without right", uint64(abi.ProtRead | abi.ProtExec), priv, 1, 0, abi.ENOTCAPABLE},
			{"no right at all", 0, priv, 2, 0, abi.ENOTCAPABLE},
			{"offset too large", rw, priv, 0, 1 << 63, abi.EINVAL},
		}
		out := f.alloc(8)
		for _, tt := range tests {
			o := call(th, abi.CallMemMap, 0, abi.PageSize, tt.prot, tt.flags, tt.fd, tt.off, out)
			if o.Errno != tt.want {
				t.Errorf("%s: %v, want %v", tt.name, o.Errno, tt.want)
			}
			if o.Errno == 0 {
				f.expect(th, 0, abi.CallMemUnmap, f.get64(out), abi.PageSize)
			}
		}
	})
}

// whys is a Tracer that collects what Why says at the end of calls.
type whys []error

func (w *whys) Enter(*Thread, abi.Call, *[8]uint64) {}

func (w *whys) Exit(t *Thread, _ abi.Call, _ *[8]uint64, _, _ uint64, _ Outcome) {
	*w = append(*w, t.Why())
}

// noFork is an Engine whose host can make no processes.
type noFork struct {
	*fixture
	err error
}

func (n noFork) Fork(*Thread) (int, error) { return 0, n.err }

// TestWhy: a tracer learns for what reason there is no process, and the reason of one call is not that of the next.
func TestWhy(t *testing.T) {
	f := newFixture(t)
	reason := fmt.Errorf("no more processes: %w", syscall.EAGAIN)
	var got whys
	var err error
	if f.p, err = NewProcess(Config{Space: f.mem, Engine: noFork{f, reason}, Tracer: &got}); err != nil {
		t.Fatal(err)
	}
	if err := f.p.Reserve(); err != nil {
		t.Fatal(err)
	}
	f.run(func(th *Thread) {
		if o := call(th, abi.CallProcFork, f.alloc(4), f.alloc(4)); o.Errno != abi.EAGAIN {
			t.Errorf("proc_fork: %+v", o)
		}
		if o := call(th, abi.CallFDClose, 77); o.Errno != abi.EBADF {
			t.Errorf("fd_close: %+v", o)
		}
	})
	if want := (whys{reason, nil}); !slices.Equal(got, want) {
		t.Errorf("reasons are %v, not %v", got, want)
	}
}
