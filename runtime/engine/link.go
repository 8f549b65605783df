package engine

import "cabitrans/rewrite"

// A link is a branch in the code cache whose target had no translation when the
// branch was made. It leads to an exit that names the target; once that is
// translated the branch is patched, and the exit is never taken again.
type link struct {
	pos  uint32 // offset of the displacement in the code cache
	next uint32 // next link that waits for the same target; 0 ends the list
	kind rewrite.RefKind
}

// addLink gives ref an exit and lets it wait for its target. A target outside
// the arena waits for ever: every time it is reached the guest faults.
func (e *Engine) addLink(ref rewrite.Ref) {
	if inArena(ref.Target) {
		e.waitFor(ref)
	}
	putRel32(e.space.Code(), ref.Pos, e.rw.LinkExit(ref.Target, ref.Kind))
}

// waitFor makes ref, whose target is in the arena and not translated, one of those that
// are patched once it is.
func (e *Engine) waitFor(ref rewrite.Ref) {
	if len(e.links) == 0 {
		e.links = append(e.links, link{}) // number 0 ends lists
	}
	l := link{pos: ref.Pos, kind: ref.Kind, next: uint32(e.pages.at(ref.Target) &^ entryPending)}
	e.pages.set(ref.Target, entryPending|entry(len(e.links)))
	e.links = append(e.links, l)
}
