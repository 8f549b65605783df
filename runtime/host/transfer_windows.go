//go:build amd64

package host

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// Read reads into guest memory.
func (t *Thread) Read(fd int, v []Iovec) (int, syscall.Errno) {
	f, e := fileOf(fd)
	switch {
	case e != 0:
		return 0, e
	case f.kind == KindDirectory:
		return 0, syscall.EISDIR
	case !f.read:
		return 0, syscall.EBADF
	case f.end != nil:
		n, files, _, e := f.end.receive(t, v, false, f.messageFlags())
		release(files) // there is no room for them
		return n, e
	case f.seekable():
		off := f.lock()
		defer f.unlock()
		n, e := t.at(procReadFile, f, v, *off)
		*off += int64(n)
		return n, e
	case f.kind.Socket():
		n, _, e := t.receiveSocket(nil, f, v, f.messageFlags())
		return n, e
	case f.tty != nil:
		return t.readConsole(f, v)
	}
	return t.readStream(f, v)
}

// Write writes from guest memory.
func (t *Thread) Write(fd int, v []Iovec) (int, syscall.Errno) {
	f, e := fileOf(fd)
	switch {
	case e != 0:
		return 0, e
	case !f.write:
		return 0, syscall.EBADF
	case f.end != nil:
		return f.end.send(t, v, nil, f.messageFlags())
	case f.seekable():
		at := f.lock()
		defer f.unlock()
		off := *at
		if f.status()&FlagAppend != 0 {
			off = atEnd
		}
		n, e := t.at(procWriteFile, f, v, off)
		if off == atEnd && n > 0 {
			*at, _ = windows.Seek(f.h, 0, windows.FILE_CURRENT)
		} else {
			*at += int64(n)
		}
		return n, e
	case f.kind.Socket():
		return t.sendSocket(f, v, f.messageFlags())
	case f.tty != nil:
		return t.writeConsole(f, v)
	}
	return t.writeStream(f, v)
}

// messageFlags are those of a transfer that gives none.
func (f *file) messageFlags() MessageFlags {
	if f.status()&FlagNonblock != 0 {
		return MsgDontWait
	}
	return 0
}

// ReadAt reads at an offset of the file, 0 to 2^63-1, without moving the descriptor's.
func (t *Thread) ReadAt(fd int, v []Iovec, off int64) (int, syscall.Errno) {
	return t.positioned(procReadFile, fd, v, off)
}

// WriteAt writes at an offset of the file, 0 to 2^63-1; with FlagAppend at its end, as
// on Linux.
func (t *Thread) WriteAt(fd int, v []Iovec, off int64) (int, syscall.Errno) {
	return t.positioned(procWriteFile, fd, v, off)
}

func (t *Thread) positioned(proc *windows.LazyProc, fd int, v []Iovec, off int64) (int, syscall.Errno) {
	f, e := fileOf(fd)
	reads := proc == procReadFile
	switch {
	case e != 0:
		return 0, e
	case f.kind == KindDirectory:
		return 0, syscall.EISDIR
	case !f.seekable():
		return 0, syscall.ESPIPE
	case reads && !f.read, !reads && !f.write:
		return 0, syscall.EBADF
	}
	if !reads && f.status()&FlagAppend != 0 {
		off = atEnd
	}
	return t.at(proc, f, v, off)
}

// atEnd, as an offset, makes a write begin wherever the file then ends.
const atEnd = -1

// maxTransfer is how many bytes one call of the system moves at most.
const maxTransfer = 1 << 30

// at transfers at an offset of a regular file: buffer after buffer, until one comes
// short. What has been transferred counts more than an error behind it.
func (t *Thread) at(proc *windows.LazyProc, f *file, v []Iovec, off int64) (n int, e syscall.Errno) {
	for _, b := range v {
		for b.Len > 0 {
			part := uint32(min(b.Len, maxTransfer))
			ov := windows.Overlapped{Offset: uint32(off), OffsetHigh: uint32(off >> 32)}
			if off == atEnd {
				ov.Offset, ov.OffsetHigh = ^uint32(0), ^uint32(0)
			}
			done, err := t.transferOnce(proc, f, b.Addr, part, &ov)
			n += int(done)
			switch {
			case err == windows.ERROR_HANDLE_EOF:
				return n, 0
			case err != nil:
				if n > 0 {
					return n, 0
				}
				return 0, errnoIn(err)
			case done < part:
				return n, 0
			}
			b.Addr, b.Len = b.Addr+uint64(done), b.Len-uint64(done)
			if off != atEnd {
				off += int64(done)
			}
		}
	}
	return n, 0
}

// writeStream writes all to a pipe or device.
func (t *Thread) writeStream(f *file, v []Iovec) (n int, e syscall.Errno) {
	for _, b := range v {
		if b.Len == 0 {
			continue
		}
		part := uint32(min(b.Len, maxTransfer))
		if e := t.begin(); e != 0 {
			return n, e
		}
		done, err := t.transferOnce(procWriteFile, f, b.Addr, part, new(windows.Overlapped))
		t.end()
		n += int(done)
		switch {
		case err != nil && n > 0:
			return n, 0
		case err != nil:
			return 0, errnoIn(err)
		case done < part:
			return n, 0
		}
	}
	return n, 0
}

// transferOnce is one call. A handle that was opened for overlapped transfers may answer
// that this one goes on; a kick ends it then.
func (t *Thread) transferOnce(proc *windows.LazyProc, f *file, addr uint64, n uint32, ov *windows.Overlapped) (uint32, error) {
	ov.HEvent = t.io.done
	done, err := transferFile(proc, f.h, addr, n, ov)
	if err != windows.ERROR_IO_PENDING {
		return done, err
	}
	for {
		switch s, werr := windows.WaitForMultipleObjects([]windows.Handle{t.io.done, t.wake}, false, windows.INFINITE); {
		case werr != nil:
			return 0, werr
		case s == windows.WAIT_OBJECT_0+1 && !t.Kicked():
			continue
		case s == windows.WAIT_OBJECT_0+1:
			_ = windows.CancelIoEx(f.h, ov)
		}
		err := windows.GetOverlappedResult(f.h, ov, &done, true)
		return done, err
	}
}
