package calltest

import (
	"testing"

	"cabitrans/runtime/abi"
)

// Where the parts of a message lie.
const (
	vecOff  = 0x100 // one buffer
	dataOff = 0x200
	fdsOff  = 0x400
	outOff  = 0x500
)

// vector places the one buffer of a message.
func vector(n uint64) Step {
	return Poke(Mem(vecOff), abi.Iovec{Buf: Mem(dataOff), Len: n})
}

// send sends data and descriptors, which are at FD(0) and so on.
func send(sock abi.FD, data string, fds ...abi.FD) Step {
	return Group(trySend(sock, data, 0, fds...), Holds(Mem(outOff), abi.SendOut{Datalen: uint64(len(data))}))
}

func trySend(sock abi.FD, data string, want abi.Errno, fds ...abi.FD) Step {
	steps := []Step{vector(uint64(len(data))), Poke(Mem(dataOff), data)}
	for i, fd := range fds {
		steps = append(steps, Store(Mem(fdsOff)+4*uint64(i), 4, fd))
	}
	in := abi.SendIn{Data: Mem(vecOff), DataLen: 1, FDs: Mem(fdsOff), FDsLen: uint64(len(fds))}
	return Group(append(steps, Call(abi.CallSockSend, sock, in, Mem(outOff)).Err(want))...)
}

// recv receives data into room for so many bytes and descriptors, and expects the
// number of bytes and descriptors and the flags.
func recv(sock abi.FD, room, fdRoom uint64, flags abi.Riflags, data string, nfds uint64, got abi.Roflags) Step {
	in := abi.RecvIn{Data: Mem(vecOff), DataLen: 1, FDs: Mem(fdsOff), FDsLen: fdRoom, Flags: flags}
	return Group(vector(room), Call(abi.CallSockRecv, sock, in, Mem(outOff)),
		Holds(Mem(dataOff), data), Load(0, Mem(outOff), 8), Check(Var(0), Equal, uint64(len(data))),
		Load(0, Mem(outOff+8), 8), Check(Var(0), Equal, nfds),
		Load(0, Mem(outOff+56), 2), Check(Var(0), Equal, uint64(got)))
}

func pair(typ abi.Filetype, a, b int) Step {
	return Call(abi.CallFDCreate2, typ).Is(FD(a), FD(b))
}

func TestSockets(t *testing.T) {
	const stream, dgram = abi.FiletypeSocketStream, abi.FiletypeSocketDgram
	rights := func(fd abi.FD, base abi.Rights) Step {
		return Call(abi.CallFDStatPut, fd, abi.Fdstat{RightsBase: base}, abi.FdsflagRights)
	}
	hasRights := func(fd abi.FD, base abi.Rights) Step {
		return Group(Call(abi.CallFDStatGet, fd, At(Mem(0), 1)), Load(1, Mem(8), 8), Check(Var(1), Equal, uint64(base)))
	}
	Run(t, []Test{
		T("a stream", pair(stream, 0, 1), send(FD(0), "hello "), send(FD(0), "world"),
			recv(FD(1), 8, 0, abi.SockRecvPeek, "hello wo", 0, 0),
			recv(FD(1), 11, 0, abi.SockRecvWaitall, "hello world", 0, 0)),
		T("datagrams", pair(dgram, 0, 1), send(FD(0), "hello"), send(FD(0), "world"),
			recv(FD(1), 3, 0, abi.SockRecvPeek, "hel", 0, abi.SockRecvDataTruncated),
			recv(FD(1), 3, 0, 0, "hel", 0, abi.SockRecvDataTruncated),
			recv(FD(1), 16, 0, 0, "world", 0, 0)),
		T("a file goes over", File("contents"), pair(stream, 1, 2), send(FD(1), "x", FD(0)),
			recv(FD(2), 1, 1, 0, "x", 1, 0), Load(0, Mem(fdsOff), 4), Check(Var(0), Equal, FD(3)),
			Call(abi.CallFDPread, FD(3), IOV(At(Mem(0), 16)), 0).Is(8), Holds(Mem(0), "contents")),
		T("its rights go with it", File("contents"), pair(stream, 1, 2), rights(FD(0), abi.RightFDRead),
			send(FD(1), "x", FD(0)), recv(FD(2), 1, 9, 0, "x", 1, 0), hasRights(FD(3), abi.RightFDRead),
			Call(abi.CallFDWrite, FD(3), IOV("y")).Err(abi.ENOTCAPABLE)),
		T("a chain of sockets", pair(stream, 0, 1), pair(dgram, 2, 3), send(FD(0), "x", FD(2), FD(3)),
			Call(abi.CallFDClose, FD(2)), Call(abi.CallFDClose, FD(3)), recv(FD(1), 1, 2, 0, "x", 2, 0),
			send(FD(2), "through"), recv(FD(3), 16, 0, 0, "through", 0, 0)),
		T("room for one of two", pair(stream, 0, 1), send(FD(0), "x", FD(0), FD(1)),
			recv(FD(1), 1, 1, 0, "x", 1, abi.SockRecvFDsTruncated),
			send(FD(0), "y", FD(0)), recv(FD(1), 1, 0, 0, "y", 0, 0)),
		T("a stream stops before descriptors", pair(stream, 0, 1), send(FD(0), "abc"), send(FD(0), "def", FD(0)),
			Call(abi.CallFDRead, FD(1), IOV(At(Mem(0), 16))).Is(3), recv(FD(1), 16, 4, abi.SockRecvWaitall, "def", 1, 0)),
		T("shutdown", pair(stream, 0, 1), Call(abi.CallSockShutdown, FD(0), abi.ShutWR), recv(FD(1), 4, 0, 0, "", 0, 0),
			trySend(FD(0), "x", abi.EPIPE), send(FD(1), "y"), recv(FD(0), 1, 0, 0, "y", 0, 0),
			Call(abi.CallSockShutdown, FD(0), 0).Err(abi.EINVAL), Call(abi.CallSockShutdown, FD(0), 4).Err(abi.EINVAL)),
		T("refusals", File("x"), pair(stream, 1, 2), trySend(FD(0), "x", abi.ENOTSOCK), trySend(BadFD, "x", abi.EBADF),
			trySend(FD(1), "x", abi.EBADF, BadFD), trySend(FD(1), "", abi.EMSGSIZE, FD(0)),
			Call(abi.CallFDClose, FD(2)), trySend(FD(1), "x", abi.EPIPE),
			Call(abi.CallSockShutdown, FD(0), 1).Err(abi.ENOTCAPABLE)),
		T("blocked in a receive when it is closed", pair(stream, 0, 1),
			Thread(0, vector(4), Call(abi.CallSockRecv, FD(1), abi.RecvIn{Data: Mem(vecOff), DataLen: 1}, Mem(outOff)).Err(abi.EBADF)),
			Call(abi.CallThreadYield), Call(abi.CallFDClose, FD(1)), Wait(0)),
	})
}

