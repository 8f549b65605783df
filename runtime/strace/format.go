package strace

import (
	"fmt"
	"strconv"
	"strings"

	"cabitrans/runtime/abi"
)

// memory is what a formatter reads of the guest's.
type memory interface {
	CopyIn(dst []byte, addr uint64) error
}

// maxText and maxElements bound what is written of one string, and of one array.
const (
	maxText     = 32
	maxElements = 16
)

// A formatter writes arguments and results.
type formatter struct {
	strings.Builder
	mem memory
}

func (f *formatter) text(s string)             { _, _ = f.WriteString(s) }
func (f *formatter) printf(s string, a ...any) { fmt.Fprintf(f, s, a...) }

// isOutput reports whether a parameter can be written only after the call. What
// thread_create and the calls on mappings are given an address of is not changed.
func isOutput(p abi.Param) bool {
	return (p.Mode == abi.ModePtr || p.Mode == abi.ModeRange) && p.Type != abi.TypeVoid && p.Type != abi.TypeThreadattr
}

// firstOutput is the index of the first parameter that waits for the end of the
// call. What is read by fd_read is behind addresses that are only read.
func firstOutput(c abi.Call, info *abi.CallInfo) int {
	for i, p := range info.Params {
		if isOutput(p) || p.Type == abi.TypeIovec || c == abi.CallFileReaddir && i == 1 {
			return i
		}
	}
	return len(info.Params)
}

// inputs writes what a call is given, up to the first argument that it stores to.
func (f *formatter) inputs(c abi.Call, args *[8]uint64) {
	if c >= abi.NumCalls {
		f.printf("%#x, %#x, %#x, %#x, %#x, %#x", args[0], args[1], args[2], args[3], args[4], args[5])
		return
	}
	info := c.Info()
	n := firstOutput(c, info)
	for i := range n {
		if i > 0 {
			f.text(", ")
		}
		f.param(info, i, args, ^uint64(0))
	}
	if n > 0 && n < len(info.Params) {
		f.text(", ")
	}
}

// outputs writes the rest. r0 is the result, which bounds what was stored.
func (f *formatter) outputs(c abi.Call, args *[8]uint64, r0 uint64, e abi.Errno) {
	if c >= abi.NumCalls {
		return
	}
	info := c.Info()
	for i := firstOutput(c, info); i < len(info.Params); i++ {
		switch p := info.Params[i]; {
		case e != 0 && (isOutput(p) || p.Type == abi.TypeIovec):
			f.raw(p, args[info.ArgIndex(i):]) // nothing, or not all, was stored
		case c == abi.CallFileReaddir && i == 1:
			f.dirents(args[info.ArgIndex(i)], r0, args[info.ArgIndex(i)+1])
		default:
			f.param(info, i, args, r0)
		}
		if i < len(info.Params)-1 {
			f.text(", ")
		}
	}
}

// raw writes an argument as numbers.
func (f *formatter) raw(p abi.Param, a []uint64) {
	f.pointer(a[0])
	if p.NArgs() == 2 {
		f.printf(", %d", a[1])
	}
}

// result writes what a call answers.
func (f *formatter) result(c abi.Call, r0, r1 uint64, e abi.Errno) {
	f.text(")")
	if e != 0 {
		f.text(" = -1 " + e.String())
		return
	}
	f.text(" = ")
	if c >= abi.NumCalls || len(c.Info().Results) == 0 {
		f.text("0")
		return
	}
	for i, r := range c.Info().Results {
		v := r0
		if i > 0 {
			f.text(", ")
			v = r1
		}
		if r.Mode == abi.ModePtr {
			f.pointer(v)
		} else {
			f.scalar(r.Type, v)
		}
	}
}

