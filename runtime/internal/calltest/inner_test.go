package calltest

import (
	"fmt"
	"testing"

	"cabitrans/runtime/abi"
)

// TestBadInnerPointers aims the pointers inside of structures at what must not be
// accessed.
func TestBadInnerPointers(t *testing.T) {
	is := built(t)
	const object, inner = 0x400, 0x480
	at, in := Mem(object), Mem(inner)
	// Each makes an object whose pointer can then be stored at the given place, and a
	// call with it.
	cases := []struct {
		name    string
		call    *CallStep
		object  any
		pointer uint64 // offset of the pointer in the object
		size    uint64 // of what it points to
		written bool
		event   bool // the errno is that of an event at Mem(0)
	}{
		{"fd_read", Call(abi.CallFDRead, FD(0), at, 1), abi.Iovec{Len: 8}, 0, 8, true, false},
		{"fd_pread", Call(abi.CallFDPread, FD(0), at, 1, 0), abi.Iovec{Len: 8}, 0, 8, true, false},
		{"fd_write", Call(abi.CallFDWrite, FD(0), at, 1), abi.Iovec{Len: 8}, 0, 8, false, false},
		{"fd_pwrite", Call(abi.CallFDPwrite, FD(0), at, 1, 0), abi.Iovec{Len: 8}, 0, 8, false, false},
		{"second buffer", Call(abi.CallFDPread, FD(0), at, 2, 0),
			[]abi.Iovec{{Buf: Mem(targetOff), Len: 4}, {Len: 8}}, 16, 8, true, false},
		{"sock_recv buffers", Call(abi.CallSockRecv, FD(2), at, in), abi.RecvIn{DataLen: 1}, 0, abi.IovecSize, false, false},
		{"sock_recv fds", Call(abi.CallSockRecv, FD(2), at, in), abi.RecvIn{FDsLen: 1}, 16, 4, true, false},
		{"sock_send buffers", Call(abi.CallSockSend, FD(2), at, in), abi.SendIn{DataLen: 1}, 0, abi.IovecSize, false, false},
		{"sock_send fds", Call(abi.CallSockSend, FD(2), at, in), abi.SendIn{FDsLen: 1}, 16, 4, false, false},
		{"stack", Call(abi.CallThreadCreate, at), abi.Threadattr{StackLen: page}, 8, page, true, false},
		{"poll for reading", poll(locked(0, abi.ScopePrivate, abi.EventtypeLockRdlock)), nil, 16, 4, true, true},
		{"poll for writing", poll(locked(0, abi.ScopePrivate, abi.EventtypeLockWrlock)), nil, 16, 4, true, true},
		{"poll for a signal", poll(signalled(0, abi.ScopePrivate, Mem(0x840), abi.ScopePrivate)), nil, 16, 4, true, true},
		{"poll for a signal with a lock", poll(signalled(Mem(0x800), abi.ScopePrivate, 0, abi.ScopePrivate)), nil, 24, 4, true, true},
	}
	var tests []Test
	for _, c := range cases {
		steps := setUp(abi.CallThreadYield)
		for _, b := range badAddresses(c.size) {
			if b.read && !c.written {
				continue
			}
			call := *c.call
			if c.event {
				// The subscription lies in scratch memory, so that its pointer can change.
				sub := c.call.args[0].([]abi.Subscription)[0]
				call.args = []any{at, Mem(0), 1}
				steps = append(steps, hold(Mem(0x840)), Poke(at, sub), Store(at+c.pointer, 8, b.addr), call.Is(1),
					Load(OwnVar, Mem(8), 2),
					If(Own(0), NotEqual, uint64(abi.EFAULT),
						If(Own(0), NotEqual, uint64(abi.EPERM), // the lock is looked at, and nobody holds it
							Check(Own(0), Equal, uint64(abi.EINVAL))))) // not aligned
				continue
			}
			want := abi.EFAULT
			if !is[call.call] {
				want = abi.ENOSYS
			}
			steps = append(steps, Poke(at, c.object), Store(at+c.pointer, 8, b.addr), call.Err(want))
		}
		tests = append(tests, Test{Name: c.name, Grants: pointerGrants, Steps: steps})
	}
	Run(t, tests)
	checkCanary(t)
}

// TestMovingPointers makes every call with each pointer aimed at memory that
// another thread unmaps, maps, protects and changes all the time.
func TestMovingPointers(t *testing.T) {
	const stop, rounds = 0x3ff0, 50
	var tests []Test
	for c := range abi.Call(abi.NumCalls) {
		info := c.Info()
		if noAccess[c] || c == abi.CallThreadCreate {
			continue
		}
		for i, p := range info.Params {
			if p.Mode == abi.ModeValue {
				continue
			}
			args := arguments(c)
			args[info.ArgIndex(i)] = Free
			steps := append(setUp(c),
				mapAt(Free, page, rw),
				Thread(7, While(Var(0), Equal, 0,
					Call(abi.CallMemUnmap, Free, page),
					mapAt(Free, page, rw),
					fill(Free, p.Type),
					Call(abi.CallMemProtect, Free, page, abi.ProtRead),
					Call(abi.CallMemProtect, Free, page, 0),
					Call(abi.CallMemProtect, Free, page, rw),
					fill(Free, p.Type))),
				Repeat(1, rounds, Call(c, args...).Any()),
				Set(0, 1))
			tests = append(tests, Test{Name: fmt.Sprintf("%s/%s", info.Name, p.Name), Grants: pointerGrants, Steps: steps})
		}
	}
	Run(t, append(tests, changingBuffers()...))
	checkCanary(t)
}

// changingBuffers are calls with an array of buffers whose address another thread
// changes, between memory of the guest's and of Go's: it must be read once.
func changingBuffers() (tests []Test) {
	const rounds = 500
	at, out := Mem(0x400), Mem(0x480)
	for _, c := range []struct {
		call *CallStep
		at   uint64 // where the buffer's address lies
	}{
		{Call(abi.CallFDRead, FD(0), at, 1), at},
		{Call(abi.CallFDPread, FD(0), at, 1, 0), at},
		{Call(abi.CallSockRecv, FD(2), at, out), Mem(0x500)},
	} {
		good := Mem(targetOff)
		steps := setUp(abi.CallThreadYield)
		steps = append(steps,
			Poke(at, abi.Iovec{Buf: good, Len: 64}))
		if c.at == Mem(0x500) {
			steps = append(steps, Poke(at, abi.RecvIn{Data: c.at, DataLen: 1}), Poke(c.at, abi.Iovec{Buf: good, Len: 64}))
		}
		steps = append(steps,
			Thread(7, While(Var(0), Equal, 0, Store(c.at, 8, heapAddress()), Store(c.at, 8, good))),
			Repeat(1, rounds, c.call.Any()),
			Set(0, 1))
		tests = append(tests, Test{Name: c.call.name() + "/changing buffer", Grants: pointerGrants, Steps: steps})
	}
	return tests
}
