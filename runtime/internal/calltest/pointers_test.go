package calltest

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// Where the arguments of a call under test lie: parameter i has a room of its own.
func room(i int) uint64 { return Mem(0x1000 + uint64(i)*0x200) }

// target is memory that structures point to.
const targetOff = 0x3000

// base says how to make each call that has pointers so that all but the pointer
// under test are right: values for its parameters that are no pointers, in order.
// Descriptors: 0 is a file, 1 a directory with a file "f", 2 and 3 a pair of sockets
// that do not block, 4 a polling queue, 5 a listening socket, the one of a connection
// to which is 6; 7 is the next one.
var base = map[abi.Call][]any{
	abi.CallClockResGet:   {abi.ClockMonotonic},
	abi.CallClockTimeGet:  {abi.ClockMonotonic, 0},
	abi.CallCondvarSignal: {abi.ScopePrivate, 1},
	abi.CallFDCreate1:     {abi.FiletypeSharedMemory},
	abi.CallFDCreate2:     {abi.FiletypeSocketStream},
	abi.CallFDDup:         {FD(0)},
	abi.CallFDPread:       {FD(0), 0},
	abi.CallFDPwrite:      {FD(0), 0},
	abi.CallFDRead:        {FD(0)},
	abi.CallFDSeek:        {FD(0), 0, abi.WhenceCur},
	abi.CallFDStatGet:     {FD(0)},
	abi.CallFDStatPut:     {FD(0), abi.FdsflagFlags},
	abi.CallFDWrite:       {FD(0)},
	abi.CallFileCreate:    {FD(1), abi.FiletypeDirectory},
	abi.CallFileLink:      {FD(1), FD(1)},
	abi.CallFileOpen:      {FD(1), 0},
	abi.CallFileReaddir:   {FD(1), 0},
	abi.CallFileReadlink:  {FD(1)},
	abi.CallFileRename:    {FD(1), FD(1)},
	abi.CallFileStatFget:  {FD(0)},
	abi.CallFileStatFput:  {FD(0), abi.FsflagSize},
	abi.CallFileStatGet:   {FD(1)},
	abi.CallFileStatPut:   {FD(1), abi.FsflagMtimNow},
	abi.CallFileSymlink:   {FD(1)},
	abi.CallFileUnlink:    {FD(1), 0},
	abi.CallLockUnlock:    {abi.ScopePrivate},
	abi.CallMemAdvise:     {abi.AdviceNormal},
	abi.CallMemLock:       {},
	abi.CallMemMap:        {page, rw, anon, abi.FDMapAnon, 0},
	abi.CallMemProtect:    {abi.ProtRead},
	abi.CallMemSync:       {abi.MsSync},
	abi.CallMemUnlock:     {},
	abi.CallMemUnmap:      {},
	abi.CallPoll:          {1},
	abi.CallProcExec:      {FD(0)},
	abi.CallProcFork:      {},
	abi.CallRandomGet:     {},
	abi.CallSockAccept:    {FD(5)},
	abi.CallSockBind:      {FD(2), FD(1)},
	abi.CallSockConnect:   {FD(2), FD(1)},
	abi.CallSockRecv:      {FD(2)},
	abi.CallSockSend:      {FD(2)},
	abi.CallSockStatGet:   {FD(2), 0},
	abi.CallThreadCreate:  {},
	abi.CallThreadExit:    {abi.ScopePrivate},
	abi.CallThreadTcbSet:  {},
	abi.CallPollFD:        {FD(4)},
}

// noAccess lists the parameters that are addresses of memory which the call does
// not read or write: what such calls answer is their own affair (TestMem).
var noAccess = map[abi.Call]bool{
	abi.CallMemAdvise: true, abi.CallMemLock: true, abi.CallMemMap: true, abi.CallMemProtect: true,
	abi.CallMemSync: true, abi.CallMemUnlock: true, abi.CallMemUnmap: true,
	abi.CallThreadTcbSet: true, // only the guest's own instructions access it
	abi.CallThreadExit:   true, // nobody is left to be told
	abi.CallProcExec:     true, // the program comes first, and that file is none
}

// grants and setUp make the descriptors and the contents of memory.
var pointerGrants = []Grant{File("content"), Dir(map[string]string{"f": "content"})}

func pointerDescriptors() []Step {
	return []Step{
		Call(abi.CallFDCreate2, abi.FiletypeSocketStream).Is(FD(2), FD(3)),
		Call(abi.CallFDWrite, FD(3), IOV("message")).Is(7),
		Call(abi.CallFDCreate1, abi.FiletypePoll).Is(FD(4)),
		Call(abi.CallFDStatPut, FD(2), abi.Fdstat{Flags: abi.FdflagNonblock}, abi.FdsflagFlags),
		Call(abi.CallFDCreate1, abi.FiletypeSocketStream).Is(FD(5)),
		Call(abi.CallFDCreate1, abi.FiletypeSocketStream).Is(FD(6)),
		Call(abi.CallSockBind, FD(5), FD(1), "s"),
		Call(abi.CallSockListen, FD(5), 1),
		Call(abi.CallFDStatPut, FD(5), abi.Fdstat{Flags: abi.FdflagNonblock}, abi.FdsflagFlags),
		Call(abi.CallSockConnect, FD(6), FD(1), "s"),
	}
}

