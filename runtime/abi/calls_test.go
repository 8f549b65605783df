package abi

import (
	"fmt"
	"strings"
	"testing"

	"cabitrans/internal/golden"
)

// describe prints a call as the C prototype of its vDSO form reads: each machine argument, results behind "->" with the
// argument that points to them and their size.
func describe(c Call) string {
	info := c.Info()
	var b strings.Builder
	fmt.Fprintf(&b, "%2d %s", info.Num2016, info.Name)
	if !info.In2020 {
		b.WriteString(" (2016-08)")
	}
	for i, p := range info.Params {
		at := info.ArgIndex(i)
		switch p.Mode {
		case ModeValue:
			fmt.Fprintf(&b, ", %d: %s %s %d", at, p.Type, p.Name, p.Type.Size())
		case ModeRange:
			fmt.Fprintf(&b, ", %d+%d: %s %s[]", at, at+1, p.Type, p.Name)
		case ModeCRange:
			fmt.Fprintf(&b, ", %d+%d: const %s %s[]", at, at+1, p.Type, p.Name)
		case ModePtr:
			fmt.Fprintf(&b, ", %d: %s *%s", at, p.Type, p.Name)
		case ModeCPtr:
			fmt.Fprintf(&b, ", %d: const %s *%s", at, p.Type, p.Name)
		case ModeAtomic:
			fmt.Fprintf(&b, ", %d: atomic %s *%s", at, p.Type, p.Name)
		}
	}
	for i, r := range info.Results {
		fmt.Fprintf(&b, " -> %d: %s %d", info.ResultArg(i), r.Name, r.Size())
	}
	if info.NoReturn {
		b.WriteString(" noreturn")
	}
	return b.String() + "\n"
}

// The golden was compared, when made, with the prototypes of the C headers of both versions (argument counts and order).
func TestCallTable(t *testing.T) {
	var b strings.Builder
	for c := Call(0); c < NumCalls; c++ {
		b.WriteString(describe(c))
	}
	golden.Check(t, "testdata/calls.txt", b.String())
}

func TestCallLookup(t *testing.T) {
	seen := map[int]bool{}
	for c := Call(0); c < NumCalls; c++ {
		info := c.Info()
		if got, ok := ByName(info.Name); !ok || got != c {
			t.Errorf("ByName(%q) = %v, %v", info.Name, got, ok)
		}
		if got, ok := ByNum2016(uint64(info.Num2016)); !ok || got != c {
			t.Errorf("ByNum2016(%d) = %v, %v", info.Num2016, got, ok)
		}
		if seen[info.Num2016] {
			t.Errorf("%s: number %d occurs twice", c, info.Num2016)
		}
		seen[info.Num2016] = true
		if info.NParamArgs() > 6 || len(info.Results) > 2 {
			t.Errorf("%s does not fit the raw form", c)
		}
	}
	if n := len(CallsOfVDSO(true)); n != 57 || len(CallsOfVDSO(false)) != 49 {
		t.Errorf("the vDSO offers %d and %d calls; want 57, 49", n, len(CallsOfVDSO(false)))
	}
	if len(Calls2020()) != 49 || NumCalls != 58 {
		t.Errorf("%d calls of 2020-09, %d in all; want 49, 58", len(Calls2020()), NumCalls)
	}
	for _, n := range []uint64{58, 1 << 32, 1<<64 - 1} {
		if c, ok := ByNum2016(n); ok {
			t.Errorf("ByNum2016(%d) = %v", n, c)
		}
	}
	if c, ok := ByName("cloudabi_sys_fd_read"); ok {
		t.Errorf("ByName of a symbol = %v", c)
	}
	if got := CallPoll.Info().Symbol(); got != "cloudabi_sys_poll" {
		t.Errorf("Symbol = %q", got)
	}
}

func TestParamClean(t *testing.T) {
	const dirty = 0xfedcba9876543210
	for _, tt := range []struct {
		call  Call
		param int
		want  uint64
	}{
		{CallFDClose, 0, 0x76543210}, // fd: 4 bytes
		{CallMemMap, 2, 0x10},        // mprot: 1
		{CallFileOpen, 2, 0x3210},    // oflags: 2
		{CallFileOpen, 0, dirty},     // lookup: a structure of 8
		{CallFDSeek, 1, dirty},       // filedelta: 8
		{CallLockUnlock, 0, dirty},   // an address, of a 4-byte word
		{CallRandomGet, 0, dirty},    // an address, of bytes
		{CallThreadTcbSet, 0, dirty}, // an untyped address
		{CallCondvarSignal, 1, 0x10}, // scope: 1
	} {
		if got := tt.call.Info().Params[tt.param].Clean(dirty); got != tt.want {
			t.Errorf("%s parameter %d: %#x, want %#x", tt.call, tt.param, got, tt.want)
		}
	}
}
