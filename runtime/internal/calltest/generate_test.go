package calltest

import (
	"strings"

	"cabitrans/runtime/abi"
)

// A generator makes steps of bytes, any bytes: the calls of a fuzzer.
type generator struct {
	data  []byte
	paths []string
	forks int // how many more there may be
}

// pick consumes a byte and returns a number below n, which is at most 256; 0 at
// the end.
func (g *generator) pick(n int) int {
	if len(g.data) == 0 {
		return 0
	}
	b := g.data[0]
	g.data = g.data[1:]
	return int(b) % n
}

func (g *generator) oneIn(n int) bool { return g.pick(n) == n-1 }

func oneOf[T any](g *generator, list ...T) T { return list[g.pick(len(list))] }

// steps makes steps until n calls are made or the bytes are used up.
func (g *generator) steps(n int) (steps []Step) {
	for ; n > 0 && len(g.data) > 0; n-- {
		steps = append(steps, g.call()...)
	}
	return steps
}

// call makes a call, after the steps that prepare its memory.
func (g *generator) call() []Step {
	c := abi.Call(g.pick(int(abi.NumCalls)))
	switch c {
	case abi.CallProcExit, abi.CallThreadExit, abi.CallThreadTcbSet:
		if !g.oneIn(64) { // little would come after it
			return nil
		}
	case abi.CallProcFork:
		return g.fork()
	case abi.CallProcRaise:
		return []Step{Call(c, g.signal()).Any()}
	}
	var steps []Step
	var args []any
	for _, p := range c.Info().Params {
		a, before := g.argument(c, p)
		args = append(args, a...)
		steps = append(steps, before...)
	}
	call := Call(c, args...).Any().To(g.pick(numVars-1), g.pick(numVars-1))
	if g.oneIn(4) {
		call.Raw()
	}
	return append(steps, call)
}

// fork makes a child that does a few calls and ends.
func (g *generator) fork() []Step {
	if g.forks == 0 {
		return nil
	}
	g.forks--
	const done = numVars - 1 // once, however often the steps are repeated
	return []Step{If(Var(done), Equal, 0,
		Set(done, 1),
		Call(abi.CallProcFork).Any().To(OwnVar, OwnVar+1).Errno(OwnVar+2),
		If(Own(2), Equal, 0, If(Own(0), Equal, uint64(abi.FDProcessChild),
			Group(g.steps(3)...),
			Call(abi.CallProcExit, 0)))),
	}
}

// signal is any but those that stop the process, which is the test's, and seldom
// one that ends it.
func (g *generator) signal() abi.Signal {
	if g.oneIn(64) {
		return oneOf(g, abi.SIGABRT, abi.SIGKILL, abi.SIGSEGV, abi.SIGTERM)
	}
	return oneOf(g, abi.SIGCHLD, abi.SIGCONT, abi.SIGPIPE, abi.SIGURG, 0, 99)
}

// argument makes the machine arguments of a parameter.
func (g *generator) argument(c abi.Call, p abi.Param) (args []any, before []Step) {
	if p.Mode == abi.ModeValue {
		return []any{g.value(c, p.Type)}, nil
	}
	if noAccess[c] && p.Type == abi.TypeVoid && c != abi.CallProcExec {
		return append([]any{g.pageAddress()}, g.lengths(c, p)...), nil
	}
	addr := g.address()
	n := uint64(1)
	switch g.pick(16) {
	case 0:
		bad := badAddresses(uint64(p.Type.Size()))
		args = append(args, bad[g.pick(len(bad))].addr)
	case 1:
		args = append(args, g.pageAddress()) // whatever becomes of it meanwhile
	default:
		data, count := g.object(p.Type)
		args, n = append(args, addr), count
		if data != nil {
			before = append(before, Poke(addr, data))
		}
		if p.Type == abi.TypeThreadattr {
			args[0] = uint64(threadAttr)
			before = []Step{Poke(threadAttr, data), Store(threadAttr, 8, Exiting())}
		}
	}
	if p.NArgs() == 2 {
		if g.oneIn(16) {
			n = g.number()
		}
		args = append(args, n)
	}
	return args, before
}

