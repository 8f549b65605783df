package kernel

import (
	"testing"

	"cabitrans/runtime/abi"
)

// Until 2016 pipe() of the C library was fd_create2 of the type fifo.
func TestPipe(t *testing.T) {
	f := newFixture(t)
	f.run(func(th *Thread) {
		args := [8]uint64{uint64(abi.FiletypeFifo)}
		r, w, o := th.CallRaw(5, &args)
		if r != 0 || w != 1 || o != (Outcome{}) {
			t.Fatalf("raw fd_create2 = %d, %d, %+v", r, w, o)
		}
		const common = abi.RightFDStatPutFlags | abi.RightFileStatFget | abi.RightPollFDReadwrite
		for _, end := range []struct {
			fd   uint64
			base abi.Rights
		}{{r, common | abi.RightFDRead}, {w, common | abi.RightFDWrite}} {
			p := f.alloc(abi.FdstatSize)
			f.expect(th, 0, abi.CallFDStatGet, end.fd, p)
			var st abi.Fdstat
			st.Decode(f.get(p, abi.FdstatSize))
			if st != (abi.Fdstat{Filetype: abi.FiletypeFifo, RightsBase: end.base}) {
				t.Errorf("descriptor %d: %+v", end.fd, st)
			}
		}
		n, buf := f.alloc(8), f.alloc(8)
		hello := f.iov(abi.Iovec{Buf: f.bytes([]byte("hello")), Len: 5})
		f.expect(th, abi.ENOTCAPABLE, abi.CallFDWrite, r, hello, 1, n)
		f.expect(th, abi.ENOTCAPABLE, abi.CallFDRead, w, hello, 1, n)
		f.expect(th, 0, abi.CallFDWrite, w, hello, 1, n)
		f.expect(th, 0, abi.CallFDRead, r, f.iov(abi.Iovec{Buf: buf, Len: 8}), 1, n)
		if got := string(f.get(buf, int(f.get64(n)))); got != "hello" {
			t.Errorf("read %q", got)
		}
		f.expect(th, 0, abi.CallFDClose, r)
		f.expect(th, abi.EPIPE, abi.CallFDWrite, w, hello, 1, n)
	})
}