func setUp(c abi.Call) []Step {
	info := c.Info()
	steps := pointerDescriptors()
	for i, p := range info.Params {
		if p.Mode != abi.ModeValue {
			steps = append(steps, fill(room(i), p.Type))
		}
	}
	if c == abi.CallFileReadlink {
		steps = append(steps, Call(abi.CallFileSymlink, "f", FD(1), "l"), Poke(room(1), "l"))
	}
	return steps
}

// fill stores an object of a type that is right for a call.
func fill(at uint64, typ abi.Type) Step {
	target := Mem(targetOff)
	switch typ {
	case abi.TypeIovec, abi.TypeCiovec:
		return Poke(at, abi.Iovec{Buf: target, Len: 4})
	case abi.TypeChar:
		return Poke(at, "f")
	case abi.TypeSubscription:
		return Poke(at, clock(abi.ClockMonotonic, 0, 0))
	case abi.TypeRecvIn:
		return Group(Poke(target+64, abi.Iovec{Buf: target, Len: 4}), Poke(at, abi.RecvIn{Data: target + 64, DataLen: 1}))
	case abi.TypeSendIn:
		return Group(Poke(target+64, abi.Iovec{Buf: target, Len: 4}), Poke(at, abi.SendIn{Data: target + 64, DataLen: 1}))
	case abi.TypeThreadattr:
		return Group(Poke(at, abi.Threadattr{Stack: Mem(0x4000), StackLen: page}), Store(at, 8, Exiting()))
	case abi.TypeFD:
		return Poke(at, FD(3))
	case abi.TypeLock:
		return Store(at, 4, Tid().Plus(wrlocked))
	}
	return Poke(at, make([]byte, 64))
}

// arguments are the machine arguments of a call, with every pointer right.
func arguments(c abi.Call) (args []any) {
	values := base[c]
	for i, p := range c.Info().Params {
		switch p.Mode {
		case abi.ModeValue:
			args = append(args, values[0])
			values = values[1:]
		case abi.ModeRange, abi.ModeCRange:
			args = append(args, room(i), 1)
		default:
			args = append(args, room(i))
		}
	}
	return args
}

// A badAddress is an address of which a call must not access n bytes.
type badAddress struct {
	name string
	addr any
	read bool // may be read
}

// canary is memory of Go's that no call may change.
var canary = bytes.Repeat([]byte{0xc5}, 8192)

func heapAddress() uint64 { return uint64(reflect.ValueOf(canary).Pointer()) }

func checkCanary(t *testing.T) {
	t.Helper()
	if !bytes.Equal(canary, bytes.Repeat([]byte{0xc5}, len(canary))) {
		t.Error("memory of Go's was changed")
	}
}

// badAddresses are those for an object of n bytes.
func badAddresses(n uint64) []badAddress {
	text := uint64(reflect.ValueOf(badAddresses).Pointer())
	list := []badAddress{
		{"null", 0, false}, {"null + 8", 8, false}, {"below the arena", host.ArenaLo - page, false},
		{"unmapped", Unmapped, false},
		{"no access", NoAccess, false},
		{"read-only", ReadOnly, true},
		{"execute-only", ExecOnly, true},
		{"the vDSO", VDSO(0x40), true},
		{"the program's text", Image(0x1000), true},
		{"the last byte", ^uint64(0), false},
		{"wrapping", -n / 2, false},
		{"the host kernel", uint64(0xffff_8000_0000_0000), false},
		{"not canonical", uint64(1) << 63, false},
		{"the end of user space", uint64(1)<<47 - 1, false},
		{"the guard page", host.GuardAddr, false},
		{"the code cache", host.CacheLo, false},
		{"the code cache's end", host.CacheLo + host.CacheSize - 8, false},
		{"a table", host.Landings.Slot(host.ArenaLo), false},
		{"the table of calls", host.CallEntries.Slot(host.ArenaLo), false},
		{"a miss", uint64(host.MissBase + host.ArenaLo), false},
		{"Go's heap", heapAddress(), false},
		{"Go's text", text, false},
		{"the end of the arena", uint64(host.ArenaHi), false},
	}
	if n > 1 {
		list = append(list,
			badAddress{"half unmapped", Unmapped - n/2, false},
			badAddress{"all but one byte unmapped", uint64(Unmapped - 1), false},
			badAddress{"its last byte unmapped", Unmapped - n + 1, false},
			badAddress{"half outside the arena", host.ArenaHi - n/2, false})
	}
	return list
}

// more lists errnos that a call may answer besides EFAULT when a pointer is bad.
func more(c abi.Call, p abi.Param, b badAddress) []abi.Errno {
	switch {
	case c == abi.CallPollFD && p.Name == "timeout" && b.name == "null":
		return []abi.Errno{0} // there is none
	case c == abi.CallSockAccept && b.name == "null":
		return []abi.Errno{0, abi.EAGAIN} // the caller does not want to know
	case c == abi.CallCondvarSignal && b.read:
		return []abi.Errno{0} // nobody waits, so nothing is written
	case c == abi.CallLockUnlock && b.read:
		return []abi.Errno{abi.EPERM} // nobody holds it
	case p.Mode == abi.ModeAtomic:
		return []abi.Errno{abi.EINVAL} // not aligned
	}
	return nil
}

