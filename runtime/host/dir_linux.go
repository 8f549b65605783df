//go:build amd64

package host

import (
	"bytes"
	"encoding/binary"
	"syscall"

	"golang.org/x/sys/unix"
)

// A DirStream reads the entries of a directory, through a descriptor of its own:
// the offset of no other is moved. One thread uses it at a time.
type DirStream struct {
	fd     int
	pos    uint64 // where the entry at lo begins
	buf    []byte
	lo, hi int // what has been read and not been given out
	skip   int // length in buf of the entry that Next has given out
}

// dirBuffer is how much is read at once, in bytes: about a thousand entries.
const dirBuffer = 32 << 10

// OpenStream begins at the start of a directory. The right to read it is asked for
// again, as for an open of "." in it.
func (t *Thread) OpenStream(dir int) (*DirStream, syscall.Errno) {
	fd, e := t.openat(dir, []byte{'.', 0}, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if e != 0 {
		return nil, e
	}
	return &DirStream{fd: fd, buf: make([]byte, dirBuffer)}, 0
}

// Close ends the reading.
func (d *DirStream) Close() { _ = CloseFD(d.fd) }

// Seek goes to a position: 0, the start, for a fresh look at the directory, or
// DirEntry.Next of any earlier entry. EINVAL for what can be no position.
func (d *DirStream) Seek(pos uint64) syscall.Errno {
	if pos != 0 && pos == d.pos {
		return 0
	}
	if int64(pos) < 0 {
		return syscall.EINVAL
	}
	if _, err := unix.Seek(d.fd, int64(pos), unix.SEEK_SET); err != nil {
		return errnoIn(err)
	}
	d.pos, d.lo, d.hi = pos, 0, 0
	return 0
}

// Layout of struct linux_dirent64: d_ino u64, d_off s64, d_reclen u16, d_type u8,
// then the name and at least one zero byte.
const (
	direntOff    = 8
	direntReclen = 16
	direntType   = 18
	direntName   = 19
)

// Peek returns the entry at the position, ok = false at the end of the directory.
// The name is valid until the next call. Skip goes on to the next entry.
func (d *DirStream) Peek(t *Thread) (en DirEntry, ok bool, e syscall.Errno) {
	for {
		if d.lo == d.hi {
			n, e := t.getdents(d.fd, d.buf)
			if n == 0 || e == syscall.ENOENT { // a directory that was removed has no entries
				return en, false, 0
			}
			if e != 0 {
				return en, false, e
			}
			d.lo, d.hi = 0, n
		}
		b := d.buf[d.lo:d.hi]
		if len(b) < direntName+1 {
			return en, false, syscall.EIO
		}
		d.skip = int(binary.LittleEndian.Uint16(b[direntReclen:]))
		if d.skip < direntName+1 || d.skip > len(b) {
			return en, false, syscall.EIO
		}
		name, _, ended := bytes.Cut(b[direntName:d.skip], []byte{0})
		en = DirEntry{
			Ino:  binary.LittleEndian.Uint64(b),
			Next: binary.LittleEndian.Uint64(b[direntOff:]),
			Name: name,
			Kind: kindOfMode(uint32(b[direntType]) << 12), // DT_DIR is S_IFDIR>>12, and so on
		}
		if ended && en.Ino != 0 && len(name) > 0 && !bytes.ContainsRune(name, '/') {
			if en.Kind == KindUnknown {
				var st unix.Stat_t
				if t.fstatat(d.fd, b[direntName:direntName+len(name)+1], &st) == 0 {
					en.Kind = kindOfMode(st.Mode)
				}
			}
			return en, true, 0
		}
		d.Skip(en) // not an entry
	}
}

// Skip goes on after the entry that Peek has returned last.
func (d *DirStream) Skip(en DirEntry) {
	d.lo += d.skip
	d.pos = en.Next
}
