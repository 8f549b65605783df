//go:build amd64

package host

import (
	"fmt"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/windows"
)

// The arena is address space that is reserved. Windows puts a view of a section only at
// multiples of 64 KiB, granules, and only where nothing is reserved; what is reserved as
// one is released as one. So each granule in use is a reservation of its own, which a view
// can take the place of. (Placeholders, which need neither, exist since Windows 10 1803;
// Wine 8 has none, and one way that is tested is better than two.)
//
// To reserve 27,000 granules when the program begins would take a tenth of a second. So
// they are reserved in pieces, and a piece is split when the first of it is used.

// granule is the unit in bytes in which Windows reserves address space.
const granule = 64 << 10

// MapUnit is what the offset and the address of a shared mapping have to agree modulo;
// whatever lies in one unit with pages of it must show the same object.
const MapUnit = granule

// pieceSize is a multiple of granule: to split a piece takes some 200 µs under Wine.
const pieceSize = 4 << 20

// A granule's word: which of its pages are in use in the low bits, and these.
const (
	pagesInUse = 1<<(granule/PageSize) - 1
	ofPiece    = 1 << 16 // reserved with others, none of which are in use
	isView     = 1 << 17 // a view is there, or would be, had the file not ended (views)
	isLost     = 1 << 18 // somebody else has got it in the moment when it was free
)

// arena knows the granules. Words are changed under package memory's lock.
var arena struct {
	word  [ArenaHi / granule]atomic.Uint32
	piece [ArenaHi / granule]uint16 // index in pieces
	all   []Range                   // pieces
}

// claimArena reserves everything between ArenaLo and ArenaHi that is free, and takes over
// what is reserved for it.
func (s *Space) claimArena() error {
	for at := uint64(ArenaLo); at < ArenaHi; {
		var m windows.MemoryBasicInformation
		if err := query(at, &m); err != nil {
			return fmt.Errorf("cannot list the mappings of this process: %w", err)
		}
		end := min(uint64(m.BaseAddress)+uint64(m.RegionSize), ArenaHi)
		if m.State == memFree || isRoom(at, end) {
			s.claimPieces((at+granule-1)&^(granule-1), end&^(granule-1))
		}
		at = end
	}
	if len(s.arena) == 0 {
		return fmt.Errorf("cannot reserve guest memory below %#x: %w", ArenaHi, ErrNoSpace)
	}
	return nil
}

const memFree = 0x10000 // MEM_FREE

// claimPieces reserves what it can of [lo, hi), which was free a moment ago.
func (s *Space) claimPieces(lo, hi uint64) {
	for lo < hi {
		end := min(hi, (lo+pieceSize)&^(pieceSize-1))
		if isRoom(lo, end) || claim(lo, end-lo) == nil {
			for g := lo / granule; g < end/granule; g++ {
				arena.word[g].Store(ofPiece)
				arena.piece[g] = uint16(len(arena.all))
			}
			arena.all = append(arena.all, Range{lo, end})
			if n := len(s.arena); n > 0 && s.arena[n-1].Hi == lo {
				s.arena[n-1].Hi = end
			} else {
				s.arena = append(s.arena, Range{lo, end})
			}
		}
		lo = end
	}
}

// A part is what a range has of one granule.
type part struct {
	g      uint64 // number of the granule
	lo, hi uint64 // addresses
	pages  uint32 // the bits in the granule's word
}

func (p part) base() uint64 { return p.g * granule }

// parts calls f with every part of [addr, addr+length), page aligned, until it fails.
func parts(addr, length uint64, f func(part) error) error {
	for lo := addr; lo < addr+length; {
		g := lo / granule
		hi := min(addr+length, (g+1)*granule)
		first, n := lo%granule/PageSize, (hi-lo)/PageSize
		if err := f(part{g, lo, hi, (1<<n - 1) << first}); err != nil {
			return err
		}
		lo = hi
	}
	return nil
}

// own makes a granule, in which no page is in use, a reservation of its own.
func own(g uint64) error {
	w := &arena.word[g]
	switch {
	case w.Load()&ofPiece != 0:
		p := arena.all[arena.piece[g]]
		if err := windows.VirtualFree(uintptr(p.Lo), 0, windows.MEM_RELEASE); err != nil {
			return memoryError(err)
		}
		for i := p.Lo / granule; i < p.Hi/granule; i++ {
			reclaim(i)
		}
	case w.Load()&isLost != 0:
		reclaim(g)
	}
	if w.Load()&isLost != 0 {
		return syscall.ENOMEM
	}
	return nil
}

// reclaim reserves a granule that is free.
func reclaim(g uint64) {
	if claim(g*granule, granule) != nil {
		arena.word[g].Store(isLost)
		return
	}
	arena.word[g].Store(0)
}

// Viewed reports whether addr, in the arena, shares its unit with a shared mapping: other
// memory cannot be there.
func Viewed(addr uint64) bool { return arena.word[addr/granule].Load()&isView != 0 }
