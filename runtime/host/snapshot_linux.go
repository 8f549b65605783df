//go:build amd64

package host

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// A Snapshot holds pages of guest memory for another process: a memory object in
// which a page's offset is its address. It is sparse: what was never touched takes
// no room. What lies from ArenaHi on is a note.
type Snapshot struct{ fd int }

// NewSnapshot makes an empty one, closed on exec.
func NewSnapshot() (*Snapshot, error) {
	fd, err := unix.MemfdCreate("cabitrans-snapshot", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	s := &Snapshot{fd}
	if err := unix.Ftruncate(fd, ArenaHi); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// OpenSnapshot takes over a descriptor that another process has sent.
func OpenSnapshot(fd int) *Snapshot { return &Snapshot{fd} }

// FD is the host descriptor.
func (s *Snapshot) FD() int { return s.fd }

// Close forgets the snapshot; mappings of it stay.
func (s *Snapshot) Close() { _ = unix.Close(s.fd) }

// WriteNote stores a note.
func (s *Snapshot) WriteNote(b []byte) error {
	_, err := writeAll(s.fd, b, ArenaHi)
	return err
}

// ReadNote returns it.
func (s *Snapshot) ReadNote() ([]byte, error) {
	var st unix.Stat_t
	if err := unix.Fstat(s.fd, &st); err != nil {
		return nil, err
	}
	b := make([]byte, max(st.Size-ArenaHi, 0))
	for n := 0; n < len(b); {
		got, err := unix.Pread(s.fd, b[n:], ArenaHi+int64(n))
		if err == nil && got == 0 {
			err = errors.New("it is cut off")
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read the note of a snapshot: %w", err)
		}
		n += got
	}
	return b, nil
}

// Save copies the pages of [lo, hi), which are readable, into the snapshot.
func (s *Snapshot) Save(lo, hi uint64) error {
	_, err := writeAll(s.fd, bytesAt(lo, hi-lo), int64(lo))
	return err
}

// SavePage stores what a page at addr is to hold.
func (s *Snapshot) SavePage(addr uint64, page []byte) error {
	_, err := writeAll(s.fd, page, int64(addr))
	return err
}

func writeAll(fd int, b []byte, off int64) (n int, err error) {
	for n < len(b) {
		got, err := unix.Pwrite(fd, b[n:], off+int64(n))
		if err != nil && err != unix.EINTR {
			return n, err
		}
		n += max(got, 0)
	}
	return n, nil
}

// Data lists, ascending, the parts of [lo, hi) that the snapshot holds.
func (s *Snapshot) Data(lo, hi uint64) (out []Range) {
	for lo < hi {
		from, err := unix.Seek(s.fd, int64(lo), unix.SEEK_DATA)
		if err != nil || uint64(from) >= hi {
			return out // ENXIO: none follows
		}
		to, err := unix.Seek(s.fd, from, unix.SEEK_HOLE)
		if err != nil {
			to = math.MaxInt64
		}
		out = append(out, Range{uint64(from), min(uint64(to), hi)})
		lo = uint64(to)
	}
	return out
}

// Discard gives up the pages of [lo, hi), of which no mapping is left.
func (s *Snapshot) Discard(lo, hi uint64) {
	// A host that cannot do it keeps the memory until the process ends.
	_ = unix.Fallocate(s.fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, int64(lo), int64(hi-lo))
}

// MapSnapshot places the snapshot's pages of [addr, addr+length) at their address,
// copied when either side writes.
func (s *Space) MapSnapshot(from *Snapshot, addr, length uint64, p Prot) error {
	return s.MapObject(addr, length, p, false, from.fd, int64(addr))
}

// Bits of an entry of /proc/self/pagemap (Documentation/admin-guide/mm/pagemap.rst).
const (
	pagePresent = 1 << 63
	pageSwapped = 1 << 62
	pageOfFile  = 1 << 61 // or of shared memory: it has not been copied
)

// Touched lists, ascending, the pages of [lo, hi) that the process has memory of
// its own for; without private also those that it shares with a file. All of them
// when the host does not tell.
func Touched(lo, hi uint64, private bool) []Range {
	all := []Range{{lo, hi}}
	f, err := os.Open("/proc/self/pagemap")
	if err != nil {
		return all
	}
	defer f.Close()
	var out []Range
	buf := make([]byte, 1<<15)
	for at := lo; at < hi; {
		b := buf[:min(uint64(len(buf)), (hi-at)/PageSize*8)]
		if _, err := f.ReadAt(b, int64(at/PageSize*8)); err != nil {
			return all
		}
		for i := 0; i < len(b); i += 8 {
			e := binary.LittleEndian.Uint64(b[i:])
			if e&(pagePresent|pageSwapped) != 0 && (!private || e&pageOfFile == 0) {
				if n := len(out); n > 0 && out[n-1].Hi == at {
					out[n-1].Hi += PageSize
				} else {
					out = append(out, Range{at, at + PageSize})
				}
			}
			at += PageSize
		}
	}
	return out
}
