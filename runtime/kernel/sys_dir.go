package kernel

import (
	"sync"
	"syscall"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// A directory is what an object has besides if it is one: where it is read. The
// cookies of the ABI are positions of the host's file system, good in any process
// and for any descriptor. The stream only makes it quick to go on where the last
// call ended; it has an offset of its own, so that of the descriptor, which other
// processes may share, does not count.
type directory struct {
	mu     sync.Mutex
	stream *host.DirStream // nil until it is read
	out    []byte          // entries on their way to the guest
}

// outBuffer is how many bytes of entries are stored in guest memory at once.
const outBuffer = 8 << 10

func (d *directory) close() {
	if d != nil && d.stream != nil {
		d.stream.Close()
	}
}

func fileReaddir(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	o, e := t.proc.fds.get(abi.FD(a[0]), abi.RightFileReaddir)
	if e != 0 {
		return 0, 0, e
	}
	defer o.release()
	d := o.dir
	if d == nil {
		return 0, 0, abi.ENOTDIR
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stream == nil {
		e := t.retry(func() (he syscall.Errno) {
			d.stream, he = t.Host.OpenStream(o.fd)
			return he
		})
		if e != 0 {
			return 0, 0, e
		}
		d.out = make([]byte, 0, outBuffer)
	}
	if he := d.stream.Seek(a[3]); he != 0 {
		return 0, 0, fromHost(he)
	}
	used, e := t.readEntries(d, a[1], a[2])
	return used, 0, e
}

// readEntries fills n bytes at addr; fewer mean the end of the directory. The last
// entry is cut off where it does not fit, and is then still to be read.
func (t *Thread) readEntries(d *directory, addr, n uint64) (used uint64, e abi.Errno) {
	d.out = d.out[:0]
	for used+uint64(len(d.out)) < n {
		var en host.DirEntry
		var ok bool
		if e := t.retry(func() (he syscall.Errno) {
			en, ok, he = d.stream.Peek(t.Host)
			return he
		}); e != 0 {
			return 0, e
		}
		if !ok {
			break
		}
		d.out = t.appendEntry(d.out, &en)
		if used+uint64(len(d.out)) > n {
			d.out = d.out[:n-used]
			break
		}
		d.stream.Skip(en)
		if len(d.out) > outBuffer-abi.DirentSize-256 {
			if e := t.flush(d, addr, &used); e != 0 {
				return 0, e
			}
		}
	}
	e = t.flush(d, addr, &used)
	return used, e
}

// flush stores the entries that are ready.
func (t *Thread) flush(d *directory, addr uint64, used *uint64) abi.Errno {
	if len(d.out) == 0 {
		return 0
	}
	if err := t.proc.mem.CopyOut(addr+*used, d.out); err != nil {
		return toErrno(err)
	}
	*used += uint64(len(d.out))
	d.out = d.out[:0]
	return 0
}

func (t *Thread) appendEntry(out []byte, en *host.DirEntry) []byte {
	de := abi.Dirent{
		Next: abi.Dircookie(en.Next), Ino: abi.Inode(en.Ino), Namlen: uint32(len(en.Name)), Type: t.fileType(en.Kind),
	}
	de.Encode(t.buf[:])
	out = append(out, t.buf[:abi.DirentSize]...)
	return append(out, en.Name...)
}

// fileType is the type that the thread's version of the ABI has for a file that is
// not open: until 2016-08 a FIFO had one of its own.
func (t *Thread) fileType(k host.FileKind) abi.Filetype {
	switch {
	case k == host.KindPipe && t.raw:
		return abi.FiletypeFifo
	case k == host.KindSymlink:
		return abi.FiletypeSymbolicLink
	}
	typ, _, _, _ := typeRights(k)
	return typ
}
