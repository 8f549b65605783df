package engine

import (
	"time"

	"cabitrans/runtime/host"
)

// Stats counts what translation has done since the engine was made.
type Stats struct {
	Regions, Blocks, Instructions uint64
	GuestBytes, HostBytes         uint64        // text translated, and hot code made of it
	TranslateTime                 time.Duration // decoding, rewriting, publishing
	Links                         uint64        // direct branches linked after they were made
	TableMisses                   uint64        // indirect branches that had no landing
	TableBytes                    uint64        // look-up table now in use
	FSRewritten                   uint64        // instructions whose %fs operand was rewritten
	Leaves                        uint64        // calls that copies of short functions were made for
	Flushes                       uint64        // times that all translations were dropped
	HomePages                     uint64        // pages of text that were brought home
	HomeRefused                   uint64        // that did not qualify
	HomeWithdrawn                 uint64        // that were, and went to the code cache
	HomeCrossings                 uint64        // faults at home at what is in the code cache
	SwitchCalls                   uint64        // host system calls that the stubs have made to exchange %fs
	Threads                       ThreadStats
}

// ThreadStats counts what threads did; for a running thread it is approximate.
type ThreadStats struct {
	Switches uint64     // entries into the guest by Go
	Exits    [16]uint64 // by host.Exit constant
	Misses   uint64
}

func (s *ThreadStats) add(o *ThreadStats) {
	s.Switches += o.Switches
	s.Misses += o.Misses
	for i := range s.Exits {
		s.Exits[i] += o.Exits[i]
	}
}

// Stats returns the counts so far.
func (e *Engine) Stats() Stats {
	e.mu.Lock()
	s := e.stats
	s.TranslateTime = host.TicksTime(e.translateTicks)
	e.mu.Unlock()
	e.threadsMu.Lock()
	defer e.threadsMu.Unlock()
	s.Threads = e.ended
	for t := range e.threads {
		s.Threads.add(&t.stats)
	}
	s.SwitchCalls = e.switchCalls(&s.Threads)
	return s
}
