package calltest

import (
	"fmt"
	"reflect"

	"cabitrans/runtime/abi"
)

// A Region is an address and a length.
type Region struct {
	addr Operand
	n    uint64
}

// At is n bytes, or elements, at an address.
func At(addr any, n uint64) Region { return Region{operand(addr), n} }

// Room is zeroed scratch memory for a result.
type Room uint64

// Out is room for n bytes.
func Out(n uint64) Room { return Room(n) }

// Buffers is an array of buffers.
type Buffers []any

// IOV makes an array of buffers, each a string, bytes, a Region, Out(n) or an
// abi.Iovec.
func IOV(buffers ...any) Buffers { return buffers }

// operand converts a number or an Operand.
func operand(v any) Operand {
	if o, ok := v.(Operand); ok {
		return o
	}
	switch r := reflect.ValueOf(v); {
	case r.CanInt():
		return Operand{off: uint64(r.Int())}
	case r.CanUint():
		return Operand{off: r.Uint()}
	}
	panic(fmt.Sprintf("calltest: %T is not a number", v))
}

// encoded is the guest's form of a value: bytes, a string, an ABI structure, a
// number of fixed size, or a slice of such.
func encoded(v any) []byte {
	switch v := v.(type) {
	case []byte:
		return v
	case string:
		return []byte(v)
	}
	r := reflect.ValueOf(v)
	if r.Kind() == reflect.Slice {
		var b []byte
		for i := range r.Len() {
			b = append(b, encoded(r.Index(i).Interface())...)
		}
		return b
	}
	if r.CanUint() {
		b := make([]byte, r.Type().Size())
		for i := range b {
			b[i] = byte(r.Uint() >> (8 * i))
		}
		return b
	}
	p := reflect.New(r.Type())
	p.Elem().Set(r)
	e, ok := p.Interface().(interface{ Encode([]byte) })
	if !ok {
		panic(fmt.Sprintf("calltest: %T has no form in the guest", v))
	}
	b := make([]byte, sizeOf(v))
	e.Encode(b)
	return b
}

// sizeOf is the guest's size of an ABI structure.
func sizeOf(v any) int {
	switch v.(type) {
	case abi.Iovec:
		return abi.IovecSize
	case abi.Fdstat:
		return abi.FdstatSize
	case abi.Filestat:
		return abi.FilestatSize
	case abi.Subscription:
		return abi.SubscriptionSize
	case abi.Event:
		return abi.EventSize
	case abi.Threadattr:
		return abi.ThreadattrSize
	case abi.RecvIn:
		return abi.RecvInSize
	case abi.RecvOut:
		return abi.RecvOutSize
	case abi.SendIn:
		return abi.SendInSize
	case abi.SendOut:
		return abi.SendOutSize
	case abi.Sockstat:
		return abi.SockstatSize
	}
	panic(fmt.Sprintf("calltest: the size of %T is not known here; add it to sizeOf", v))
}

// place turns an argument into machine arguments, one or, for a range, two.
func (s *script) place(arg any, inRange bool) []Operand {
	pair := func(addr Operand, n uint64) []Operand {
		if inRange {
			return []Operand{addr, {off: n}}
		}
		return []Operand{addr}
	}
	switch v := arg.(type) {
	case Operand:
		return []Operand{v}
	case Region:
		return pair(v.addr, v.n)
	case Room:
		return pair(Operand{off: s.alloc(make([]byte, v))}, uint64(v))
	case Buffers:
		return pair(Operand{off: s.buffers(v)}, uint64(len(v)))
	}
	r := reflect.ValueOf(arg)
	if r.CanInt() || r.CanUint() {
		return []Operand{operand(arg)}
	}
	b := encoded(arg)
	n := len(b)
	if r.Kind() == reflect.Slice && r.Type().Elem().Kind() != reflect.Uint8 {
		n = r.Len()
	}
	return pair(Operand{off: s.alloc(b)}, uint64(n))
}

// buffers places an array of buffers.
func (s *script) buffers(list Buffers) uint64 {
	at := s.alloc(make([]byte, len(list)*abi.IovecSize))
	for i, v := range list {
		if iov, ok := v.(abi.Iovec); ok {
			v = At(iov.Buf, iov.Len)
		}
		p := s.place(v, true)
		for j, o := range p {
			s.emit(opStore | 8<<8)
			s.operand(Operand{off: at + uint64(i*abi.IovecSize+8*j)})
			s.operand(o)
		}
	}
	return at
}

func (c *CallStep) encode(s *script) {
	raw := s.raw
	var info abi.CallInfo
	if c.call < abi.NumCalls {
		info = *c.call.Info()
		raw = raw || !info.In2020
	}
	switch {
	case c.form == formRaw:
		raw = true
	case c.form == formVDSO && s.raw:
		return // nothing to be tested this way
	}
	s.vdso = s.vdso || !raw
	var args []Operand
	for _, a := range c.args {
		args = append(args, s.place(a, c.takesRange(&info, len(args)))...)
	}
	want := info.NParamArgs()
	if c.results {
		want = info.NArgs()
	}
	if c.call < abi.NumCalls && len(args) != want {
		panic(fmt.Sprintf("calltest: %s takes %d machine arguments, not %d", info.Name, want, len(args)))
	}
	s.marks = append(s.marks, mark{len(s.words), c})
	s.emit(c.header(&info, raw, len(args)), c.number, c.allowed[0], c.allowed[1])
	for _, a := range args {
		s.operand(a)
	}
	for i, v := range c.is {
		s.check(Operand{reg: uint8(regIs + i)}, Equal, operand(v))
	}
}

// header is the first word of a call.
func (c *CallStep) header(info *abi.CallInfo, raw bool, nargs int) uint64 {
	w := uint64(opCall) | uint64(nargs)<<16
	if raw {
		w |= callRaw << 8
	}
	if !c.results {
		w |= uint64(len(info.Results)) << 24
	}
	for i, r := range info.Results {
		if r.Size() == 4 {
			w |= callNarrow << (8 + i)
		}
		reg := uint8(0)
		if i < len(c.is) {
			reg = uint8(regIs + i)
		} else if i < len(c.to) {
			reg = variable(c.to[i])
		}
		w |= uint64(reg) << (32 + 8*i)
	}
	if c.errnoVar >= 0 {
		w |= uint64(variable(c.errnoVar)) << 48
	}
	return w
}

// takesRange tells whether machine argument n is the address of a range.
func (c *CallStep) takesRange(info *abi.CallInfo, n int) bool {
	for i, p := range info.Params {
		if info.ArgIndex(i) == n {
			return p.NArgs() == 2
		}
	}
	return false
}
