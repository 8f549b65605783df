package engine

import (
	"fmt"
	"sync"
	"sync/atomic"

	"cabitrans/codegen"
	"cabitrans/rewrite"
	"cabitrans/runtime/host"
	"cabitrans/runtime/memory"
)

// VDSO tells the engine which guest addresses are system calls: Count slots of
// Stride bytes from Text on. Calling the first byte of a slot makes the call; the
// byte at RetOffset is a guest ret instruction. Clock is the slot of clock_time_get; 0, which is
// another's in every vDSO, for none.
type VDSO struct {
	Text      uint64
	Stride    uint64
	Count     int
	RetOffset uint64
	Clock     uint32
}

func (v *VDSO) call(pc uint64) (n uint32, ok bool) {
	d := pc - v.Text
	if d >= v.Stride*uint64(v.Count) || d%v.Stride != 0 {
		return 0, false
	}
	return uint32(d / v.Stride), true
}

// Engine translates and runs the code of one guest process.
type Engine struct {
	space *host.Space
	mem   *memory.AddressSpace
	vdso  VDSO
	tls   rewrite.TLS

	mu                  sync.Mutex   // see doc.go
	marksMu             sync.RWMutex // guards rw's marks against readers; taken after mu
	stubs               *codegen.Stubs
	rw                  rewrite.Rewriter
	pages               *pageMap
	links               []link
	landings            table
	entries             table             // of calls
	calls               map[uint64]uint64 // call entries that lie apart from their body
	region              region
	breaks              map[uint64]bool   // see debug.go; nil for none
	hotBase             uint64            // where hot code begins after a flush
	marks               [4][]rewrite.Mark // of the permanent code: for no options, KeepR11, and Strict; of jumpMiss
	hotMarks, coldMarks markChunks        // and of the others, but for those that rw has yet
	hotReady, coldReady prefault          // see prefault.go
	vdsoRet             [3]uint64         // host addresses of the return from a vDSO call, likewise
	returns             atomic.Uint32     // index into them
	back                atomic.Uint64     // that one
	jumpMiss            uint64            // host address of rewrite.JumpMiss, if the table is packed
	eager               eager             // under mu
	tableErr            error

	threadsMu sync.Mutex
	threads   map[*Thread]struct{}
	ended     ThreadStats // of threads that are gone; under threadsMu

	home homeTier // see home.go

	stats          Stats  // under mu, but for what Stats adds
	translateTicks uint64 // under mu; see host.Ticks

	watcher  Watcher     // nil for none; under mu
	dropping Drop        // what the next flush is for
	blocks   *blockWatch // nil for none; set before the first thread
}

// The division of the code cache: stubs and permanent code, hot, cold.
const (
	stubsSize = 0x1_0000
	coldSize  = host.CacheSize / 3
	coldLo    = host.CacheLo + host.CacheSize - coldSize
	portalLo  = host.CacheLo + host.CacheSize - portalSize

	// The cache is flushed when less than this is left in a buffer: more than
	// the largest region needs.
	minRoom = maxRegion * rewrite.MaxEmit
)

