//go:build linux || windows

package engine

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"cabitrans/codegen"
	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/host"
	"cabitrans/runtime/kernel"
)

// The oracle is the CPU: a sequence of random instructions is executed twice, once
// translated and once as it is, from the same state, and everything the guest
// could see afterwards is compared, faults included. That is a case. A case that
// differs is reduced to the instructions and the state that matter
// (oracle_shrink_amd64_test.go).
//
// The native run goes through stubs, too, that jump to a copy of the sequence in an unused
// part of the code cache. On Linux they are those that exchange %fs, and the thread is one of
// that strategy for so long (oracle_native_linux_test.go). Windows has no %fs to
// give: operands there are in a page that the copy reaches by its address
// (sequence.nativeForm), and those that have no room for it are left out
// (oracle_native_windows_test.go).
//
// Cases are cheap, since each sequence begins in several states, since what is slow is done
// for a round of cases, all of which run natively before the first is translated, and since
// memory is copied and compared as a whole.

const (
	// casesEnv overrides the number of cases of each oracle.
	casesEnv = "CABITRANS_ORACLE_CASES"
	// seedEnv overrides the seed, so that more runs find more.
	seedEnv = "CABITRANS_ORACLE_SEED"

	oracleBatch  = 64                                     // sequences that are written and translated together
	oracleStates = 8                                      // states in which each begins
	oracleRound  = 8                                      // sequences that run natively together
	oracleRoom   = 15 * host.PageSize / oracleBatch &^ 15 // bytes for a sequence
	nativeBase   = host.CacheLo + host.CacheSize - 16*host.PageSize
)

func fromEnv(t *testing.T, name string, otherwise uint64) uint64 {
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	v, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

// TestOracle shares its cases out among all strategies and options.
func TestOracle(t *testing.T) {
	n, seed := int(fromEnv(t, casesEnv, 40_000)), fromEnv(t, seedEnv, 1)
	if testing.Short() {
		n /= 8
	}
	shares := 0
	for _, tls := range strategies() {
		shares += len(optionsOf(tls))
	}
	sum := 0
	began := time.Now()
	stream := uint64(0)
	eachTLS(t, func(t *testing.T, tls rewrite.TLS) {
		for _, o := range optionsOf(tls) {
			stream++
			t.Run(fmt.Sprintf("%+v", o), func(t *testing.T) {
				sum += oracle(t, tls, o, n/shares, rand.NewPCG(seed, stream))
				t.Logf("%d cases so far, in %v", sum, time.Since(began).Round(time.Second))
			})
		}
	})
}

// oracle compares n cases.
func oracle(t *testing.T, tls rewrite.TLS, o rewrite.Options, n int, seed rand.Source) int {
	g := newGuestTLS(t, tls)
	g.setOptions(o)
	r := rand.New(seed)
	c := newComparer(g, r)
	c.strict = o.Strict
	c.until(n, func() { c.batch(r) })
	t.Logf("%d cases of %d sequences, %d instructions, %d ran to the end, %d with what the translator refuses",
		c.done, c.sequences, c.insts, c.ended, c.refused)
	if c.ended < c.done/10 {
		t.Errorf("only %d of %d cases ran to the end", c.ended, c.done)
	}
	return c.done
}

// comparer runs sequences both ways.
type comparer struct {
	*guest
	strict bool           // the stack below rsp counts, too
	keep   bool           // so do r11 and the flags behind calls
	gs     bool           // translated code has in %gs what native code has in %fs
	base   uint64         // of the data
	fs     uint64         // where %fs begins for the guest; 0 where native code has it, at the thread's word
	native *codegen.Stubs // for the native runs
	pool   pool
	used   int // batches since the pool was made

	kt *kernel.Thread // those of the translated runs on the thread of a batch
	et *Thread

	want []*final // of the native runs of a round
	got  *final

	done, sequences, insts, ended, refused int
}

func newComparer(g *guest, r *rand.Rand) *comparer {
	c := &comparer{guest: g, base: g.fencedPages(oracleData / host.PageSize), got: newFinal(), pool: newPool(r)}
	c.prepareNative()
	return c
}

// wanted is the place for the native end of case i of a round.
func (c *comparer) wanted(i int) *final {
	for len(c.want) <= i {
		c.want = append(c.want, newFinal())
	}
	return c.want[i]
}

// until makes batches until n cases have been compared, or one differs, and says every
// other minute how far it is.
func (c *comparer) until(n int, batch func()) {
	for said := time.Now(); c.done < n && !c.Failed(); {
		batch()
		if time.Since(said) > 2*time.Minute {
			c.Logf("%d of %d cases, %d instructions; none differs", c.done, n, c.insts)
			said = time.Now()
		}
	}
}

// newSequence is an empty sequence at addr, with its native copy at native.
func (c *comparer) newSequence(r *rand.Rand, addr, native uint64) sequence {
	w := c.engine.rw
	return sequence{r: r, pc: addr, native: native, data: c.base, fs: c.fs, fixed: !w.FS.Follows() && !w.Options.MovingBase}
}

// onThread executes f on a thread that may run the guest both ways.
func (c *comparer) onThread(f func(*host.Thread)) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer runtime.Goexit() // ends the host thread: its state is the guest's
		ht, err := host.NewThread(0)
		if err != nil {
			c.Error(err)
			return
		}
		defer ht.Close()
		if err := c.kernel.Reserve(); err != nil {
			c.Error(err)
			return
		}
		c.kt = c.kernel.NewThread(ht)
		defer c.kt.Leave()
		c.et = c.engine.NewThread(ht, c.kt, nil, Start{})
		defer c.et.Close()
		f(ht)
	}()
	<-done
}

