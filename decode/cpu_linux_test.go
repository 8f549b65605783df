//go:build amd64

package decode

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// The processor as an oracle. A stopped copy of the test binary is emptied of all memory but a code page, with
// nothing mapped behind it, and a data area; then single instructions are executed there under ptrace. Whatever they
// do, they do it to that process. A system call finds a number in rax that no kernel knows.
const (
	cpuCode    = 0x1000_0000
	cpuCodeEnd = cpuCode + 0x1000 // not mapped: a fetch faults here
	cpuData    = 0x1100_0000
	cpuSize    = 0x4000 // of the data area
	cpuMid     = cpuData + cpuSize/2
	cpuOther   = cpuData + 0x10_0000 // a second data area, in which segment bases may point
)

type cpu struct {
	pid    int
	mem    *os.File
	regs   syscall.PtraceRegs // as found at the start: selectors
	xstate []byte
	data   [cpuSize]byte
}

// outcome is what became of one instruction.
type outcome struct {
	signal syscall.Signal // SIGTRAP: it completed
	addr   uint64         // SIGSEGV: the address that faulted, 0 for #GP
	fetch  bool           // the fault was on the fetch of the bytes behind the page
	regs   syscall.PtraceRegs
	xstate []byte
	data   []byte
}

// newCPU starts the process. It skips the test where ptrace is not to be had.
func newCPU(t *testing.T) *cpu {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread() // the tracer is a thread
	p, err := os.StartProcess(exe, []string{"guinea-pig"}, &os.ProcAttr{Sys: &syscall.SysProcAttr{Ptrace: true}})
	if err != nil {
		runtime.UnlockOSThread()
		missing(t, "ptrace is not available: "+err.Error())
	}
	c := &cpu{pid: p.Pid}
	t.Cleanup(func() {
		p.Kill()
		p.Wait()
		runtime.UnlockOSThread()
	})
	var ws syscall.WaitStatus
	if _, err := syscall.Wait4(c.pid, &ws, 0, nil); err != nil || !ws.Stopped() {
		t.Fatalf("the traced process did not stop: %v, status %#x", err, ws)
	}
	const exitKill = 0x100000
	if err := syscall.PtraceSetOptions(c.pid, exitKill); err != nil {
		t.Fatal(err)
	}
	if c.mem, err = os.OpenFile(fmt.Sprintf("/proc/%d/mem", c.pid), os.O_RDWR, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.mem.Close() })
	if err := syscall.PtraceGetRegs(c.pid, &c.regs); err != nil {
		t.Fatal(err)
	}
	c.emptyMemory(t)
	if c.xstate, err = c.getXState(); err != nil {
		missing(t, "the kernel does not give the vector state: "+err.Error())
	}
	c.fillState()
	return c
}

// emptyMemory maps the areas and unmaps everything else.
func (c *cpu) emptyMemory(t *testing.T) {
	const privateFixedAnon = 0x32
	if err := c.write(c.regs.Rip, []byte{0x0f, 0x05}); err != nil {
		t.Fatal(err)
	}
	c.syscall(t, c.regs.Rip, syscall.SYS_MMAP, cpuCode, 0x1000, 5, privateFixedAnon)
	c.syscall(t, c.regs.Rip, syscall.SYS_MMAP, cpuData, cpuSize, 3, privateFixedAnon)
	c.syscall(t, c.regs.Rip, syscall.SYS_MMAP, cpuOther, cpuSize, 3, privateFixedAnon)
	if err := c.write(cpuCode, []byte{0x0f, 0x05}); err != nil {
		t.Fatal(err)
	}
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", c.pid))
	if err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(string(maps)) {
		from, rest, _ := strings.Cut(l, "-")
		to, _, _ := strings.Cut(rest, " ")
		lo, err1 := strconv.ParseUint(from, 16, 64)
		hi, err2 := strconv.ParseUint(to, 16, 64)
		if err1 != nil || err2 != nil {
			t.Fatalf("cannot read the memory map: %q", l)
		}
		if lo == cpuCode || lo == cpuData || lo == cpuOther || int64(lo) < 0 {
			continue
		}
		c.syscall(t, cpuCode, syscall.SYS_MUNMAP, lo, hi-lo, 0, 0)
	}
}

