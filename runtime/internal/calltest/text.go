package calltest

import (
	"fmt"
	"strings"

	"cabitrans/runtime/abi"
)

// String names an operand: a small number, scratch memory, a variable.
func (o Operand) String() string {
	off := fmt.Sprintf("%#x", o.off)
	if o.off < 1<<16 {
		off = fmt.Sprint(o.off)
	}
	if -o.off < 4096 && o.off != 0 {
		off = fmt.Sprint(int64(o.off))
	}
	name := ""
	switch {
	case o.reg == regZero && o.off >= scratch && o.off < FreeEnd:
		return fmt.Sprintf("scratch+%#x", o.off-scratch)
	case o.reg == regZero:
		return off
	case o.reg == regVDSO:
		name = "vdso"
	case o.reg == regImage:
		name = "image"
	case o.reg == regTid:
		name = "tid"
	case o.reg == regStack:
		name = "stack"
	case o.reg == regExit:
		name = "thread_exit"
	case o.reg >= regIs:
		name = fmt.Sprintf("result%d", o.reg-regIs)
	case o.reg >= regOwn:
		name = fmt.Sprintf("own%d", o.reg-regOwn)
	case o.reg >= regVars:
		name = fmt.Sprintf("v%d", o.reg-regVars)
	default:
		name = fmt.Sprintf("tid%d", o.reg-regTids)
	}
	if o.off == 0 {
		return name
	}
	return name + "+" + off
}

func (c *CallStep) name() string {
	if c.call < abi.NumCalls {
		return c.call.String()
	}
	return fmt.Sprintf("call %d", c.number)
}

// String is the call as a line of C.
func (c *CallStep) String() string {
	var args []string
	for _, a := range c.args {
		args = append(args, argText(a))
	}
	return c.name() + "(" + strings.Join(args, ", ") + ")"
}

func argText(a any) string {
	switch v := a.(type) {
	case Region:
		return fmt.Sprintf("%v[%d]", v.addr, v.n)
	case Room:
		return fmt.Sprintf("out[%d]", uint64(v))
	case Buffers:
		var s []string
		for _, b := range v {
			s = append(s, argText(b))
		}
		return "{" + strings.Join(s, ", ") + "}"
	case string, []byte:
		return fmt.Sprintf("%.40q", v)
	case int, uint64, uint32, int64, abi.FD:
		return operand(a).String()
	}
	return fmt.Sprintf("%+v", a)
}

// wanted lists the errnos that a call may end with.
func (c *CallStep) wanted() string {
	var s []string
	for e := range abi.Errno(128) {
		if c.allowed[e/64]>>(e%64)&1 != 0 {
			s = append(s, e.String())
		}
	}
	return strings.Join(s, " or ")
}

// explain says what a record of a failed step means.
func explain(s *script, r *record) string {
	st := s.at(int(r.step))
	where := ""
	if r.thread != 0 {
		where = fmt.Sprintf("in thread %d, ", r.thread-1)
	}
	if st == nil {
		return fmt.Sprintf("%sbefore the first step: %#x %#x %#x", where, r.a, r.b, r.c)
	}
	op := s.words[r.step] & 0xff
	text := fmt.Sprintf("%s%v: ", where, st)
	c, isCall := st.(*CallStep)
	switch {
	case op == opCall && isCall && r.a == whatErrno:
		return text + fmt.Sprintf("%v, want %s", abi.Errno(r.b), c.wanted())
	case op == opCall && r.a == whatRax:
		return text + fmt.Sprintf("rax is %#x after a call without results, want 0", r.b)
	case op == opCall && r.a == whatOverrun:
		return text + fmt.Sprintf("a result is wider than its type, or was stored beside its place: %#x, %#x", r.b, r.c)
	case op == opThread:
		return text + fmt.Sprintf("thread_create answered %v", abi.Errno(r.b))
	case op == opCheck && isCall:
		return text + fmt.Sprintf("result %v (%#x), want %v (%#x)", Operand{off: r.a}, r.a, Operand{off: r.b}, r.b)
	case op == opCheck:
		return text + fmt.Sprintf("left is %#x, right is %#x", r.a, r.b)
	case op == opCmp:
		return text + fmt.Sprintf("byte %d is %#02x, want %#02x", r.a, r.b, r.c)
	case op == opSpin:
		return text + fmt.Sprintf("memory stayed %#x, waiting for %#x", r.b, r.c)
	}
	return text + fmt.Sprintf("%#x %#x %#x", r.a, r.b, r.c)
}
