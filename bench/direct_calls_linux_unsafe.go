//go:build linux && amd64

package bench

import (
	"fmt"
	goruntime "runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"cabitrans/runtime/abi"
)

// directly says that Direct works here.
const directly = true

const protRW = abi.ProtRead | abi.ProtWrite

// began is where the monotonic clock of directly run programs begins.
var began = time.Now()

// call makes a call of the guest's; false ends the thread.
func (r *directRun) call(b *directBlock) (more bool) {
	c := r.calls[b.ax]
	switch c {
	case abi.CallClockTimeGet: // first: it is the one that is measured
		now, errno := clock(abi.Clockid(b.di))
		*word64(b.dx), b.ax = now, uint64(errno)
		return true
	case abi.CallProcExit:
		r.code = uint32(b.di)
		return false
	case abi.CallThreadExit:
		atomic.StoreUint32(word32(b.di), uint32(abi.LockUnlocked))
		return false
	}
	errno, known := r.rest(c, b)
	if !known {
		r.fail(fmt.Errorf("it makes the call %s, which there is not without translation", c.Info().Name))
		return false
	}
	b.ax = uint64(errno)
	return true
}

// clock is what a clock of the program's says.
func clock(id abi.Clockid) (ns uint64, errno abi.Errno) {
	switch id {
	case abi.ClockMonotonic:
		return uint64(time.Since(began)), 0
	case abi.ClockThreadCputimeID:
		var t unix.Timespec
		if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) == nil {
			return uint64(t.Nano()), 0
		}
	}
	return 0, abi.ENOTSUP
}

// rest makes the calls that nobody measures.
func (r *directRun) rest(c abi.Call, b *directBlock) (errno abi.Errno, known bool) {
	switch c {
	case abi.CallFDWrite:
		return r.write(b), true
	case abi.CallMemMap:
		at, err := r.mmap(b.si, abi.Mprot(b.dx))
		if err != nil {
			return abi.ENOMEM, true
		}
		*word64(*word64(b.sp + 8)) = at // the seventh argument, above the return address
		return 0, true
	case abi.CallMemUnmap:
		r.munmap(b.di, b.si)
	case abi.CallMemProtect:
		if protect(b.di, b.si, abi.Mprot(b.dx)) != nil {
			return abi.EINVAL, true
		}
	case abi.CallThreadCreate:
		var a abi.Threadattr
		a.Decode(memory(b.di, abi.ThreadattrSize))
		tid := r.tids.Add(1)
		top := (a.Stack+a.StackLen)&^15 - 8
		r.start(a.Entry, top, uint64(tid), a.Argument, tid)
		*word32(b.si) = tid
	case abi.CallThreadYield:
		goruntime.Gosched()
	case abi.CallLockUnlock:
		atomic.StoreUint32(word32(b.di), uint32(abi.LockUnlocked))
	case abi.CallPoll:
		return r.poll(b), true
	default:
		return abi.ENOSYS, false
	}
	return 0, true
}

// write takes what is written to descriptor 0.
func (r *directRun) write(b *directBlock) abi.Errno {
	if uint32(b.di) != 0 {
		return abi.EBADF
	}
	total := uint64(0)
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range b.dx {
		at, n := *word64(b.si + 16*i), *word64(b.si + 16*i + 8)
		r.out = append(r.out, memory(at, n)...)
		total += n
	}
	*word64(b.cx) = total
	return 0
}

// pollEvery is how often a thread looks whether it gets a lock. Programs wait for
// their threads by it, outside of what they measure.
const pollEvery = 50 * time.Microsecond

// poll waits for a time to pass, or for a lock.
func (r *directRun) poll(b *directBlock) abi.Errno {
	var s abi.Subscription
	s.Decode(memory(b.di, abi.SubscriptionSize))
	switch {
	case b.dx == 1 && s.Type == abi.EventtypeClock && s.Clock.Flags == 0:
		time.Sleep(time.Duration(s.Clock.Timeout))
	case b.dx == 1 && s.Type == abi.EventtypeLockWrlock:
		lock, mine := word32(s.Lock.Lock), b.tid|uint32(abi.LockWrlocked)
		for !atomic.CompareAndSwapUint32(lock, uint32(abi.LockUnlocked), mine) {
			time.Sleep(pollEvery)
		}
	default:
		return abi.ENOTSUP
	}
	e := abi.Event{Userdata: s.Userdata, Type: s.Type}
	e.Encode(memory(b.si, abi.EventSize))
	*word64(b.cx) = 1
	return 0
}

// fail notes the first error.
func (r *directRun) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
	}
}

func (r *directRun) mmap(n uint64, prot abi.Mprot) (uint64, error) {
	n = max(n, 1)
	p, err := unix.MmapPtr(-1, 0, nil, uintptr(n), hostProt(prot), unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return 0, fmt.Errorf("no memory for %d bytes of it: %w", n, err)
	}
	at := uint64(uintptr(p))
	r.mu.Lock()
	r.maps[at] = n
	r.mu.Unlock()
	return at, nil
}

func (r *directRun) munmap(at, n uint64) {
	_ = unix.MunmapPtr(pointer(at), uintptr(n))
	r.mu.Lock()
	delete(r.maps, at)
	r.mu.Unlock()
}

// unmap gives all memory back.
func (r *directRun) unmap() {
	for at, n := range r.maps {
		_ = unix.MunmapPtr(pointer(at), uintptr(n))
	}
}

func protect(at, n uint64, prot abi.Mprot) error { return unix.Mprotect(memory(at, n), hostProt(prot)) }

func hostProt(p abi.Mprot) (host int) {
	for _, v := range []struct {
		abi  abi.Mprot
		host int
	}{{abi.ProtRead, unix.PROT_READ}, {abi.ProtWrite, unix.PROT_WRITE}, {abi.ProtExec, unix.PROT_EXEC}} {
		if p&v.abi != 0 {
			host |= v.host
		}
	}
	return host
}

// pointer is an address of the guest's, which no Go object has.
func pointer(at uint64) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&at)) }

func memory(at, n uint64) []byte { return unsafe.Slice((*byte)(pointer(at)), n) }
func word64(at uint64) *uint64   { return (*uint64)(pointer(at)) }
func word32(at uint64) *uint32   { return (*uint32)(pointer(at)) }
