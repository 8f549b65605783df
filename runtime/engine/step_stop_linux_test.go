//go:build amd64

package engine

import "cabitrans/runtime/host"

// A stop kicks a thread at a certain host instruction. A breakpoint stands in for the signal: it
// stops the thread in the same state.
type stop struct {
	code  []byte
	at    uint32 // offset in the code
	saved byte
}

// stopSize is how many bytes of code a stop takes.
const stopSize = 1

// newStop prepares a stop of the thread at an offset of the code cache, whose bytes are code.
func newStop(_ *host.Thread, code []byte, at uint32) *stop {
	s := &stop{code: code, at: at, saved: code[at]}
	code[at] = 0xcc
	return s
}

// reached says whether the thread has left the guest since it was stopped; it is kicked then, and the
// instruction is what it was.
func (s *stop) reached(b *host.Block) bool {
	if b.Exit != host.ExitFault || b.FaultSignal != SigTRAP || b.HostPC != host.CacheLo+uint64(s.at)+1 {
		return false
	}
	s.end()
	b.HostPC--
	b.Exit, b.Kick = host.ExitKick, 1
	return true
}

// end makes the instruction what it was.
func (s *stop) end() { s.code[s.at] = s.saved }
