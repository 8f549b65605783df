package coverage

import (
	"cmp"
	"io"
	"maps"
	"slices"

	"cabitrans/runtime/engine"
)

// A Program is an executable in memory, and what its addresses are called.
type Program struct {
	Path   string
	Exe    io.ReaderAt // its content, for line numbers; may be nil
	Lo, Hi uint64      // where it lies
	Base   uint64      // what was added to its link-time addresses
	Entry  uint64
	VDSO   [2]uint64 // where it begins and ends; what it does is the host's

	// Place names an address in memory, as in "main+0x12", empty if nothing is known of it; Function names the function
	// that it is in, and says where that begins.
	Place    func(addr uint64) string
	Function func(addr uint64) (name string, begin uint64)
	// Functions yields the functions of the symbol table, by their addresses in memory.
	Functions func(yield func(name string, begin uint64) bool)
}

// A Recorder keeps what was executed of the programs of a process.
type Recorder struct {
	want    Want
	modules []module
	blocks  map[extent]struct{}
	lines   map[string]*sourceFile // by path
	noLines []string               // programs without line tables
	counts  []programCounts
}

// Want is what will be written.
type Want struct {
	DRCov, LCOV bool
	Counts      Kinds
}

// Watch is what the engine must watch for it.
func (w Want) Watch() engine.BlockWatch {
	return engine.BlockWatch{Count: w.LCOV || w.Counts != 0, Targets: w.Counts&Indirect != 0}
}

// New returns a Recorder.
func New(w Want) *Recorder {
	return &Recorder{want: w, blocks: make(map[extent]struct{}), lines: make(map[string]*sourceFile)}
}

// EndProgram takes what was executed of a program, none of whose threads is left.
func (r *Recorder) EndProgram(p *Program, e *engine.Engine) {
	all, targets := e.Blocks()
	all = slices.DeleteFunc(all, func(b *engine.Block) bool { return b.PC >= p.VDSO[0] && b.PC < p.VDSO[1] })
	slices.SortFunc(all, func(a, b *engine.Block) int {
		return cmp.Or(cmp.Compare(a.PC, b.PC), cmp.Compare(len(a.Code), len(b.Code)))
	})
	if r.want.DRCov {
		r.addModule(p, all)
	}
	var executed map[uint64]uint64 // by address of an instruction
	if r.want.LCOV || r.want.Counts&Insns != 0 {
		executed = make(map[uint64]uint64)
		for _, b := range all {
			for in, n := range b.Executed {
				executed[in.PC] += n
			}
		}
	}
	if r.want.LCOV {
		r.addLines(p, executed)
	}
	if r.want.Counts != 0 {
		r.addCounts(p, all, targets, executed)
	}
}

// ascending are the keys of a map in order.
func ascending[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
