package strace

import (
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"cabitrans/runtime/abi"
)

// ram is guest memory that begins at base.
type ram []byte

const base = 0x1000

func (m ram) CopyIn(dst []byte, addr uint64) error {
	if addr < base || addr-base > uint64(len(m)) || uint64(len(m))-(addr-base) < uint64(len(dst)) {
		return errors.New("no memory there")
	}
	copy(dst, m[addr-base:])
	return nil
}

// put appends an object and returns its address.
func (m *ram) put(b []byte) uint64 {
	addr := base + uint64(len(*m))
	*m = append(*m, b...)
	return addr
}

func encoded(size int, encode func([]byte)) []byte {
	b := make([]byte, size)
	encode(b)
	return b
}

// TestFormat writes one call of each form.
func TestFormat(t *testing.T) {
	var m ram
	text := m.put([]byte("a path that is longer than what is shown of it"))
	vec := func(addr, n uint64) uint64 {
		v := abi.Iovec{Buf: addr, Len: n}
		return m.put(encoded(abi.IovecSize, v.Encode))
	}
	iov := vec(text, 6)
	vec(text+7, 4)
	lost := vec(8, 4)
	fdstat := abi.Fdstat{Filetype: abi.FiletypeDirectory, Flags: abi.FdflagAppend, RightsBase: abi.RightFDRead}
	st := m.put(encoded(abi.FdstatSize, fdstat.Encode))
	filestat := abi.Filestat{Dev: 1, Ino: 2, Filetype: abi.FiletypeRegularFile, Nlink: 3, Size: 4, Atim: 5, Mtim: 6, Ctim: 7}
	fst := m.put(encoded(abi.FilestatSize, filestat.Encode))
	sub := abi.Subscription{Userdata: 9, Type: abi.EventtypeFDRead}
	sub.FDReadwrite.FD = 5
	subs := m.put(encoded(abi.SubscriptionSize, sub.Encode))
	tick := abi.Subscription{Userdata: 10, Type: abi.EventtypeClock}
	tick.Clock.ClockID, tick.Clock.Timeout = abi.ClockMonotonic, 1000
	m.put(encoded(abi.SubscriptionSize, tick.Encode))
	ev := abi.Event{Userdata: 9, Type: abi.EventtypeFDRead, Error: abi.EBADF}
	evs := m.put(encoded(abi.EventSize, ev.Encode))
	lock := m.put(binary.LittleEndian.AppendUint32(nil, uint32(abi.LockWrlocked|abi.LockKernelManaged)|77))
	free := m.put(make([]byte, 4))
	ent := abi.Dirent{Next: 1, Ino: 2, Namlen: 3, Type: abi.FiletypeDirectory}
	dir := m.put(append(encoded(abi.DirentSize, ent.Encode), "sub"...))
	fds := m.put([]byte{1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff})
	attr := abi.Threadattr{Entry: 0x10, Stack: 0x20, StackLen: 48, Argument: 0x40}
	at := m.put(encoded(abi.ThreadattrSize, attr.Encode))
	send := abi.SendIn{Data: iov, DataLen: 2, FDs: fds, FDsLen: 2}
	si := m.put(encoded(abi.SendInSize, send.Encode))
	so := m.put(encoded(abi.SendOutSize, (&abi.SendOut{Datalen: 10}).Encode))
	many := m.put(make([]byte, 4*20))

	look := uint64(3) | uint64(abi.LookupSymlinkFollow)<<32
	for _, c := range []struct {
		call   abi.Call
		args   [8]uint64
		r0, r1 uint64
		errno  abi.Errno
		want   string
	}{
		{abi.CallThreadYield, [8]uint64{}, 0, 0, 0, `) = 0`},
		{abi.CallFDClose, [8]uint64{0xaa_0000_0007}, 0, 0, abi.EBADF, `7) = -1 EBADF`},
		{abi.CallFDCreate2, [8]uint64{uint64(abi.FiletypeSocketStream)}, 3, 4, 0, `FILETYPE_SOCKET_STREAM) = 3, 4`},
		{abi.CallFDSeek, [8]uint64{3, ^uint64(0), uint64(abi.WhenceCur)}, 9, 0, 0, `3, -1, WHENCE_CUR) = 9`},
		{abi.CallFDWrite, [8]uint64{1, iov, 2}, 10, 0, 0, `1, [{iov_base="a path", iov_len=6}, {iov_base="that", iov_len=4}], 2) = 10`},
		{abi.CallFDWrite, [8]uint64{1, lost, 1}, 0, 0, abi.EFAULT, `1, [{iov_base=0x8, iov_len=4}], 1) = -1 EFAULT`},
		{abi.CallFDWrite, [8]uint64{1, 16, 1 << 60}, 0, 0, abi.EINVAL, `1, 0x10, 1152921504606846976) = -1 EINVAL`},
		{abi.CallFDRead, [8]uint64{1, iov, 2}, 8, 0, 0, `1, [{iov_base="a path", iov_len=6}, {iov_base="th", iov_len=4}], 2) = 8`},
		{abi.CallFDRead, [8]uint64{1, iov, 2}, 0, 0, abi.EAGAIN, fmt.Sprintf(`1, %#x, 2) = -1 EAGAIN`, iov)},
		{abi.CallFDStatGet, [8]uint64{1, st}, 0, 0, 0, `1, {fs_filetype=FILETYPE_DIRECTORY, fs_flags=FDFLAG_APPEND, ` +
			`fs_rights_base=RIGHT_FD_READ, fs_rights_inheriting=0}) = 0`},
		{abi.CallFileStatFget, [8]uint64{1, fst}, 0, 0, 0, `1, {st_dev=1, st_ino=2, st_filetype=FILETYPE_REGULAR_FILE, ` +
			`st_nlink=3, st_size=4, st_atim=5, st_mtim=6, st_ctim=7}) = 0`},
		{abi.CallFileOpen, [8]uint64{look, text, 46, uint64(abi.OCreat | abi.OExcl), st}, 5, 0, 0,
			`{fd=3, flags=LOOKUP_SYMLINK_FOLLOW}, "a path that is longer than what "..., 46, O_CREAT|O_EXCL, ` +
				`{fs_filetype=FILETYPE_DIRECTORY, fs_flags=FDFLAG_APPEND, fs_rights_base=RIGHT_FD_READ, fs_rights_inheriting=0}) = 5`},
		{abi.CallFileReadlink, [8]uint64{3, text, 1, text + 2, 10}, 4, 0, 0, `3, "a", 1, "path", 10) = 4`},
		{abi.CallFileReaddir, [8]uint64{3, dir, 64, 0}, 27, 0, 0, `3, [{d_next=1, d_ino=2, d_type=FILETYPE_DIRECTORY, d_name="sub"}], 64, 0) = 27`},
		{abi.CallLockUnlock, [8]uint64{lock, uint64(abi.ScopePrivate)}, 0, 0, 0, fmt.Sprintf(`%#x {wrlocked by 77, kernel-managed}, SCOPE_PRIVATE) = 0`, lock)},
		{abi.CallLockUnlock, [8]uint64{free, uint64(abi.ScopeShared)}, 0, 0, abi.EPERM, fmt.Sprintf(`%#x {unlocked}, SCOPE_SHARED) = -1 EPERM`, free)},
		{abi.CallMemMap, [8]uint64{0, 4096, uint64(abi.ProtRead), uint64(abi.MapAnon | abi.MapPrivate), uint64(abi.FDMapAnon), 0},
			0x5000, 0, 0, `NULL, 4096, PROT_READ, MAP_ANON|MAP_PRIVATE, -1, 0) = 0x5000`},
		{abi.CallMemUnmap, [8]uint64{0x5000, 4096}, 0, 0, 0, `0x5000, 4096) = 0`},
		{abi.CallPoll, [8]uint64{subs, evs, 2}, 1, 0, 0, `[{userdata=0x9, type=EVENTTYPE_FD_READ, fd=5, flags=0}, ` +
			`{userdata=0xa, type=EVENTTYPE_CLOCK, clock_id=CLOCK_MONOTONIC, timeout=1000, flags=0}], ` +
			`[{userdata=0x9, type=EVENTTYPE_FD_READ, error=EBADF, nbytes=0, flags=0}], 2) = 1`},
		{abi.CallProcExec, [8]uint64{3, text, 5, fds, 2}, 0, 0, abi.ENOEXEC, `3, 0x1000, 5, [1, -1], 2) = -1 ENOEXEC`},
		{abi.CallProcExec, [8]uint64{3, 0, 0, many, 20}, 0, 0, abi.EBADF,
			`3, NULL, 0, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...], 20) = -1 EBADF`},
		{abi.CallProcFork, [8]uint64{}, 5, 0, 0, `) = 5, 0`},
		{abi.CallProcRaise, [8]uint64{uint64(abi.SIGTERM)}, 0, 0, 0, `SIGTERM) = 0`},
		{abi.CallRandomGet, [8]uint64{text, 8}, 0, 0, 0, `0x1000, 8) = 0`},
		{abi.CallSockSend, [8]uint64{4, si, so}, 0, 0, 0, `4, {si_data=[{iov_base="a path", iov_len=6}, {iov_base="that", iov_len=4}], ` +
			`si_fds=[1, -1], si_flags=0}, {so_datalen=10}) = 0`},
		{abi.CallThreadCreate, [8]uint64{at}, 99, 0, 0, `{entry_point=0x10, stack=0x20, stack_len=48, argument=0x40}) = 99`},
		{abi.NumCalls, [8]uint64{1, 2, 3, 4, 5, 6}, 0, 0, abi.ENOSYS, `0x1, 0x2, 0x3, 0x4, 0x5, 0x6) = -1 ENOSYS`},
	} {
		f := formatter{mem: m}
		f.inputs(c.call, &c.args)
		f.outputs(c.call, &c.args, c.r0, c.errno)
		f.result(c.call, c.r0, c.r1, c.errno)
		if got := f.String(); got != c.want {
			t.Errorf("%v(%s\nwant %s", c.call, got, c.want)
		}
	}
}

