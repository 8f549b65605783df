package codegen

import (
	"errors"
	"fmt"
	"sync"

	"github.com/twitchyliquid64/golang-asm/obj"
	"github.com/twitchyliquid64/golang-asm/obj/x86"
	"github.com/twitchyliquid64/golang-asm/objabi"
)

// errAssemble is wrapped by errors of the stub assembler; it means a bug here.
var errAssemble = errors.New("codegen: cannot assemble a stub")

// assembly collects the instructions of one stub for golang-asm. Operands are
// written in Go assembler order: source, destination.
type assembly struct {
	ctxt        *obj.Link
	first, last *obj.Prog
	err         error
}

// asmMu serialises assemblies: golang-asm initialises its instruction tables on
// first use without a lock.
var asmMu sync.Mutex

// assemble runs f and returns the code of the instructions it listed, which is
// position independent as long as f branches only to labels.
//
// It takes golang-asm's architecture as it is: the Builder of that package makes a
// map of all instruction names first, which costs more than all stubs.
func assemble(f func(a *assembly)) (code []byte, err error) {
	asmMu.Lock()
	defer asmMu.Unlock()
	ctxt := obj.Linknew(&x86.Linkamd64)
	ctxt.Headtype = objabi.Hlinux
	ctxt.DiagFunc = func(format string, args ...any) {
		err = fmt.Errorf("%w: "+format, append([]any{errAssemble}, args...)...)
	}
	x86.Linkamd64.Init(ctxt)
	a := &assembly{ctxt: ctxt}
	f(a)
	if a.err != nil {
		return nil, fmt.Errorf("%w: %w", errAssemble, a.err)
	}
	s := &obj.LSym{Func: &obj.FuncInfo{Text: a.first}}
	x86.Linkamd64.Assemble(ctxt, s, ctxt.NewProg)
	if err == nil && len(s.P) == 0 {
		err = errAssemble
	}
	return s.P, err
}

func reg(r int16) obj.Addr  { return obj.Addr{Type: obj.TYPE_REG, Reg: r} }
func imm(v int64) obj.Addr  { return obj.Addr{Type: obj.TYPE_CONST, Offset: v} }
func gs(off int32) obj.Addr { return obj.Addr{Type: obj.TYPE_MEM, Reg: x86.REG_GS, Offset: int64(off)} }

// op appends an instruction without operands.
func (a *assembly) op(as obj.As) *obj.Prog { return a.op2(as, obj.Addr{}, obj.Addr{}) }

// op1 appends an instruction whose one operand is its destination.
func (a *assembly) op1(as obj.As, to obj.Addr) *obj.Prog { return a.op2(as, obj.Addr{}, to) }

// op2 appends an instruction.
func (a *assembly) op2(as obj.As, from, to obj.Addr) *obj.Prog {
	p := a.ctxt.NewProg()
	p.As, p.From, p.To = as, from, to
	if a.first == nil {
		a.first = p
	} else {
		a.last.Link = p
	}
	a.last = p
	return p
}

// jump appends a branch whose target is set by bind.
func (a *assembly) jump(as obj.As) *obj.Prog {
	return a.op1(as, obj.Addr{Type: obj.TYPE_BRANCH})
}

// bind makes p branch to the instruction target.
func bind(p, target *obj.Prog) { p.To.Val = target }

// generalRegs are the general registers in encoding order.
var generalRegs = [16]int16{
	x86.REG_AX, x86.REG_CX, x86.REG_DX, x86.REG_BX, x86.REG_SP, x86.REG_BP, x86.REG_SI, x86.REG_DI,
	x86.REG_R8, x86.REG_R9, x86.REG_R10, x86.REG_R11, x86.REG_R12, x86.REG_R13, x86.REG_R14, x86.REG_R15,
}
