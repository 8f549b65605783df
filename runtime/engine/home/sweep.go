package home

import "cabitrans/decode"

// A sweep is the analysis of one page.
type sweep struct {
	pages *Pages
	addr  uint64
	end   uint64
	page  *Page
	code  [PageSize + maxReach]byte // the page, and what an instruction may reach behind it
	valid int                       // bytes of it that can be executed
	orig  [decode.MaxLen]byte
	calls int // instructions behind a call up to which r11 is watched
}

func (s *sweep) begin(p *Pages, addr uint64) {
	s.pages, s.addr, s.end, s.page, s.calls = p, addr, addr+PageSize, new(Page), 0
	s.valid = p.Fetch(addr, s.code[:])
}

// bytes are those from pc on, on the page or just behind it.
func (s *sweep) bytes(pc uint64) []byte {
	d := int(pc - s.addr)
	if d >= s.valid {
		return nil
	}
	return s.code[d:s.valid]
}

// walk visits all instructions that begin on the page.
func (s *sweep) walk() error {
	if s.valid < PageSize {
		return ErrUnknown
	}
	for pc := s.addr; pc < s.end; {
		lo, hi, ok := s.pages.Functions.After(pc)
		if !ok || lo >= s.end {
			lo, hi = s.end, s.end
		}
		switch {
		case lo < s.addr && pc == s.addr:
			var err error
			if pc, err = s.pages.first(lo, s.addr); err != nil {
				return err
			}
			if pc > hi {
				return ErrUnknown
			}
		case pc < lo:
			if err := s.gap(pc, lo); err != nil {
				return err
			}
			pc = lo
		case pc > lo:
			return ErrUnknown // functions overlap
		}
		if pc >= s.end {
			return nil
		}
		var err error
		if pc, err = s.function(pc, hi); err != nil {
			return err
		}
	}
	return nil
}

// function visits the instructions of [pc, hi) that begin on the page, and returns where
// it has stopped.
func (s *sweep) function(pc, hi uint64) (uint64, error) {
	s.calls = 0
	for pc < hi && pc < s.end {
		in, err := s.inst(pc, true)
		if err != nil {
			return 0, err
		}
		pc = in.End()
	}
	if pc > hi {
		return 0, ErrUnknown
	}
	if pc < hi {
		s.pages.setSync(s.end, pc)
	}
	return pc, nil
}

// gap visits what lies between two functions: zeros at the end, and what decodes. A gap
// at the end of the page may go on on the next.
func (s *sweep) gap(pc, hi uint64) error {
	s.calls = 0
	if known, ok := s.pages.sync[pc]; ok && pc == s.addr {
		pc = known
	}
	zeros := hi
	for zeros > pc && s.code[zeros-1-s.addr] == 0 {
		zeros--
	}
	for pc < zeros {
		in, err := s.inst(pc, false)
		if err != nil {
			return err
		}
		pc = in.End()
	}
	if pc > hi && hi < s.end {
		return ErrUnknown
	}
	if pc > s.end {
		s.pages.setSync(s.end, pc)
	}
	return nil
}

// inst visits the instruction at pc. In a function it may name %fs.
func (s *sweep) inst(pc uint64, function bool) (in decode.Inst, err error) {
	code := s.bytes(pc)
	if in.Decode(code, pc) != nil {
		return in, ErrUnknown
	}
	if !function && in.Seg == decode.SegFS && in.SegMatters() {
		return in, ErrUnknown
	}
	copy(s.orig[:], code[:in.Len])
	if !s.pages.FS.Home(&in, code) {
		return in, ErrInstruction
	}
	off := pc - s.addr
	s.page.starts.set(off)
	if in.Seg == decode.SegFS && in.SegMatters() {
		s.page.Rewritten++
	}
	for i := range int(in.Len) {
		if code[i] != s.orig[i] {
			if off+uint64(i) >= PageSize {
				return in, ErrInstruction // the patch would be the next page's
			}
			s.page.Patches = append(s.page.Patches, Patch{uint16(off) + uint16(i), s.orig[i], code[i]})
		}
	}
	return in, s.flow(&in)
}

// flow notes where in leads.
func (s *sweep) flow(in *decode.Inst) error {
	if !s.pages.KeepR11 && s.readsR11(in) {
		return ErrR11
	}
	switch in.Flow {
	case decode.FlowCall, decode.FlowCallInd:
		if off := in.End() - s.addr; off < PageSize {
			s.page.ends.set(off)
		}
	}
	switch in.Flow {
	case decode.FlowJump, decode.FlowCond, decode.FlowLoop, decode.FlowCall:
		if !s.pages.branchTo(in.Target) {
			return ErrMiddle
		}
		off := in.PC - s.addr + uint64(in.ImmOff)
		if in.ImmLen == 4 && in.Target-s.addr >= PageSize && off <= PageSize-4 {
			s.page.Branches = append(s.page.Branches, Branch{uint16(off), in.Target})
		}
	}
	return nil
}

// readsR11 reports whether in reads r11, a few instructions behind a call, before
// anything else has become of it.
func (s *sweep) readsR11(in *decode.Inst) bool {
	reads := s.calls > 0 && in.Reads.Has(decode.R11)
	switch {
	case in.Flow == decode.FlowCall || in.Flow == decode.FlowCallInd:
		s.calls = 8
	case s.calls > 0:
		s.calls--
		if in.Kills.Has(decode.R11) || in.Flow != decode.FlowNext {
			s.calls = 0
		}
	}
	return reads
}
