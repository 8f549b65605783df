package runtime_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"testing"

	"cabitrans/runtime"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/loader"
)

// exitAt is an executable of the oldest generation, linked at addr, which ends
// with the exit code 42.
func exitAt(addr uint64) []byte {
	code := []byte{
		0xbf, 42, 0, 0, 0, // mov $42,%edi
		0xb8, byte(abi.CallProcExit.Info().Num2016), 0, 0, 0, // mov $proc_exit,%eax
		0x0f, 0x05, // syscall
	}
	var b bytes.Buffer
	put := func(v any) { _ = binary.Write(&b, binary.LittleEndian, v) }
	b.WriteString("\x7fELF\x02\x01\x01\x11\x00\x00\x00\x00\x00\x00\x00\x00")
	put([]uint16{2, 62})
	put(uint32(1))
	put([]uint64{addr + 120, 64, 0})
	put(uint32(0))
	put([]uint16{64, 56, 1, 64, 0, 0})
	put([]uint32{1, 5})
	put([]uint64{0, addr, addr, uint64(120 + len(code)), uint64(120 + len(code)), 4096})
	b.Write(code)
	return b.Bytes()
}

func start(image []byte, c runtime.Config) (*runtime.Process, error) {
	if c.Executable == nil {
		c.Executable, c.Size = bytes.NewReader(image), int64(len(image))
	}
	c.Name = "prog"
	return runtime.Start(context.Background(), c)
}

// TestExitCode runs the smallest programs.
func TestExitCode(t *testing.T) {
	for _, c := range []runtime.Config{
		{},
		{StackSize: 1},
		{StackSize: 1<<20 + 1},
		{ArgData: make([]byte, 5<<20)},
	} {
		p, err := start(exitAt(0x2000_0000), c)
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		if e := p.Wait(); e.Code != 42 || e.Signal != 0 || e.Fault != nil || e.Status() != 42 {
			t.Errorf("%+v", e)
		}
	}
}

// failing is an executable whose file cannot be read behind the headers.
type failing struct{ head []byte }

var errDisk = errors.New("the disk is on fire")

func (f failing) ReadAt(b []byte, off int64) (int, error) {
	if off+int64(len(b)) > int64(len(f.head)) {
		return 0, errDisk
	}
	return copy(b, f.head[off:]), nil
}

// TestLaunchError: each refusal is one sentence that names the program, keeps its
// reason, and leaves nothing behind that would keep another program from running.
func TestLaunchError(t *testing.T) {
	const closed = 123456789
	good := exitAt(0x2000_0000)
	for _, c := range []struct {
		name  string
		image []byte
		conf  runtime.Config
		is    error
		want  string
	}{
		{"not an executable", []byte("hello"), runtime.Config{}, loader.ErrNotELF,
			"cannot run prog: not an ELF executable: it does not begin with the ELF magic number; " +
				"give a program compiled for x86_64-unknown-cloudabi"},
		{"in the way of cabitrans", exitAt(0x40_0000), runtime.Config{}, nil,
			"cannot run prog: it must lie at addresses 0x400000 to 0x401000, where cabitrans itself lies; " +
				"build cabitrans with -buildmode=pie"},
		{"above guest memory", exitAt(0x7000_0000), runtime.Config{}, nil,
			"cannot run prog: it must lie at addresses 0x70000000 to 0x70001000, outside of guest memory (0x20000 to 0x60000000)"},
		{"below guest memory", exitAt(0x1_0000), runtime.Config{}, nil,
			"cannot run prog: it must lie at addresses 0x10000 to 0x11000, outside of guest memory (0x20000 to 0x60000000)"},
		{"stack larger than memory", good, runtime.Config{StackSize: 1 << 40}, abi.ENOMEM,
			"cannot run prog: no memory for a stack of 1099511627776 bytes: " + abi.ENOMEM.Error()},
		{"stack size that wraps", good, runtime.Config{StackSize: 1<<64 - 1}, abi.ENOMEM,
			"cannot run prog: no memory for a stack of 18446744073709551615 bytes: " + abi.ENOMEM.Error()},
		{"arguments larger than memory", good, runtime.Config{ArgData: make([]byte, 0x6000_0000)}, abi.ENOMEM,
			"cannot run prog: no memory for 1610612736 bytes of argument data: " + abi.ENOMEM.Error()},
		{"closed descriptor", good, runtime.Config{FDs: []int{1, closed}}, nil,
			"cannot run prog: descriptor 1 of the guest: cannot grant host descriptor 123456789: bad file descriptor"},
		{"negative descriptor", good, runtime.Config{FDs: []int{-1}}, nil,
			"cannot run prog: descriptor 0 of the guest: cannot grant host descriptor -1: bad file descriptor"},
		{"unreadable file", nil, runtime.Config{Executable: failing{good[:120]}, Size: int64(len(good))}, errDisk,
			"cannot run prog: cannot read its segment at file offset 0x0: the disk is on fire"},
		{"unreadable header", nil, runtime.Config{Executable: failing{nil}, Size: int64(len(good))}, errDisk,
			"cannot run prog: read the ELF header of the executable: the disk is on fire"},
		{"file shorter than said", nil, runtime.Config{Executable: bytes.NewReader(good[:125]), Size: int64(len(good))}, loader.ErrTruncated,
			"cannot run prog: cannot read its segment at file offset 0x0: the file is truncated"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := start(c.image, c.conf)
			if p != nil || err == nil {
				t.Fatalf("started: %v, %v", p, err)
			}
			if err.Error() != c.want {
				t.Errorf("got:  %v\nwant: %s", err, c.want)
			}
			var le *runtime.LaunchError
			if !errors.As(err, &le) || le.Program != "prog" {
				t.Errorf("%T does not name the program", err)
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("%v does not wrap %v", err, c.is)
			}
			p, err = start(good, runtime.Config{})
			if err != nil {
				t.Fatalf("the next program cannot start: %v", err)
			}
			if e := p.Wait(); e.Code != 42 {
				t.Errorf("the next program: %+v", e)
			}
		})
	}
}

