package codegen

import (
	"github.com/twitchyliquid64/golang-asm/obj"
	"github.com/twitchyliquid64/golang-asm/obj/x86"
)

// Components of extended state, as bits of XCR0 and of an XSAVE area's header (Intel SDM
// volume 1, 13.1), and where the standard format has them.
const (
	stateX87  = 1 << 0
	stateSSE  = 1 << 1
	stateAVX  = 1 << 2
	stateMask = 7 << 5 // AVX-512: opmask, upper halves of ZMM0 to 15, ZMM16 to 31
	statePKRU = 1 << 9

	areaMXCSR = 24
	areaXMM   = 160
	areaInUse = 512 // XSTATE_BV, 8 bytes
	areaYMM   = 576 // upper halves
)

// XSAVE and XRSTOR take some 85 ns for nothing and 165 for everything; 32 moves take 5,
// and to ask the CPU what is not in its initial state 13. So where that can be asked,
// vectors are moved by themselves if the guest uses nothing else. The area then is what
// XSAVE would have left, for all who read it: what is in its initial state is so in
// memory, too.
//
// Go, and what runs on the thread in its name, touches neither x87 registers nor
// protection keys: on the way back they are still the guest's. Whoever may have written
// to the area sets Restore.

// saveExtended saves all that the guest uses of the state components that the operating
// system has enabled, and gives Go its own MXCSR. It destroys rax, rcx and rdx.
func (s *stub) saveExtended() {
	if !s.l.HasInUse {
		s.saveAll()
		return
	}
	// Everything: if it uses more than vectors, or did when the area was written, or if
	// the area never was.
	s.inUse()
	s.op2(x86.ATESTL, imm(^(stateSSE | stateAVX)), reg(x86.REG_AX))
	more := s.jump(x86.AJNE)
	s.op2(x86.AORL, imm(stateSSE), reg(x86.REG_AX))
	s.op2(x86.AMOVQ, s.area(areaInUse), reg(x86.REG_CX))
	s.op2(x86.ATESTL, imm(stateSSE), reg(x86.REG_CX))
	never := s.jump(x86.AJEQ)
	s.op2(x86.AORQ, reg(x86.REG_AX), reg(x86.REG_CX))
	s.op2(x86.ACMPQ, reg(x86.REG_CX), reg(x86.REG_AX))
	did := s.jump(x86.AJNE)

	s.op2(x86.AMOVQ, reg(x86.REG_AX), s.area(areaInUse))
	for i := range int32(16) {
		s.op2(x86.AMOVUPS, reg(x86.REG_X0+int16(i)), s.area(areaXMM+16*i))
	}
	s.op1(x86.ASTMXCSR, s.area(areaMXCSR))
	var saved []*obj.Prog
	if s.l.HasAVX {
		s.op2(x86.ATESTL, imm(stateAVX), reg(x86.REG_AX))
		saved = append(saved, s.jump(x86.AJEQ))
		for i := range int32(16) {
			s.op2(x86.AVEXTRACTF128, imm(1), s.area(areaYMM+16*i)).RestArgs = []obj.Addr{reg(x86.REG_Y0 + int16(i))}
		}
	}
	saved = append(saved, s.jump(obj.AJMP))

	all := s.xsave()
	for _, p := range []*obj.Prog{more, never, did} {
		bind(p, all)
	}
	end := s.op2(x86.AMOVL, s.area(areaMXCSR), reg(x86.REG_AX))
	for _, p := range saved {
		bind(p, end)
	}
	s.op2(x86.AMOVL, reg(x86.REG_AX), s.field(s.l.MXCSR))
	s.op2(x86.ALDMXCSR, s.field(s.l.HostMXCSR), obj.Addr{})
}

// saveAll is saveExtended where it does not matter how long that takes.
func (s *stub) saveAll() {
	s.xsave()
	s.op1(x86.ASTMXCSR, s.field(s.l.MXCSR))
	s.op2(x86.ALDMXCSR, s.field(s.l.HostMXCSR), obj.Addr{})
}

func (s *stub) xsave() (first *obj.Prog) {
	first = s.op2(x86.AMOVL, imm(-1), reg(x86.REG_AX))
	s.op2(x86.AMOVL, imm(-1), reg(x86.REG_DX))
	s.op1(x86.AXSAVE64, s.field(s.l.XSave))
	return first
}

// loadExtended loads what saveExtended, or another, has saved. It destroys rax, rcx and
// rdx.
func (s *stub) loadExtended() {
	var all []*obj.Prog
	var loaded *obj.Prog
	if s.l.HasInUse {
		// Everything: if the area may have been written to, or has more than Go leaves
		// alone and vectors, or if Go uses what the guest does not.
		s.op2(x86.ACMPL, s.field(s.l.Restore), imm(0))
		all = append(all, s.jump(x86.AJNE))
		s.inUse()
		s.op2(x86.AMOVQ, s.area(areaInUse), reg(x86.REG_CX))
		s.op2(x86.ATESTQ, imm(^(stateX87 | stateSSE | stateAVX | statePKRU)), reg(x86.REG_CX))
		all = append(all, s.jump(x86.AJNE))
		s.op2(x86.AORL, imm(^(stateAVX | stateMask)), reg(x86.REG_CX))
		s.op2(x86.AORL, reg(x86.REG_CX), reg(x86.REG_AX))
		s.op2(x86.ACMPL, reg(x86.REG_AX), reg(x86.REG_CX))
		all = append(all, s.jump(x86.AJNE))
		s.loadVectors()
		loaded = s.jump(obj.AJMP)
	}
	xrstor := s.op2(x86.AMOVL, imm(-1), reg(x86.REG_AX))
	for _, p := range all {
		bind(p, xrstor)
	}
	s.op2(x86.AMOVL, imm(-1), reg(x86.REG_DX))
	s.op2(x86.AXRSTOR64, s.field(s.l.XSave), obj.Addr{})
	if s.l.HasInUse {
		s.op2(x86.AMOVL, imm(0), s.field(s.l.Restore)) // last: until then a kick begins anew
		bind(loaded, s.op(obj.ANOP))
	}
}

// loadVectors loads the vectors and MXCSR; rcx says what is not in its initial state, in
// which the CPU has it.
func (s *stub) loadVectors() {
	s.op2(x86.ALDMXCSR, s.area(areaMXCSR), obj.Addr{})
	for i := range int32(16) {
		s.op2(x86.AMOVUPS, s.area(areaXMM+16*i), reg(x86.REG_X0+int16(i)))
	}
	if !s.l.HasAVX {
		return
	}
	s.op2(x86.ATESTL, imm(stateAVX), reg(x86.REG_CX))
	narrow := s.jump(x86.AJEQ)
	for i := range int16(16) {
		y := reg(x86.REG_Y0 + i)
		if s.block == 0 {
			s.op2(x86.ABYTE, imm(0x65), obj.Addr{}) // golang-asm does not look for it there
		}
		s.op2(x86.AVINSERTF128, imm(1), y).RestArgs = []obj.Addr{s.area(areaYMM + 16*int32(i)), y}
	}
	bind(narrow, s.op(obj.ANOP))
}

// inUse sets eax to the components that are not in their initial state, as the CPU
// knows (XINUSE; Intel SDM volume 1, 13.6).
func (s *stub) inUse() {
	s.op2(x86.AMOVL, imm(1), reg(x86.REG_CX))
	s.op(x86.AXGETBV)
}

// area is a part of the XSAVE area.
func (s *stub) area(off int32) obj.Addr { return s.field(s.l.XSave + off) }
