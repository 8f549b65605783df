package engine

import (
	"encoding/hex"
	"strings"
	"sync"
	"testing"

	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
	_ "cabitrans/runtime/host/hosttest" // claims guest memory
	"cabitrans/runtime/kernel"
	"cabitrans/runtime/memory"
)

// A guest is a process made of hand-written machine code.
type guest struct {
	testing.TB
	mem    *memory.AddressSpace
	engine *Engine
	kernel *kernel.Process
	code   uint64 // where code goes
	data   uint64 // a writable page
	stack  uint64 // top of the stack
	vdso   uint64
	wg     sync.WaitGroup
}

const stackSize = 1 << 16

var reserved = sync.OnceValues(host.Reserve)

func (g *guest) Fork(*kernel.Thread) (int, error) { return 0, abi.ENOSYS }

func (g *guest) Exec(int, []byte, *kernel.Table) error { return abi.ENOSYS }

func (g *guest) StartThread(entry, stack, arg uint64) (abi.Tid, error) { return 0, abi.EAGAIN }
func (g *guest) SetTCB(t *kernel.Thread, addr uint64)                  { g.engine.MoveBase(t.Host.Block(), addr) }

func newGuest(t testing.TB) *guest { return newGuestTLS(t, defaultTLS(t)) }

// defaultTLS is the host's default strategy.
func defaultTLS(t testing.TB) rewrite.TLS {
	t.Helper()
	s, err := rewrite.SelectTLS("", TLSHost())
	if err != nil {
		t.Skipf("no guest threads here: %v", err)
	}
	return s
}

// needsFaultsWithoutStack skips a test of a fault with a stack pointer that leads nowhere,
// where the host cannot deliver such.
func needsFaultsWithoutStack(t testing.TB) {
	t.Helper()
	if host.FaultsNeedStack {
		t.Skip("this host delivers no fault without a stack")
	}
}

