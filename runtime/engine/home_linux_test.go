//go:build amd64

package engine

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// newHome is a guest with the home tier; of its code the first n bytes are a function.
func newHome(t *testing.T, n uint64) *guest {
	t.Helper()
	g := newGuest(t)
	if !g.engine.Home(&oneFunction{g.code, g.code + n}) {
		t.Fatal("no home tier")
	}
	g.engine.home.crossingTime = time.Hour
	return g
}

// hazard is an instruction that keeps its page from being executed at home.
const hazard = "b8 90 0f 05 90 ; mov $0x90050f90,%eax\n"

// atHome fails unless pages were executed at home and, if only, nothing was translated.
func (g *guest) atHome(only bool) {
	g.Helper()
	if s := g.engine.Stats(); s.HomePages == 0 || only && s.Instructions != 0 {
		g.Errorf("%d pages at home, %d instructions translated", s.HomePages, s.Instructions)
	}
}

// expect checks where and how a guest has ended.
func (g *guest) expect(f *Fault, sig int, rip uint64) {
	g.Helper()
	if f == nil || f.Signal != sig || f.RIP != rip {
		g.Fatalf("%+v, want signal %d at %#x", f, sig, rip)
	}
}

// TestHomeFault: faults at home are those of the CPU, with the registers of the guest.
func TestHomeFault(t *testing.T) {
	for _, c := range []struct {
		name, code string
		sig        int
		rip        uint64 // from the code's begin
		fetch      uint64 // or where nothing could be fetched
		addr       uint64 // 0 for none
	}{
		{"load", "b8 10 00 00 00 bb 05 00 00 00 48 8b 08", SigSEGV, 10, 0, 0x10},
		{"ud2", "90 0f 0b", SigILL, 1, 0, 0},
		{"int3", "90 cc", SigTRAP, 2, 0, 0},
		{"division", "31 c9 f7 f1", SigFPE, 2, 0, 0},
		{"jump to unmapped memory", "b8 00 00 02 00 ff e0", SigSEGV, 0, 0x2_0000, 0x2_0000},
		{"jump out of memory", "48 b8 00 00 00 00 00 01 00 00 ff e0", SigSEGV, 0, 0x100_0000_0000, 0x100_0000_0000},
		{"jump to no canonical address", "48 b8 00 00 00 00 00 00 00 80 ff e0", SigSEGV, 10, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newHome(t, 0)
			g.put(g.code, c.code)
			f := g.run(g.code, func(ht *host.Thread) { ht.Block().Regs[decode.R15] = 0x1234 })
			rip := g.code + c.rip
			if c.fetch != 0 {
				rip = c.fetch
			}
			g.expect(f, c.sig, rip)
			if f.HasAddr != (c.addr != 0) || f.Addr != c.addr || f.Fetch != (c.fetch != 0) || f.Regs[decode.R15] != 0x1234 {
				t.Errorf("%+v", f)
			}
			g.atHome(true)
		})
	}
}