// moreLong lists those for a range that is too long. Lengths may be refused before
// addresses are looked at, and more room than is needed may not be looked at.
func moreLong(c abi.Call, p abi.Param) []abi.Errno {
	list := []abi.Errno{abi.EINVAL, abi.ENAMETOOLONG, abi.E2BIG, abi.ENOMEM}
	switch {
	case c == abi.CallFileReaddir, c == abi.CallFileReadlink && p.Name == "buf", c == abi.CallPollFD && p.Name == "out":
		return append(list, 0)
	case c == abi.CallPollFD:
		return append(list, abi.ENOSYS) // of a subscription without a type, which comes before the fault
	}
	return list
}

// built are the calls that are not answered by ENOSYS.
func built(t testing.TB) map[abi.Call]bool {
	text, err := os.ReadFile("../../kernel/testdata/calls.golden")
	if err != nil {
		t.Fatal(err)
	}
	is := make(map[abi.Call]bool)
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 3 && f[3] == "built" {
			c, ok := abi.ByName(f[2])
			is[c] = ok
		}
	}
	if len(is) < 30 {
		t.Fatalf("%d calls are built", len(is))
	}
	return is
}

// TestBadPointers makes every call with every pointer wrong in every way.
func TestBadPointers(t *testing.T) {
	is := built(t)
	var tests []Test
	for c := range abi.Call(abi.NumCalls) {
		info := c.Info()
		for i, p := range info.Params {
			if p.Mode != abi.ModeValue {
				tests = append(tests, badParameter(c, i, is[c]))
			}
		}
		for i := range info.Results {
			if info.In2020 {
				tests = append(tests, badResult(c, i, is[c]))
			}
		}
	}
	Run(t, tests)
	checkCanary(t)
}

func badParameter(c abi.Call, param int, built bool) Test {
	info := c.Info()
	p := info.Params[param]
	index := info.ArgIndex(param)
	written := p.Mode == abi.ModePtr || p.Mode == abi.ModeAtomic || p.Mode == abi.ModeRange
	if p.Type == abi.TypeThreadattr {
		written = false
	}
	steps := setUp(c)
	try := func(addr, n any, want ...abi.Errno) {
		args := arguments(c)
		args[index] = addr
		if n != nil {
			args[index+1] = n
		}
		if !built {
			want = []abi.Errno{abi.ENOSYS}
		}
		call := Call(c, args...).Err(want...)
		switch {
		case want == nil, noAccess[c] && built:
			call.Any()
		}
		steps = append(steps, apart(c, call))
	}
	for _, b := range badAddresses(uint64(p.Type.Size())) {
		if b.read && !written {
			try(b.addr, nil)
			continue
		}
		try(b.addr, nil, append(more(c, p, b), abi.EFAULT)...)
	}
	if p.NArgs() == 2 {
		for _, addr := range []any{0, room(param), NoAccess, ^uint64(0), uint64(host.CacheLo)} {
			for _, n := range []uint64{0, 1 << 20, 1 << 31, 1 << 32, 1 << 47, 1 << 58, 1 << 59, 1 << 60, 1 << 61, 1 << 63, 1<<64 - 1} {
				if n == 0 {
					try(addr, n)
					continue
				}
				try(addr, n, append(moreLong(c, p), abi.EFAULT)...)
			}
		}
	}
	return Test{Name: fmt.Sprintf("%s/%s", info.Name, p.Name), Grants: pointerGrants, Steps: steps}
}

// apart makes a call where it does not end the test.
func apart(c abi.Call, call *CallStep) Step {
	const gone = 0x2000
	switch c {
	case abi.CallThreadExit:
		return Group(Store(Mem(gone), 4, 0), Thread(0, Store(Mem(gone), 4, 1), call), Until(Mem(gone), 4, Equal, 1), Forget(0))
	case abi.CallThreadTcbSet:
		return Group(Thread(0, call), Wait(0))
	}
	return call
}

// badResult aims the pointer to a result somewhere else. Nothing may come of the
// call then.
func badResult(c abi.Call, result int, built bool) Test {
	info := c.Info()
	steps := setUp(c)
	for _, b := range badAddresses(uint64(info.Results[result].Size())) {
		args := arguments(c)
		for i := range info.Results {
			args = append(args, Mem(0x800+uint64(i)*8))
		}
		args[info.ResultArg(result)] = b.addr
		want := abi.EFAULT
		if !built {
			want = abi.ENOSYS
		}
		steps = append(steps, Call(c, args...).VDSO().Err(want))
	}
	steps = append(steps, Call(abi.CallFDDup, FD(0)).Is(FD(7)))
	return Test{Name: fmt.Sprintf("%s/result %s", info.Name, info.Results[result].Name), Grants: pointerGrants, Steps: steps}
}
