package runtime_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"regexp"
	goruntime "runtime"
	"strings"
	"testing"

	"cabitrans/runtime"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
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

// codeAt is exitAt(0x20000000) with other instructions.
func codeAt(code ...byte) []byte {
	b := exitAt(0x2000_0000)
	n := len(b) - 120 // bytes of code there
	b = append(b[:120], code...)
	for _, at := range []int{96, 104} { // sizes in the file and in memory
		size := binary.LittleEndian.Uint64(b[at:])
		binary.LittleEndian.PutUint64(b[at:], size+uint64(len(code)-n))
	}
	return b
}

// TestFaults: what programs do that no compiler makes.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		name string
		code []byte
		want string // the beginning of the report, up to the callers
	}{
		{"no stack", []byte{0x31, 0xe4, 0x50}, // xor %esp,%esp; push %rax
			`prog: SIGSEGV in thread N: write at 0xfffffffffffffff8, outside guest memory
  note: there is no memory to write below rsp: the stack is used up, or rsp was overwritten
  rip 0x2000007a (offset 0x2000007a)
      push %rax  [50]
  no callers are known: the frame pointer leads nowhere
`},
		{"wild stack", []byte{0x48, 0xbc, 0, 0, 0, 0, 0, 0, 0x12, 0, 0x50}, // movabs $0x12000000000000,%rsp; push %rax
			`prog: SIGBUS in thread N: access to the stack at 0x12000000000000, which is not a canonical address
  rip 0x20000082 (offset 0x20000082)
      push %rax  [50]
  no callers are known: the frame pointer leads nowhere
`},
		{"no instruction", []byte{0x06, 0x90}, `prog: SIGILL in thread N: no valid instruction
  rip 0x20000078 (offset 0x20000078)
      (no instruction)  [06 90 00 00 00 00 00 00 00 00 00 00 00 00 00]
  no callers are known: the frame pointer leads nowhere
`},
		{"call of null", []byte{0x31, 0xc0, 0xff, 0xd0}, // xor %eax,%eax; call *%rax
			`prog: SIGSEGV in thread N: execution at 0x0, the null page, where nothing is ever mapped
  rip 0x0 (the null page, where nothing is ever mapped)
  called from, by frame pointers:
      0x2000007c (offset 0x2000007c)
`},
		{"jump into the host", []byte{0xb8, 0, 0, 0, host.ArenaHi >> 24, 0xff, 0xe0}, // mov $ArenaHi,%eax; jmp *%rax
			`prog: SIGSEGV in thread N: execution at ARENA, outside guest memory
  rip ARENA (outside guest memory)
  no callers are known: the frame pointer leads nowhere
`},
		{"jump into the stack", []byte{0xff, 0xe4}, // jmp *%rsp
			`prog: SIGSEGV in thread N: execution at ADDR, the first thread's stack, protection rw-
  rip ADDR (the first thread's stack, protection rw-)
  no callers are known: the frame pointer leads nowhere
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := start(codeAt(c.code...), runtime.Config{})
			if err != nil {
				t.Fatal(err)
			}
			e := p.Wait()
			if e.Fault == nil {
				t.Fatalf("%+v", e)
			}
			got, _, ok := strings.Cut(e.Fault.Report(), "  rax ")
			got = strings.ReplaceAll(got, fmt.Sprintf("%#x", host.ArenaHi), "ARENA")
			got = regexp.MustCompile(`0x[56][0-9a-f]{7}\b`).ReplaceAllString(got, "ADDR")
			got = regexp.MustCompile(`in thread \d+`).ReplaceAllString(got, "in thread N")
			if !ok || got != c.want {
				t.Errorf("got:\n%swant:\n%s", got, c.want)
			}
		})
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
			"cannot run prog: it must lie at addresses 0x70000000 to 0x70001000, outside of guest memory " +
				"(0x20000 to ARENA)"},
		{"below guest memory", exitAt(0x1_0000), runtime.Config{}, nil,
			"cannot run prog: it must lie at addresses 0x10000 to 0x11000, outside of guest memory (0x20000 to ARENA)"},
		{"stack larger than memory", good, runtime.Config{StackSize: 1 << 40}, abi.ENOMEM,
			"cannot run prog: no memory for a stack of 1099511627776 bytes: " + abi.ENOMEM.Error()},
		{"stack size that wraps", good, runtime.Config{StackSize: 1<<64 - 1}, abi.ENOMEM,
			"cannot run prog: no memory for a stack of 18446744073709551615 bytes: " + abi.ENOMEM.Error()},
		{"arguments larger than memory", good, runtime.Config{ArgData: make([]byte, host.ArenaHi)}, abi.ENOMEM,
			fmt.Sprintf("cannot run prog: no memory for %d bytes of argument data: ", host.ArenaHi) + abi.ENOMEM.Error()},
		{"closed descriptor", good, runtime.Config{FDs: []int{1, closed}}, nil,
			"cannot run prog: descriptor 1 of the guest: cannot grant host descriptor 123456789: bad file descriptor"},
		{"negative descriptor", good, runtime.Config{FDs: []int{-1}}, nil,
			"cannot run prog: descriptor 0 of the guest: cannot grant host descriptor -1: bad file descriptor"},
		{"too many descriptors", good, runtime.Config{FDs: []int{0, 1, 2}, Limits: runtime.Limits{FDs: 2}}, runtime.ErrLimit,
			"cannot run prog: the limit is too low: it is granted 3 descriptors, and may have 2"},
		{"too little memory", good, runtime.Config{Limits: runtime.Limits{Memory: 1 << 20}}, runtime.ErrLimit,
			"cannot run prog: the limit of 1048576 bytes of memory is too low: no memory for a stack of 8388608 bytes: " +
				abi.ENOMEM.Error()},
		{"no memory", good, runtime.Config{Limits: runtime.Limits{Memory: 1}}, runtime.ErrLimit,
			"cannot run prog: the limit of 1 bytes of memory is too low: it must lie at addresses 0x20000000 to 0x20001000: " +
				abi.ENOMEM.Error()},
		{"a negative limit", good, runtime.Config{Limits: runtime.Limits{Threads: -1}}, runtime.ErrLimit,
			"cannot run prog: the limit is negative"},
		{"unreadable file", nil, runtime.Config{Executable: failing{good[:120]}, Size: int64(len(good))}, errDisk,
			"cannot run prog: cannot read its segment at file offset 0x0: the disk is on fire"},
		{"unreadable header", nil, runtime.Config{Executable: failing{nil}, Size: int64(len(good))}, errDisk,
			"cannot run prog: read the ELF header of the executable: the disk is on fire"},
		{"file shorter than said", nil,
			runtime.Config{Executable: bytes.NewReader(good[:125]), Size: int64(len(good))}, loader.ErrTruncated,
			"cannot run prog: cannot read its segment at file offset 0x0: the file is truncated"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "in the way of cabitrans" && goruntime.GOOS == "windows" {
				t.Skip("Go's executables for Windows lie above guest memory")
			}
			p, err := start(c.image, c.conf)
			if p != nil || err == nil {
				t.Fatalf("started: %v, %v", p, err)
			}
			if got := strings.ReplaceAll(err.Error(), fmt.Sprintf("%#x", host.ArenaHi), "ARENA"); got != c.want {
				t.Errorf("got:  %v\nwant: %s", got, c.want)
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
