//go:build amd64

package host

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

func reserve() (*Space, error) {
	s := new(Space)
	if err := claim(TableDisp, 2*TableSize); err != nil {
		return nil, fmt.Errorf("cannot reserve the look-up tables: %w", err)
	}
	if err := claim(MissBase, BlockBase+blocksSize-MissBase); err != nil {
		return nil, fmt.Errorf("cannot reserve the miss regions and thread blocks: %w", err)
	}
	if err := s.claimArena(); err != nil {
		return nil, err
	}
	if err := mapGuard(); err != nil {
		return nil, err
	}
	if err := s.mapCache(); err != nil {
		return nil, err
	}
	if err := installSignals(); err != nil {
		return nil, err
	}
	return s, nil
}

const reserveFlags = unix.MAP_PRIVATE | unix.MAP_ANONYMOUS | unix.MAP_NORESERVE

// claim reserves [addr, addr+size) without access.
func claim(addr, size uint64) error {
	got, err := mmap(addr, size, unix.PROT_NONE, reserveFlags|unix.MAP_FIXED_NOREPLACE, -1, 0)
	if errors.Is(err, unix.EEXIST) || err == nil && got != addr {
		return fmt.Errorf("[%#x, %#x): %w", addr, addr+size, ErrNoSpace)
	}
	if err != nil {
		return fmt.Errorf("[%#x, %#x): %w (is the address-space limit, ulimit -v, too low?)", addr, addr+size, err)
	}
	return nil
}

func (s *Space) claimArena() error {
	if claim(ArenaLo, ArenaHi-ArenaLo) == nil {
		s.arena = []Range{{ArenaLo, ArenaHi}}
		return nil
	}
	taken, err := takenRanges()
	if err != nil {
		return err
	}
	lo := uint64(ArenaLo)
	for _, t := range append(taken, Range{ArenaHi, ArenaHi}) {
		if t.Hi <= lo {
			continue
		}
		hi := min(t.Lo, ArenaHi)
		if lo < hi {
			if err := claim(lo, hi-lo); err != nil {
				return fmt.Errorf("cannot reserve guest memory: %w", err)
			}
			s.arena = append(s.arena, Range{lo, hi})
		}
		lo = max(lo, t.Hi)
		if lo >= ArenaHi {
			break
		}
	}
	if len(s.arena) == 0 {
		return fmt.Errorf("cannot reserve guest memory below %#x: %w", ArenaHi, ErrNoSpace)
	}
	return nil
}

// takenRanges lists what the process has mapped, ascending.
func takenRanges() ([]Range, error) {
	f, err := os.Open("/proc/self/maps")
	if err != nil {
		return nil, fmt.Errorf("cannot list the mappings of this process: %w", err)
	}
	defer f.Close()
	var out []Range
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		if r, ok := parseRange(sc.Text()); ok {
			out = append(out, r)
		}
	}
	return out, sc.Err()
}

// parseRange reads the range that a line of /proc/PID/maps begins with (proc_pid_maps(5)).
func parseRange(line string) (r Range, ok bool) {
	lo, rest, _ := strings.Cut(line, "-")
	hi, _, _ := strings.Cut(rest, " ")
	var errLo, errHi error
	r.Lo, errLo = strconv.ParseUint(lo, 16, 64)
	r.Hi, errHi = strconv.ParseUint(hi, 16, 64)
	return r, errLo == nil && errHi == nil
}

// mapGuard maps the guard page. Its first word is the distance from the table of
// landings to that of call entries: whoever has read it from there has proved a
// target, and can use it.
func mapGuard() error {
	got, err := mmap(GuardAddr, PageSize, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_FIXED_NOREPLACE, -1, 0)
	if err != nil || got != GuardAddr {
		return fmt.Errorf("cannot map the guard page at %#x (is vm.mmap_min_addr above it?): %w", GuardAddr, err)
	}
	if err := Store64(GuardAddr, CallTable-TableDisp); err != nil {
		return fmt.Errorf("cannot write the guard page: %w", err)
	}
	if _, _, e := unix.Syscall(unix.SYS_MPROTECT, GuardAddr, PageSize, unix.PROT_READ); e != 0 {
		return fmt.Errorf("cannot protect the guard page: %w", e)
	}
	return nil
}

// mapCache maps one memory object twice: to be executable at CacheLo (Execute), writable at
// an address of the kernel's choice. No page is ever both. The object is a shared anonymous one: perf
// looks into its maps of generated code for no other.
func (s *Space) mapCache() error {
	got, err := mmap(CacheLo, CacheSize, unix.PROT_NONE,
		unix.MAP_SHARED|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE|unix.MAP_FIXED_NOREPLACE, -1, 0)
	if err != nil || got != CacheLo {
		if err == nil || errors.Is(err, unix.EEXIST) {
			err = ErrNoSpace
		}
		return fmt.Errorf("cannot map the code cache at %#x: %w", CacheLo, err)
	}
	// An old size of 0 asks for a second mapping of what is shared (mremap(2)).
	alias, _, e := unix.Syscall6(unix.SYS_MREMAP, CacheLo, 0, CacheSize, unix.MREMAP_MAYMOVE, 0, 0)
	if e == 0 {
		_, _, e = unix.Syscall(unix.SYS_MPROTECT, alias, CacheSize, unix.PROT_READ|unix.PROT_WRITE)
	}
	if e != 0 {
		return fmt.Errorf("cannot map the code cache for writing: %w", e)
	}
	s.code = bytesAt(uint64(alias), CacheSize)
	return nil
}

// execute makes the chunk of the code cache at addr executable. Of the first chunk the
// first page stays without access: nothing lies there.
func execute(addr uint64) error {
	lo := max(addr, CacheLo+PageSize)
	if _, _, e := unix.Syscall(unix.SYS_MPROTECT, uintptr(lo), uintptr(addr+ExecuteChunk-lo),
		unix.PROT_READ|unix.PROT_EXEC); e != 0 {
		return e
	}
	return nil
}