// newGuestTLS is newGuest under a strategy.
func newGuestTLS(t testing.TB, tls rewrite.TLS) *guest {
	t.Helper()
	space, err := reserved()
	if err != nil {
		t.Skipf("no address space here: %v", err)
	}
	g := &guest{TB: t}
	if g.mem, err = memory.New(space); err != nil {
		t.Fatal(err)
	}
	if g.kernel, err = kernel.NewProcess(kernel.Config{Space: g.mem, Engine: g}); err != nil {
		t.Fatal(err)
	}
	// A thread that never starts keeps the process alive from one run to the next.
	if err := g.kernel.Reserve(); err != nil {
		t.Fatal(err)
	}
	g.code = g.pages(16, abi.ProtRead|abi.ProtExec)
	g.data = g.pages(2, abi.ProtRead|abi.ProtWrite)
	g.stack = g.pages(stackSize/abi.PageSize, abi.ProtRead|abi.ProtWrite) + stackSize
	g.vdso = g.pages(1, abi.ProtRead|abi.ProtExec)
	calls := abi.Calls2020()
	vdso := VDSO{Text: g.vdso, Stride: 16, Count: len(calls), RetOffset: 7, Clock: uint32(slotOf(abi.CallClockTimeGet))}
	if err = UseTLS(tls); err != nil {
		t.Fatal(err)
	}
	if g.engine, err = New(space, g.mem, vdso, tls); err != nil {
		t.Fatal(err)
	}
	leave, err := rewrite.ParseWithout(*without)
	if err != nil {
		t.Fatal(err)
	}
	g.engine.Without(leave)
	t.Cleanup(func() {
		g.wg.Wait()
		if err := g.engine.Close(); err != nil {
			t.Error(err)
		}
		g.kernel.Close()
		if err := g.mem.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

func (g *guest) pages(n uint64, prot abi.Mprot) uint64 {
	g.Helper()
	addr, err := g.mem.Map(memory.Request{Len: n * abi.PageSize, Prot: prot})
	if err != nil {
		g.Fatal(err)
	}
	return addr
}

// put writes code, as hexadecimal with blanks and ; comments, at addr.
func (g *guest) put(addr uint64, text string) {
	g.Helper()
	var digits strings.Builder
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, ";")
		digits.WriteString(strings.Join(strings.Fields(line), ""))
	}
	b, err := hex.DecodeString(digits.String())
	if err != nil {
		g.Fatal(err)
	}
	g.write(addr, b)
}

// write changes guest text the way a program does: writable, then executable.
func (g *guest) write(addr uint64, b []byte) {
	g.Helper()
	lo := addr &^ (abi.PageSize - 1)
	n := addr + uint64(len(b)) - lo
	for _, f := range []func() error{
		func() error { return g.mem.Protect(lo, n, abi.ProtRead|abi.ProtWrite) },
		func() error { return g.mem.CopyOut(addr, b) },
		func() error { return g.mem.Protect(lo, n, abi.ProtRead|abi.ProtExec) },
	} {
		if err := f(); err != nil {
			g.Fatal(err)
		}
	}
}

// run executes a thread from pc until it faults or ends.
func (g *guest) run(pc uint64, prepare func(*host.Thread)) *Fault {
	return g.runServed(pc, prepare, nil)
}

// oneFunction is a program of a single function.
type oneFunction struct{ lo, hi uint64 }

func (f *oneFunction) After(pc uint64) (lo, hi uint64, ok bool) { return f.lo, f.hi, pc < f.hi }

// runSeen is run with a look at the thread's Block at every exit.
func (g *guest) runSeen(pc uint64, prepare func(*host.Thread), seen func(*host.Block)) *Fault {
	if seen == nil {
		return g.run(pc, prepare)
	}
	return g.runServed(pc, prepare, func(et *Thread) func() uint64 {
		serve := et.server()
		return func() uint64 {
			seen(et.block)
			return serve()
		}
	})
}

// runServed is run with exits served by what server, unless it is nil, returns.
func (g *guest) runServed(pc uint64, prepare func(*host.Thread), server func(*Thread) func() uint64) (f *Fault) {
	done := make(chan struct{})
	if err := g.kernel.Reserve(); err != nil {
		g.Fatal(err)
	}
	g.wg.Add(1)
	go func() {
		defer g.wg.Done()
		defer close(done)
		ht, err := host.NewThread(0)
		if err != nil {
			g.Error(err)
			return
		}
		kt := g.kernel.NewThread(ht)
		et := g.engine.NewThread(ht, kt, abi.Calls2020(), Start{RIP: pc, RSP: g.stack - 8})
		if prepare != nil {
			prepare(ht)
		}
		if server == nil {
			f = et.Run()
		} else if f = et.begin(pc); f == nil {
			ht.Run(et.stub, server(et))
			f = et.ended
		}
		et.Close()
		kt.Leave()
		ht.Close()
	}()
	<-done
	return f
}

const ud2 = "0f 0b"

func TestRegisters(t *testing.T) { eachTLS(t, testRegisters) }

func testRegisters(t *testing.T, tls rewrite.TLS) {
	g := newGuestTLS(t, tls)
	g.put(g.code, `
		b8 78 56 34 12          ; mov $0x12345678,%eax
		48 c7 c1 ff ff ff ff    ; mov $-1,%rcx
		31 d2                   ; xor %edx,%edx
		01 c8                   ; add %ecx,%eax
		0f 92 c2                ; setc %dl
		0f 0b`)
	f := g.run(g.code, nil)
	if f == nil {
		t.Fatal("the thread ended without a fault")
	}
	if f.Signal != SigILL || f.RIP != g.code+19 {
		t.Errorf("signal %d at code+%#x, want SIGILL at +0x13", f.Signal, f.RIP-g.code)
	}
	if f.Regs[decode.RAX] != 0x12345677 || f.Regs[decode.RCX] != 1<<64-1 || f.Regs[decode.RDX] != 1 {
		t.Errorf("registers %x", f.Regs)
	}
}
