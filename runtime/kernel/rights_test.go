package kernel

import (
	"os"
	"testing"

	"cabitrans/runtime/abi"
)

// Every call that takes a descriptor needs exactly the rights that the ABI names:
// it works with them alone, and answers ENOTCAPABLE when one of them is missing,
// whatever others there are.
func TestRightsOfCalls(t *testing.T) {
	const rd, wr, seek = abi.RightFDRead, abi.RightFDWrite, abi.RightFDSeek
	const mmap, poll = abi.RightMemMap, abi.RightPollFDReadwrite
	type env struct {
		f                  *fixture
		th                 *Thread
		n, one, stat, file uint64
	}
	mapAs := func(prot abi.Mprot, flags abi.Mflags) func(*env) abi.Errno {
		return func(v *env) abi.Errno {
			o := call(v.th, abi.CallMemMap, 0, abi.PageSize, uint64(prot), uint64(flags), 0, 0, v.n)
			if o.Errno == 0 {
				v.f.expect(v.th, 0, abi.CallMemUnmap, v.f.get64(v.n), abi.PageSize)
			}
			return o.Errno
		}
	}
	pollFor := func(typ abi.Eventtype) func(*env) abi.Errno {
		return func(v *env) abi.Errno {
			evs, e := v.f.polls(v.th, subFD(1, typ, 0))
			if e != 0 || len(evs) != 1 {
				return abi.EIO
			}
			return evs[0].Error
		}
	}
	plain := func(c abi.Call, args func(v *env) []uint64) func(*env) abi.Errno {
		return func(v *env) abi.Errno { return call(v.th, c, args(v)...).Errno }
	}
	seekTo := func(off uint64, whence abi.Whence) func(*env) abi.Errno {
		return plain(abi.CallFDSeek, func(v *env) []uint64 { return []uint64{0, off, uint64(whence), v.n} })
	}
	tests := []struct {
		name string
		need abi.Rights
		call func(*env) abi.Errno
	}{
		{"fd_read", rd, plain(abi.CallFDRead, func(v *env) []uint64 { return []uint64{0, v.one, 1, v.n} })},
		{"fd_write", wr, plain(abi.CallFDWrite, func(v *env) []uint64 { return []uint64{0, v.one, 1, v.n} })},
		{"fd_pread", rd | seek, plain(abi.CallFDPread, func(v *env) []uint64 { return []uint64{0, v.one, 1, 0, v.n} })},
		{"fd_pwrite", wr | seek, plain(abi.CallFDPwrite, func(v *env) []uint64 { return []uint64{0, v.one, 1, 0, v.n} })},
		{"fd_seek, set", seek, seekTo(3, abi.WhenceSet)},
		{"fd_seek, end", seek, seekTo(0, abi.WhenceEnd)},
		{"fd_seek, cur", seek, seekTo(1, abi.WhenceCur)},
		{"fd_sync", abi.RightFDSync, plain(abi.CallFDSync, func(*env) []uint64 { return []uint64{0} })},
		{"fd_datasync", abi.RightFDDatasync, plain(abi.CallFDDatasync, func(*env) []uint64 { return []uint64{0} })},
		{"fd_stat_put, flags", abi.RightFDStatPutFlags, plain(abi.CallFDStatPut, func(v *env) []uint64 {
			return []uint64{0, v.stat, uint64(abi.FdsflagFlags)}
		})},
		{"fd_stat_get", 0, plain(abi.CallFDStatGet, func(v *env) []uint64 { return []uint64{0, v.stat} })},
		{"fd_dup", 0, plain(abi.CallFDDup, func(v *env) []uint64 { return []uint64{0, v.n} })},
		{"fd_replace", 0, plain(abi.CallFDReplace, func(v *env) []uint64 { return []uint64{0, 0} })},
		{"file_stat_fget", abi.RightFileStatFget, plain(abi.CallFileStatFget, func(v *env) []uint64 { return []uint64{0, v.file} })},
		{"file_stat_fput, size", abi.RightFileStatFputSize, plain(abi.CallFileStatFput, func(v *env) []uint64 {
			return []uint64{0, v.file, uint64(abi.FsflagSize)}
		})},
		{"mem_map, no access", mmap, mapAs(0, abi.MapPrivate)},
		{"mem_map, read", mmap | rd, mapAs(abi.ProtRead, abi.MapShared)},
		{"mem_map, write shared", mmap | wr, mapAs(abi.ProtWrite, abi.MapShared)},
		{"mem_map, read and write shared", mmap | rd | wr, mapAs(abi.ProtRead|abi.ProtWrite, abi.MapShared)},
		{"mem_map, write private", mmap | rd, mapAs(abi.ProtWrite, abi.MapPrivate)},
		{"mem_map, read and execute", mmap | rd | abi.RightMemMapExec, mapAs(abi.ProtRead|abi.ProtExec, abi.MapPrivate)},
		{"poll, read", poll | rd, pollFor(abi.EventtypeFDRead)},
		{"poll, write", poll | wr, pollFor(abi.EventtypeFDWrite)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			try := func(has abi.Rights, want abi.Errno) {
				t.Helper()
				f := newFixture(t, Grant{HostFD: openFile(t, os.O_RDWR), Drop: ^has})
				f.run(func(th *Thread) {
					v := &env{f: f, th: th, n: f.alloc(8), stat: f.alloc(abi.FdstatSize), file: f.alloc(abi.FilestatSize)}
					v.one = f.iov(abi.Iovec{Buf: f.alloc(8), Len: 8})
					if got := tt.call(v); got != want {
						t.Errorf("with %v: %v, want %v", has, got, want)
					}
				})
			}
			try(tt.need, 0)
			for bit := abi.Rights(1); bit != 0; bit <<= 1 {
				if tt.need&bit != 0 {
					try(^bit, abi.ENOTCAPABLE)
				}
			}
		})
	}
}
