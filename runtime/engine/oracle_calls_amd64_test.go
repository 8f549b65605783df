//go:build linux || windows

package engine

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/host"
)

// TestOracleCalls compares programs of functions that call one another in every way. The
// CPU executes the guest's own text, or its native form, where it lies, so return addresses, r11 and, with
// Strict, the bytes below rsp are the same on both sides or wrong.
func TestOracleCalls(t *testing.T) {
	n, seed := int(fromEnv(t, casesEnv, 40_000)), fromEnv(t, seedEnv, 1)
	if testing.Short() {
		n /= 8
	}
	ways := defaultWays()
	for _, tls := range strategies() {
		ways = append(ways, way{tls, rewrite.Options{KeepR11: true}}, way{tls, rewrite.Options{KeepR11: true, Strict: true}})
	}
	for i, w := range ways {
		t.Run(fmt.Sprintf("%s %+v", w.tls.Name(), w.opt), func(t *testing.T) {
			g := newGuestTLS(t, w.tls)
			g.setOptions(w.opt)
			r := rand.New(rand.NewPCG(seed, 100+uint64(i)))
			c := newComparer(g, r)
			c.strict, c.keep = w.opt.Strict, w.opt.KeepR11
			c.until(n/len(ways), func() { c.calls(r) })
			t.Logf("%d cases of %d programs, %d instructions, %d ran to the end, %d copies of functions",
				c.done, c.sequences, c.insts, c.ended, c.engine.Stats().Leaves)
			if c.ended < c.done/10 {
				t.Errorf("only %d of %d cases ran to the end", c.ended, c.done)
			}
			if o := c.engine.rw.Options; o != w.opt {
				t.Errorf("the options have become %+v", o)
			}
		})
	}
}

// A way is a strategy, and options to use with it.
type way struct {
	tls rewrite.TLS
	opt rewrite.Options
}

// callsBatch programs are compared at once, each begun in callsStates states.
const (
	callsBatch  = 24
	callsStates = 8
	// callsText is how much text they take, in bytes.
	callsText = (callsBatch*oracleRoom*2 + host.PageSize - 1) &^ (host.PageSize - 1)
)

// calls makes programs, has the CPU run them all, and then runs their translations.
func (c *comparer) calls(r *rand.Rand) {
	const room = oracleRoom * 2
	text := make([]byte, callsBatch*room)
	programs := make([]*program, callsBatch)
	native := make([]byte, len(text))
	for i := range programs {
		at := c.code + uint64(i*room)
		p := &program{strict: c.strict, keep: c.keep, sequence: c.newSequence(r, at, at)}
		p.generate()
		if len(p.code) > room {
			c.Fatalf("a program has %d bytes", len(p.code))
		}
		copy(text[i*room:], p.code)
		copy(native[i*room:], p.copy)
		programs[i] = p
		c.insts += len(p.insts)
	}
	c.sequences += len(programs)
	if c.used++; c.used%64 == 0 {
		c.pool = newPool(r)
	}
	c.write(c.code, native)
	c.onThread(func(ht *host.Thread) {
		starts := make([]*start, 0, callsBatch*callsStates)
		c.executable(true)
		c.natively(ht, func() {
			for i := range cap(starts) {
				p := programs[i/callsStates]
				starts = append(starts, c.newStart(r))
				c.runNative(ht, starts[i], p.pc+p.entry, c.wanted(i))
			}
		})
		c.executable(false)
		if c.fs != 0 {
			c.write(c.code, text)
		}
		for i, s := range starts {
			p, want := programs[i/callsStates], c.wanted(i)
			c.runTranslated(ht, s, p.pc+p.entry, c.got)
			c.done++
			if d := want.differs(c.got); d != "" {
				c.Errorf("%s\nentry %#x\n%s", d, p.entry, c.shrinkProgram(ht, p, s))
				return
			}
			if want.signal == SigILL && want.rip == p.insts[len(p.insts)-1].PC-p.pc-p.entry {
				c.ended++
			}
		}
	})
}

// shrinkProgram reduces a case of p.
func (c *comparer) shrinkProgram(ht *host.Thread, p *program, from *start) *reduction {
	d := &reduction{insts: p.insts, code: p.code, native: p.copy, start: from}
	want := newFinal()
	d.run = func(code, native []byte, from *start) string {
		c.write(p.pc, native)
		c.executable(true)
		c.natively(ht, func() { c.runNative(ht, from, p.pc+p.entry, want) })
		c.executable(false)
		c.write(p.pc, code)
		c.runTranslated(ht, from, p.pc+p.entry, c.got)
		return want.differs(c.got)
	}
	d.reduce()
	return d
}

