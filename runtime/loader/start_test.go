package loader

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"cabitrans/runtime/abi"
)

func goodStart() *Start {
	s := &Start{
		StackLo: 0x7f0000, StackHi: 0x800000, Base: 0x100000, Phdr: 0x100040, Phnum: 9, VDSO: 0x90000,
		ArgAddr: 0xa0000, ArgLen: 3 << 20, NCPUs: 2, TID: 77,
	}
	for i := range s.Canary {
		s.Canary[i] = byte(0x40 + i)
	}
	for i := range s.PID {
		s.PID[i] = byte(0xe0 + i)
	}
	return s
}

// walk reads the auxiliary vector as the guest does.
func (b *Block) walk(t *testing.T) (string, map[abi.Auxtype]uint64) {
	t.Helper()
	var text strings.Builder
	vals := map[abi.Auxtype]uint64{}
	for at := b.RDI - b.Addr; ; at += abi.AuxvSize {
		var a abi.Auxv
		a.Decode(b.Bytes[at:])
		fmt.Fprintf(&text, "%s %#x\n", a.Type, a.Val)
		if _, twice := vals[a.Type]; twice {
			t.Errorf("%s is there twice", a.Type)
		}
		vals[a.Type] = a.Val
		if a.Type == abi.ATNull {
			return text.String(), vals
		}
	}
}

func (b *Block) at(addr, n uint64) []byte { return b.Bytes[addr-b.Addr:][:n] }

func TestStart(t *testing.T) {
	b, err := goodStart().Build()
	if err != nil {
		t.Fatal(err)
	}
	got, _ := b.walk(t)
	const want = `AT_ARGDATA 0xa0000
AT_ARGDATALEN 0x300000
AT_BASE 0x100000
AT_CANARY 0x7fffc0
AT_CANARYLEN 0x40
AT_NCPUS 0x2
AT_PAGESZ 0x1000
AT_PHDR 0x100040
AT_PHNUM 0x9
AT_PID 0x7fffb0
AT_TID 0x4d
AT_SYSINFO_EHDR 0x90000
AT_NULL 0x0
`
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	checkBlock(t, goodStart(), b)
}

// The numbers a guest compares with, from the ABI's text.
func TestStartNumbers(t *testing.T) {
	b, err := goodStart().Build()
	if err != nil {
		t.Fatal(err)
	}
	_, vals := b.walk(t)
	for n, want := range map[abi.Auxtype]uint64{
		256: 0xa0000, 257: 3 << 20, 7: 0x100000, 259: 64, 260: 2, 6: 4096, 3: 0x100040, 4: 9, 261: 77, 262: 0x90000,
	} {
		if got, ok := vals[n]; !ok || got != want {
			t.Errorf("%d: %#x, %v, want %#x", n, got, ok, want)
		}
	}
	if len(vals) != 13 || vals[258] == 0 || vals[263] == 0 {
		t.Errorf("%v", vals)
	}
}

func checkBlock(t *testing.T, s *Start, b *Block) {
	t.Helper()
	_, vals := b.walk(t)
	end := b.Addr + uint64(len(b.Bytes))
	if b.RSP%16 != 8 || b.RDI != b.RSP+8 || b.Addr != b.RSP {
		t.Errorf("block at %#x, rsp %#x, rdi %#x", b.Addr, b.RSP, b.RDI)
	}
	if end > s.StackHi || s.StackHi-end >= 16 || b.Addr < s.StackLo+minStack {
		t.Errorf("block %#x to %#x in the stack %#x to %#x", b.Addr, end, s.StackLo, s.StackHi)
	}
	if !bytes.Equal(b.at(b.RSP, 8), make([]byte, 8)) {
		t.Error("the return address is not zero")
	}
	if !bytes.Equal(b.at(vals[abi.ATCanary], vals[abi.ATCanarylen]), s.Canary[:]) {
		t.Error("AT_CANARY")
	}
	if !bytes.Equal(b.at(vals[abi.ATPID], 16), s.PID[:]) {
		t.Error("AT_PID")
	}
	if s.Phdr == 0 && !bytes.Equal(b.at(vals[abi.ATPhdr], uint64(s.Phnum)*phdrSize), s.Phdrs) {
		t.Error("AT_PHDR")
	}
}

