package engine

import (
	"cabitrans/codegen"
	"cabitrans/runtime/host"
)

// Fresh memory of the code cache costs a page fault a page, which is more than it takes to fill the page. So it is asked
// for in steps that grow with what is there: 32 KiB to half a megabyte.

const (
	minStep = 32 << 10
	maxStep = 512 << 10
	// stepAhead is how much more than what has been emitted is there when a region begins; few need more.
	stepAhead = 4 << 10
)

// A prefault is how much of a buffer is present.
type prefault struct {
	end uint64 // as an offset in the code cache; 0 before the first step
}

// ready makes memory for the next region present.
func (e *Engine) ready(p *prefault, b *codegen.Buffer) {
	at := b.PC() - host.CacheLo
	if at+stepAhead < p.end {
		return
	}
	const page = host.PageSize - 1
	lo := max(at&^page, p.end)
	step := min(max(uint64(b.Len())/2&^page, minStep), maxStep, uint64(b.Room())&^page)
	e.space.Prefault(lo, step)
	p.end = lo + step
}
