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
	// probeBurst bounds how many threads one look at the host may allow.
	probeBurst = 16
	// probeTrust is for how long, in nanoseconds, what a look found is believed.
	probeTrust = 10_000_000
	// probeReserve, and one for each processor, is how many threads must be left
	// when a guest thread has started: for those that Go starts of its own accord.
	probeReserve = 4
	// goThreads is how many operating-system threads Go may have at least: those
	// of guests, and as many as the rest of a program reasonably needs.
	goThreads = MaxThreads + 2048
)

// probe is what the last look found.
var probe struct {
	sync.Mutex
	word  uint32 // a generation: the threads of earlier ones end
	allow int    // threads that may start without another look
	until int64  // monotonic ns
	burst int
	tids  []int
}

// ThreadRoom tells whether the host would let this process have another thread.
// False says that it refuses, for whatever reason: a limit of the user's processes
// or of the control group, or want of memory.
//
// Go itself ends the program, with no way to prevent it, when the host refuses a
// thread that its scheduler wants (it tries for a fifth of a second). So before
// a guest thread starts, threads are had from the host in a way that may fail, all
// at once, and let go again: one for the guest thread and some for the scheduler,
// which may need as many as there are processors. Threads that other programs of the
// same limit start meanwhile are beyond that: only if they take the whole reserve
// between a look and the scheduler's last attempt does it end the program.
//
// Not every start costs a look: while they come thick and fast, one look is for
// up to probeBurst of them.
func ThreadRoom() bool {
	p := &probe
	p.Lock()
	defer p.Unlock()
	now := Monotonic()
	if now < p.until && p.allow > 0 {
		p.allow--
		return true
	}
	raiseGoLimit()
	if now < p.until {
		p.burst = min(2*p.burst, probeBurst)
	} else {
		p.burst = 1
	}
	reserve := probeReserve + runtime.GOMAXPROCS(0)
	had := haveThreads(reserve + p.burst)
	p.allow, p.until = had-reserve-1, Monotonic()+probeTrust
	return had > reserve
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
