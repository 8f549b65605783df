//go:build amd64

package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"cabitrans/internal/effort"
)

// A test can run in a process of its own, the tracee, whose guest thread the test
// process traces with ptrace. The tracee is the test proper: it asks, by stopping
// itself with askSignal, for what only a tracer can do. That is to send a signal
// with one certain instruction pending, and to run guest text natively, one
// instruction at a time.

// A request is what the tracee wants; the tracer reads it, and writes answers into
// it, while the thread is stopped.
type request struct {
	Op uint64

	// opArm: when the thread reaches At for the time numbered Skip, from 0 on, send
	// Signal, with the word at Kick (0: none) set to 1 first. The breakpoint is
	// written at Alias. Signal 0 counts.
	At, Alias, Skip, Signal, Kick uint64
	// Answer: times that At was reached. It is written with the signal, too.
	Hits uint64

	// opNative: run guest text from RIP on until it faults, with %fs base FSBase.
	// Every boundary on the way is recorded in Buf: see boundary. Hits is their
	// number.
	RIP, RSP, RDI, FSBase uint64
	Buf, BufLen           uint64
	Look                  [lookRanges][2]uint64 // address and length in bytes
}

const (
	opArm = iota
	opDisarm
	opNative
	opCount   // from here on, count host system calls
	opCounted // no more; the answer is in Hits
	opEnd

	askSignal  = unix.SIGUSR1
	lookRanges = 3
	tracedEnv  = "CABITRANS_TRACED"
	breakpoint = 0xcc // int3
	sysGood    = 0x80 // in the signal of a stop for a system call (PTRACE_O_TRACESYSGOOD)
	pushf      = 0x9c
)

// traced runs child as the tracee. The test fails with it.
func traced(t *testing.T, child func(*tracee)) {
	if os.Getenv(tracedEnv) != "" {
		becomeTracee(t, child)
		return
	}
	_ = os.Getenv(effort.Env) // the outcome depends on it
	answerR, answerW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer answerR.Close()
	var out bytes.Buffer
	cmd := exec.Command(os.Args[0], "-test.run=^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$", "-test.v")
	cmd.Env = append(os.Environ(), tracedEnv+"=1", "GOGC=off")
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.ExtraFiles = []*os.File{answerW}
	start, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	err = cmd.Start()
	answerW.Close()
	if err != nil {
		t.Fatal(err)
	}
	// Nothing here takes a tenth of it; a kick that is lost makes a guest spin.
	limit := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
	defer limit.Stop()
	traceErr := trace(answerR, start)
	if traceErr != nil {
		_ = cmd.Process.Kill()
	}
	waitErr := cmd.Wait()
	switch {
	case errors.Is(traceErr, unix.EPERM) && os.Getenv("CABITRANS_REQUIRE_TOOLS") != "1":
		t.Skipf("no permission to trace a child process (ptrace): %v", traceErr)
	case traceErr != nil || waitErr != nil:
		t.Fatalf("tracer: %v; tracee: %v\n%s", traceErr, waitErr, out.Bytes())
	case bytes.Contains(out.Bytes(), []byte("--- SKIP")):
		t.Skipf("%s", out.Bytes())
	}
	t.Logf("%s", out.Bytes())
}

// trace serves the tracee, whose thread and request it is told through answer,
// until that asks for the end.
func trace(answer io.Reader, start io.WriteCloser) error {
	// A tracee belongs to a thread, not to a process. The goroutine ends with the
	// thread: nobody else needs one that has traced.
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		var tr tracer
		if _, err := fmt.Fscan(answer, &tr.tid, &tr.addr); err != nil {
			done <- fmt.Errorf("the tracee did not begin: %w", err)
			return
		}
		if err := unix.PtraceSeize(tr.tid); err != nil {
			done <- fmt.Errorf("seize thread %d: %w", tr.tid, err)
			return
		}
		start.Close()
		done <- tr.loop()
	}()
	return <-done
}

type tracer struct {
	tid    int
	addr   uint64 // of the request
	req    request
	armed  bool
	saved  [1]byte
	passed uint64
	count  bool // system calls, in calls
	calls  uint64
	held   map[unix.Signal]bool // came while an instruction was being stepped over
}

var errTraceeGone = errors.New("the tracee ended early")

// wait waits until the thread stops, and returns the signal it is about to get; 0
// for a stop that is none.
func (tr *tracer) wait() (unix.Signal, error) {
	var s unix.WaitStatus
	for {
		_, err := unix.Wait4(tr.tid, &s, unix.WALL, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("wait: %w", err)
		}
		if !s.Stopped() {
			return 0, errTraceeGone
		}
		if s>>16 != 0 {
			return 0, nil
		}
		return s.StopSignal(), nil
	}
}

func (tr *tracer) loop() error {
	tr.held = make(map[unix.Signal]bool)
	for {
		sig, err := tr.wait()
		if err != nil {
			return err
		}
		switch {
		case sig == askSignal:
			end, err := tr.serve()
			if end || err != nil {
				return err
			}
			sig = 0
		case sig == unix.SIGTRAP|sysGood:
			tr.calls++
			sig = 0
		case sig == unix.SIGTRAP && tr.armed:
			if sig, err = tr.trapped(); err != nil {
				return err
			}
		}
		if err := tr.resume(sig); err != nil {
			return err
		}
	}
}

