//go:build amd64

package host

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/windows"
)

// A Snapshot holds pages of guest memory for another process: a memory object (a file
// without a lasting name) in which pages follow one another as they were saved. Behind
// them are the list of what they are and a note; where, the first bytes say. Pages of
// zeros are left out.
type Snapshot struct {
	fd    int
	end   int64 // what has been written
	pages []savedPages
}

// savedPages is where [lo, hi) lies in the snapshot.
type savedPages struct {
	lo, hi uint64
	at     int64
}

// snapshotHead is the length in bytes of two numbers: where the list begins, and the
// note; of the list, each piece is three numbers.
const (
	snapshotHead  = 16
	snapshotPiece = 24
)

// NewSnapshot makes an empty one.
func NewSnapshot() (*Snapshot, error) {
	fd, err := NewSharedObject("cabitrans-snapshot")
	if err != nil {
		return nil, err
	}
	return &Snapshot{fd: fd, end: snapshotHead}, nil
}

// OpenSnapshot takes over a descriptor that another process has sent.
func OpenSnapshot(fd int) *Snapshot { return &Snapshot{fd: fd} }

// FD is the descriptor.
func (s *Snapshot) FD() int { return s.fd }

// Close forgets the snapshot.
func (s *Snapshot) Close() { _ = CloseFD(s.fd) }

// append writes behind what is there.
func (s *Snapshot) append(b []byte) error {
	err := s.writeAt(b, s.end)
	s.end += int64(len(b))
	return err
}

func (s *Snapshot) writeAt(b []byte, off int64) error {
	f, e := fileOf(s.fd)
	if e != 0 {
		return e
	}
	for len(b) > 0 {
		var done uint32
		o := windows.Overlapped{Offset: uint32(off), OffsetHigh: uint32(off >> 32)}
		if err := windows.WriteFile(f.h, b[:min(len(b), maxTransfer)], &done, &o); err != nil {
			return errorOf(err)
		}
		b, off = b[done:], off+int64(done)
	}
	return nil
}

// readAt fills b.
func (s *Snapshot) readAt(b []byte, off int64) error {
	f, e := fileOf(s.fd)
	if e != 0 {
		return e
	}
	n, err := readFileAt(f.h, b, off)
	if err == nil && n < len(b) {
		err = errors.New("it is cut off")
	}
	if err != nil {
		return fmt.Errorf("cannot read a snapshot: %w", err)
	}
	return nil
}

// WriteNote stores a note, once all pages are saved.
func (s *Snapshot) WriteNote(note []byte) error {
	le := binary.LittleEndian
	head := le.AppendUint64(nil, uint64(s.end))
	var list []byte
	for _, p := range s.pages {
		list = le.AppendUint64(le.AppendUint64(le.AppendUint64(list, p.lo), p.hi), uint64(p.at))
	}
	if err := s.append(list); err != nil {
		return err
	}
	head = le.AppendUint64(head, uint64(s.end))
	if err := s.append(note); err != nil {
		return err
	}
	return s.writeAt(head, 0)
}

// ReadNote returns it, and learns which pages there are.
func (s *Snapshot) ReadNote() ([]byte, error) {
	info, err := StatFD(s.fd)
	if err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	head := make([]byte, snapshotHead)
	if err := s.readAt(head, 0); err != nil {
		return nil, err
	}
	list, note := int64(le.Uint64(head)), int64(le.Uint64(head[8:]))
	if list < snapshotHead || note < list || info.Size < note {
		return nil, errors.New("a snapshot is damaged")
	}
	rest := make([]byte, info.Size-list)
	if err := s.readAt(rest, list); err != nil {
		return nil, err
	}
	for b := range slices.Chunk(rest[:note-list], snapshotPiece) {
		s.pages = append(s.pages, savedPages{le.Uint64(b), le.Uint64(b[8:]), int64(le.Uint64(b[16:]))})
	}
	return rest[note-list:], nil
}

// Save copies the pages of [lo, hi), which are readable, into the snapshot.
func (s *Snapshot) Save(lo, hi uint64) error {
	for lo < hi {
		for lo < hi && isZero(bytesAt(lo, PageSize)) {
			lo += PageSize
		}
		end := lo
		for end < hi && !isZero(bytesAt(end, PageSize)) {
			end += PageSize
		}
		if lo < end {
			if err := s.save(lo, bytesAt(lo, end-lo)); err != nil {
				return err
			}
		}
		lo = end
	}
	return nil
}

var zeros [PageSize]byte

func isZero(page []byte) bool { return bytes.Equal(page, zeros[:]) }

// SavePage stores what a page at addr is to hold. What is saved later counts more.
func (s *Snapshot) SavePage(addr uint64, page []byte) error { return s.save(addr, page) }

func (s *Snapshot) save(addr uint64, b []byte) error {
	s.pages = append(s.pages, savedPages{addr, addr + uint64(len(b)), s.end})
	return s.append(b)
}

// Data lists nothing: a copy has all of its memory to itself at once.
func (s *Snapshot) Data(lo, hi uint64) []Range { return nil }

// Discard has nothing to give up.
func (s *Snapshot) Discard(lo, hi uint64) {}

// MapSnapshot makes [addr, addr+length) private memory with the pages that the snapshot
// has of it, and zeros otherwise.
func (s *Space) MapSnapshot(from *Snapshot, addr, length uint64, p Prot) error {
	if err := s.MapAnon(addr, length, ProtRead|ProtWrite); err != nil {
		return err
	}
	for _, q := range from.pages {
		lo, hi := max(q.lo, addr), min(q.hi, addr+length)
		if lo >= hi {
			continue
		}
		if err := from.readAt(bytesAt(lo, hi-lo), q.at+int64(lo-q.lo)); err != nil {
			return err
		}
	}
	return s.Protect(addr, length, p)
}

// Touched lists all of [lo, hi): the system does not tell which pages were never used.
func Touched(lo, hi uint64, private bool) []Range { return []Range{{lo, hi}} }
