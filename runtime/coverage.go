package runtime

import (
	"io"

	"cabitrans/runtime/coverage"
)

// A Coverage says where it is written which code was executed, when the process has ended.
type Coverage struct {
	To io.Writer
	// Lines asks for lcov's form, by source lines, of executables that have line tables, with how often each was
	// executed; without it, it is drcov's, by basic blocks.
	Lines bool
	// Forked is the path of what forked processes write: each adds a point and its process identifier. Without it they
	// write nothing.
	Forked string
}

// Counts says what is counted, and where that is written when the process has ended, as text.
type Counts struct {
	To     io.Writer
	Kinds  CountKinds
	All    bool   // every place, instead of the most frequent ones
	Forked string // as in Coverage
}

// CountKinds are what can be counted.
type CountKinds = coverage.Kinds

// ParseCountKinds reads names of what can be counted, separated by commas: blocks, insns, indirect, opcodes.
func ParseCountKinds(s string) (CountKinds, error) { return coverage.ParseKinds(s) }

// setCoverage makes the recorder of what was executed, if there is anything to write.
func (p *Process) setCoverage(c *Coverage, n *Counts) {
	p.coverage, p.counts = c, n
	if w := p.wantCovered(); w != (coverage.Want{}) {
		p.executed = coverage.New(w)
	}
}

func (p *Process) wantCovered() (w coverage.Want) {
	if p.coverage != nil {
		w.DRCov, w.LCOV = !p.coverage.Lines, p.coverage.Lines
	}
	if p.counts != nil {
		w.Counts = p.counts.Kinds
	}
	return w
}

// watchBlocks makes p.engine, which is new, watch what is to be written.
func (p *Process) watchBlocks() {
	if p.executed != nil {
		p.engine.WatchBlocks(p.wantCovered().Watch())
	}
}

// endCoverage takes what was executed of the program whose threads have all left.
func (p *Process) endCoverage() {
	if p.executed == nil || p.engine == nil {
		return
	}
	g := coverage.Program{
		Path: p.programPath(), Exe: p.program.exe, Lo: p.plan.Lo, Hi: p.plan.Hi, Base: p.plan.Base, Entry: p.plan.Entry,
		VDSO:  [2]uint64{p.vdso.Text, p.vdso.Text + p.vdso.Stride*uint64(p.vdso.Count)},
		Place: p.placeName, Function: p.functionOf,
		Functions: func(yield func(string, uint64) bool) {
			for s := range p.syms().All {
				if s.Func && !yield(s.Name, s.Addr+p.plan.Base) {
					return
				}
			}
		},
	}
	p.executed.EndProgram(&g, p.engine)
}

// writeCoverage writes what was asked for.
func (p *Process) writeCoverage() {
	if p.coverage != nil && p.coverage.Lines {
		p.coverageErr = p.executed.WriteLCOV(p.coverage.To)
	} else if p.coverage != nil {
		p.coverageErr = p.executed.WriteDRCov(p.coverage.To)
	}
	if p.counts != nil {
		p.countsErr = p.executed.WriteCounts(p.counts.To, p.counts.All)
	}
}

// CoverageErr waits until the process has ended, and says whether coverage could be written.
func (p *Process) CoverageErr() error {
	<-p.ended
	return p.coverageErr
}

// CountsErr waits until the process has ended, and says whether counts could be written.
func (p *Process) CountsErr() error {
	<-p.ended
	return p.countsErr
}
