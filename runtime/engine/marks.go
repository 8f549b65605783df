package engine

import (
	"sort"

	"cabitrans/rewrite"
	"cabitrans/runtime/host"
)

// The source map becomes long: 16 bytes an instruction. So its marks are kept in chunks: a rewriter appends to the open
// one of each buffer, and none that is full is ever copied.

// How many marks the first chunk has room for, and the others: 16 and 64 KiB of them.
const (
	firstChunk = 1 << 10
	marksChunk = 1 << 12
)

// markChunks are the chunks of a buffer before the open one, which its rewriter has; in order of host addresses.
type markChunks [][]rewrite.Mark

// room makes room for n marks in the open chunk: another is begun if there is too little.
func (c *markChunks) room(open *[]rewrite.Mark, n int) {
	if cap(*open)-len(*open) >= n {
		return
	}
	if len(*open) == 0 {
		*open = make([]rewrite.Mark, 0, max(n, firstChunk))
		return
	}
	*c = append(*c, *open)
	*open = make([]rewrite.Mark, 0, max(n, marksChunk))
	host.Populate(bytesOf((*open)[:cap(*open)]))
}

// reset forgets all chunks; the open one is reused.
func (c *markChunks) reset(open *[]rewrite.Mark) {
	clear(*c)
	*c, *open = (*c)[:0], (*open)[:0]
}

// in returns the chunk that off lies in: the last one that begins at or before it. nil if all begin behind it.
func (c markChunks) in(open []rewrite.Mark, off uint64) []rewrite.Mark {
	if begins(open, off) {
		return open
	}
	if i := sort.Search(len(c), func(i int) bool { return uint64(c[i][0].Host) > off }); i > 0 {
		return c[i-1]
	}
	return nil
}

// begins reports whether a list has marks at or before off.
func begins(l []rewrite.Mark, off uint64) bool { return len(l) > 0 && uint64(l[0].Host) <= off }

// reserveMarks makes room in the source map for the translation of n instructions. What they need beyond it costs a
// copy of the chunk.
func (e *Engine) reserveMarks(n int) {
	e.hotMarks.room(&e.rw.HotMarks, 2*n)
	e.coldMarks.room(&e.rw.ColdMarks, 2*n)
}

// marksNear is the list of marks that off, an offset in the code cache, lies in.
func (e *Engine) marksNear(off uint64) []rewrite.Mark {
	if begins(e.home.portalMarks, off) {
		return e.home.portalMarks
	}
	if l := e.coldMarks.in(e.rw.ColdMarks, off); l != nil {
		return l
	}
	if l := e.hotMarks.in(e.rw.HotMarks, off); l != nil {
		return l
	}
	for i := len(e.marks) - 1; i >= 0; i-- {
		if begins(e.marks[i], off) {
			return e.marks[i]
		}
	}
	return nil
}

// A markList is a part of the source map, and the host address behind the code that it is for.
type markList struct {
	marks []rewrite.Mark
	end   uint64
}

// markLists is the source map, in order of host addresses.
func (e *Engine) markLists() (all []markList) {
	add := func(end uint64, lists ...[]rewrite.Mark) {
		for i, l := range lists {
			to := end
			for _, next := range lists[i+1:] {
				if len(next) > 0 {
					to = host.CacheLo + uint64(next[0].Host)
					break
				}
			}
			all = append(all, markList{l, to})
		}
	}
	for i, end := range [...]uint64{e.vdsoRet[1], e.vdsoRet[2], e.jumpMiss, e.hotBase} {
		add(end, e.marks[i])
	}
	add(e.rw.Hot.PC(), append(e.hotMarks[:len(e.hotMarks):len(e.hotMarks)], e.rw.HotMarks)...)
	add(e.rw.Cold.PC(), append(e.coldMarks[:len(e.coldMarks):len(e.coldMarks)], e.rw.ColdMarks)...)
	add(e.home.portalBuf.PC(), e.home.portalMarks)
	return all
}