// TestHomeKick ends a process that spins at home.
func TestHomeKick(t *testing.T) {
	g := newHome(t, 0)
	g.put(g.code, "48 ff c0 eb fb")
	over := make(chan *Fault)
	go func() {
		over <- g.run(g.code, func(*host.Thread) {
			time.AfterFunc(20*time.Millisecond, func() { g.kernel.Exit(0) })
		})
	}()
	select {
	case f := <-over:
		if f != nil {
			t.Errorf("%+v", f)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the guest is still running")
	}
	g.atHome(true)
}

// TestHomeText: thread-local storage works at home; the guest reads what the host
// executes, translation what the guest has written.
func TestHomeText(t *testing.T) {
	g := newHome(t, 18)
	g.put(g.code, "64 48 89 1c 25 00 00 00 00  64 48 8b 04 25 00 00 00 00"+ud2)
	f := g.run(g.code, func(ht *host.Thread) { ht.Block().Regs[decode.RBX] = 0x1234 })
	g.expect(f, SigILL, g.code+18)
	if f.Regs[decode.RAX] != 0x1234 {
		t.Errorf("read %#x", f.Regs[decode.RAX])
	}
	g.atHome(true)
	var read, fetched [1]byte
	if err := g.mem.CopyIn(read[:], g.code); err != nil {
		t.Fatal(err)
	}
	g.mem.RLock()
	_, _ = g.mem.Fetch(g.code, fetched[:])
	g.mem.RUnlock()
	if read[0] != 0x65 || fetched[0] != 0x64 {
		t.Errorf("read %#x, fetched %#x", read, fetched)
	}
}

// loop runs what calls does n times, and adds the rax it leaves to rbp.
func loop(calls string) string {
	return calls + " 48 01 c5  48 ff c9" // add %rax,%rbp; dec %rcx; what follows jumps back
}

// TestHomeCalls: calls between the tiers give what they should, and none that is made
// over and over costs a fault each time.
func TestHomeCalls(t *testing.T) {
	const n = 50_000
	for _, c := range []struct {
		name, first, second string // code of the first page, which loops, and the second
	}{
		{"from home, direct", loop("e8 fb 0f 00 00") + "75 f3" + ud2, hazard + "b8 03 00 00 00 c3"},
		{"from home, indirect", loop("ff d3") + "75 f6" + ud2, hazard + "b8 03 00 00 00 c3"},
		{"from the cache, direct", loop("e8 fb 0f 00 00") + "75 f3" + ud2 + hazard, "b8 03 00 00 00 c3"},
		{"from the cache, indirect", loop("ff d3") + "75 f6" + ud2 + hazard, "b8 03 00 00 00 c3"},
		{"at home", loop("e8 fb 0f 00 00") + "75 f3" + ud2, "b8 03 00 00 00 c3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newHome(t, 0)
			g.engine.Without(g.engine.rw.Without | rewrite.WithoutLeaves) // copies make no calls
			g.put(g.code, c.first)
			g.put(g.code+host.PageSize, c.second)
			f := g.run(g.code, func(ht *host.Thread) {
				b := ht.Block()
				b.Regs[decode.RCX], b.Regs[decode.RBX] = n, g.code+host.PageSize
			})
			if f == nil || f.Signal != SigILL || f.Regs[decode.RBP] != 3*n || f.Regs[decode.RCX] != 0 {
				t.Fatalf("%+v", f)
			}
			g.atHome(false)
			if s := g.engine.Stats(); s.Threads.Exits[host.ExitFault] > n/10 {
				t.Errorf("%d faults, %d crossings, %d pages withdrawn", s.Threads.Exits[host.ExitFault], s.HomeCrossings,
					s.HomeWithdrawn)
			}
		})
	}
}

// manyFunctions makes pages of functions that add 1 to rax, every second of the pages not
// for home, and code at g.code that calls all of them, rbp times over. It returns the
// length of that code.
func (g *guest) manyFunctions(pages, each int, indirect bool) uint64 {
	first := g.pages(uint64(pages), abi.ProtRead|abi.ProtExec)
	var calls []byte
	for i := range pages * each {
		page := first + uint64(i/each)*host.PageSize
		f := page + 16*uint64(i%each)
		g.put(f, "48 ff c0 c3") // inc %rax; ret
		if indirect {
			calls = append(calls, 0xbb) // mov $f,%ebx; call *%rbx
			calls = binary.LittleEndian.AppendUint32(calls, uint32(f))
			calls = append(calls, 0xff, 0xd3)
		} else {
			calls = append(calls, 0xe8)
			calls = binary.LittleEndian.AppendUint32(calls, uint32(f-(g.code+uint64(len(calls))+4)))
		}
		if i/each%2 == 0 && i%each == 0 {
			g.put(page+host.PageSize-16, hazard)
		}
	}
	calls = append(calls, 0xff, 0xcd, 0x0f, 0x85) // dec %ebp; jne
	calls = binary.LittleEndian.AppendUint32(calls, uint32(-(len(calls) + 4)))
	g.put(g.code, fmt.Sprintf("% x", calls)+ud2)
	return uint64(len(calls))
}

// TestHomeManyFunctions: what crossings cost is bounded by the pages of a program, not by
// its functions: here each of many is called but twice.
func TestHomeManyFunctions(t *testing.T) {
	const pages, each = 64, 128
	for i := range 4 {
		indirect, fromCache := i&1 != 0, i&2 != 0
		t.Run(fmt.Sprintf("indirect %v, from the cache %v", indirect, fromCache), func(t *testing.T) {
			g := newHome(t, 0)
			n := g.manyFunctions(pages, each, indirect)
			for p := g.code; fromCache && p < g.code+n; p += host.PageSize {
				g.engine.home.pages.Refuse(p, errCrosses)
			}
			f := g.run(g.code, func(ht *host.Thread) { ht.Block().Regs[decode.RAX], ht.Block().Regs[decode.RBP] = 0, 2 })
			g.expect(f, SigILL, g.code+n)
			if f.Regs[decode.RAX] != 2*pages*each {
				t.Errorf("%d calls", f.Regs[decode.RAX])
			}
			if s := g.engine.Stats(); s.HomeCrossings > 20*pages {
				t.Errorf("%d crossings, %d pages at home, %d withdrawn", s.HomeCrossings, s.HomePages, s.HomeWithdrawn)
			}
		})
	}
}

