//go:build amd64

package host

import (
	"cmp"
	"encoding/binary"
	"slices"
	"sort"
	"syscall"
	"unicode/utf16"

	"golang.org/x/sys/windows"
)

// A DirStream reads the entries of a directory. The system has no positions in a
// directory to come back to; so its entries are read all at once whenever reading begins
// at the start, and numbered: a name keeps its number as long as it is there, whoever
// else begins anew meanwhile. A position is the number of the entry before. One thread
// uses it at a time.
type DirStream struct {
	h       windows.Handle
	entries []DirEntry // by number, which is Next
	numbers map[string]uint64
	last    uint64 // the last number given out
	read    bool
	pos     uint64
}

// OpenStream begins at the start of a directory. The right to read it is asked for again,
// as for an open of "." in it.
func (t *Thread) OpenStream(dir int) (*DirStream, syscall.Errno) {
	d, e := directoryOf(dir)
	if e != 0 {
		return nil, e
	}
	h, e := ntOpen(d, "", windows.FILE_LIST_DIRECTORY, windows.FILE_OPEN, windows.FILE_DIRECTORY_FILE)
	if e != 0 {
		return nil, e
	}
	return &DirStream{h: h}, 0
}

// Close ends the reading.
func (d *DirStream) Close() { _ = windows.CloseHandle(d.h) }

// Seek goes to a position: 0, the start, for a fresh look at the directory, or
// DirEntry.Next of any earlier entry. EINVAL for what can be no position.
func (d *DirStream) Seek(pos uint64) syscall.Errno {
	switch {
	case pos == 0:
		if d.pos != 0 {
			d.read = false
		}
	case int64(pos) < 0:
		return syscall.EINVAL
	}
	d.pos = pos
	return 0
}

// Peek returns the entry at the position, ok = false at the end of the directory. Skip
// goes on to the next entry.
func (d *DirStream) Peek(t *Thread) (en DirEntry, ok bool, e syscall.Errno) {
	if !d.read {
		if e := d.readAll(t); e != 0 {
			return en, false, e
		}
	}
	i := sort.Search(len(d.entries), func(i int) bool { return d.entries[i].Next > d.pos })
	if i == len(d.entries) {
		return en, false, 0
	}
	return d.entries[i], true, 0
}

// Skip goes on after the entry that Peek has returned last.
func (d *DirStream) Skip(en DirEntry) { d.pos = en.Next }

// readAll reads all entries. A directory that was removed has none.
func (d *DirStream) readAll(t *Thread) syscall.Errno {
	d.entries = d.entries[:0]
	// A handle of its own: one that was read before may remember what it saw.
	h, e := ntOpen(d.h, "", windows.FILE_LIST_DIRECTORY, windows.FILE_OPEN, windows.FILE_DIRECTORY_FILE)
	if e == syscall.ENOENT {
		d.read = true // it was removed
		return 0
	}
	if e != 0 {
		return e
	}
	defer func() { _ = windows.CloseHandle(h) }()
	buf := make([]byte, 64<<10)
	for restart := true; ; restart = false {
		if t.Kicked() {
			return syscall.EINTR
		}
		more, e := readDir(h, buf, restart)
		switch {
		case e == syscall.ENOENT:
			more = false
		case e != 0:
			return e
		}
		if !more {
			d.number()
			d.read = true
			return 0
		}
		if e := d.add(buf); e != 0 {
			return e
		}
	}
}

// number numbers the entries, new ones behind those that were there before.
func (d *DirStream) number() {
	old := d.numbers
	d.numbers = make(map[string]uint64, len(d.entries))
	for i := range d.entries {
		en := &d.entries[i]
		n, ok := old[string(en.Name)]
		if !ok {
			d.last++
			n = d.last
		}
		en.Next, d.numbers[string(en.Name)] = n, n
	}
	slices.SortFunc(d.entries, func(a, b DirEntry) int { return cmp.Compare(a.Next, b.Next) })
}

// Layout of FILE_ID_BOTH_DIR_INFORMATION.
const (
	bothAttributes = 56
	bothNameLength = 60
	bothTag        = 64 // the size of extended attributes, or the tag of a reparse point
	bothFileID     = 96
	bothName       = 104
)

func (d *DirStream) add(b []byte) syscall.Errno {
	le := binary.LittleEndian
	for {
		if len(b) < bothName {
			return syscall.EIO
		}
		n := int(le.Uint32(b[bothNameLength:]))
		if n < 0 || bothName+n > len(b) {
			return syscall.EIO
		}
		u := make([]uint16, n/2)
		for i := range u {
			u[i] = le.Uint16(b[bothName+2*i:])
		}
		d.entries = append(d.entries, DirEntry{
			Ino:  le.Uint64(b[bothFileID:]),
			Kind: kindOf(le.Uint32(b[bothAttributes:]), le.Uint32(b[bothTag:])),
			Name: []byte(string(utf16.Decode(u))),
		})
		next := int(le.Uint32(b))
		if next == 0 {
			return 0
		}
		if next < bothName || next > len(b) {
			return syscall.EIO
		}
		b = b[next:]
	}
}
