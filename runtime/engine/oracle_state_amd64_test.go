//go:build linux || windows

package engine

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"

	"golang.org/x/sys/cpu"

	"cabitrans/decode"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// What a sequence of the oracle may see and change, in bytes. Behind and before the
// data there is nothing.
const (
	oracleData  = 2 * host.PageSize
	oracleStack = 2048
)

// component is a part of the XSAVE area (standard format) that user code sees.
type component struct{ bit, lo, hi int }

// components are those of this machine: x87, SSE, AVX, opmask, the upper halves of ZMM0-15,
// ZMM16-31. Not PKRU, which says what memory may be accessed.
var components = sync.OnceValue(func() []component {
	list := []component{{0, 32, 160}, {1, 160, 416}}
	if cpu.X86.HasAVX {
		list = append(list, component{2, 576, 832})
	}
	if cpu.X86.HasAVX512F {
		for i, size := range []int{64, 512, 1024} {
			at := host.XStateOffset(5 + i)
			list = append(list, component{5 + i, at, at + size})
		}
	}
	return list
})

// xsaveUsed is how much of the XSAVE area the components take.
var xsaveUsed = sync.OnceValue(func() (n int) {
	n = 576
	for _, p := range components() {
		n = max(n, p.hi)
	}
	return n
})

// lanes are where the XSAVE area has the parts, of 4 bytes each, of vector register n.
func lanes(n int) (at []int) {
	for _, p := range components() {
		size := map[int]int{1: 16, 2: 16, 6: 32, 7: 64}[p.bit] // bytes a register
		i := n
		if p.bit == 7 {
			i -= 16
		}
		if size == 0 || i < 0 || i > 15 {
			continue
		}
		for k := p.lo + i*size; k < p.lo+(i+1)*size; k += 4 {
			at = append(at, k)
		}
	}
	return at
}