// A program is functions, each of which may call those before it, and code at entry
// that calls them and ends with ud2.
type program struct {
	sequence
	strict    bool // may look below rsp
	keep      bool // may read the r11 and the flags that it finds behind a call or at a function's begin
	entry     uint64
	functions []function
}

type function struct {
	at   int
	pop  bool // 16 bytes of arguments
	sets bool // begins by giving r11 and the flags values, so that it can be called in any way
}

func (p *program) generate() {
	for range 1 + p.r.IntN(4) {
		f := function{at: len(p.code), pop: p.r.IntN(3) == 0}
		if f.sets = p.keep || p.r.IntN(2) == 0; !p.keep && f.sets {
			p.set()
		}
		if p.r.IntN(2) == 0 {
			p.leaf(f)
		} else {
			p.body()
		}
		p.ret(f)
		p.functions = append(p.functions, f)
	}
	p.entry = uint64(len(p.code))
	for range 3 {
		p.body()
	}
	p.raw(0x0f, 0x0b)
}

// set appends instructions that give r11 and the flags values.
func (p *program) set() {
	p.raw(0x41, 0xbb, 1, 0, 0, 0)       // mov $1, %r11d
	p.raw(0x49, 0x81, 0xc3, 1, 0, 0, 0) // add $1, %r11
}

// ret appends f's return.
func (p *program) ret(f function) {
	if f.pop {
		p.raw(0xc2, 16, 0)
	} else {
		p.raw(0xc3)
	}
}

// leaf appends what short functions consist of.
func (p *program) leaf(f function) {
	frame := p.r.IntN(4) == 0
	if frame {
		p.raw(0x55) // push %rbp
	}
	for range p.r.IntN(4) {
		p.unstacked()
	}
	if !frame && p.r.IntN(2) == 0 {
		// Over an instruction, or a return.
		p.raw(0x70|byte(p.r.IntN(16)), 0)
		at := len(p.code)
		switch p.r.IntN(3) {
		case 0:
			p.ret(f)
		case 1:
			p.raw(0xeb, 0)
		default:
			p.unstacked()
		}
		p.code[at-1] = byte(len(p.code) - at)
		p.copy[at-1] = p.code[at-1]
		p.unstacked()
	}
	if p.r.IntN(16) == 0 && !frame {
		p.raw(0x48, 0xff, 0x04, 0x24) // incq (%rsp): behind the call's continuation
		p.raw(0x48, 0xff, 0x0c, 0x24) // decq (%rsp), or not
	}
	if frame {
		p.raw(0x5d) // pop %rbp
	}
}

// body appends instructions and calls.
func (p *program) body() {
	for range p.r.IntN(4) {
		p.unstacked()
	}
	if len(p.functions) > 0 && p.r.IntN(4) != 0 {
		p.call(p.functions[p.r.IntN(len(p.functions))])
		if !p.keep {
			p.set()
		}
		if p.strict && p.r.IntN(2) == 0 {
			p.raw(0x48, 0x8b, 0x4c, 0x24, 0xf8) // mov -8(%rsp), %rcx
		}
		if p.strict && p.r.IntN(2) == 0 {
			p.raw(0x4c, 0x03, 0x5c, 0x24, 0xf0) // add -16(%rsp), %r11
		}
	}
	for range p.r.IntN(3) {
		p.unstacked()
	}
	if !p.keep {
		return
	}
	if p.reachesFS() && p.r.IntN(8) == 0 { // a jump to what follows, through memory
		at := len(p.code)
		p.raw(0x48, 0x8d, 0x0d, 0, 0, 0, 0) // lea, %rcx
		p.throughFS(4)
		p.code[at+3] = byte(len(p.code) - at - 7)
		p.copy[at+3] = p.code[at+3]
	}
	if p.r.IntN(4) == 0 { // a jump to what follows
		reg := [...]byte{0x05, 0x15, 0x1d}[p.r.IntN(3)]
		rex := byte(0x48)
		if reg == 0x1d { // r11, not rbx
			rex = 0x4c
			p.raw(rex, 0x8d, reg, 3, 0, 0, 0)
			p.raw(0x41, 0xff, 0xe3)
		} else {
			p.raw(rex, 0x8d, reg, 2, 0, 0, 0)
			p.raw(0xff, 0xe0|reg>>3&7)
		}
	}
}

