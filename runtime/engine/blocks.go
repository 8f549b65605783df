package engine

import (
	"sort"
	"sync"

	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/host"
)

// While blocks are watched, a region is one basic block, translated when a thread is about to enter it: so every block
// that is translated is one that is executed, and nothing else has to be done for coverage.
//
// To count, each block begins with an increment of the thread's own counter (rewrite/count.go), and only the block's
// beginning is published, so that nothing enters behind it: what branches into the middle gets a block of its own. A
// thread that a kick or a fault takes out of a block goes on with a block of its own, too, so the instructions that the
// first one had still ahead of it are taken back (unfinished). Counters are gathered when translations are dropped, when
// a thread ends, and thus before anybody asks.

// BlockWatch is what is wanted of blocks.
type BlockWatch struct {
	Count   bool // how often each was entered
	Targets bool // where indirect jumps and calls went, and how often; with Count
}

// A Block is a stretch of guest code that is entered at its beginning and left at its end, or by a fault.
type Block struct {
	PC    uint64
	Code  []byte
	Count uint64 // how often it was entered, if that is counted

	left map[int]uint64 // how often it was left early, by the number of the instruction that was not executed
}

// Insts yields the instructions, by number; one is the yielder's until the next.
func (b *Block) Insts(yield func(int, *decode.Inst) bool) {
	var in decode.Inst
	for i, at := 0, 0; at < len(b.Code); i, at = i+1, at+int(in.Len) {
		if in.Decode(b.Code[at:], b.PC+uint64(at)) != nil || !yield(i, &in) {
			return
		}
	}
}

// Executed yields how often each instruction was executed, if that is counted.
func (b *Block) Executed(yield func(*decode.Inst, uint64) bool) {
	n := b.Count
	for i, in := range b.Insts {
		if n -= b.left[i]; !yield(in, n) {
			return
		}
	}
}

// A Target is one of an indirect jump or call at Site.
type Target struct{ Site, To uint64 }

// maxCounters is how many blocks can be counted between two drops of all translations.
const maxCounters = 1 << 17

// blockWatch is the engine's side of it. Its fields are under Engine.mu; what threads without that lock read is also
// under marksMu, and Block.left under leftMu, a leaf.
type blockWatch struct {
	BlockWatch
	all     map[string]*Block // by address and code
	placed  []placedBlock     // those in the code cache, ascending; a block's number is that of its counter
	placing placedBlock       // the one that is being emitted
	trapped bool              // the instruction emitted last is an exit
	sites   map[uint64]*site  // indirect branches, and instructions that are exits
	targets map[Target]uint64 // of threads that have ended
	leftMu  sync.Mutex
}

// A placedBlock is the translation of a block. Places are offsets in the code cache.
type placedBlock struct {
	*Block
	begin, end uint32
	counted    uint32 // from here on it has been counted
	last       uint32 // where its last instruction begins
	lastPC     uint64
	loop       bool   // the last instruction is of the loop family
	exit       bool   // the last instruction is an exit
	site       uint32 // behind the exit that tells the target of the last instruction; 0 for none
}

// A site is an indirect branch whose targets are counted, or another instruction that is an exit.
type site struct {
	block *Block // that it ends
	inst  int    // its number there
	host  uint32 // where it goes on once that is done; 0 if it does not, or if the translation is gone
}

// WatchBlocks makes the engine watch blocks, before the first thread.
func (e *Engine) WatchBlocks(w BlockWatch) {
	e.mu.Lock()
	defer e.mu.Unlock()
	b := &blockWatch{
		BlockWatch: w, all: make(map[string]*Block), sites: make(map[uint64]*site), targets: make(map[Target]uint64),
	}
	e.blocks = b
	e.rw.Trapped = func(uint64, rewrite.TrapKind) { b.trapped = true }
}

// Blocks returns the blocks that were executed, in no order, and how often indirect branches went where. It is for
// when no thread is left.
func (e *Engine) Blocks() (all []*Block, targets map[Target]uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.blocks == nil {
		return nil, nil
	}
	for _, b := range e.blocks.all {
		all = append(all, b)
	}
	return all, e.blocks.targets
}

