package kernel

import (
	"encoding/binary"
	"slices"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// procFork makes the copy once, and waits for it to say that it runs; a kick may
// interrupt the wait any number of times.
func procFork(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	if t.fork == 0 {
		fd, err := t.proc.engine.Fork(t)
		if err != nil {
			t.why = err
			return 0, 0, forkErrno(err)
		}
		t.fork = fd
	}
	he := t.Host.AwaitMessage(t.fork)
	for t.interrupted(he) {
		he = t.Host.AwaitMessage(t.fork)
	}
	if e := t.blocked(he); e == errRestart {
		return 0, 0, e
	}
	o := newObject(t.fork, host.KindProcess, abi.FiletypeProcess)
	t.fork = 0
	if he != 0 {
		t.why = he
	} else {
		t.why = host.ReceiveReady(o.fd)
	}
	if t.why != nil {
		o.release()
		return 0, 0, abi.EAGAIN
	}
	fd, e := t.proc.fds.insert(o, rightsProcess, 0)
	return uint64(fd), 0, e
}

// forkErrno reduces an error of Engine.Fork: but for what says something to the
// guest, it is the host's refusal.
func forkErrno(err error) abi.Errno {
	switch e := errnoOf(err); e {
	case abi.ENOMEM, abi.EMFILE, abi.ENFILE, abi.ENOSYS, abi.ENOTSUP:
		return e
	}
	return abi.EAGAIN
}

// abandonFork ends a copy whose parent ends before it has learned of it.
func (t *Thread) abandonFork() {
	if t.fork != 0 {
		_ = host.CloseFD(t.fork) // which kills the copy
		t.fork = 0
	}
}

// maxArgData bounds the argument data of a new program in bytes: it has to fit into
// guest memory beside the program.
const maxArgData = 256 << 20

// procExec checks all that can be checked before the process is given up.
func procExec(t *Thread, a *[8]uint64) (r0, r1 uint64, e abi.Errno) {
	exe, e := t.proc.fds.get(abi.FD(a[0]), abi.RightProcExec)
	if e != 0 {
		return 0, 0, e
	}
	defer exe.release()
	if exe.typ != abi.FiletypeRegularFile {
		return 0, 0, abi.EACCES
	}
	if read, _, err := host.AccessMode(exe.fd); err != nil || !read {
		return 0, 0, abi.EBADF // opened for writing only: the right to execute is not enough
	}
	data, e := t.copyData(a[1], a[2], maxArgData)
	if e != 0 {
		return 0, 0, e
	}
	most := uint64(t.proc.fds.most())
	fds, e := t.copyData(a[3], 4*min(a[4], most+1), 4*most)
	if e == abi.E2BIG {
		e = abi.EMFILE
	}
	if e != 0 {
		return 0, 0, e
	}
	table, e := t.proc.fds.choose(fds)
	if e != 0 {
		return 0, 0, e
	}
	if err := t.proc.engine.Exec(exe.fd, data, table); err != nil {
		table.Close()
		t.why = err
		return 0, 0, errnoOf(err)
	}
	t.proc.Exec()
	return 0, 0, errExitProcess
}

// copyData copies n bytes at addr, at most limit: more are E2BIG.
func (t *Thread) copyData(addr, n, limit uint64) ([]byte, abi.Errno) {
	if n == 0 {
		return nil, 0
	}
	if n > limit {
		return nil, abi.E2BIG
	}
	if err := t.proc.mem.Check(addr, n, false); err != nil {
		return nil, toErrno(err)
	}
	b := make([]byte, n)
	return b, toErrno(t.proc.mem.CopyIn(b, addr))
}

// choose makes the table of a new program of the descriptors listed in b, each of
// 4 bytes: the first becomes descriptor 0, and so on.
func (t *fdTable) choose(b []byte) (*Table, abi.Errno) {
	var out Table
	for c := range slices.Chunk(b, 4) {
		en, e := t.entry(abi.FD(binary.LittleEndian.Uint32(c)), 0)
		if e == 0 && en.obj.queue != nil {
			en.obj.release() // what it holds is this table's, as on FreeBSD
			e = abi.EINVAL
		}
		if e != 0 {
			out.Close()
			return nil, e
		}
		out.entries = append(out.entries, en)
	}
	return &out, 0
}
