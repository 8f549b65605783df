//go:build linux && amd64

package bench

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"cabitrans/argdata"
)

// A callLoop is a system call, or two, of the guest's beside what a program of the
// host does for the same purpose. What native makes are bare host calls: no
// scheduler is told of them.
type callLoop struct {
	name   string
	n      uint64 // rounds for some 20 ms
	path   string // what the guest gets as fd
	flags  int
	native func(fd int, n uint64)
}

var callLoops = []callLoop{
	{"clock", 500_000, "", 0, func(_ int, n uint64) {
		var last time.Time
		for range n {
			last = time.Now()
		}
		_ = last
	}},
	{"random", 50_000, "", 0, func(_ int, n uint64) {
		var b [16]byte
		for range n {
			raw(unix.SYS_GETRANDOM, uintptr(unsafe.Pointer(&b)), 16, 0)
		}
	}},
	{"read", 100_000, "/dev/zero", unix.O_RDONLY, func(fd int, n uint64) {
		var b [1]byte
		v := unix.Iovec{Base: &b[0], Len: 1}
		for range n {
			raw(unix.SYS_READV, uintptr(fd), uintptr(unsafe.Pointer(&v)), 1)
		}
	}},
	{"write", 100_000, "/dev/null", unix.O_WRONLY, func(fd int, n uint64) {
		var b [1]byte
		v := unix.Iovec{Base: &b[0], Len: 1}
		for range n {
			raw(unix.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(&v)), 1)
		}
	}},
	{"pipe", 10_000, "", 0, func(_ int, n uint64) {
		ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		if err != nil {
			return
		}
		var b [8]byte
		v := unix.Iovec{Base: &b[0], Len: 8}
		for range n {
			raw(unix.SYS_WRITEV, uintptr(ends[0]), uintptr(unsafe.Pointer(&v)), 1)
			raw(unix.SYS_READV, uintptr(ends[1]), uintptr(unsafe.Pointer(&v)), 1)
		}
		unix.Close(ends[0])
		unix.Close(ends[1])
	}},
	{"poll", 300, "/dev/null", unix.O_WRONLY, func(fd int, n uint64) {
		fds := make([]unix.PollFd, 1000)
		for i := range fds {
			fds[i] = unix.PollFd{Fd: int32(fd), Events: unix.POLLOUT}
		}
		for range n {
			raw(unix.SYS_POLL, uintptr(unsafe.Pointer(&fds[0])), uintptr(len(fds)), ^uintptr(0))
		}
	}},
	{"map", 10_000, "", 0, func(_ int, n uint64) {
		const size = 16 * 4096
		for range n {
			p, _, _ := unix.RawSyscall6(unix.SYS_MMAP, 0, size, unix.PROT_READ|unix.PROT_WRITE,
				unix.MAP_PRIVATE|unix.MAP_ANON, ^uintptr(0), 0)
			raw(unix.SYS_MUNMAP, p, size, 0)
		}
	}},
	{"open", 10_000, ".", unix.O_RDONLY, func(fd int, n uint64) {
		name := []byte("file\x00")
		for range n {
			f, _, _ := unix.RawSyscall6(unix.SYS_OPENAT, uintptr(fd), uintptr(unsafe.Pointer(&name[0])),
				unix.O_RDONLY|unix.O_CLOEXEC, 0, 0, 0)
			raw(unix.SYS_CLOSE, f, 0, 0)
		}
	}},
	{"stat", 20_000, ".", unix.O_RDONLY, func(fd int, n uint64) {
		name := []byte("file\x00")
		var st unix.Stat_t
		for range n {
			unix.RawSyscall6(unix.SYS_NEWFSTATAT, uintptr(fd), uintptr(unsafe.Pointer(&name[0])),
				uintptr(unsafe.Pointer(&st)), unix.AT_SYMLINK_NOFOLLOW, 0, 0)
		}
	}},
}

func raw(number, a, b, c uintptr) { unix.RawSyscall(number, a, b, c) }

// run times n rounds in the guest, and natively when asked to; 0 means as many as
// the loop says.
func (l *callLoop) run(tb testing.TB, n uint64, repeats int) (m Measurement, native time.Duration) {
	if n == 0 {
		n = l.n
	}
	args := argdata.Map{{Key: argdata.String("call"), Value: argdata.String(l.name)}}
	var fds []int
	if l.path != "" {
		at := l.path
		if at == "." {
			at = tb.TempDir()
			if err := os.WriteFile(filepath.Join(at, "file"), nil, 0o644); err != nil {
				tb.Fatal(err)
			}
		}
		fd, err := unix.Open(at, l.flags|unix.O_CLOEXEC, 0)
		if err != nil {
			tb.Fatal(err)
		}
		defer unix.Close(fd)
		fds = []int{fd}
		args = append(args, argdata.Entry{Key: argdata.String("fd"), Value: argdata.FD(1)})
	}
	image, err := os.ReadFile(path("callbench"))
	if err != nil {
		tb.Fatal(err)
	}
	m, err = Translated(context.Background(), programOf("callbench", image),
		Setup{N: n, Repeats: repeats, More: args, FDs: fds}, Mode{})
	if err != nil {
		tb.Fatal(err)
	}
	native = 1<<63 - 1
	for range repeats {
		start := time.Now()
		l.native(append(fds, -1)[0], n)
		native = min(native, time.Since(start))
	}
	return m, native
}

// TestCallLoops: every round of the loops succeeds.
func TestCallLoops(t *testing.T) {
	for i := range callLoops {
		l := &callLoops[i]
		if m, _ := l.run(t, 20, 1); m.Result != 20 {
			t.Errorf("%s: %d rounds of 20 succeeded", l.name, m.Result)
		}
	}
}

// BenchmarkCalls reports, for each loop, the best time of a round, that of the
// host's own calls, and the ratio.
func BenchmarkCalls(b *testing.B) {
	for i := range callLoops {
		l := &callLoops[i]
		b.Run(l.name, func(b *testing.B) {
			best, native := time.Duration(1<<63-1), time.Duration(1<<63-1)
			for b.Loop() {
				m, d := l.run(b, 0, 5)
				best, native = min(best, m.Best), min(native, d)
			}
			per := func(d time.Duration) float64 { return float64(d) / float64(l.n) }
			b.ReportMetric(per(best), "ns/op")
			b.ReportMetric(per(native), "native-ns")
			b.ReportMetric(float64(best)/float64(native), "ratio")
		})
	}
}