// unstacked appends a random instruction that leaves the stack alone: what is on it
// leads back. %gs is the thread's block when the CPU executes it.
func (p *program) unstacked() {
	for {
		n, k := len(p.code), len(p.insts)
		p.instruction()
		in := &p.insts[k]
		if in.Class&decode.ClassStackImplicit == 0 && in.Base != decode.RSP && in.Seg != decode.SegGS {
			return
		}
		p.code, p.copy, p.insts = p.code[:n], p.copy[:n], p.insts[:k]
	}
}

// call appends a call of f, of one kind or another.
func (p *program) call(f function) {
	if f.pop {
		p.raw(0x6a, byte(p.r.IntN(128)))
		p.raw(0x6a, byte(p.r.IntN(128)))
	}
	load := func(rex, modrm byte) { // lea f(%rip), %reg
		b := binary.LittleEndian.AppendUint32([]byte{rex, 0x8d, modrm}, uint32(f.at-len(p.code)-7))
		p.raw(b...)
	}
	kind := p.r.IntN(7)
	if !f.sets {
		kind = 6
	}
	if kind == 4 && !p.reachesFS() {
		kind = 5
	}
	switch kind {
	case 0:
		load(0x48, 0x05)
		p.raw(0xff, 0xd0) // call *%rax
	case 1:
		load(0x4c, 0x1d)
		p.raw(0x41, 0xff, 0xd3) // call *%r11
	case 2:
		load(0x48, 0x0d)
		p.raw(0x48, 0x89, 0x4b, 0x20) // mov %rcx, 32(%rbx)
		p.raw(0xff, 0x53, 0x20)       // call *32(%rbx)
	case 3:
		load(0x48, 0x0d)
		p.raw(0x48, 0x89, 0x4c, 0x24, 0xf8) // mov %rcx, -8(%rsp)
		p.raw(0xff, 0x54, 0x24, 0xf8)       // call *-8(%rsp), which its own push replaces
	case 4:
		load(0x48, 0x0d)
		p.throughFS(2)
	default:
		b := binary.LittleEndian.AppendUint32([]byte{0xe8}, uint32(f.at-len(p.code)-5))
		p.raw(b...)
	}
}

// fsForms are operands in %fs that throughFS chooses among. The native copy can reach those with
// four bytes of displacement whatever the host does with %fs: they are the last.
var fsForms = []struct {
	prefix  byte // 0 for none
	rex     byte
	operand []byte // ModRM without the register
}{
	{0, 0x41, []byte{0x46, 0x10}},                         // 16(%r14)
	{0x67, 0x41, []byte{0x46, 0x18}},                      // 24(%r14d)
	{0, 0x43, []byte{0x44, 0x6e, 0x20}},                   // 32(%r14,%r13,2)
	{0, 0x41, []byte{0x86, 0xf8, 0x05, 0, 0}},             // 0x5f8(%r14)
	{0, 0x40, []byte{0x04, 0x25, 0x80, 0x08, 0, 0}},       // 0x880
	{0x67, 0x42, []byte{0x04, 0x6d, 0, 0x09, 0x00, 0x00}}, // 0x900(,%r13d,2)
}

// throughFS appends a store of %rcx to an operand in %fs and a branch through it: 2 calls,
// 4 jumps.
func (p *program) throughFS(ext byte) {
	forms := fsForms
	if p.fs != 0 {
		forms = forms[3:]
	}
	f := &forms[p.r.IntN(len(forms))]
	for _, op := range []struct{ rex, opcode, reg byte }{{f.rex | 8, 0x89, 1}, {f.rex, 0xff, ext}} {
		b := []byte{0x64}
		if f.prefix != 0 {
			b = append(b, f.prefix)
		}
		b = append(b, op.rex, op.opcode)
		b = append(b, f.operand...)
		b[len(b)-len(f.operand)] |= op.reg << 3
		var in decode.Inst
		if err := in.Decode(b, p.pc+uint64(len(p.code))); err != nil {
			panic(err)
		}
		p.both(b, p.nativeForm(&in, b))
	}
}
