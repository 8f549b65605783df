package kernel

import (
	"encoding/binary"
	"os"
	"sync"
	"testing"
	"time"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
	_ "cabitrans/runtime/host/hosttest" // claims guest memory
	"cabitrans/runtime/memory"
)

// testSpace is the one guest address space of the test program; each test maps
// its own pages in it.
var testSpace = sync.OnceValues(func() (*memory.AddressSpace, error) {
	sp, err := host.Reserve()
	if err != nil {
		return nil, err
	}
	return memory.New(sp)
})

// A fixture is a process without guest code: tests make the system calls.
type fixture struct {
	testing.TB
	p    *Process
	mem  *memory.AddressSpace
	page uint64 // one zeroed guest page and its successor
	hi   uint64 // first unused byte of the page
	wg   sync.WaitGroup

	start func(entry, stack, arg uint64) (abi.Tid, error)
	tcb   uint64

	scopes // of newGuestLib
}

func (f *fixture) StartThread(entry, stack, arg uint64) (abi.Tid, error) {
	return f.start(entry, stack, arg)
}
func (f *fixture) Fork(*Thread) (int, error)      { return 0, abi.ENOSYS }
func (f *fixture) Exec(int, []byte, *Table) error { return abi.ENOSYS }
func (f *fixture) SetTCB(t *Thread, addr uint64)  { f.tcb = addr }

func newFixture(t testing.TB, grants ...Grant) *fixture {
	t.Helper()
	mem, err := testSpace()
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{TB: t, mem: mem, scopes: private}
	if f.p, err = NewProcess(Config{Space: mem, Engine: f, FDs: grants}); err != nil {
		t.Fatal(err)
	}
	// One thread stays reserved, or the process would end when the first of several
	// threads of a test has left.
	if err = f.p.Reserve(); err != nil {
		t.Fatal(err)
	}
	f.page = f.pages(2)
	f.hi = f.page
	t.Cleanup(func() {
		if t.Failed() {
			f.p.Exit(1) // or a thread that is stuck would keep the test from ending
		}
		f.wg.Wait()
		f.p.Close()
	})
	return f
}

// pages maps n zeroed guest pages.
func (f *fixture) pages(n uint64) uint64 {
	f.Helper()
	addr, err := f.mem.Map(memory.Request{Len: n * abi.PageSize, Prot: abi.ProtRead | abi.ProtWrite})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := f.mem.Unmap(addr, n*abi.PageSize); err != nil {
			f.Error(err)
		}
	})
	return addr
}

// alloc returns the address of n bytes of guest memory, 16-byte aligned.
func (f *fixture) alloc(n uint64) uint64 {
	addr := f.hi
	f.hi += (n + 15) &^ 15
	if f.hi > f.page+2*abi.PageSize {
		f.Fatal("the test needs more guest memory")
	}
	return addr
}

func (f *fixture) bytes(b []byte) uint64 {
	addr := f.alloc(uint64(len(b)))
	if err := f.mem.CopyOut(addr, b); err != nil {
		f.Fatal(err)
	}
	return addr
}

func (f *fixture) get(addr uint64, n int) []byte {
	b := make([]byte, n)
	if err := f.mem.CopyIn(b, addr); err != nil {
		f.Fatal(err)
	}
	return b
}

func (f *fixture) get64(addr uint64) uint64 { return binary.LittleEndian.Uint64(f.get(addr, 8)) }
func (f *fixture) get32(addr uint64) uint32 { return binary.LittleEndian.Uint32(f.get(addr, 4)) }

// iov places an iovec array and returns its address.
func (f *fixture) iov(v ...abi.Iovec) uint64 {
	b := make([]byte, len(v)*abi.IovecSize)
	for i := range v {
		v[i].Encode(b[i*abi.IovecSize:])
	}
	return f.bytes(b)
}

// run executes fn as a guest thread on an operating-system thread of its own and
// waits for it. fn must use Error, not Fatal.
func (f *fixture) run(fn func(th *Thread)) {
	f.Helper()
	<-f.spawn(fn)
}

// spawn is run without the waiting.
func (f *fixture) spawn(fn func(th *Thread)) (done chan struct{}) {
	if err := f.p.Reserve(); err != nil {
		f.Fatal(err)
	}
	done = make(chan struct{})
	f.wg.Add(1)
	go func() {
		defer f.wg.Done()
		defer close(done)
		ht, err := host.NewThread(0)
		if err != nil {
			f.Error(err)
			return
		}
		th := f.p.NewThread(ht)
		fn(th)
		th.Leave()
		ht.Close()
	}()
	return done
}

// call makes a vDSO call as the engine would: again after a kick that is not the
// end of the process.
func call(th *Thread, c abi.Call, args ...uint64) Outcome {
	var a [8]uint64
	copy(a[:], args)
	for {
		o := th.CallVDSO(c, &a)
		if o.Action != ActionRestart {
			return o
		}
		th.Host.ClearKick()
	}
}

func (f *fixture) expect(th *Thread, want abi.Errno, c abi.Call, args ...uint64) {
	f.Helper()
	if o := call(th, c, args...); o != (Outcome{Errno: want}) {
		f.Errorf("%v(%#x) = %v (action %d), want %v", c, args, o.Errno, o.Action, want)
	}
}

// within fails the test when done does not come in a time that the busiest machine does not need.
func (f *fixture) within(done <-chan struct{}, what string) {
	f.Helper()
	select {
	case <-done:
	case <-time.After(time.Minute):
		f.Fatalf("%s: still blocked", what)
	}
}

// pipe makes a host pipe; the test closes what it does not grant.
func pipe(t testing.TB) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

// blocking returns the descriptor of f in blocking mode.
func blocking(f *os.File) int { return int(f.Fd()) }

const badAddr = 0x4000_0000_0000