// param writes parameter i. stored is how much the call has stored, in bytes or
// elements.
func (f *formatter) param(info *abi.CallInfo, i int, args *[8]uint64, stored uint64) {
	p, a := info.Params[i], args[info.ArgIndex(i):]
	switch p.Mode {
	case abi.ModeValue:
		f.scalar(p.Type, p.Clean(a[0]))
	case abi.ModeAtomic:
		f.word(p.Type, a[0])
	case abi.ModeRange, abi.ModeCRange:
		f.array(p, a[0], a[1], stored)
		f.printf(", %d", a[1])
	default:
		if info.Name == "poll" {
			n := args[2] // its count stands behind both arrays
			if p.Type == abi.TypeEvent {
				n = min(n, stored)
			}
			f.array(p, a[0], n, n)
			return
		}
		f.object(p.Type, a[0])
	}
}

// scalar writes a value that fits a register.
func (f *formatter) scalar(t abi.Type, v uint64) {
	switch t {
	case abi.TypeFD:
		f.text(abi.FD(v).String())
	case abi.TypeFiledelta:
		f.text(strconv.FormatInt(int64(v), 10))
	case abi.TypeLookup:
		l := abi.LookupFromArg(v)
		f.printf("{fd=%v, flags=%v}", l.FD, l.Flags)
	default:
		if name := named[t]; name != nil {
			f.text(name(v))
		} else {
			f.text(strconv.FormatUint(v, 10))
		}
	}
}

// named are the types whose values have names.
var named = [...]func(uint64) string{
	abi.TypeAdvice:     func(v uint64) string { return abi.Advice(v).String() },
	abi.TypeClockid:    func(v uint64) string { return abi.Clockid(v).String() },
	abi.TypeFdsflags:   func(v uint64) string { return abi.Fdsflags(v).String() },
	abi.TypeFiletype:   func(v uint64) string { return abi.Filetype(v).String() },
	abi.TypeFsflags:    func(v uint64) string { return abi.Fsflags(v).String() },
	abi.TypeMflags:     func(v uint64) string { return abi.Mflags(v).String() },
	abi.TypeMprot:      func(v uint64) string { return abi.Mprot(v).String() },
	abi.TypeMsflags:    func(v uint64) string { return abi.Msflags(v).String() },
	abi.TypeOflags:     func(v uint64) string { return abi.Oflags(v).String() },
	abi.TypeScope:      func(v uint64) string { return abi.Scope(v).String() },
	abi.TypeSdflags:    func(v uint64) string { return abi.Sdflags(v).String() },
	abi.TypeSignal:     func(v uint64) string { return abi.Signal(v).String() },
	abi.TypeSsflags:    func(v uint64) string { return abi.Ssflags(v).String() },
	abi.TypeUlflags:    func(v uint64) string { return abi.Ulflags(v).String() },
	abi.TypeWhence:     func(v uint64) string { return abi.Whence(v).String() },
	abi.TypeThreadattr: nil, // the last index
}

func (f *formatter) pointer(addr uint64) {
	if addr == 0 {
		f.text("NULL")
		return
	}
	f.printf("%#x", addr)
}

// word writes a lock or condition variable: its address and what it holds.
func (f *formatter) word(t abi.Type, addr uint64) {
	f.pointer(addr)
	var b [4]byte
	if f.mem.CopyIn(b[:], addr) != nil {
		return
	}
	v := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
	if t == abi.TypeLock {
		f.printf(" {%s}", lockString(v))
		return
	}
	f.printf(" {%d}", v)
}

func lockString(v uint32) string {
	const wr, managed, count = uint32(abi.LockWrlocked), uint32(abi.LockKernelManaged), uint32(abi.LockCountMask)
	s := ""
	switch {
	case v&wr != 0:
		s = fmt.Sprintf("wrlocked by %d", v&count)
	case v&count != 0:
		s = fmt.Sprintf("read-locked %d times", v&count)
	default:
		s = "unlocked"
	}
	if v&managed != 0 {
		s += ", kernel-managed"
	}
	return s
}
