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
		if iov.Len != 0 {
			if err := t.proc.mem.Check(iov.Buf, iov.Len, write); err != nil {
				return nil, toErrno(err)
			}
		}
		v[i] = host.Iovec{Addr: iov.Buf, Len: iov.Len}
	}
	return v, 0
}

// interrupted reports whether a host call was interrupted by something else than
// a kick and is to be made again.
func (t *Thread) interrupted(e syscall.Errno) bool { return e == syscall.EINTR && !t.Host.Kicked() }

func fdRead(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	return t.transfer(a, abi.RightFDRead, true, (*host.Thread).Read)
}

func fdWrite(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	return t.transfer(a, abi.RightFDWrite, false, (*host.Thread).Write)
}

func (t *Thread) transfer(a *[8]uint64, right abi.Rights, into bool, do func(*host.Thread, int, []host.Iovec) (int, syscall.Errno)) (r0, r1 uint64, e abi.Errno) {
	o, e := t.proc.fds.get(abi.FD(a[0]), right)
	if e != 0 {
		return 0, 0, e
	}
	v, e := t.iovecs(a[1], a[2], into)
	if e != 0 {
		o.release()
		return 0, 0, e
	}
	n, he := do(t.Host, o.fd, v)
	for t.interrupted(he) {
		n, he = do(t.Host, o.fd, v)
	}
	o.release()
	return uint64(n), 0, t.blocked(he)
}

func fdPread(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	return t.transferAt(a, abi.RightFDRead, true, (*host.Thread).ReadAt)
}

func fdPwrite(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	return t.transferAt(a, abi.RightFDWrite, false, (*host.Thread).WriteAt)
}

func (t *Thread) transferAt(a *[8]uint64, right abi.Rights, into bool, do func(*host.Thread, int, []host.Iovec, int64) (int, syscall.Errno)) (r0, r1 uint64, e abi.Errno) {
	off := int64(a[3])
	if off < 0 || a[2] == 0 { // upstream refuses an empty array here, and only here
		return 0, 0, abi.EINVAL
	}
	o, e := t.proc.fds.get(abi.FD(a[0]), right|abi.RightFDSeek)
	if e != 0 {
		return 0, 0, e
	}
	v, e := t.iovecs(a[1], a[2], into)
	if e != 0 {
		o.release()
		return 0, 0, e
	}
	n, he := do(t.Host, o.fd, v, off)
	for t.interrupted(he) {
		n, he = do(t.Host, o.fd, v, off)
	}
	o.release()
	return uint64(n), 0, t.blocked(he)
}
