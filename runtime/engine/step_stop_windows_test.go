//go:build amd64

package engine

import (
	"runtime"
	"sync"

	"golang.org/x/sys/windows"

	"cabitrans/runtime/host"
)

// A stop kicks a thread at a certain host instruction. The system would write the record of a
// breakpoint over what lies below rsp, where a kick leaves everything as it is. So the instruction
// becomes a jump to itself, and another thread kicks the one that it finds there.
type stop struct {
	code  []byte
	at    uint32 // offset in the code
	saved [stopSize]byte
	over  chan struct{} // closed when nobody is to kick any more
	kicks sync.WaitGroup
}

// stopSize is how many bytes of code a stop takes.
const stopSize = 2

// newStop prepares a stop of the thread, the calling one, at an offset of the code cache, whose bytes
// are code.
func newStop(ht *host.Thread, code []byte, at uint32) *stop {
	s := &stop{code: code, at: at, saved: [stopSize]byte(code[at:]), over: make(chan struct{})}
	copy(code[at:], []byte{0xeb, 0xfe})
	tid := windows.GetCurrentThreadId()
	s.kicks.Go(func() { s.kick(ht, tid) })
	return s
}

// kick kicks the thread as soon as it is at the instruction.
func (s *stop) kick(ht *host.Thread, tid uint32) {
	h, err := windows.OpenThread(windows.THREAD_GET_CONTEXT, false, tid)
	if err != nil {
		return // and the stop is never reached
	}
	defer func() { _ = windows.CloseHandle(h) }()
	for threadPC(h) != host.CacheLo+uint64(s.at) {
		select {
		case <-s.over:
			return
		default:
			runtime.Gosched()
		}
	}
	ht.Kick()
}

// reached says whether the thread has left the guest since it was stopped; it is kicked then, and the
// instruction is what it was.
func (s *stop) reached(b *host.Block) bool {
	if b.Exit != host.ExitKick || b.HostPC != host.CacheLo+uint64(s.at) {
		return false
	}
	copy(s.code[s.at:], s.saved[:])
	return true
}

// end makes the instruction what it was.
func (s *stop) end() {
	close(s.over)
	s.kicks.Wait()
	copy(s.code[s.at:], s.saved[:])
}