// address is one in scratch memory, seldom one that is not aligned, or at its end.
func (g *generator) address() uint64 {
	a := Mem(0x800 + uint64(g.pick(128))*64)
	if g.oneIn(16) {
		a += uint64(g.pick(64))
	}
	return a
}

// threadAttr is where threads begin that are created: no call stores anything here,
// lest they begin just anywhere.
const threadAttr = scratch + 0x8000

// pageAddress is one that memory calls may change: of the area beyond what address
// gives, lest the program pulls the rug from under itself.
func (g *generator) pageAddress() uint64 {
	if g.oneIn(32) {
		return uint64(g.pick(256)) << 56
	}
	const first = threadAttr + page
	a := uint64(first) + uint64(g.pick((FreeEnd-first)/page))*page
	if g.oneIn(16) {
		a++
	}
	return a
}

// lengths is the length of a range of memory that may be changed.
func (g *generator) lengths(c abi.Call, p abi.Param) []any {
	if p.NArgs() == 1 {
		return nil
	}
	// Whatever pageAddress was, this does not reach beyond the area but for lengths
	// that no address space has.
	if g.oneIn(32) {
		return []any{^uint64(0) - uint64(g.pick(256))}
	}
	return []any{uint64(g.pick(3)) * page / uint64(1+g.pick(2))}
}

// number is any number, mostly small.
func (g *generator) number() uint64 {
	switch g.pick(4) {
	case 0:
		return uint64(g.pick(16))
	case 1:
		return uint64(g.pick(256)) * 16
	case 2:
		n := g.pick(64)
		if n >= 14 && n < 18 {
			n = 40 // from what address gives it would reach threadAttr
		}
		return 1<<n - uint64(g.pick(2))
	}
	return -uint64(g.pick(8))
}

// fd is a descriptor of the test, never one of the program's own.
func (g *generator) fd() any {
	switch g.pick(16) {
	case 0:
		return BadFD
	case 1:
		return ^uint64(0)
	case 2:
		return uint64(FD(g.pick(16))) | 0xabcd<<32
	}
	return FD(g.pick(16))
}

// value is one for a parameter that is no pointer.
func (g *generator) value(c abi.Call, typ abi.Type) any {
	switch typ {
	case abi.TypeFD:
		return g.fd()
	case abi.TypeLookup:
		return uint64(FD(g.pick(16))) | uint64(g.pick(3))<<32
	case abi.TypeMprot:
		return g.pick(8)
	case abi.TypeMflags:
		return oneOf(g, anon|abi.MapFixed, abi.MapPrivate|abi.MapFixed, abi.MapShared|abi.MapFixed, abi.MapAnon|abi.MapShared|abi.MapFixed, 0)
	case abi.TypeSize:
		return uint64(g.pick(3)) * page
	case abi.TypeScope:
		return oneOf(g, abi.ScopePrivate, abi.ScopeShared, abi.ScopePrivate, 0)
	case abi.TypeFiletype:
		return oneOf(g, abi.FiletypeSharedMemory, abi.FiletypePoll, abi.FiletypeSocketStream, abi.FiletypeSocketDgram,
			abi.FiletypeFifo, abi.FiletypeDirectory, abi.FiletypeRegularFile, 0)
	case abi.TypeFilesize:
		n := g.number()
		if c == abi.CallFileAllocate {
			n &= 0xffff // of real storage
		}
		return n
	case abi.TypeFiledelta, abi.TypeTimestamp, abi.TypeDircookie:
		return g.number()
	}
	return g.pick(20)
}

