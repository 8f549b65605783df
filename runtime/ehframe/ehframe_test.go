package ehframe

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cabitrans/internal/golden"
)

const guest = "../../guests/bin/trail"

// open reads the guest's table.
func open(t testing.TB) (*Table, *elf.File) {
	t.Helper()
	f, err := elf.Open(guest)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	at := func(addr, n uint64) []byte {
		for _, p := range f.Progs {
			if d := addr - p.Vaddr; p.Type == elf.PT_LOAD && d < p.Filesz && n <= p.Filesz-d {
				b := make([]byte, n)
				if _, err := p.ReadAt(b, int64(d)); err != nil {
					return nil
				}
				return b
			}
		}
		return nil
	}
	s := f.Section(".eh_frame_hdr")
	table, err := Open(at, s.Addr, s.Size)
	if err != nil {
		t.Fatal(err)
	}
	return table, f
}

// TestRows compares what is read with a listing in the form of readelf --debug-dump=frames-interp, whose numbers it
// has: functions, and for every address at which a rule changes the CFA and where registers are.
func TestRows(t *testing.T) {
	table, _ := open(t)
	var out strings.Builder
	for lo, hi := range table.All {
		fmt.Fprintf(&out, "%x..%x\n", lo, hi)
		last := ""
		for pc := lo; pc < hi; pc++ {
			f, ok := table.Find(pc)
			if !ok || f.Lo != lo || f.Hi != hi {
				t.Fatalf("Find(%#x) is %#x to %#x, %v", pc, f.Lo, f.Hi, ok)
			}
			r, ok := f.row(pc)
			if !ok {
				t.Fatalf("no row at %#x", pc)
			}
			if s := text(&r); s != last {
				fmt.Fprintf(&out, "  %x %s\n", pc, s)
				last = s
			}
		}
	}
	golden.Check(t, filepath.Join("testdata", "trail.txt"), out.String())
}

