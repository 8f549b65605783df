package kernel

import (
	"math"
	"syscall"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

const (
	inlineIovecs = 16
	// maxIovecs bounds the buffers of one call, as the host does (UIO_MAXIOV).
	maxIovecs = 1024
)

// iovecs reads and checks an array of buffers: write says that the call stores
// into them. The result stays valid until the thread's next call. EINVAL for
// more than maxIovecs or a total beyond 2^63-1, EFAULT for what is not the
// guest's.
func (t *Thread) iovecs(addr, n uint64, write bool) ([]host.Iovec, abi.Errno) {
	if n > maxIovecs {
		return nil, abi.EINVAL
	}
	v := t.iov[:]
	if n > inlineIovecs {
		if t.more == nil {
			t.more = make([]host.Iovec, maxIovecs)
		}
		v = t.more
	}
	v = v[:n]
	var total uint64
	for i := range v {
		b := t.buf[:abi.IovecSize]
		if err := t.proc.mem.CopyIn(b, addr+uint64(i)*abi.IovecSize); err != nil {
			return nil, toErrno(err)
		}
		var iov abi.Iovec
		iov.Decode(b)
		if iov.Len > math.MaxInt64-total {
			return nil, abi.EINVAL
		}
		total += iov.Len
		if iov.Len == 0 {
			iov.Buf = 0 // wherever it pointed, nothing is there to be checked
		}
		if err := t.proc.mem.Check(iov.Buf, iov.Len, write); err != nil {
			return nil, toErrno(err)
		}
		v[i] = host.Iovec{Addr: iov.Buf, Len: iov.Len}
	}
	return v, 0
}

// interrupted reports whether a host call was interrupted by something else than
// a kick and is to be made again.
func (t *Thread) interrupted(e syscall.Errno) bool { return e == syscall.EINTR && !t.Host.Kicked() }

func fdRead(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	o, v, e := t.buffers(a, abi.RightFDRead, true)
	if e != 0 {
		return 0, 0, e
	}
	defer t.leave(o)
	if o.attaches || o.kind.Messages() && t.aliased(v) {
		n, e := t.readSocket(o, v)
		return n, 0, e
	}
	return t.transfer(v, true, func() (int, syscall.Errno) { return t.Host.Read(o.fd, v) })
}

func fdWrite(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	o, v, e := t.buffers(a, abi.RightFDWrite, false)
	if e != 0 {
		return 0, 0, e
	}
	defer t.leave(o)
	return t.transfer(v, false, func() (int, syscall.Errno) { return t.Host.Write(o.fd, v) })
}

func fdPread(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	off, e := offset(a)
	if e != 0 {
		return 0, 0, e
	}
	o, v, e := t.buffers(a, abi.RightFDRead|abi.RightFDSeek, true)
	if e != 0 {
		return 0, 0, e
	}
	defer t.leave(o)
	return t.transfer(v, true, func() (int, syscall.Errno) { return t.Host.ReadAt(o.fd, v, off) })
}

func fdPwrite(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	off, e := offset(a)
	if e != 0 {
		return 0, 0, e
	}
	o, v, e := t.buffers(a, abi.RightFDWrite|abi.RightFDSeek, false)
	if e != 0 {
		return 0, 0, e
	}
	defer t.leave(o)
	return t.transfer(v, false, func() (int, syscall.Errno) { return t.Host.WriteAt(o.fd, v, off) })
}

// offset returns the offset of a positioned call.
func offset(a *[8]uint64) (int64, abi.Errno) {
	off := int64(a[3])
	if off < 0 || a[2] == 0 { // upstream refuses an empty array here, and only here
		return 0, abi.EINVAL
	}
	return off, 0
}

// buffers finds the descriptor and the buffers of a transfer; into says that it
// stores into them. The caller leaves the object.
func (t *Thread) buffers(a *[8]uint64, need abi.Rights, into bool) (*object, []host.Iovec, abi.Errno) {
	o, e := t.enter(abi.FD(a[0]), need)
	if e != 0 {
		return nil, nil, e
	}
	v, e := t.iovecs(a[1], a[2], into)
	if e == abi.EFAULT && into && t.wouldBlock(o) {
		e = abi.EAGAIN // nothing is there that could go to the wrong place
	}
	if e != 0 {
		t.leave(o)
		return nil, nil, e
	}
	return o, v, 0
}

// wouldBlock reports whether there is nothing to read, and nobody wants to wait.
func (t *Thread) wouldBlock(o *object) bool {
	if !o.mayBlock() || o.queue != nil {
		return false
	}
	flags, err := host.Status(o.fd)
	if err != nil || flags&host.FlagNonblock == 0 {
		return false
	}
	n, he := t.Host.Poll([]host.PollFD{{FD: int32(o.fd), Events: host.PollIn}}, 0)
	return n == 0 && he == 0
}

// storage makes a host call that may wait for storage, in vain perhaps if that lies
// across a network. A kick ends it where the host lets signals do so.
func (t *Thread) storage(do func() error) abi.Errno {
	for {
		e := errnoOf(do())
		if e != abi.EINTR {
			return e
		}
		if t.Host.Kicked() {
			return errRestart
		}
	}
}

// maxUnlocks bounds the repetitions of a host call because of
// translated code. Each stands for code that was translated and dropped again meanwhile.
const maxUnlocks = 16

// transfer makes the host call do, which stores into the buffers v if into is
// set, until something other than an interruption without a kick or a page of
// translated code comes of it.
func (t *Thread) transfer(v []host.Iovec, into bool, do func() (int, syscall.Errno)) (r0, r1 uint64, e abi.Errno) {
	mem := t.proc.mem
	unlocks, tries := mem.WriteUnlocks(), 0
	n, he := do()
	for he == syscall.EINTR || he == syscall.EFAULT && into {
		if he == syscall.EFAULT {
			now := t.checkWrite(v)
			if now == unlocks || tries == maxUnlocks {
				break
			}
			unlocks = now
			tries++
		} else if t.Host.Kicked() {
			break
		}
		n, he = do()
	}
	return uint64(n), 0, t.blocked(he)
}

// checkWrite gives write access to the buffers back if it was taken because of
// translated code, and returns how often that has happened.
func (t *Thread) checkWrite(v []host.Iovec) uint64 {
	for i := range v {
		if t.proc.mem.Check(v[i].Addr, v[i].Len, true) != nil {
			break // the next attempt, if there is one, will say so
		}
	}
	return t.proc.mem.WriteUnlocks()
}
