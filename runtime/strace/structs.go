package strace

import (
	"encoding/binary"
	"strconv"

	"cabitrans/runtime/abi"
)

// array writes n objects at addr; only what was stored of those that the call
// writes. Bytes without a type are an address.
func (f *formatter) array(p abi.Param, addr, n, stored uint64) {
	switch p.Type {
	case abi.TypeVoid:
		f.pointer(addr)
		return
	case abi.TypeChar:
		if p.Mode == abi.ModeRange {
			n = min(n, stored)
		}
		f.str(addr, n)
		return
	}
	if p.Mode == abi.ModeRange {
		n = min(n, stored) // events
	}
	size := uint64(p.Type.Size())
	if n > 0 && f.mem.CopyIn(make([]byte, min(n, maxElements)*size), addr) != nil {
		f.pointer(addr)
		return
	}
	left := stored // bytes, of what buffers have got
	f.text("[")
	for i := range n {
		if i > 0 {
			f.text(", ")
		}
		if i == maxElements {
			f.text("...")
			break
		}
		at := addr + i*size
		if p.Type == abi.TypeIovec || p.Type == abi.TypeCiovec {
			left = f.iovec(at, left)
		} else {
			f.object(p.Type, at)
		}
	}
	f.text("]")
}

// str writes n bytes at addr as a string.
func (f *formatter) str(addr, n uint64) {
	b := make([]byte, min(n, maxText))
	if f.mem.CopyIn(b, addr) != nil {
		f.pointer(addr)
		return
	}
	f.text(strconv.QuoteToASCII(string(b)))
	if n > maxText {
		f.text("...")
	}
}

// iovec writes a buffer, of which the call has filled or taken at most left bytes,
// and returns what is left of those.
func (f *formatter) iovec(addr, left uint64) uint64 {
	var b [abi.IovecSize]byte
	if f.mem.CopyIn(b[:], addr) != nil {
		f.pointer(addr)
		return left
	}
	var v abi.Iovec
	v.Decode(b[:])
	n := min(v.Len, left)
	f.text("{iov_base=")
	f.str(v.Buf, n)
	f.printf(", iov_len=%d}", v.Len)
	return left - n
}

// object writes one object at addr.
func (f *formatter) object(t abi.Type, addr uint64) {
	b := make([]byte, t.Size())
	if t == abi.TypeVoid || addr == 0 || f.mem.CopyIn(b, addr) != nil {
		f.pointer(addr)
		return
	}
	switch t {
	case abi.TypeFD:
		f.text(abi.FD(binary.LittleEndian.Uint32(b)).String())
	case abi.TypeFdstat:
		var s abi.Fdstat
		s.Decode(b)
		f.printf("{fs_filetype=%v, fs_flags=%v, fs_rights_base=%v, fs_rights_inheriting=%v}",
			s.Filetype, s.Flags, s.RightsBase, s.RightsInheriting)
	case abi.TypeFilestat:
		var s abi.Filestat
		s.Decode(b)
		f.printf("{st_dev=%d, st_ino=%d, st_filetype=%v, st_nlink=%d, st_size=%d, st_atim=%d, st_mtim=%d, st_ctim=%d}",
			s.Dev, s.Ino, s.Filetype, s.Nlink, s.Size, s.Atim, s.Mtim, s.Ctim)
	case abi.TypeSubscription:
		var s abi.Subscription
		s.Decode(b)
		f.subscription(&s)
	case abi.TypeEvent:
		var e abi.Event
		e.Decode(b)
		f.event(&e)
	case abi.TypeThreadattr:
		var a abi.Threadattr
		a.Decode(b)
		f.printf("{entry_point=%#x, stack=%#x, stack_len=%d, argument=%#x}", a.Entry, a.Stack, a.StackLen, a.Argument)
	case abi.TypeSendIn:
		var s abi.SendIn
		s.Decode(b)
		f.text("{si_data=")
		f.array(abi.Param{Type: abi.TypeCiovec, Mode: abi.ModeCRange}, s.Data, s.DataLen, ^uint64(0))
		f.text(", si_fds=")
		f.array(abi.Param{Type: abi.TypeFD, Mode: abi.ModeCRange}, s.FDs, s.FDsLen, 0)
		f.printf(", si_flags=%v}", s.Flags)
	case abi.TypeRecvIn:
		var r abi.RecvIn
		r.Decode(b)
		f.printf("{ri_data=%#x, ri_data_len=%d, ri_fds=%#x, ri_fds_len=%d, ri_flags=%v}",
			r.Data, r.DataLen, r.FDs, r.FDsLen, r.Flags)
	case abi.TypeSendOut:
		var s abi.SendOut
		s.Decode(b)
		f.printf("{so_datalen=%d}", s.Datalen)
	case abi.TypeRecvOut:
		var r abi.RecvOut
		r.Decode(b)
		f.printf("{ro_datalen=%d, ro_fdslen=%d, ro_flags=%v}", r.Datalen, r.FDslen, r.Flags)
	default:
		f.pointer(addr)
	}
}

func (f *formatter) subscription(s *abi.Subscription) {
	f.printf("{userdata=%#x, type=%v, ", s.Userdata, s.Type)
	switch s.Type {
	case abi.EventtypeClock:
		c := &s.Clock
		f.printf("clock_id=%v, timeout=%d, flags=%v}", c.ClockID, c.Timeout, c.Flags)
	case abi.EventtypeCondvar:
		c := &s.Condvar
		f.printf("condvar=%#x, lock=%#x, scopes=%v and %v}", c.Condvar, c.Lock, c.CondvarScope, c.LockScope)
	case abi.EventtypeFDRead, abi.EventtypeFDWrite:
		f.printf("fd=%v, flags=%v}", s.FDReadwrite.FD, s.FDReadwrite.Flags)
	case abi.EventtypeLockRdlock, abi.EventtypeLockWrlock:
		f.printf("lock=%#x, scope=%v}", s.Lock.Lock, s.Lock.Scope)
	case abi.EventtypeProcTerminate:
		f.printf("fd=%v}", s.ProcTerminate.FD)
	default:
		f.text("...}")
	}
}

func (f *formatter) event(e *abi.Event) {
	f.printf("{userdata=%#x, type=%v", e.Userdata, e.Type)
	if e.Error != 0 {
		f.printf(", error=%v", e.Error)
	}
	switch e.Type {
	case abi.EventtypeFDRead, abi.EventtypeFDWrite:
		f.printf(", nbytes=%d, flags=%v", e.Nbytes, e.Flags)
	case abi.EventtypeProcTerminate:
		f.printf(", signal=%d, exitcode=%d", e.Signal, e.Exitcode)
	}
	f.text("}")
}

// dirents writes the directory entries in the first used bytes at addr, a buffer of
// size bytes.
func (f *formatter) dirents(addr, used, size uint64) {
	f.text("[")
	for n, at := 0, uint64(0); at+abi.DirentSize <= used; n++ {
		if n > 0 {
			f.text(", ")
		}
		var b [abi.DirentSize]byte
		if n == maxElements || f.mem.CopyIn(b[:], addr+at) != nil {
			f.text("...")
			break
		}
		var d abi.Dirent
		d.Decode(b[:])
		f.printf("{d_next=%d, d_ino=%d, d_type=%v, d_name=", d.Next, d.Ino, d.Type)
		at += abi.DirentSize
		f.str(addr+at, min(uint64(d.Namlen), used-at))
		f.text("}")
		at += uint64(d.Namlen)
	}
	f.printf("], %d", size)
}
