//go:build linux || windows

package engine

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"cabitrans/decode"
	"cabitrans/rewrite"
	"cabitrans/runtime/host"
)

// A reduction makes a case that differs smaller: instructions become no-operations of
// their length, so that all others stay where they are, and parts of the state become
// what a program begins with.
type reduction struct {
	insts        []decode.Inst
	code, native []byte
	start        *start
	// run compares; "" if there is no difference.
	run        func(code, native []byte, s *start) string
	difference string
	gone       []bool // by instruction
}

// shrink reduces a case of the sequence s, which stays in its place in the text.
func (c *comparer) shrink(ht *host.Thread, s *sequence, from *start) *reduction {
	d := &reduction{insts: s.insts, code: s.code, native: s.copy, start: from}
	want := newFinal()
	d.run = func(code, native []byte, from *start) string {
		c.write(s.pc, code)
		copy(c.engine.space.Code()[s.native-host.CacheLo:], native)
		c.natively(ht, func() { c.runNative(ht, from, s.native, want) })
		c.runTranslated(ht, from, s.pc, c.got)
		return want.differs(c.got)
	}
	d.reduce()
	return d
}

func (d *reduction) reduce() {
	d.gone = make([]bool, len(d.insts))
	if d.difference = d.run(d.code, d.native, d.start); d.difference == "" {
		d.difference = "when the case is repeated there is no difference"
		return
	}
	for smaller := true; smaller; {
		smaller = d.state()
		for i := range d.insts[:len(d.insts)-1] {
			// A function that does not return goes on in its caller, and uses the stack up.
			needed := d.insts[i].Flow == decode.FlowRet && host.FaultsNeedStack
			smaller = !needed && !d.gone[i] && d.without(i) || smaller
		}
	}
}

// still reports whether there is a difference, and keeps it.
func (d *reduction) still(code, native []byte, s *start) bool {
	diff := d.run(code, native, s)
	if diff == "" {
		return false
	}
	d.code, d.native, d.start, d.difference = code, native, s, diff
	return true
}

// without tries the case without instruction i.
func (d *reduction) without(i int) bool {
	at, n := d.insts[i].PC-d.insts[0].PC, uint64(d.insts[i].Len)
	code, native := bytes.Clone(d.code), bytes.Clone(d.native)
	for _, b := range [][]byte{code, native} {
		copy(b[at:at+n], bytes.Repeat([]byte{0x90}, int(n)))
	}
	d.gone[i] = d.still(code, native, d.start)
	return d.gone[i]
}

// plainXSave is the state of the vector and x87 units that a program begins with.
func plainXSave() []byte {
	x := make([]byte, xsaveUsed())
	binary.LittleEndian.PutUint16(x, 0x37f)
	binary.LittleEndian.PutUint32(x[24:], host.DefaultMXCSR)
	return x
}

// state tries simpler states; it reports whether one did.
func (d *reduction) state() (simpler bool) {
	try := func(same bool, change func(*start)) {
		if !same {
			s := *d.start
			change(&s)
			simpler = d.still(d.code, d.native, &s) || simpler
		}
	}
	for i := range d.start.regs {
		needed := i == int(decode.RSP) && host.FaultsNeedStack
		try(needed || d.start.regs[i] == 0, func(s *start) { s.regs[i] = 0 })
	}
	try(d.start.flags == 0x202, func(s *start) { s.flags = 0x202 })
	plain := plainXSave()
	try(bytes.Equal(d.start.xsave, plain), func(s *start) { s.xsave = plain })
	for _, part := range []func(*start) *[]byte{
		func(s *start) *[]byte { return &s.data }, func(s *start) *[]byte { return &s.fs }, func(s *start) *[]byte { return &s.stack },
	} {
		zero := make([]byte, len(*part(d.start)))
		try(bytes.Equal(*part(d.start), zero), func(s *start) { *part(s) = zero })
	}
	return simpler
}

// String is the case in words.
func (d *reduction) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nflags %#x, registers", d.difference, d.start.flags)
	for i, v := range d.start.regs {
		if v != 0 {
			fmt.Fprintf(&b, " %d:%#x", i, v)
		}
	}
	plain := bytes.Equal(d.start.xsave, plainXSave())
	fmt.Fprintf(&b, "; initial vectors: %t; code at %#x:\n", plain, d.insts[0].PC)
	for i := range d.insts {
		in := &d.insts[i]
		at := in.PC - d.insts[0].PC
		if !d.gone[i] {
			fmt.Fprintf(&b, "%4x %-48x %s\n", at, d.code[at:at+uint64(in.Len)], in.Text(d.code[at:], nil))
		}
	}
	return b.String()
}

// left counts the instructions that are left, but for the one at the end.
func (d *reduction) left() (n int) {
	for _, gone := range d.gone[:len(d.gone)-1] {
		if !gone {
			n++
		}
	}
	return n
}

// TestShrink finds the one instruction that is not the same on both sides, and the one
// register that it needs.
func TestShrink(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	g := newGuest(t)
	g.setOptions(rewrite.Options{KeepR11: true})
	c := newComparer(g, r)
	found := 0
	for range 64 {
		made := c.newSequence(r, g.code, nativeBase)
		s := &made
		for range 8 {
			s.instruction()
		}
		s.raw(0x48, 0x01, 0x4b, 0x10) // add %rcx, 16(%rbx)
		s.copy[len(s.copy)-3] = 0x29  // sub
		for range 8 {
			s.instruction()
		}
		s.raw(0x0f, 0x0b)
		c.onThread(func(ht *host.Thread) {
			d := c.shrink(ht, s, c.newStart(r))
			if d.gone[0] && d.left() == 1 && !d.gone[8] {
				found++
				if regs := d.start.regs; regs[decode.R12] != 0 || regs[decode.RBX] == 0 || !strings.Contains(d.String(), "48014b10") {
					t.Errorf("not the smallest: %s", d)
				}
			}
		})
	}
	if found < 8 {
		t.Errorf("%d cases were reduced to the instruction that differs", found)
	}
}