// New returns an engine over the guest's address space. vdso may name slots that
// are mapped later; tls is the strategy that UseTLS has got.
func New(space *host.Space, mem *memory.AddressSpace, vdso VDSO, tls rewrite.TLS) (*Engine, error) {
	followHost()
	if tls != tlsInUse {
		panic("engine: threads are of another TLS strategy than the engine")
	}
	e := &Engine{
		space: space, mem: mem, vdso: vdso, tls: tls,
		pages:   new(pageMap),
		calls:   make(map[uint64]uint64),
		threads: make(map[*Thread]struct{}),
	}
	e.landings.Table, e.entries.Table = host.Landings, host.CallEntries
	if err := e.makeStubs(); err != nil {
		return nil, err
	}
	mem.SetInvalidate(e.invalidate)
	if packed {
		if err := mem.SetExecutable(e.executable); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// makeStubs lays down the code that no flush drops.
func (e *Engine) makeStubs() error {
	// Nothing lies on the first page, whose address is what a wild jump may well name.
	code := e.space.Code()[host.PageSize:stubsSize]
	buf := codegen.NewBuffer(code, host.CacheLo+host.PageSize)
	if err := e.space.Execute(host.CacheLo, host.CacheLo+stubsSize); err != nil {
		return err
	}
	buf.Copy(make([]byte, 16)) // returnWord and controlWord
	layout := stubLayout(e.tls)
	if e.vdso.Clock != 0 && e.tls.Switch() == codegen.SwitchNone {
		layout.Clock = e.clock()
	}
	stubs, err := codegen.MakeStubs(buf, layout)
	if err != nil {
		return err
	}
	setStubs(stubs)
	e.stubs = stubs
	e.rw = rewriter(e.tls, stubs)
	e.rw.Hot, e.rw.Known, e.rw.Clock = buf, e.known, e.vdso.Clock
	ret := e.vdso.Text + e.vdso.RetOffset
	for i := range e.vdsoRet {
		buf.Align(16)
		e.rw.Options = rewrite.Options{KeepR11: i >= 1, Strict: i == 2}
		e.rw.HotMarks = nil
		e.vdsoRet[i] = buf.PC()
		e.rw.Return(ret, 0)
		e.marks[i] = e.rw.HotMarks
	}
	e.setReturns(0)
	e.rw.Options = rewrite.Options{}
	e.rw.HotMarks = nil
	e.jumpMiss = buf.PC()
	if packed {
		e.jumpMiss = e.rw.JumpMiss()
		e.marks[3], e.rw.HotMarks = e.rw.HotMarks, nil
	}
	buf.Align(64)
	e.hotBase = buf.PC()
	e.resetBuffers()
	return nil
}

// setStubs tells the signal handlers where the stubs are.
func setStubs(s *codegen.Stubs) {
	host.SetStubs(host.Stubs{
		EnterLo: s.EnterLo, EnterHi: s.EnterHi,
		ExitLo: s.ExitLo, ExitHi: s.ExitHi,
		Abort: s.Abort, FaultExit: s.FaultExit,
		ClockLo: s.Clock.Lo, ClockHi: s.Clock.Hi, ClockStore: s.Clock.Store, ClockRedo: s.Clock.Redo,
	})
}

// Strict gives up the two things that translations take from the ABI: that a guest
// reads neither r11 after a return or at the begin of a function, nor the bytes below
// rsp after a call or return. It comes before the first thread.
func (e *Engine) Strict() {
	e.mu.Lock()
	defer e.mu.Unlock()
	o := e.rw.Options
	o.KeepR11, o.Strict = true, true
	e.setOptions(o)
}

// Without leaves optimisations out. It comes before the first thread.
func (e *Engine) Without(w rewrite.Without) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.rw.Without = w
	if w&rewrite.WithoutControl != 0 {
		e.controlMXCSR()
	}
	if w&rewrite.WithoutFlags != 0 && e.returns.Load() == 0 {
		e.setReturns(1)
	}
}

// room reports whether b has room for n bytes, which are then executable.
func (e *Engine) room(b *codegen.Buffer, n int) bool {
	if b.Room() < n {
		return false
	}
	if err := e.space.Execute(b.PC(), b.PC()+uint64(n)); err != nil {
		panic("engine: " + err.Error())
	}
	return true
}

func (e *Engine) resetBuffers() {
	code := e.space.Code()
	hot, cold := e.hotBase-host.CacheLo, uint64(coldLo-host.CacheLo)
	e.rw.Hot = codegen.NewBuffer(code[hot:cold:cold], e.hotBase)
	portals := uint64(portalLo - host.CacheLo)
	e.rw.Cold = codegen.NewBuffer(code[cold:portals:portals], coldLo)
	if e.home.portalBuf == nil { // no flush drops them
		e.home.portalBuf = codegen.NewBuffer(code[portals:], portalLo)
	}
	e.hotMarks.reset(&e.rw.HotMarks)
	e.coldMarks.reset(&e.rw.ColdMarks)
}

// Close ends the engine. No thread may be left.
func (e *Engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.threadsMu.Lock()
	n := len(e.threads)
	e.threadsMu.Unlock()
	if n > 0 {
		return fmt.Errorf("engine: %d threads are still running", n)
	}
	if e.home.stop != nil {
		close(e.home.stop)
		e.home.stop = nil
	}
	e.home.on.Store(false) // what is at home goes with the address space
	e.drop()
	e.mem.SetInvalidate(nil)
	if packed {
		return e.mem.SetExecutable(nil)
	}
	return nil
}