// TestContextCause: a context that is done before the start says why; one that is
// done later kills.
func TestContextCause(t *testing.T) {
	conf := runtime.Config{Executable: bytes.NewReader(loop()), Size: int64(len(loop())), Name: "loop"}
	cause := errors.New("no longer wanted")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(cause)
	_, err := runtime.Start(ctx, conf)
	if want := "cannot run loop: no longer wanted"; !errors.Is(err, cause) || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}

	ctx, cancel = context.WithCancelCause(context.Background())
	p, err := runtime.Start(ctx, conf)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.Done():
		t.Fatal("an endless loop has ended")
	default:
	}
	cancel(cause)
	<-p.Done()
	if e := p.Wait(); e.Signal != abi.SIGKILL || e.Status() != 137 || e.Fault != nil {
		t.Errorf("%+v", e)
	}
}

// loop is an executable that does nothing for ever.
func loop() []byte {
	b := exitAt(0x2000_0000)
	copy(b[120:], []byte{0xeb, 0xfe}) // jmp to itself
	return b
}

func TestStatus(t *testing.T) {
	for _, c := range []struct {
		exit runtime.Exit
		want int
	}{
		{runtime.Exit{}, 0},
		{runtime.Exit{Code: 255}, 255},
		{runtime.Exit{Code: 0x101}, 1},
		{runtime.Exit{Signal: abi.SIGABRT}, 134},
		{runtime.Exit{Signal: abi.SIGKILL, Code: 9}, 137},
		{runtime.Exit{Signal: abi.SIGSEGV}, 139},
		{runtime.Exit{Signal: abi.SIGSYS}, 159},
	} {
		if got := c.exit.Status(); got != c.want {
			t.Errorf("%+v: %d, want %d", c.exit, got, c.want)
		}
	}
	seen := map[int]abi.Signal{}
	for s := abi.SIGABRT; s <= abi.SIGXFSZ; s++ {
		n := runtime.Exit{Signal: s}.Status()
		if other, dup := seen[n]; dup || n <= 128 || n > 159 {
			t.Errorf("%v has status %d, as %v", s, n, other)
		}
		seen[n] = s
	}
}

// TestInherited: what this process opens is not what it was given.
func TestInherited(t *testing.T) {
	for fd := range 3 {
		if !runtime.Inherited(fd) {
			t.Errorf("descriptor %d was not given to this program", fd)
		}
	}
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(f.Fd())
	if runtime.Inherited(fd) {
		t.Errorf("descriptor %d is Go's own", fd)
	}
	f.Close()
	if runtime.Inherited(fd) || runtime.Inherited(-1) {
		t.Error("a closed descriptor is inherited")
	}
}