// object is the content of memory that a pointer of a type is to point to, and the
// number of elements. nil leaves the memory as it is.
func (g *generator) object(typ abi.Type) (data any, n uint64) {
	switch typ {
	case abi.TypeChar:
		p := oneOf(g, g.paths...)
		return p, uint64(len(p))
	case abi.TypeIovec, abi.TypeCiovec:
		return g.buffers()
	case abi.TypeSubscription:
		return []abi.Subscription{g.subscription(), g.subscription(), g.subscription()}, uint64(g.pick(4))
	case abi.TypeEvent:
		return nil, uint64(g.pick(4))
	case abi.TypeRecvIn:
		return abi.RecvIn{Data: g.address(), DataLen: uint64(g.pick(3)), FDs: g.address(), FDsLen: uint64(g.pick(3)),
			Flags: abi.Riflags(g.pick(4))}, 1
	case abi.TypeSendIn:
		return abi.SendIn{Data: g.address(), DataLen: uint64(g.pick(3)), FDs: g.address(), FDsLen: uint64(g.pick(3))}, 1
	case abi.TypeThreadattr:
		return abi.Threadattr{Stack: Mem(0x4000), StackLen: uint64(g.pick(4)) * page}, 1
	case abi.TypeFdstat:
		return abi.Fdstat{Flags: abi.Fdflags(g.pick(32)), RightsBase: ^abi.Rights(0) >> g.pick(64), RightsInheriting: ^abi.Rights(0) >> g.pick(64)}, 1
	case abi.TypeFilestat:
		return abi.Filestat{Size: abi.Filesize(g.number()), Atim: abi.Timestamp(g.number()), Mtim: abi.Timestamp(g.number())}, 1
	case abi.TypeLock, abi.TypeCondvar:
		if g.oneIn(4) {
			return oneOf(g, uint32(0), uint32(1), uint32(wrlocked+1), uint32(managed), ^uint32(0)), 1
		}
		return nil, 1
	case abi.TypeFD:
		return []abi.FD{FD(g.pick(16)), FD(g.pick(16))}, uint64(g.pick(3))
	}
	return nil, uint64(g.pick(256))
}

func (g *generator) buffers() ([]abi.Iovec, uint64) {
	list := make([]abi.Iovec, 1+g.pick(4))
	for i := range list {
		list[i] = abi.Iovec{Buf: g.address(), Len: uint64(g.pick(256))}
		if g.oneIn(32) {
			list[i].Len = g.number()
		}
	}
	return list, uint64(len(list))
}

func (g *generator) subscription() abi.Subscription {
	s := abi.Subscription{Userdata: abi.Userdata(g.pick(256)), Type: abi.Eventtype(g.pick(9))}
	s.Flags = abi.Subflags(g.pick(64))
	s.Clock = abi.SubClock{ClockID: abi.Clockid(g.pick(6)), Timeout: abi.Timestamp(g.pick(256)) * 1000,
		Flags: abi.Subclockflags(g.pick(2))}
	s.FDReadwrite = abi.SubFDReadwrite{FD: FD(g.pick(16)), Flags: abi.Subrwflags(g.pick(2))}
	scope := oneOf(g, abi.ScopePrivate, abi.ScopeShared, abi.ScopePrivate, 0)
	s.Lock = abi.SubLock{Lock: g.address(), Scope: scope}
	s.Condvar = abi.SubCondvar{Condvar: g.address(), Lock: g.address(), CondvarScope: scope, LockScope: scope}
	s.ProcTerminate = abi.SubProcTerminate{FD: FD(g.pick(16))}
	return s
}

// fuzzPaths are names inside of the granted directory, and ways out of it; outside
// is the absolute path of what must stay as it is.
func fuzzPaths(outside string) []string {
	return []string{"f", "d", "d/g", "n", "d/n", "l", "dangling", "out", "out/secret", "abs/secret", "up/outside/secret",
		".", "..", "", "/", "../outside", "../outside/secret", "d/../../outside/secret", outside + "/secret", "/etc/passwd",
		"f/", "d/", "d//g", "./f", "a\x00b", "\xff\xfe", strings.Repeat("x", 300), strings.Repeat("d/../", 300) + "f"}
}