// A trial is a sequence, and the states in which it begins.
type trial struct {
	*sequence
	starts []*start
}

// put writes the sequences to the guest's text, and their native copies.
func (c *comparer) put(list []trial) {
	text := make([]byte, oracleBatch*oracleRoom)
	native := c.engine.space.Code()[nativeBase-host.CacheLo:]
	for _, s := range list {
		copy(text[s.pc-c.code:], s.code)
		copy(native[s.pc-c.code:], s.copy)
	}
	c.write(c.code, text)
}

// batch makes sequences, one behind the other, and compares each.
func (c *comparer) batch(r *rand.Rand) {
	if c.used++; c.used%64 == 0 {
		c.pool = newPool(r)
	}
	list := make([]trial, oracleBatch)
	for i := range list {
		at := uint64(i * oracleRoom)
		s := c.newSequence(r, c.code+at, nativeBase+at)
		s.generate()
		list[i].sequence = &s
		c.insts += len(s.insts)
	}
	c.sequences += len(list)
	c.put(list)
	c.onThread(func(ht *host.Thread) {
		for i := 0; i < len(list) && !c.Failed(); i += oracleRound {
			round := list[i:][:oracleRound]
			for k := range round {
				for range oracleStates {
					round[k].starts = append(round[k].starts, c.newStart(r))
				}
			}
			c.round(ht, round)
		}
	})
}

// round compares the trials, whose code is in its place.
func (c *comparer) round(ht *host.Thread, list []trial) {
	i := 0
	c.natively(ht, func() {
		for _, t := range list {
			for _, s := range t.starts {
				c.runNative(ht, s, t.native, c.wanted(i))
				i++
			}
		}
	})
	i = 0
	for _, t := range list {
		for _, s := range t.starts {
			want := c.wanted(i)
			i++
			refused := c.runTranslated(ht, s, t.pc, c.got)
			c.done++
			switch d := want.differs(c.got); {
			case c.Failed():
				return
			case refused:
				c.refused++
			case d != "":
				c.Errorf("%s\nsmallest: %s", d, c.shrink(ht, t.sequence, s))
				return
			case want.signal == SigILL && want.rip == t.insts[len(t.insts)-1].PC-t.pc:
				c.ended++
			}
		}
	}
}

func listing(code []byte, insts []decode.Inst) string {
	var b strings.Builder
	for i := range insts {
		in := &insts[i]
		off := in.PC - insts[0].PC
		fmt.Fprintf(&b, "%4x %-48x %s\n", off, code[off:off+uint64(in.Len)], in.Text(code[off:], nil))
	}
	return b.String()
}

// runNative runs what is at a host address; on a thread of native runs.
func (c *comparer) runNative(ht *host.Thread, s *start, at uint64, f *final) {
	c.place(ht, s)
	b := ht.Block()
	b.Entry = at
	ht.Run(c.native.EnterFull, func() uint64 {
		if b.Exit != host.ExitFault {
			c.Errorf("native code left by exit %d", b.Exit)
		}
		ht.Settled()
		return 0
	})
	f.fill(c, ht)
	f.rip = relative(b.HostPC, at)
}

func (c *comparer) runTranslated(ht *host.Thread, s *start, pc uint64, f *final) (refused bool) {
	b, et := ht.Block(), c.et
	c.place(ht, s)
	b.RIP, et.ended, et.alone, et.traced = pc, nil, false, false
	b.Spill[rewrite.GSBaseSpill], b.Selectors = 0, [2]uint16{}
	if c.gs {
		b.Spill[rewrite.GSBaseSpill] = c.fsBase(ht)
	}
	fault := et.Run()
	if fault == nil {
		c.Error("the thread ended without a fault")
		return true
	}
	f.fill(c, ht)
	f.rip, f.signal, f.addr = relative(fault.RIP, pc), fault.Signal, fault.Addr
	return fault.Note != ""
}