// counting reports whether blocks are counted.
func (e *Engine) counting() bool { return e.blocks != nil && e.blocks.Count }

// full reports whether translations must be dropped before more can be made.
func (e *Engine) full() bool {
	return !e.room(e.rw.Hot, minRoom) || !e.room(e.rw.Cold, minRoom) ||
		e.counting() && len(e.blocks.placed) == maxCounters
}

// enters is region.at for a place where branches may enter.
func (e *Engine) enters(pc uint64) int {
	if g := &e.region; e.counting() && (len(g.insts) == 0 || pc != g.insts[0].PC) {
		return 0
	}
	return e.region.at(pc)
}

// emitCount precedes the translation of instruction k of the region, the last one so far, with what counts.
func (e *Engine) emitCount(k int, in *decode.Inst) {
	w := e.blocks
	p := &w.placing
	if k == 0 {
		*p = placedBlock{begin: e.offset()}
		e.rw.Count(in.PC, int32(8*len(w.placed)))
		p.counted = e.offset() - rewrite.UncountLen
	}
	p.last, p.lastPC, p.loop = e.offset(), in.PC, in.Flow == decode.FlowLoop
	if w.Targets && (in.Flow == decode.FlowJumpInd || in.Flow == decode.FlowCallInd) && in.OpSize != 2 {
		e.rw.Trap(in.PC, rewrite.TrapTarget)
		p.site = e.offset()
	}
	w.trapped = false
}

// cut ends the region's run behind instruction k if that is an exit: the block ends there.
func (e *Engine) cut(k int, r *run) {
	g := &e.region
	e.blocks.placing.exit = e.blocks.trapped
	if !e.blocks.trapped || k+1 >= r.last {
		return
	}
	for i := range g.insts[k+1:] {
		g.index[g.insts[k+1+i].PC-g.lo] = 0
	}
	g.insts, r.last, r.end = g.insts[:k+1], k+1, endsClosed
	r.next = g.insts[k].End()
}

// keepBlock notes the region that has been emitted, which is a block.
func (e *Engine) keepBlock() {
	g, w := &e.region, e.blocks
	if len(g.insts) == 0 {
		return
	}
	lo, hi := g.insts[0].PC, g.insts[len(g.insts)-1].End()
	code := g.code[lo-g.lo : hi-g.lo]
	key := make([]byte, 0, 8+len(code))
	for i := range 8 {
		key = append(key, byte(lo>>(8*i)))
	}
	key = append(key, code...)
	b := w.all[string(key)]
	if b == nil {
		b = &Block{PC: lo, Code: key[8:]}
		w.all[string(key)] = b
	}
	if !w.Count {
		return
	}
	p := w.placing
	p.Block, p.end = b, e.offset()
	w.placed = append(w.placed, p)
	if p.site != 0 || p.exit {
		w.sites[p.lastPC] = &site{block: b, inst: len(g.insts) - 1, host: p.site}
	}
}

// gather adds what a thread has counted. The caller holds e.mu, and the thread is not in the guest.
func (w *blockWatch) gather(t *Thread) {
	for i := range w.placed {
		w.placed[i].Count += t.counters[i]
	}
	clear(t.counters[:len(w.placed)])
}

// dropBlocks gathers what all threads have counted. Engine.mu is held, and no thread is in the guest.
func (e *Engine) dropBlocks() {
	if !e.counting() {
		return
	}
	e.threadsMu.Lock()
	defer e.threadsMu.Unlock()
	for t := range e.threads {
		e.blocks.gather(t)
	}
	e.blocks.placed = e.blocks.placed[:0]
	for _, s := range e.blocks.sites {
		s.host = 0
	}
}

// An early is what a thread has left undone of a block that has been counted. The zero one is nothing.
type early struct {
	block *Block
	inst  int
	told  bool // the target of that instruction has been counted
}