// start is the state before a sequence.
type start struct {
	regs  [16]uint64
	flags uint64
	xsave []byte
	data  []byte
	fs    []byte
	stack []byte // up to rsp
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

// A pool is random memory that states take parts of.
type pool []byte

const poolSize = 1 << 20

func newPool(r *rand.Rand) pool {
	p := make(pool, poolSize)
	for i := 0; i < len(p); i += 8 {
		v := r.Uint64()
		if r.IntN(3) == 0 {
			v = interesting(r)
		}
		binary.LittleEndian.PutUint64(p[i:], v)
	}
	return p
}

// take is n bytes of the pool, which must stay as they are.
func (p pool) take(r *rand.Rand, n int) []byte {
	at := r.IntN(len(p)-n) &^ 7
	return p[at:][:n:n]
}

func (c *comparer) newStart(r *rand.Rand) *start {
	s := new(start)
	for i := range s.regs {
		s.regs[i] = interesting(r)
	}
	mid := c.base + oracleData/2
	for _, b := range dataRegs {
		s.regs[b] = mid + uint64(r.IntN(4)*64)
	}
	s.regs[indexReg], s.regs[fsReg] = uint64(r.IntN(5)*16-32), 0x200
	s.regs[decode.RSP] = c.stack - 1024
	s.flags = 0x202 | r.Uint64()&0x8d5
	if r.IntN(8) == 0 {
		s.flags |= 0x400 // direction
	}
	s.data, s.fs = c.pool.take(r, oracleData), c.pool.take(r, host.PageSize)
	s.stack = c.pool.take(r, oracleStack)
	s.xsave = c.randomXSave(r)
	return s
}

// randomXSave is a state of the vector and x87 units: mostly one that a program begins
// with, of what is in it, and sometimes with other rounding and traps.
func (c *comparer) randomXSave(r *rand.Rand) []byte {
	x := make([]byte, xsaveUsed())
	for _, p := range components() {
		if p.bit > 1 && r.IntN(16) == 0 {
			continue // initial
		}
		x[512] |= 1 << p.bit
		copy(x[p.lo:p.hi], c.pool.take(r, p.hi-p.lo))
	}
	fcw, mxcsr := uint16(0x37f), uint32(host.DefaultMXCSR)
	if r.IntN(4) == 0 {
		fcw = 0x7f&^uint16(1<<r.IntN(48)) | uint16(r.IntN(16))<<8 // precision and rounding
		mxcsr = 0x1f80&^(0x80<<r.IntN(24)) | r.Uint32()&0xe07f    // rounding, denormals, exceptions seen
	}
	// Each register empty or not; in a stack that has room.
	for i := range 8 {
		clear(x[32+16*i+10 : 48+16*i])
	}
	if r.IntN(2) == 0 {
		clear(x[32:160])
	} else {
		x[3] = byte(r.IntN(8)) << 3 // top
		x[4] = byte(r.Uint32())
	}
	binary.LittleEndian.PutUint16(x, fcw)
	binary.LittleEndian.PutUint32(x[24:], mxcsr)
	return x
}

// fsBase is where the page at %fs is.
func (c *comparer) fsBase(ht *host.Thread) uint64 {
	if c.fs != 0 {
		return c.fs
	}
	return ht.FSWord
}

// place puts the thread into the state s. It is outside the guest, and has been kicked
// if code has been written since.
func (c *comparer) place(ht *host.Thread, s *start) {
	ht.ClearKick()
	b := ht.Block()
	b.Regs, b.Flags = s.regs, s.flags
	setBase(b, c.fsBase(ht))
	x := ht.XSave()[:xsaveUsed()]
	clear(x[copy(x, s.xsave):])
	for _, m := range []struct {
		addr uint64
		data []byte
	}{{c.base, s.data}, {c.fsBase(ht), s.fs}, {c.stack - oracleStack, s.stack}} {
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

const oracleMemory = oracleData + host.PageSize + oracleStack

func newFinal() *final {
	return &final{xsave: make([]byte, xsaveUsed()), memory: make([]byte, oracleMemory)}
}

// fill makes f what the thread has come to.
func (f *final) fill(c *comparer, ht *host.Thread) {
	b := ht.Block()
	f.signal, f.regs, f.flags, f.addr = int(b.FaultSignal), b.Regs, b.Flags&^0x10000, 0
	if b.FaultTrap == trapPage {
		f.addr = b.FaultAddr
	}
	copy(f.xsave, ht.XSave())
	normalize(f.xsave)
	m := f.memory
	for _, p := range []struct{ addr, n uint64 }{
		{c.base, oracleData}, {c.fsBase(ht), host.PageSize}, {c.stack - oracleStack, oracleStack},
	} {
		if _, err := host.CopyIn(m[:p.n], p.addr); err != nil {
			c.Error(err)
		}
		m = m[p.n:]
	}
	if below := b.Regs[decode.RSP] - (c.stack - oracleStack); !c.strict || faultsDestroyStack {
		clear(f.memory[oracleData+host.PageSize:][:min(below, oracleStack)])
	}
}

// normalize makes equal states of the vector and x87 units equal bytes.
func normalize(x []byte) {
	if x[512]&1 == 0 {
		clear(x[:24])
		binary.LittleEndian.PutUint16(x, 0x37f)
	}
	clear(x[6:24])  // of the last x87 instruction: opcode, and its host addresses
	clear(x[28:32]) // mask of MXCSR
	for _, p := range components() {
		if x[512]>>p.bit&1 == 0 {
			clear(x[p.lo:p.hi])
		}
	}
	clear(x[416:576])
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
	if i := firstDifference(f.xsave, g.xsave); i >= 0 {
		return fmt.Sprintf("extended state: byte %d is %#x native, %#x translated", i, f.xsave[i], g.xsave[i])
	}
	if i := firstDifference(f.memory, g.memory); i >= 0 {
		return fmt.Sprintf("memory: byte %#x is %#x native, %#x translated", i, f.memory[i], g.memory[i])
	}
	return ""
}

func firstDifference(a, b []byte) int {
	if bytes.Equal(a, b) {
		return -1
	}
	for i := range a {
		if a[i] != b[i] {
			return i
		}
	}
	return len(a)
}

// relative counts an instruction pointer from the begin of the code, if it is there.
func relative(pc, code uint64) uint64 {
	if d := pc - code; d < host.PageSize {
		return d
	}
	return pc
}

// fencedPages maps n pages that nothing adjoins.
func (g *guest) fencedPages(n uint64) uint64 {
	g.Helper()
	p := g.pages(n+2, abi.ProtRead|abi.ProtWrite)
	for _, fence := range []uint64{p, p + (n+1)*abi.PageSize} {
		if err := g.mem.Protect(fence, abi.PageSize, 0); err != nil {
			g.Fatal(err)
		}
	}
	return p + abi.PageSize
}
