//go:build amd64

package engine

import (
	"testing"

	"cabitrans/decode"
	"cabitrans/rewrite"
)

// TestTracedCounts is TestTracedSequences while blocks are counted, with and without the targets of indirect branches:
// wherever the thread is kicked, the instructions and targets counted in a run are those that the CPU executes.
func TestTracedCounts(t *testing.T) { eachTLS(t, testTracedCounts) }

func testTracedCounts(t *testing.T, tls rewrite.TLS) {
	traced(t, func(tr *tracee) {
		for _, targets := range []bool{false, true} {
			tr.scope(func(tr *tracee) {
				tr.g = newGuestTLS(tr.t, tls)
				tr.g.engine.WatchBlocks(BlockWatch{Count: true, Targets: targets})
				tr.g.put(tr.g.code, stepCode)
				s := &sequencer{tracee: tr, code: stepCode, end: stepEnd, least: 200, counts: true}
				s.native()
				s.all(map[bool]string{false: "blocks", true: "blocks and targets"}[targets])
			})
		}
	})
}

// executed is how many instructions, and targets of indirect branches, have been counted.
func (s *sequencer) executed() (insts, targets int) {
	if !s.counts {
		return 0, 0
	}
	return countedBy(s.g.engine)
}

// checkCounts compares what a run has added with what the CPU has executed.
func (s *sequencer) checkCounts(sh *shot, insts, targets int) {
	if !s.counts {
		return
	}
	n, to := s.executed()
	want, branches := 0, 0
	for i, b := range s.trace.list[:len(s.trace.list)-1] { // the last is not executed
		in, err := (&Thread{engine: s.g.engine}).decode(b.RIP)
		if err != nil {
			s.t.Fatal(err)
		}
		if !in.Repeats() || s.trace.list[i+1].RIP != b.RIP { // the CPU stops between repetitions, too
			want++
		}
		if in.Flow == decode.FlowJumpInd || in.Flow == decode.FlowCallInd {
			branches++
		}
	}
	if !s.g.engine.blocks.Targets {
		branches = 0
	}
	if n-insts != want || to-targets != branches {
		s.t.Errorf("%v: %d instructions and %d targets were counted, %d and %d executed", sh, n-insts, to-targets, want, branches)
	}
}