func text(r *row) string {
	names := [...]string{"rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp",
		"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "ra"}
	s := fmt.Sprintf("%s%+d", names[r.cfaReg], r.cfaOff)
	for i, rule := range r.rules {
		if rule.kind == ruleOffset {
			s += fmt.Sprintf(" %s=c%+d", names[i], rule.n)
		} else if rule.kind != ruleSame {
			s += fmt.Sprintf(" %s=?%d", names[i], rule.kind)
		}
	}
	return s
}

func TestFindOutside(t *testing.T) {
	table, f := open(t)
	for _, pc := range []uint64{0, f.Entry, 1 << 40, ^uint64(0)} {
		if f, ok := table.Find(pc); ok {
			t.Errorf("Find(%#x) found %#x to %#x", pc, f.Lo, f.Hi)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	none := func(uint64, uint64) []byte { return nil }
	if _, err := Open(none, 0, 0); !errors.Is(err, ErrNone) {
		t.Errorf("no table: %v", err)
	}
	if _, err := Open(none, 64, 64); !errors.Is(err, ErrForm) {
		t.Errorf("a table that is not there: %v", err)
	}
	b := make([]byte, 64)
	b[0] = 2
	if _, err := Open(func(uint64, uint64) []byte { return b }, 64, 64); !errors.Is(err, ErrForm) {
		t.Errorf("version 2: %v", err)
	}
}

// stack is memory that a test's frames lie in; code is below 0x10000.
type stack map[uint64]uint64

var errNothing = errors.New("nothing is there")

func (s stack) Load64(addr uint64) (uint64, error) {
	v, ok := s[addr]
	if !ok {
		return 0, errNothing
	}
	return v, nil
}

func (s stack) Executable(addr uint64) bool { return addr-1 < 0xffff }

// symbol is the address of a function of the guest.
func symbol(t *testing.T, f *elf.File, name string) uint64 {
	t.Helper()
	all, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.Name == name {
			return s.Value
		}
	}
	t.Fatalf("no symbol %s", name)
	return 0
}

// TestWalk goes from a function without a frame through one of 336 bytes to code that has a frame pointer only.
func TestWalk(t *testing.T) {
	table, f := open(t)
	inner, middle := symbol(t, f, "trail_inner"), symbol(t, f, "trail_middle")
	const sp, bias = 0x20000, 0x400
	inMiddle, unknown := middle+bias+0x20, f.Entry+bias
	mem := stack{
		sp: inMiddle, sp + 8 + 336 - 16: 0x1234, sp + 8 + 336 - 8: unknown, // of trail_middle: rbx, return address
		0x21000: 0, 0x21008: unknown + 1, // a frame by frame pointer, the last
	}
	w := Walker{Memory: mem, Table: table, Bias: bias}
	r := Regs{PC: inner + bias}
	r.R[rsp], r.R[rbp] = sp, 0x21000
	frames, how := w.Walk(make([]uint64, 0, 8), &r, true)
	if got, want := fmt.Sprintf("%x", frames), fmt.Sprintf("%x", []uint64{inMiddle, unknown, unknown + 1}); got != want {
		t.Errorf("frames %s, want %s", got, want)
	}
	if how != ByTables|ByFramePointers {
		t.Errorf("by %v", how)
	}
	if r.R[3] != 0x1234 {
		t.Errorf("rbx is %#x", r.R[3])
	}
}

// TestWalkEnds: no stack, however wrong, keeps a walk from ending.
func TestWalkEnds(t *testing.T) {
	table, f := open(t)
	pc := symbol(t, f, "trail_inner")
	mem := stack{0x20000: pc, 0x20008: 0x20000}
	w := Walker{Memory: mem, Table: table}
	r := Regs{PC: pc}
	r.R[rsp], r.R[rbp] = 0x20000, 0x20000
	if frames, _ := w.Walk(make([]uint64, 0, 1000), &r, true); len(frames) > 3 {
		t.Errorf("%d frames of two words", len(frames))
	}
}

func TestWalkAllocates(t *testing.T) {
	table, f := open(t)
	b := make([]byte, 0x10000) // a file that is read without allocating
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && p.Filesz > 0 {
			p.ReadAt(b[p.Vaddr:][:p.Filesz], 0)
		}
	}
	table.at = func(addr, n uint64) []byte { return b[addr:][:n] }
	w := &Walker{Memory: stack{0x20000: f.Entry}, Table: table}
	frames := make([]uint64, 0, 8)
	pc := symbol(t, f, "trail_inner")
	r := new(Regs)
	n := testing.AllocsPerRun(100, func() {
		*r = Regs{PC: pc}
		r.R[rsp] = 0x20000
		w.Walk(frames, r, true)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzTable gives a table of arbitrary bytes: everything in it can be asked for, and nothing goes wrong.
func FuzzTable(f *testing.F) {
	e, err := os.ReadFile(guest)
	if err != nil {
		f.Fatal(err)
	}
	le := binary.LittleEndian
	for off := le.Uint64(e[32:]); ; off += 56 {
		if le.Uint32(e[off:]) == 0x6474e550 { // PT_GNU_EH_FRAME
			begin := le.Uint64(e[off+8:])
			f.Add(e[begin:begin+0x400], 0x1f15-begin)
			break
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, pc uint64) {
		const addr = 0x1000
		at := func(a, n uint64) []byte {
			if d := a - addr; d <= uint64(len(b)) && n <= uint64(len(b))-d {
				return b[d:][:n]
			}
			return nil
		}
		table, err := Open(at, addr, uint64(len(b)))
		if err != nil {
			return
		}
		for lo, hi := range table.All {
			if hi < lo {
				t.Fatalf("a function from %#x to %#x", lo, hi)
			}
			for _, pc := range []uint64{lo, hi - 1} {
				if f, ok := table.Find(pc); ok {
					f.row(pc)
				}
			}
		}
		w := Walker{Memory: stack{8: 16, 16: 24, 24: 8}, Table: table}
		r := Regs{PC: pc}
		w.Walk(make([]uint64, 0, 100), &r, true)
	})
}
