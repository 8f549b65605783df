package home

import (
	"cabitrans/decode"
	"cabitrans/rewrite"
)

// Functions tells where the functions of the guest's text are.
type Functions interface {
	// After returns that function which ends behind pc and begins first; false if there
	// is none.
	After(pc uint64) (lo, hi uint64, ok bool)
}

// Pages analyses pages when they are asked for. It is used by one goroutine at a time.
type Pages struct {
	Functions Functions
	FS        rewrite.FS
	// Fetch copies executable bytes at addr, the guest's own, to buf and returns how
	// many there are.
	Fetch func(addr uint64, buf []byte) int
	// KeepR11 says that translated code keeps r11 across calls.
	KeepR11 bool

	pages   map[uint64]result  // by page address
	sync    map[uint64]uint64  // by page address: where the first instruction of the function across its begin is
	targets map[uint64]*bitmap // by page address: of direct branches
	scanned map[uint64]bool    // by page address: looked at, and not Refused
	sweep   sweep              // scratch
}

type result struct {
	page *Page // nil for one that does not qualify
	err  error
}

// At returns the page at addr, or why it does not qualify.
func (p *Pages) At(addr uint64) (*Page, error) {
	r, ok := p.pages[addr]
	if !ok {
		if p.pages == nil {
			p.pages = make(map[uint64]result)
		}
		r.page, r.err = p.qualify(addr)
		p.pages[addr] = r
	}
	return r.page, r.err
}

// Refused reports whether the page at addr has been found not to qualify.
func (p *Pages) Refused(addr uint64) bool { r := p.pages[addr]; return r.err != nil }

// Hopeless reports whether the page at addr is known not to qualify, or seen at a glance.
func (p *Pages) Hopeless(addr uint64) bool {
	if r, ok := p.pages[addr]; ok || p.scanned[addr] {
		return r.err != nil
	}
	code := p.sweep.code[:]
	if hazards(code[:p.Fetch(addr, code)], PageSize, false) {
		p.Refuse(addr, ErrHazard)
		return true
	}
	if p.scanned == nil {
		p.scanned = make(map[uint64]bool)
	}
	p.scanned[addr] = true
	return false
}

// Refuse makes the page at addr one that does not qualify.
func (p *Pages) Refuse(addr uint64, why error) {
	if p.pages == nil {
		p.pages = make(map[uint64]result)
	}
	p.pages[addr] = result{err: why}
}

// Forget drops what is known of text in [lo, hi), which changes, and of the functions
// that may reach into it.
func (p *Pages) Forget(lo, hi uint64) {
	for addr := range p.pages {
		if addr < hi && addr+PageSize > lo {
			delete(p.pages, addr)
		}
	}
	clear(p.sync)
	clear(p.targets)
	clear(p.scanned)
}

// branchTo notes a direct branch to pc. It reports whether pc may be an instruction.
func (p *Pages) branchTo(pc uint64) bool {
	addr, off := pc&^(PageSize-1), pc%PageSize
	b := p.targets[addr]
	if b == nil {
		b = new(bitmap)
		if p.targets == nil {
			p.targets = make(map[uint64]*bitmap)
		}
		p.targets[addr] = b
	}
	b.set(off)
	if to := p.pages[addr].page; to != nil && !to.Starts(off) {
		to.Astray = true
		return false
	}
	return true
}

// qualify analyses the page at addr.
func (p *Pages) qualify(addr uint64) (*Page, error) {
	if _, _, ok := p.Functions.After(0); !ok {
		return nil, ErrUnknown // all of its text would lie between functions
	}
	s := &p.sweep
	s.begin(p, addr)
	if err := s.walk(); err != nil {
		return nil, err
	}
	page := s.page
	if t := p.targets[addr]; t != nil {
		for i := range t {
			if t[i]&^page.starts[i] != 0 {
				return nil, ErrMiddle
			}
		}
	}
	if p.Hazards(s.code[:s.valid]) {
		return nil, ErrHazard
	}
	page.LoadsMXCSR = decode.MayLoadMXCSR(s.code[:s.valid])
	return page, nil
}

// Hazards reports whether an instruction that must not be executed begins anywhere on
// the page that code begins with, the bytes as the host has them, and goes on behind it.
func (p *Pages) Hazards(code []byte) bool { return hazards(code, PageSize, p.FS.Prefix != prefixFS) }

// prefixFS is the guest's own prefix: strategies that leave it have the guest's %fs.
const prefixFS = 0x64

// first is where the first instruction at or behind addr, the begin of a page, is in
// the function that begins at lo, before addr.
func (p *Pages) first(lo, addr uint64) (uint64, error) {
	if pc, ok := p.sync[addr]; ok {
		return pc, nil
	}
	pc, at := lo, lo&^(PageSize-1)
	for back := addr - PageSize; back > at; back -= PageSize {
		if known, ok := p.sync[back]; ok {
			pc = known
			break
		}
	}
	var in decode.Inst
	var buf [PageSize + decode.MaxLen]byte
	for pc < addr {
		page := pc &^ (PageSize - 1)
		n := p.Fetch(page, buf[:])
		for pc < page+PageSize {
			d := int(pc - page)
			if d >= n || in.Decode(buf[d:n], pc) != nil {
				return 0, ErrUnknown
			}
			pc = in.End()
		}
		p.setSync(page+PageSize, pc)
	}
	return pc, nil
}

func (p *Pages) setSync(page, pc uint64) {
	if p.sync == nil {
		p.sync = make(map[uint64]uint64)
	}
	p.sync[page] = pc
}
