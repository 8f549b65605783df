//go:build linux && amd64

package host

import (
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// probeFirst is how many guest threads the first look of a burst allows. Each
	// further one allows twice as many as the one before, but not more than
	// probeBurst, or as many as there are already.
	probeFirst = 4
	probeBurst = 16
	// probeTrust is for how long, in nanoseconds, starts count as one burst.
	probeTrust = 10_000_000
	// probeReserve, and one for each processor, is how many idle threads Go's
	// scheduler has when a guest thread has started.
	probeReserve = 12
	// probeRoom bounds how many further ones it could have: one for each guest
	// thread. When many wake at once, each is given its processor by a thread that
	// then goes to sleep, and does not count as idle until it has got that far.
	probeRoom = 256
	// goThreads is how many operating-system threads Go may have at least: those
	// of guests, and as many as the rest of a program reasonably needs.
	goThreads = MaxThreads + 2048
)

// probe is what the last look found.
var probe struct {
	sync.Mutex
	word  uint32 // a generation: the threads of earlier ones end
	idle  int    // threads that Go has for us and for itself
	until int64  // monotonic ns
	burst int
	tids  []int
}

// ThreadRoom tells whether this process has or gets an operating-system thread for
// another guest thread, and sees to it that Go has it. False says that the host
// refuses, for whatever reason: a limit of the user's processes or of the control
// group, or want of memory.
//
// Go itself ends the program, with no way to prevent it, when the host refuses a
// thread that its scheduler wants (it tries for a fifth of a second). So before
// Go is made to have more threads, as many and some more are had from the host in a
// way that may fail, all at once, and let go again. Then Go is made to have them:
// enough for the guest thread, and idle ones for the scheduler, which wants as many
// as there are processors besides those that guests and blocked calls occupy. It
// keeps them. Those that it may want at worst (probeRoom) are only known to be had.
//
// Not every start costs a look: while they come thick and fast, one is for many.
func ThreadRoom() bool {
	p := &probe
	p.Lock()
	defer p.Unlock()
	reserve := probeReserve + runtime.GOMAXPROCS(0)
	if p.idle > reserve {
		p.idle--
		return true
	}
	raiseGoLimit()
	room := min(int(workers.Load()), probeRoom)
	p.burst = min(2*p.burst, max(probeBurst, room))
	if Monotonic() >= p.until {
		p.burst = probeFirst
	}
	n := p.idle + haveThreads(max(reserve+p.burst-p.idle, 0)+room) - room
	if n <= reserve {
		return false
	}
	warmThreads(n)
	p.idle, p.until = n-1, Monotonic()+probeTrust
	return true
}

// warmThreads makes Go have n threads that are idle when it returns.
func warmThreads(n int) {
	var locked, done sync.WaitGroup
	locked.Add(n)
	done.Add(n)
	release := make(chan struct{})
	for range n {
		go func() {
			defer done.Done()
			runtime.LockOSThread() // all at the same time: so there are n
			defer runtime.UnlockOSThread()
			locked.Done()
			<-release
		}()
	}
	locked.Wait()
	close(release)
	done.Wait()
}

// haveThreads starts up to n threads, all of which live at the same time, ends
// them and returns how many the host gave.
func haveThreads(n int) int {
	p := &probe
	val := p.word
	for p.tids = p.tids[:0]; len(p.tids) < n; {
		tid := int(probeThread(&p.word, val))
		if tid < 0 {
			break
		}
		p.tids = append(p.tids, tid)
	}
	atomic.AddUint32(&p.word, 1)
	_, _, _ = unix.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&p.word)), futexWake|futexPrivate, uintptr(n), 0, 0, 0)
	// They count until they are quite gone. The bound is for an identifier that
	// has become another thread's.
	pid := unix.Getpid()
	for _, tid := range p.tids {
		for tries := 0; tries < 10_000 && unix.Tgkill(pid, tid, 0) == nil; tries++ {
			_, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
		}
	}
	return len(p.tids)
}

// raiseGoLimit makes room for guest threads in Go's own limit, past which it ends
// the program: 10,000 by default, unless somebody has set a lower one.
var raiseGoLimit = sync.OnceFunc(func() {
	if old := debug.SetMaxThreads(goThreads); old > goThreads {
		debug.SetMaxThreads(old)
	}
})

// probeThread starts a thread that ends when *word is no longer val. It returns
// the thread's identifier or a negative error number. Implemented in assembly.
//
//go:noescape
func probeThread(word *uint32, val uint32) (r uintptr)