// TestEveryCall writes each call with arguments that lead nowhere, and with ones
// that lead to the same memory.
func TestEveryCall(t *testing.T) {
	m := ram(make([]byte, 1<<16))
	for c := range abi.Call(abi.NumCalls) {
		for _, args := range [][8]uint64{
			{}, {8, 8, 8, 8, 8, 8, 8, 8}, {^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)},
			{base, base, base, base, base, base, base, base}, {base, 1 << 63, base, 1 << 63, base, 1 << 63},
		} {
			for _, e := range []abi.Errno{0, abi.EFAULT} {
				f := formatter{mem: m}
				f.inputs(c, &args)
				f.outputs(c, &args, ^uint64(0), e)
				f.result(c, 1, 2, e)
				if n := f.Len(); n == 0 || n > 1<<14 {
					t.Errorf("%v: %d bytes", c, n)
				}
			}
		}
	}
}

func TestFilter(t *testing.T) {
	for _, c := range []struct {
		text     string
		has, not []abi.Call
	}{
		{"", []abi.Call{abi.CallFDRead, abi.CallPoll, abi.NumCalls}, nil},
		{"all", []abi.Call{abi.CallFDRead}, []abi.Call{abi.NumCalls}},
		{"fd_read,poll", []abi.Call{abi.CallFDRead, abi.CallPoll}, []abi.Call{abi.CallFDWrite}},
		{"%file, memory", []abi.Call{abi.CallFileOpen, abi.CallMemMap}, []abi.Call{abi.CallFDRead}},
		{"!desc", []abi.Call{abi.CallMemMap, abi.CallFileOpen}, []abi.Call{abi.CallFDRead, abi.CallFileStatFget}},
		{"process", []abi.Call{abi.CallProcFork}, []abi.Call{abi.CallThreadCreate}},
	} {
		f, err := ParseFilter(c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
		}
		b, err := f.MarshalText()
		var g Filter
		if err != nil || g.UnmarshalText(b) != nil || g != f {
			t.Errorf("%q is not the same after it has been written: %q", c.text, b)
		}
		for _, call := range c.has {
			if !f.Has(call) {
				t.Errorf("%q lacks %v", c.text, call)
			}
		}
		for _, call := range c.not {
			if f.Has(call) {
				t.Errorf("%q has %v", c.text, call)
			}
		}
	}
	for _, bad := range []string{",", "fd_reed", "!", "%none", "fd_read,,poll"} {
		if _, err := ParseFilter(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