// The calls that only 2016 has.
func TestServers(t *testing.T) {
	for _, typ := range []abi.Filetype{abi.FiletypeSocketStream, abi.FiletypeSocketSeqpacket} {
		create := func(n int) Step { return Call(abi.CallFDCreate1, typ).Is(FD(n)) }
		bind := func(sock abi.FD, path string) *CallStep { return Call(abi.CallSockBind, sock, FD(0), path) }
		connect := func(sock abi.FD, path string) *CallStep { return Call(abi.CallSockConnect, sock, FD(0), path) }
		Run(t, []Test{
			T("a server "+typ.String(), Dir(map[string]string{"d/": ""}), create(1), create(2),
				Call(abi.CallSockListen, FD(1), 1).Err(abi.EDESTADDRREQ),
				bind(FD(1), "d/s"), bind(FD(1), "d/t").Err(abi.EINVAL), connect(FD(2), "d/s").Err(abi.ECONNREFUSED),
				Call(abi.CallSockListen, FD(1), 1), connect(FD(2), "d/s"), connect(FD(2), "d/s").Err(abi.EISCONN),
				Call(abi.CallSockAccept, FD(1), At(Mem(0), 1)).Is(FD(3)),
				Holds(Mem(0), abi.Sockstat{Sockname: abi.Sockaddr{Family: abi.AFUnix}, Peername: abi.Sockaddr{Family: abi.AFUnix}}),
				send(FD(2), "hi", FD(0)), recv(FD(3), 2, 2, 0, "hi", 1, 0),
				Call(abi.CallSockStatGet, FD(1), At(Mem(0), 1), 0), Load(0, Mem(44), 4), Check(Var(0), Equal, uint64(abi.SockstateAcceptconn)),
				Call(abi.CallFDClose, FD(2)), recv(FD(3), 2, 0, 0, "", 0, 0)),
			T("paths "+typ.String(), Dir(map[string]string{"f": "", "d/": ""}), create(1), Call(abi.CallFileSymlink, "..", FD(0), "up"),
				bind(FD(1), "f").Err(abi.EADDRINUSE), bind(FD(1), "../s").Err(abi.ENOTCAPABLE), bind(FD(1), "/s").Err(abi.ENOTCAPABLE),
				bind(FD(1), "up/s").Err(abi.ENOTCAPABLE), bind(FD(1), "").Err(abi.ENOENT), bind(FD(1), "none/s").Err(abi.ENOENT),
				bind(FD(0), "s").Err(abi.ENOTCAPABLE), connect(FD(1), "f").Err(abi.ECONNREFUSED),
				connect(FD(1), "up/s").Err(abi.ENOTCAPABLE), connect(FD(1), "none").Err(abi.ENOENT)),
			T("accept is woken "+typ.String(), Dir(nil), create(1), bind(FD(1), "s"), Call(abi.CallSockListen, FD(1), 1),
				Thread(0, Call(abi.CallSockAccept, FD(1), 0).Err(abi.EBADF)),
				Call(abi.CallThreadYield), Call(abi.CallFDClose, FD(1)), Wait(0)),
		})
	}
}