// syscall makes the process call the system with the instruction at pc.
func (c *cpu) syscall(t *testing.T, pc, nr, a, b, d, e uint64) {
	t.Helper()
	r := c.regs
	r.Rip, r.Rax, r.Rdi, r.Rsi, r.Rdx, r.R10, r.R8, r.R9 = pc, nr, a, b, d, e, ^uint64(0), 0
	r.Orig_rax = ^uint64(0)
	o, err := c.step(&r)
	if err != nil || o.signal != syscall.SIGTRAP || int64(o.regs.Rax) < 0 && int64(o.regs.Rax) > -4096 {
		t.Fatalf("system call %d in the traced process: %v, signal %v, result %#x", nr, err, o.signal, o.regs.Rax)
	}
}

func (c *cpu) write(addr uint64, b []byte) error {
	_, err := c.mem.WriteAt(b, int64(addr))
	return err
}

// step executes one instruction from the registers r.
func (c *cpu) step(r *syscall.PtraceRegs) (o outcome, err error) {
	if err = syscall.PtraceSetRegs(c.pid, r); err != nil {
		return o, err
	}
	if err = syscall.PtraceSingleStep(c.pid); err != nil {
		return o, err
	}
	var ws syscall.WaitStatus
	if _, err = syscall.Wait4(c.pid, &ws, 0, nil); err != nil {
		return o, err
	}
	if !ws.Stopped() {
		return o, fmt.Errorf("the traced process is gone: status %#x", ws)
	}
	o.signal = ws.StopSignal()
	if o.signal == syscall.SIGSEGV || o.signal == syscall.SIGBUS {
		if o.addr, err = c.faultAddr(); err != nil {
			return o, err
		}
		o.fetch = o.addr == cpuCodeEnd
	}
	err = syscall.PtraceGetRegs(c.pid, &o.regs)
	return o, err
}

// fillState gives the vector registers and the data area contents without a pattern.
func (c *cpu) fillState() {
	s := newSampler(3)
	for i := 160; i < 416; i++ { // xmm0 to xmm15 in the layout of fxsave
		c.xstate[i] = s.byte()
	}
	c.xstate[512] |= 3
	for i := range c.data {
		c.data[i] = s.byte()
	}
}

// place puts code at the end of the page and returns its address.
func (c *cpu) place(code []byte) (uint64, error) {
	at := cpuCodeEnd - uint64(len(code))
	return at, c.write(at, code)
}

// run executes the instruction that r.Rip names with fresh memory and vector registers, all repetitions of it.
func (c *cpu) run(r syscall.PtraceRegs) (o outcome, err error) {
	if err = c.write(cpuData, c.data[:]); err != nil {
		return o, err
	}
	if err = c.write(cpuOther, c.data[:]); err != nil {
		return o, err
	}
	if err = c.setXState(c.xstate); err != nil {
		return o, err
	}
	pc := r.Rip
	for range 70 {
		if o, err = c.step(&r); err != nil || o.signal != syscall.SIGTRAP || o.regs.Rip != pc {
			break
		}
		r = o.regs
	}
	if err != nil {
		return o, err
	}
	if o.xstate, err = c.getXState(); err != nil {
		return o, err
	}
	o.data = make([]byte, 2*cpuSize)
	if _, err = c.mem.ReadAt(o.data[:cpuSize], cpuData); err == nil {
		_, err = c.mem.ReadAt(o.data[cpuSize:], cpuOther)
	}
	return o, err
}

// gprs returns pointers to the general registers in encoding order.
func gprs(r *syscall.PtraceRegs) [16]*uint64 {
	return [16]*uint64{&r.Rax, &r.Rcx, &r.Rdx, &r.Rbx, &r.Rsp, &r.Rbp, &r.Rsi, &r.Rdi,
		&r.R8, &r.R9, &r.R10, &r.R11, &r.R12, &r.R13, &r.R14, &r.R15}
}

// harmless are registers with which a random instruction does nothing beyond its own process.
func (c *cpu) harmless() syscall.PtraceRegs {
	r := c.regs
	for i, p := range gprs(&r) {
		*p = cpuMid + uint64(i)*8
	}
	r.Rcx = 1
	r.Eflags = 0x202
	r.Orig_rax = ^uint64(0)
	r.Fs_base, r.Gs_base = 0, 0
	return r
}
