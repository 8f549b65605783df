package gdb

import (
	"bytes"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"testing"
)

// xstate is where a CPU with AVX-512 and protection keys has things.
var xstate = XState{AVX: 576, Opmask: 1088, ZMMHi: 1152, ZMM16: 1664}

// state is registers whose extended state is all there, with values that differ.
func state() *Registers {
	r := &Registers{RIP: 0x1000, Flags: 0x246, FSBase: 5, GSBase: 6, CS: 0x33, SS: 0x2b, Where: xstate}
	for i := range r.General {
		r.General[i] = uint64(i) * 0x0101010101010101
	}
	r.XSave = make([]byte, 4096)
	for i := range r.XSave {
		r.XSave[i] = byte(i*7 + i>>8)
	}
	r.XSave[xBV] = 0xe7
	return r
}

// number is that of a register.
func (l *layout) number(name string) int {
	for i, r := range l.registers {
		if r.name == name {
			return i
		}
	}
	return -1
}

// TestRegisterNumbers: clients rely on the order of the first ones, for gdb's own
// descriptions have it.
func TestRegisterNumbers(t *testing.T) {
	l := newLayout(xstate)
	for name, n := range map[string]int{
		"rax": 0, "rbx": 1, "rsp": 7, "r15": 15, "rip": 16, "eflags": 17, "cs": 18, "gs": 23, "st0": 24, "fctrl": 32,
		"fop": 39, "xmm0": 40, "xmm15": 55, "mxcsr": 56, "orig_rax": 57, "fs_base": 58, "gs_base": 59, "ymm0h": 60,
		"k0": 76, "zmm0h": 84, "xmm16": 100, "ymm16h": 116, "zmm31h": 147,
	} {
		if got := l.number(name); got != n {
			t.Errorf("%s has number %d, want %d", name, got, n)
		}
	}
	if n := len(newLayout(XState{}).registers); n != 60 {
		t.Errorf("a CPU without AVX has %d registers", n)
	}
}

// TestRegisterValues takes single ones from where the CPU's manual has them.
func TestRegisterValues(t *testing.T) {
	l, r := newLayout(xstate), state()
	for name, want := range map[string][]byte{
		"rsp": bytes.Repeat([]byte{4}, 8), "rip": {0, 0x10, 0, 0, 0, 0, 0, 0}, "eflags": {0x46, 2, 0, 0}, "cs": {0x33, 0, 0, 0},
		"st1": r.XSave[48:58], "xmm3": r.XSave[160+48:][:16], "mxcsr": r.XSave[24:28], "ymm2h": r.XSave[576+32:][:16],
		"k7": r.XSave[1088+56:][:8], "zmm15h": r.XSave[1152+480:][:32], "xmm17": r.XSave[1664+64:][:16],
		"ymm17h": r.XSave[1664+80:][:16], "zmm17h": r.XSave[1664+96:][:32], "fs_base": {5, 0, 0, 0, 0, 0, 0, 0},
		"orig_rax": bytes.Repeat([]byte{0xff}, 8),
	} {
		if got := l.get(r, l.number(name)); !bytes.Equal(got, want) {
			t.Errorf("%s is % x, want % x", name, got, want)
		}
	}
}

// TestSetEach writes every register alone, and finds that nothing else has changed.
func TestSetEach(t *testing.T) {
	l := newLayout(xstate)
	for i, reg := range l.registers {
		r := state()
		before := l.pack(r)
		v := l.get(r, i)
		for k := range v {
			v[k] ^= 1
		}
		switch err := l.set(r, i, v); {
		case reg.put == nil:
			if err == nil {
				t.Errorf("%s could be written", reg.name)
			}
			continue
		case err != nil:
			t.Errorf("%s: %v", reg.name, err)
		}
		after := l.pack(r)
		for k := range l.registers {
			same := bytes.Equal(l.slice(before, k), l.slice(after, k))
			derived := reg.name == "fstat" || reg.name == "ftag" || l.registers[k].name == "ftag" // of one another
			if reg.name == "orig_rax" || derived {
				continue
			}
			if same == (k == i) {
				t.Errorf("after %s was written, %s has changed: %v", reg.name, l.registers[k].name, !same)
			}
		}
	}
}

// TestInitialState: what XSTATE_BV says is in its initial state reads as that, whatever
// is in memory, and a write to one register makes the others of its component that.
func TestInitialState(t *testing.T) {
	l, r := newLayout(xstate), state()
	r.XSave[xBV] = 0
	for name, want := range map[string]string{
		"fctrl": "7f030000", "ftag": "ffff0000", "st0": "00000000000000000000", "ymm0h": "00000000000000000000000000000000",
	} {
		if got := hex.EncodeToString(l.get(r, l.number(name))); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	for i, reg := range l.registers {
		if reg.put == nil || i < 24 || reg.name == "mxcsr" {
			continue
		}
		r := state()
		r.XSave[xBV] = 0
		before := l.pack(r)
		v := bytes.Repeat([]byte{1}, reg.bits/8)
		if err := l.set(r, i, v); err != nil {
			t.Fatal(err)
		}
		after := l.pack(r)
		for k := range l.registers {
			n := l.registers[k].name
			if k != i && n != "ftag" && reg.name != "ftag" && !bytes.Equal(l.slice(before, k), l.slice(after, k)) {
				t.Errorf("after %s was written, %s is % x", reg.name, n, l.slice(after, k))
			}
		}
	}
}

// TestTags: an x87 with one register of each kind.
func TestTags(t *testing.T) {
	r := state()
	x := r.XSave
	clear(x[:xXMM])
	x[xFSW+1] = 5 << 3 // top of stack: 5
	x[xFTW] = 0b1110_0000
	copy(x[xST+0:], []byte{0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x3f}) // 1.0: valid
	copy(x[xST+16:], make([]byte, 10))                             // zero
	copy(x[xST+32:], []byte{0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x7f})
	if got, want := r.fullTag(), uint64(0b10_01_00_11_11_11_11_11); got != want {
		t.Errorf("the tag word is %016b, want %016b", got, want)
	}
	if got := abridge(r.fullTag()); got != x[xFTW] {
		t.Errorf("abridged again: %08b", got)
	}
}

// TestApply takes a packet G of the values that there are: nothing changes, and nothing
// is refused though some cannot be changed.
func TestApply(t *testing.T) {
	l, r := newLayout(xstate), state()
	all := l.pack(r)
	if err := l.apply(r, all); err != nil {
		t.Error(err)
	}
	all[8*16] ^= 0xff // rip
	if err := l.apply(r, all[:8*17]); err != nil || r.RIP != 0x10ff {
		t.Errorf("rip is %#x, %v", r.RIP, err)
	}
	all[8*17+4] ^= 1 // cs
	if err := l.apply(r, all); err == nil {
		t.Error("cs could be changed")
	}
}

// TestDescription: the target description is XML whose registers are those there are.
func TestDescription(t *testing.T) {
	var d struct {
		Features []struct {
			Name string `xml:"name,attr"`
			Regs []struct {
				Name string `xml:"name,attr"`
				Bits int    `xml:"bitsize,attr"`
			} `xml:"reg"`
		} `xml:"feature"`
	}
	l := newLayout(xstate)
	if err := xml.Unmarshal([]byte(l.xml()), &d); err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, f := range d.Features {
		for _, r := range f.Regs {
			got = append(got, fmt.Sprint(r.Name, r.Bits))
		}
	}
	for _, r := range l.registers {
		want = append(want, fmt.Sprint(r.name, r.bits))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("described are %v", got)
	}
}