// resume lets the thread go on with sig, or a signal that was held.
func (tr *tracer) resume(sig unix.Signal) error {
	for s := range tr.held {
		delete(tr.held, s)
		if sig == 0 {
			sig = s
		} else if err := unix.Kill(tr.tid, s); err != nil {
			return fmt.Errorf("send %v on: %w", s, err)
		}
	}
	goOn := unix.PtraceCont
	if tr.count {
		goOn = unix.PtraceSyscall
	}
	if err := goOn(tr.tid, int(sig)); err != nil {
		return fmt.Errorf("continue: %w", err)
	}
	return nil
}

// serve does what the tracee asks for.
func (tr *tracer) serve() (end bool, err error) {
	if err := tr.disarm(); err != nil {
		return false, err
	}
	hits := tr.passed
	if err := tr.get(tr.addr, &tr.req); err != nil {
		return false, err
	}
	switch tr.req.Op {
	case opArm:
		tr.armed, tr.passed = true, 0
		return false, tr.plant()
	case opDisarm:
		tr.req.Hits = hits
	case opNative:
		if err := tr.native(); err != nil {
			return false, err
		}
	case opCount:
		tr.count, tr.calls = true, 0
		return false, unix.PtraceSetOptions(tr.tid, unix.PTRACE_O_TRACESYSGOOD)
	case opCounted:
		tr.count, tr.req.Hits = false, tr.calls/2 // it stops before each and behind it
	case opEnd:
		return true, unix.PtraceDetach(tr.tid)
	default:
		return false, fmt.Errorf("unknown request %d", tr.req.Op)
	}
	return false, tr.put(tr.addr, &tr.req)
}

func (tr *tracer) plant() error {
	if _, err := unix.PtracePeekText(tr.tid, uintptr(tr.req.Alias), tr.saved[:]); err != nil {
		return fmt.Errorf("read code at %#x: %w", tr.req.Alias, err)
	}
	return tr.poke([]byte{breakpoint})
}

func (tr *tracer) poke(b []byte) error {
	if _, err := unix.PtracePokeText(tr.tid, uintptr(tr.req.Alias), b); err != nil {
		return fmt.Errorf("write code at %#x: %w", tr.req.Alias, err)
	}
	return nil
}

func (tr *tracer) disarm() error {
	if !tr.armed {
		return nil
	}
	tr.armed = false
	return tr.poke(tr.saved[:])
}

// trapped deals with a SIGTRAP, which is the breakpoint's or the tracee's own.
func (tr *tracer) trapped() (unix.Signal, error) {
	var regs unix.PtraceRegs
	if err := unix.PtraceGetRegs(tr.tid, &regs); err != nil {
		return 0, fmt.Errorf("registers: %w", err)
	}
	if regs.Rip != tr.req.At+1 {
		return unix.SIGTRAP, nil
	}
	regs.Rip--
	if err := unix.PtraceSetRegs(tr.tid, &regs); err != nil {
		return 0, fmt.Errorf("set registers: %w", err)
	}
	if err := tr.poke(tr.saved[:]); err != nil {
		return 0, err
	}
	tr.passed++
	if tr.req.Signal != 0 && tr.passed == tr.req.Skip+1 {
		tr.armed = false
		if tr.req.Kick != 0 {
			if err := tr.put(tr.req.Kick, uint32(1)); err != nil {
				return 0, err
			}
		}
		tr.req.Hits = tr.passed
		return unix.Signal(tr.req.Signal), tr.put(tr.addr, &tr.req)
	}
	sig, err := tr.step()
	if err == nil && tr.saved[0] == pushf {
		err = tr.clearTF()
	}
	if err != nil {
		return 0, err
	}
	return sig, tr.plant()
}

// step executes one instruction. A signal that is the instruction's own is
// returned; others are held until the thread goes on.
func (tr *tracer) step() (unix.Signal, error) {
	for {
		if err := unix.PtraceSingleStep(tr.tid); err != nil {
			return 0, fmt.Errorf("step: %w", err)
		}
		sig, err := tr.wait()
		switch sig {
		case unix.SIGTRAP:
			return 0, err
		case unix.SIGSEGV, unix.SIGBUS, unix.SIGILL, unix.SIGFPE:
			return sig, err
		case 0:
		default:
			tr.held[sig] = true
		}
		if err != nil {
			return 0, err
		}
	}
}

// get reads v, of fixed size, from the tracee's memory.
func (tr *tracer) get(addr uint64, v any) error {
	b := make([]byte, binary.Size(v))
	if err := tr.read(addr, b); err != nil {
		return err
	}
	_, err := binary.Decode(b, binary.LittleEndian, v)
	return err
}

func (tr *tracer) read(addr uint64, b []byte) error {
	local := []unix.Iovec{{Base: &b[0], Len: uint64(len(b))}}
	n, err := unix.ProcessVMReadv(tr.tid, local, []unix.RemoteIovec{{Base: uintptr(addr), Len: len(b)}}, 0)
	if err == nil && n != len(b) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return fmt.Errorf("read the tracee at %#x: %w", addr, err)
	}
	return nil
}

func (tr *tracer) put(addr uint64, v any) error {
	b, err := binary.Append(nil, binary.LittleEndian, v)
	if err != nil {
		return err
	}
	local := []unix.Iovec{{Base: &b[0], Len: uint64(len(b))}}
	n, err := unix.ProcessVMWritev(tr.tid, local, []unix.RemoteIovec{{Base: uintptr(addr), Len: len(b)}}, 0)
	if err == nil && n != len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return fmt.Errorf("write the tracee at %#x: %w", addr, err)
	}
	return nil
}