// unfinished says what a thread that has left the guest at a host address, whose mark is m, has left undone. It is for
// a thread that is not settled yet.
func (e *Engine) unfinished(pc uint64, m rewrite.Mark) (u early) {
	if !e.counting() || m.Fix&(rewrite.FixPC|rewrite.FixSlotPC) != 0 { // those have branched already
		return u
	}
	e.marksMu.RLock()
	defer e.marksMu.RUnlock()
	off := uint32(pc - host.CacheLo)
	l := e.blocks.placed
	i := sort.Search(len(l), func(i int) bool { return l[i].begin > off }) - 1
	if i < 0 || off >= l[i].end || off < l[i].counted {
		return u
	}
	p := &l[i]
	if off > p.last && (p.loop || uint64(m.Guest) != p.lastPC) {
		return u // the last instruction has been executed: the state is that of where it leads
	}
	if k, ok := p.instAt(uint64(m.Guest)); ok {
		u = early{block: p.Block, inst: k, told: p.site != 0 && off >= p.site}
	}
	return u
}

// instAt is the number of the block's instruction at pc.
func (b *Block) instAt(pc uint64) (n int, ok bool) {
	for i, in := range b.Insts {
		if in.PC == pc {
			return i, true
		}
	}
	return 0, false
}

// takeBack makes what is undone not count.
func (t *Thread) takeBack(u early) {
	if u.block == nil {
		return
	}
	w := t.engine.blocks
	w.leftMu.Lock()
	defer w.leftMu.Unlock()
	if u.block.left == nil {
		u.block.left = make(map[int]uint64)
	}
	u.block.left[u.inst]++
	if u.told {
		t.told = t.block.RIP
	}
}

// onTarget counts the target of the indirect branch at RIP, and lets it go on.
func (t *Thread) onTarget() *Fault {
	pc := t.block.RIP
	if _, to, err := t.branchTarget(); err == nil && t.told != pc {
		t.targets[Target{pc, to}]++
	}
	t.told = 0
	e := t.engine
	e.marksMu.RLock()
	s := e.blocks.sites[pc]
	at := s.host
	e.marksMu.RUnlock()
	t.site = s
	if at == 0 { // all translations have been dropped since
		t.siteDropped()
		return t.toCode(pc, false)
	}
	t.block.Entry, t.stub = host.CacheLo+uint64(at), e.stubs.EnterFull
	return nil
}

// raised takes the instruction at pc, an exit, back if it has faulted.
func (t *Thread) raised(f *Fault, pc uint64) {
	e := t.engine
	if f == nil || f.RIP != pc || !e.counting() {
		return
	}
	e.marksMu.RLock()
	s := e.blocks.sites[pc]
	e.marksMu.RUnlock()
	if s != nil {
		t.takeBack(early{block: s.block, inst: s.inst})
	}
}

// siteDropped makes the thread, which was to go on behind the exit of an indirect branch, count that only once.
func (t *Thread) siteDropped() {
	if t.site != nil {
		t.takeBack(early{block: t.site.block, inst: t.site.inst, told: true})
		t.site = nil
	}
}

// blockState is the part of a Thread that counts blocks.
type blockState struct {
	counters []uint64          // by number of placedBlock; the guest increments them
	targets  map[Target]uint64 // by this thread
	told     uint64            // address of an indirect branch whose next target has been counted
	site     *site             // behind whose exit the thread is about to go on
}

// beginBlocks gives a new thread its counters.
func (t *Thread) beginBlocks() {
	t.block.Counters = 0
	if t.engine.counting() {
		t.counters = make([]uint64, maxCounters)
		t.block.Counters = counterAddress(t.counters)
		t.targets = make(map[Target]uint64)
	}
}

// endBlocks gathers what the thread, which ends, has counted.
func (t *Thread) endBlocks() {
	e := t.engine
	if !e.counting() {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.blocks.gather(t)
	for k, n := range t.targets {
		e.blocks.targets[k] += n
	}
}