// TestHomeWildBranches: at home they are the CPU's, and no different for a program but
// where the target is code of the translator's (TestHomeStrays).
func TestHomeWildBranches(t *testing.T) {
	eachTLS(t, func(t *testing.T, tls rewrite.TLS) {
		if !CanHome(tls) {
			t.Skip("this strategy changes the length of code, and has no home tier")
		}
		g := newGuestTLS(t, tls)
		g.engine.Home(&oneFunction{g.code, g.code})
		testWildBranches(t, g, true)
		g.atHome(true)
	})
}

// TestHomeStrays: a jump from home into code of the translator's is found out where the
// guest's state and Go's would be lost. None ends otherwise than by a signal.
func TestHomeStrays(t *testing.T) {
	for _, c := range []struct {
		name string
		to   func(e *Engine) uint64
		rip  func(to uint64) uint64
	}{
		{"the first page of the cache", func(*Engine) uint64 { return host.CacheLo + 8 }, found},
		{"what is not filled of the cache", func(*Engine) uint64 { return host.CacheLo + host.CacheSize/2 }, found},
		{"the way in", func(e *Engine) uint64 { return e.stubs.EnterFull }, nil},
		{"the way in from a call", func(e *Engine) uint64 { return e.stubs.EnterReturn }, nil},
		{"the way out of it", func(e *Engine) uint64 { return e.stubs.Abort }, nowhere},
		{"the way out at a fault", func(e *Engine) uint64 { return e.stubs.FaultExit }, nowhere},
		{"the body of the way out", func(e *Engine) uint64 { return e.stubs.ExitLink - 64 }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newHome(t, 0)
			g.put(g.code, "ff e0")
			to := c.to(g.engine)
			f := g.run(g.code, func(ht *host.Thread) { ht.Block().Regs[decode.RAX] = to })
			if f == nil || f.Signal != SigSEGV || c.rip != nil && f.RIP != c.rip(to) {
				t.Fatalf("%+v", f)
			}
			g.atHome(true)
		})
	}
}

func found(to uint64) uint64 { return to }
func nowhere(uint64) uint64  { return 0 }

// TestHomeHost is the limit of the tier: nothing keeps code at home from jumping into the
// host's, which is executed if it knows where that is. Here a function of Go's loads a register and returns.
func TestHomeHost(t *testing.T) {
	g := newHome(t, 0)
	g.put(g.code, "ff d0"+ud2) // call *%rax
	to := uint64(reflect.ValueOf(hostCode).Pointer())
	f := g.run(g.code, func(ht *host.Thread) { ht.Block().Regs[decode.RAX] = to })
	g.expect(f, SigILL, g.code+2)
	if f.Regs[decode.RAX] != 7 {
		t.Errorf("rax is %#x", f.Regs[decode.RAX])
	}
	g.atHome(true)
}

// hostCode is code of the host that needs nothing of Go's.
//
//go:noinline
func hostCode() int { return 7 }

// TestHomeLoop: a thread that a wild jump has led into a loop of the host's is found
// there, and ends with SIGSEGV.
func TestHomeLoop(t *testing.T) {
	g := newHome(t, 0)
	g.put(g.code, "ff e0")
	const loop = host.CacheLo + stubsSize - 16
	copy(g.engine.space.Code()[loop-host.CacheLo:], []byte{0xeb, 0xfe})
	f := g.run(g.code, func(ht *host.Thread) { ht.Block().Regs[decode.RAX] = loop })
	g.expect(f, SigSEGV, loop)
}

