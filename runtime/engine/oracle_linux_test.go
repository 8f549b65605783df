//go:build amd64

package engine

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/cpu"

	"cabitrans/codegen"
	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// The oracle is the CPU: a sequence of random instructions is executed twice, once
// translated and once as it is, from the same state, and everything the guest
// could see afterwards is compared, faults included.
//
// The native run goes through stubs, too, those that exchange %fs: the thread is one of
// that strategy for so long. They jump to a copy of the sequence in an unused part of
// the code cache, in which %fs is what it is to the guest.

const (
	// sequencesEnv overrides the number of sequences.
	sequencesEnv = "CABITRANS_ORACLE_SEQUENCES"
	// seedEnv overrides the seed, so that more runs find more.
	seedEnv = "CABITRANS_ORACLE_SEED"

	oracleData  = 10 * host.PageSize
	oracleBatch = 64
	oracleRoom  = 15 * host.PageSize / oracleBatch &^ 15 // bytes for a sequence
	nativeBase  = host.CacheLo + host.CacheSize - 16*host.PageSize
	nativeStubs = nativeBase - stubsSize
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

func TestOracle(t *testing.T) {
	n, seed := int(fromEnv(t, sequencesEnv, 4096)), fromEnv(t, seedEnv, 1)
	if testing.Short() {
		n /= 8
	}
	eachTLS(t, func(t *testing.T, tls rewrite.TLS) {
		each := n / 4
		if tls.Name() != "gs" {
			each /= 4
		}
		for i, o := range optionsOf(tls) {
			t.Run(fmt.Sprintf("%+v", o), func(t *testing.T) { oracle(t, tls, o, each, rand.NewPCG(seed, uint64(i))) })
		}
	})
}

// oracle compares n sequences.
func oracle(t *testing.T, tls rewrite.TLS, o rewrite.Options, n int, seed rand.Source) {
	g := newGuestTLS(t, tls)
	g.setOptions(o)
	r := rand.New(seed)
	c := newComparer(g)
	c.strict = o.Strict
	for c.done < n {
		c.batch(r)
	}
	t.Logf("%d sequences, %d instructions, %d ran to the end, %d with what the translator refuses",
		c.done, c.insts, c.ended, c.refused)
	if c.ended < c.done/10 {
		t.Errorf("only %d of %d sequences ran to the end", c.ended, c.done)
	}
}

// comparer runs sequences both ways.
type comparer struct {
	*guest
	strict bool           // the stack below rsp counts, too
	base   uint64         // of the data
	native *codegen.Stubs // for the native runs

	done, insts, ended, refused int
}

// nativeTLS is the strategy of native runs.
var nativeTLS = rewrite.Swap{How: codegen.SwitchSyscall}

func newComparer(g *guest) *comparer {
	buf := codegen.NewBuffer(g.engine.space.Code()[nativeStubs-host.CacheLo:][:stubsSize], nativeStubs)
	s, err := codegen.MakeStubs(buf, stubLayout(nativeTLS))
	if err != nil {
		g.Fatal(err)
	}
	return &comparer{guest: g, base: g.pages(oracleData/host.PageSize, abi.ProtRead|abi.ProtWrite), native: s}
}

// become makes the calling thread one of another strategy, with other stubs.
func (c *comparer) become(ht *host.Thread, tls rewrite.TLS, s *codegen.Stubs) {
	for _, step := range []func() error{ht.Detach, func() error { return UseTLS(tls) }, ht.Attach} {
		if err := step(); err != nil {
			c.Error(err)
		}
	}
	setStubs(s)
}

// batch makes sequences, one behind the other, and compares each.
func (c *comparer) batch(r *rand.Rand) {
	text := make([]byte, oracleBatch*oracleRoom)
	native := bytes.Clone(text)
	seqs := make([][]decode.Inst, oracleBatch)
	for i := range seqs {
		at := i * oracleRoom
		s := &sequence{r: r, pc: c.code + uint64(at), data: c.base, native: nativeBase + uint64(at)}
		s.generate()
		copy(text[at:], s.code)
		copy(native[at:], s.copy)
		seqs[i] = s.insts
		c.insts += len(s.insts)
	}
	c.write(c.code, text)
	copy(c.engine.space.Code()[nativeBase-host.CacheLo:], native)
	done := make(chan struct{})
	go func() { // the thread's goroutine
		defer close(done)
		defer runtime.Goexit() // ends the host thread: its state is the guest's
		ht, err := host.NewThread(0)
		if err != nil {
			c.Error(err)
			return
		}
		defer ht.Close()
		for i := range seqs {
			in := newStart(r, c, ht)
			at := uint64(i * oracleRoom)
			want := c.runNative(ht, in, nativeBase+at)
			got, refused := c.runTranslated(ht, in, c.code+at)
			c.done++
			switch {
			case refused:
				c.refused++
			case want.differs(got) != "":
				c.Errorf("%s\n%s", want.differs(got), listing(text[at:], seqs[i]))
			case want.signal == SigILL && want.rip == seqs[i][len(seqs[i])-1].PC-c.code-at:
				c.ended++
			}
			if c.Failed() {
				return
			}
		}
	}()
	<-done
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

// start is the state before a sequence.
type start struct {
	regs  [16]uint64
	flags uint64
	xsave [1024]byte
	data  [oracleData]byte
	fs    [host.PageSize]byte
}

// interesting returns a value that finds more mistakes than a uniform one.
func interesting(r *rand.Rand) uint64 {
	switch r.IntN(6) {
	case 0:
		return r.Uint64N(64)
	case 1:
		return -r.Uint64N(64)
	case 2:
		return 1 << r.IntN(64)
	case 3:
		return uint64(int64(int32(r.Uint32())))
	}
	return r.Uint64()
}

func newStart(r *rand.Rand, c *comparer, ht *host.Thread) *start {
	s := new(start)
	for i := range s.regs {
		s.regs[i] = interesting(r)
	}
	mid := c.base + oracleData/2
	for _, b := range dataRegs {
		s.regs[b] = mid + uint64(r.IntN(4)*64)
	}
	s.regs[indexReg], s.regs[fsReg] = 32, 0x200
	s.regs[decode.RSP] = c.stack - 1024
	s.flags = 0x202 | r.Uint64()&0x8d5
	for i := range s.data {
		if s.data[i] = byte(r.Uint32()); i&7 == 7 && r.IntN(3) == 0 {
			binary.LittleEndian.PutUint64(s.data[i-7:], interesting(r))
		}
	}
	for i := range s.fs {
		s.fs[i] = byte(r.Uint32())
	}
	x := s.xsave[:]
	binary.LittleEndian.PutUint16(x, 0x37f)
	binary.LittleEndian.PutUint32(x[24:], host.DefaultMXCSR)
	for i := 160; i < 416; i += 8 {
		binary.LittleEndian.PutUint64(x[i:], interesting(r))
	}
	x[512] = 3 // x87 and SSE
	if cpu.X86.HasAVX {
		x[512] = 7
		for i := 576; i < 832; i += 8 {
			binary.LittleEndian.PutUint64(x[i:], interesting(r))
		}
	}
	return s
}

// place puts the thread into the state s.
func (c *comparer) place(ht *host.Thread, s *start) {
	b := ht.Block()
	b.Regs, b.Flags = s.regs, s.flags
	setBase(b, ht.FSWord)
	x := ht.XSave()
	clear(x)
	copy(x, s.xsave[:])
	for _, m := range []struct {
		addr uint64
		data []byte
	}{{c.base, s.data[:]}, {ht.FSWord, s.fs[:]}, {c.stack - 2048, make([]byte, 2048)}} {
		if _, err := host.CopyOut(m.addr, m.data); err != nil {
			c.Error(err)
		}
	}
}

// final is what the guest could see at the end. The instruction pointer counts
// from the sequence's begin.
type final struct {
	signal int
	addr   uint64 // of a page fault
	rip    uint64
	regs   [16]uint64
	flags  uint64
	xsave  []byte
	memory []byte // data, %fs page, and stack from rsp on
}

func (c *comparer) final(ht *host.Thread) *final {
	b := ht.Block()
	f := &final{signal: int(b.FaultSignal), regs: b.Regs, flags: b.Flags &^ 0x10000, xsave: bytes.Clone(ht.XSave())}
	if b.FaultTrap == trapPage {
		f.addr = b.FaultAddr
	}
	x := f.xsave
	clear(x[6:24])  // of the last x87 instruction: opcode, and its host addresses
	clear(x[28:32]) // mask of MXCSR
	used := x[512]
	if used&1 == 0 {
		clear(x[:24])
		clear(x[32:160])
		binary.LittleEndian.PutUint16(x, 0x37f)
	}
	if used&2 == 0 {
		clear(x[160:416])
	}
	if used&4 == 0 {
		clear(x[576:832])
	}
	clear(x[416:576])
	sp := min(max(b.Regs[decode.RSP], c.stack-2048), c.stack)
	if c.strict {
		sp = c.stack - 2048
	}
	f.memory = make([]byte, oracleData+host.PageSize+int(min(c.stack-sp, 2048)))
	m := f.memory
	for _, p := range []struct{ addr, n uint64 }{{c.base, oracleData}, {ht.FSWord, host.PageSize}, {sp, uint64(len(m) - oracleData - host.PageSize)}} {
		if _, err := host.CopyIn(m[:p.n], p.addr); err != nil {
			c.Error(err)
		}
		m = m[p.n:]
	}
	return f
}

// differs names the first difference; "" when there is none.
func (f *final) differs(g *final) string {
	switch {
	case f.signal != g.signal || f.rip != g.rip || f.addr != g.addr:
		return fmt.Sprintf("native: signal %d at +%#x, address %#x; translated: signal %d at +%#x, address %#x",
			f.signal, f.rip, f.addr, g.signal, g.rip, g.addr)
	case f.regs != g.regs:
		return fmt.Sprintf("registers: native %x, translated %x", f.regs, g.regs)
	case f.flags != g.flags:
		return fmt.Sprintf("flags: native %#x, translated %#x", f.flags, g.flags)
	}
	for i := range f.xsave {
		if f.xsave[i] != g.xsave[i] {
			return fmt.Sprintf("extended state: byte %d is %#x native, %#x translated", i, f.xsave[i], g.xsave[i])
		}
	}
	for i := range f.memory {
		if f.memory[i] != g.memory[i] {
			return fmt.Sprintf("memory: byte %#x is %#x native, %#x translated", i, f.memory[i], g.memory[i])
		}
	}
	return ""
}

// relative counts an instruction pointer from the begin of the code, if it is there.
func relative(pc, code uint64) uint64 {
	if d := pc - code; d < host.PageSize {
		return d
	}
	return pc
}

func (c *comparer) runNative(ht *host.Thread, s *start, at uint64) *final {
	c.become(ht, nativeTLS, c.native)
	defer c.become(ht, c.engine.tls, c.engine.stubs)
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
	f := c.final(ht)
	f.rip = relative(b.HostPC, at)
	return f
}

func (c *comparer) runTranslated(ht *host.Thread, s *start, pc uint64) (f *final, refused bool) {
	c.place(ht, s)
	if err := c.kernel.Reserve(); err != nil {
		c.Error(err)
		return nil, true
	}
	kt := c.kernel.NewThread(ht)
	defer kt.Leave()
	et := c.engine.NewThread(ht, kt, nil, Start{})
	defer et.Close()
	c.place(ht, s)
	ht.Block().RIP = pc
	fault := et.Run()
	if fault == nil {
		c.Error("the thread ended without a fault")
		return nil, true
	}
	f = c.final(ht)
	f.rip, f.signal, f.addr = relative(fault.RIP, pc), fault.Signal, fault.Addr
	return f, fault.Note != ""
}