func TestStartPlaces(t *testing.T) {
	for _, hi := range []uint64{0x800000, 0x7fffff, 0x7ffff1, 0x7ffff0, 0x7ffff8, 1 << 47} {
		for phnum := range maxPhnum + 1 {
			s := goodStart()
			s.StackHi, s.StackLo = hi, hi-0x10000
			if phnum > 0 {
				s.Phdr, s.Phnum, s.Phdrs = 0, phnum, bytes.Repeat([]byte{0x77}, phnum*phdrSize)
			}
			b, err := s.Build()
			if err != nil {
				t.Fatal(err)
			}
			checkBlock(t, s, b)
		}
	}
}

func TestStartWithoutVDSO(t *testing.T) {
	s := goodStart()
	s.VDSO, s.ArgAddr, s.ArgLen = 0, 0, 0
	b, err := s.Build()
	if err != nil {
		t.Fatal(err)
	}
	_, vals := b.walk(t)
	if _, ok := vals[abi.ATSysinfoEhdr]; ok || vals[abi.ATArgdatalen] != 0 {
		t.Errorf("%v", vals)
	}
	checkBlock(t, s, b)
}

func TestStartRefuses(t *testing.T) {
	// What a good block takes: return address, 13 entries, UUID, canary.
	const size = 8 + 13*16 + 16 + 64
	for _, tt := range []struct {
		name  string
		spoil func(s *Start)
		want  string
	}{
		{"stack upside down", func(s *Start) { s.StackLo = s.StackHi }, "loader: no stack lies from 0x800000 to 0x800000"},
		{"stack too high", func(s *Start) { s.StackHi = 1<<47 + 1 }, "loader: no stack lies from 0x7f0000 to 0x800000000001"},
		{"one byte short", func(s *Start) { s.StackLo = s.StackHi - size - 4096 + 1 }, "the stack is too small for what " +
			"the program is " +
			"told at its start: 296 bytes and a page do not fit between 0x7feed9 and 0x800000; give the program a larger stack"},
		{"tiny", func(s *Start) { s.StackLo, s.StackHi = 7, 8 }, "the stack is too small for what the program is told at " +
			"its start: " +
			"296 bytes and a page do not fit between 0x7 and 0x8; give the program a larger stack"},
		{"at address 0", func(s *Start) { s.StackLo, s.StackHi = 0, 32 }, "the stack is too small for what the program " +
			"is told at its " +
			"start: 296 bytes and a page do not fit between 0x0 and 0x20; give the program a larger stack"},
		{"arguments overflow", func(s *Start) { s.ArgAddr = 1<<64 - 1 }, "loader: no argument data lie at " +
			"0xffffffffffffffff, 3145728 bytes"},
		{"arguments too long", func(s *Start) { s.ArgLen = 1<<64 - 1 }, "loader: no argument data lie at 0xa0000, " +
			"18446744073709551615 bytes"},
		{"arguments nowhere", func(s *Start) { s.ArgAddr = 0 }, "loader: no argument data lie at 0x0, 3145728 bytes"},
		{"no headers", func(s *Start) { s.Phnum = 0 }, "loader: 0 program headers"},
		{"no address of headers", func(s *Start) { s.Phdr = 0 }, "loader: 9 program headers in 0 bytes, and no address " +
			"of them"},
		{"no processor", func(s *Start) { s.NCPUs = 0 }, "loader: 0 processors"},
		{"no thread", func(s *Start) { s.TID = 0 }, "loader: thread identifier 0x0 is not between 1 and 0x3fffffff"},
		{"thread too large", func(s *Start) { s.TID = 1 << 30 }, "loader: thread identifier 0x40000000 is not between 1 " +
			"and 0x3fffffff"},
	} {
		s := goodStart()
		tt.spoil(s)
		b, err := s.Build()
		if b != nil || err == nil || err.Error() != tt.want {
			t.Errorf("%s: %v\n got %v\nwant %s", tt.name, b, err, tt.want)
		}
		if small := strings.HasPrefix(tt.want, "the stack"); small != errors.Is(err, ErrStack) {
			t.Errorf("%s: ErrStack is %v", tt.name, !small)
		}
	}
	s := goodStart()
	s.StackLo = s.StackHi - size - 4096
	if _, err := s.Build(); err != nil {
		t.Errorf("the smallest stack: %v", err)
	}
}