// TestHomeWithdrawn takes a page away again and again from a thread that runs on it.
func TestHomeWithdrawn(t *testing.T) {
	g := newHome(t, 0)
	// inc %rcx; inc %rdx; mov (%rbx),%eax; test %eax,%eax; je; ud2
	g.put(g.code, "48 ff c1  48 ff c2  8b 03  85 c0  74 f4"+ud2)
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; i < 50 || !stop.Load() && i < 200; i++ {
			if err := g.mem.Protect(g.code, host.PageSize, abi.ProtRead|abi.ProtExec); err != nil {
				t.Error(err)
			}
			time.Sleep(100 * time.Microsecond)
		}
		if err := g.mem.Store32(g.data, 1); err != nil {
			t.Error(err)
		}
	}()
	f := g.run(g.code, func(ht *host.Thread) { ht.Block().Regs[decode.RBX] = g.data })
	stop.Store(true)
	<-done
	g.expect(f, SigILL, g.code+12)
	if f.Regs[decode.RCX] != f.Regs[decode.RDX] || f.Regs[decode.RCX] == 0 {
		t.Errorf("%d and %d rounds", f.Regs[decode.RCX], f.Regs[decode.RDX])
	}
	if s := g.engine.Stats(); s.HomePages < 2 {
		t.Errorf("%d pages were brought home", s.HomePages)
	}
}

// TestHomeMovedBase: the first %fs base that a guest sets ends the tier.
func TestHomeMovedBase(t *testing.T) {
	g := newHome(t, 14)
	g.put(g.code, "e8 fb 0f 00 00  64 48 8b 04 25 00 00 00 00"+ud2)
	g.put(g.code+host.PageSize, "f3 48 0f ae d3 c3") // wrfsbase %rbx; ret
	if err := g.mem.Store64(g.data, 0x5678); err != nil {
		t.Fatal(err)
	}
	f := g.run(g.code, func(ht *host.Thread) { ht.Block().Regs[decode.RBX] = g.data })
	g.expect(f, SigILL, g.code+14)
	if f.Regs[decode.RAX] != 0x5678 {
		t.Errorf("read %#x", f.Regs[decode.RAX])
	}
	g.atHome(false)
	if g.engine.home.on.Load() || g.engine.Stats().HomeWithdrawn != 1 {
		t.Error("the tier is still on")
	}
}

// TestHomeMiddle is the limit of the tier: a program that jumps into the middle of an
// instruction, where no known branch leads, is not seen to, and what it finds there is
// executed as it is. Here that is a load by %fs and a register, which names the host's
// own thread-local storage. From the code cache it is the guest's.
func TestHomeMiddle(t *testing.T) {
	const word = 0x77665544_33221100
	for _, home := range []bool{false, true} {
		g := newGuest(t)
		if home {
			g.engine.Home(&oneFunction{g.code, g.code})
		}
		// lea 4(%rip),%rax; jmp *%rax; mov $imm,%rdx, in which mov %fs:(%rcx),%rdx
		g.put(g.code, "48 8d 05 04 00 00 00 ff e0  48 ba 64 48 8b 11 90 90 90 90"+ud2)
		f := g.run(g.code, func(ht *host.Thread) { binary.LittleEndian.PutUint64(ht.FSPage(), word) })
		g.expect(f, SigILL, g.code+19)
		if got := f.Regs[decode.RDX]; (got == word) == home {
			t.Errorf("home %v: read %#x", home, got)
		}
		if home {
			g.atHome(true)
		}
	}
}

// TestHomeHazard: what would enter the kernel in the middle of an instruction stays in
// the code cache, where it does not.
func TestHomeHazard(t *testing.T) {
	g := newHome(t, 0)
	// mov $exit's number,%eax; jmp to the syscall in the next one's immediate
	g.put(g.code, "b8 ff ff 00 00 48 8d 1d 03 00 00 00 ff e3  bb 0f 05 0f 0b")
	f := g.run(g.code, nil)
	g.expect(f, SigILL, g.code+17)
	if f.Regs[decode.RAX] != uint64(abi.ENOSYS) || f.Flags&carry == 0 {
		t.Errorf("the call has answered %#x", f.Regs[decode.RAX])
	}
	if s := g.engine.Stats(); s.HomePages != 0 || s.HomeRefused == 0 {
		t.Errorf("%d pages at home, %d refused", s.HomePages, s.HomeRefused)
	}
}

// TestHomeStrategies: only strategies that keep the length of code have the tier.
func TestHomeStrategies(t *testing.T) {
	for _, s := range rewrite.Strategies {
		if _, moves := s.(rewrite.Indirect); CanHome(s) == moves {
			t.Errorf("%s: %v", s.Name(), CanHome(s))
		}
	}
}
