package engine

import (
	"cabitrans/codegen"
	"cabitrans/rewrite"
	"cabitrans/runtime/host"
)

// rewriter is what translates for a process with the given strategy and stubs; its
// buffers, and what it knows of other translations, are for the caller to add.
func rewriter(tls rewrite.TLS, stubs *codegen.Stubs) rewrite.Rewriter {
	fields := rewrite.FieldsOf(tls.Cells(blockCells()))
	fields.Counters = offCounters
	return rewrite.Rewriter{
		CacheBase: host.CacheLo,
		Table:     host.TableDisp, Guard: host.GuardAddr,
		Calls:  rewrite.Calls{Lea: host.CallLea, Disp: host.CallDisp},
		Packed: packedTable,
		Fields: fields, FS: tls.FS(), Stubs: stubs,
	}
}

// Paper is a code cache that nobody executes: ordinary memory, in which a Rewriter
// writes what an engine's would, at the addresses of the real one, but for the stubs. It needs no host
// leaf, so that any host can show the translations of any strategy.
type Paper struct {
	Rewriter *rewrite.Rewriter
	hot      []byte
	cold     []byte
}

// PaperStubs stand for those of a process, whose addresses depend on the host's CPU.
var PaperStubs = codegen.Stubs{
	ExitLink: host.CacheLo + 0x100, ExitSyscall: host.CacheLo + 0x200, ExitTrap: host.CacheLo + 0x300,
	ExitCall: host.CacheLo + 0x400,
}

// NewPaper returns a cache with room for size bytes of hot code, and as many of cold.
func NewPaper(tls rewrite.TLS, size int) *Paper {
	r := rewriter(tls, &PaperStubs)
	r.Known = func(uint64) bool { return false }
	p := &Paper{Rewriter: &r, hot: make([]byte, size), cold: make([]byte, size)}
	p.Reset()
	return p
}

// Reset empties the cache.
func (p *Paper) Reset() {
	r := p.Rewriter
	r.Hot = codegen.NewBuffer(p.hot, host.CacheLo+stubsSize)
	r.Cold = codegen.NewBuffer(p.cold, coldLo)
	r.HotMarks, r.ColdMarks, r.Refs, r.FSRewritten = r.HotMarks[:0], r.ColdMarks[:0], r.Refs[:0], 0
}
