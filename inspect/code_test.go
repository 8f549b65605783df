package inspect

import (
	"encoding/hex"
	"strings"
	"testing"

	"cabitrans/decode"
	"cabitrans/rewrite"
)

func decodeHex(t *testing.T, s string, pc uint64) (in decode.Inst, code []byte) {
	t.Helper()
	code, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err == nil {
		err = in.Decode(code, pc)
	}
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return in, code[:in.Len]
}

// What rax holds behind some instructions.
func TestConstant(t *testing.T) {
	const unknown = ^uint64(0)
	for _, c := range []struct {
		name string
		code []string
		want uint64
	}{
		{"nothing", nil, unknown},
		{"mov", []string{"b810000000"}, 16},
		{"mov, sign-extended to 32 bits only", []string{"b8ffffffff"}, 0xffff_ffff},
		{"mov, 64 bits", []string{"48c7c037000000"}, 55},
		{"movabs", []string{"48b83700000000000000"}, 55},
		{"xor", []string{"31c0"}, 0},
		{"sub", []string{"29c0"}, 0},
		{"push and pop", []string{"6a0a", "58"}, 10},
		{"push, something, pop", []string{"6a0a", "90", "58"}, unknown},
		{"another register", []string{"bb10000000"}, unknown},
		{"r8, whose number ends alike", []string{"41b810000000"}, unknown},
		{"16 bits", []string{"66b81000"}, unknown},
		{"kept", []string{"b810000000", "4531d2", "89d7"}, 16},
		{"over a branch not taken", []string{"b810000000", "7400"}, 16},
		{"not over a call", []string{"b810000000", "e800000000"}, unknown},
		{"not over a jump", []string{"b810000000", "eb00"}, unknown},
		{"overwritten", []string{"b810000000", "89d8"}, unknown},
		{"changed in part", []string{"b810000000", "b001"}, unknown},
		{"exchanged", []string{"b810000000", "93"}, unknown},
		{"cpuid", []string{"b810000000", "0fa2"}, unknown},
		{"vector register of the same opcode", []string{"c5f8580500000000"}, unknown},
	} {
		var k constant
		for _, s := range c.code {
			in, _ := decodeHex(t, s, 0x1000)
			k.after(&in)
		}
		got := k.value
		if !k.known {
			got = unknown
		}
		if got != c.want {
			t.Errorf("%s: %#x, want %#x", c.name, got, c.want)
		}
	}
}

func TestForms(t *testing.T) {
	for _, c := range []struct{ code, want string }{
		{"64488b042500000000", "mov %fs:0x0,%r64"},
		{"644c8b3c2508000000", "mov %fs:0x8,%r64"},
		{"6448890c2500000000", "mov %r64,%fs:0x0"},
		{"648b042500000000", "mov %fs:0x0,%r32"},
		{"644883042508000000 01", "addq $0x1,%fs:0x8"},
		{"64f30f10042508000000", "movss %fs:0x8,%xmm"},
		{"6448 0104d8", "add %r64,%fs:(%r64,%r64,8)"},
		{"64c5fc1006", "(vex map 1 opcode 10 in %fs)"},
	} {
		_, code := decodeHex(t, c.code, 0x1000)
		if got := formOf(code, 0x1000); got != c.want {
			t.Errorf("%s: %q, want %q", c.code, got, c.want)
		}
	}
}

// What becomes of instructions, by the translator's word.
func TestActions(t *testing.T) {
	for _, c := range []struct{ code, want string }{
		{"90", ""}, {"0f05", ""}, {"64488b042500000000", ""}, {"c3", ""}, {"ffe0", ""}, {"0f0b", ""},
		{"9d", actionEmulated}, {"f3480faed0", actionEmulated}, {"c7f800000000", actionEmulated},
		{"f4", actionFaults}, {"cc", actionFaults}, {"cd80", actionFaults}, {"ec", actionFaults}, {"0f34", actionFaults},
		{"8ed8", ""}, {"8ee0", actionEmulated}, {"cf", actionEmulated}, {"0f01ef", actionRefused},
		{"64ac", actionEmulated + moving}, {"64d7", actionEmulated + moving},
	} {
		in, code := decodeHex(t, c.code, 0x1000)
		got := ""
		if kind, trapped := newJudge(rewrite.Options{}).trap(&in, code); trapped {
			got = actionOf(kind)
		} else if kind, trapped := newJudge(rewrite.Options{MovingBase: true}).trap(&in, code); trapped {
			got = actionOf(kind) + moving
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.code, got, c.want)
		}
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct {
		data           string
		symbols, names int
	}{
		{"", 0, 0}, {"fd_read", 0, 0}, {"fd_read\x00", 0, 1}, {"xfd_read\x00", 0, 0},
		{"cloudabi_sys_fd_read\x00", 1, 0}, {"junk\xffcloudabi_sys_fd_read\x00", 1, 0},
		{"cloudabi_sys_\x00", 0, 0}, {"cloudabi_sys_%s\x00", 0, 0},
		{"cloudabi_sys_of_tomorrow\x00", 1, 0},
		{strings.Repeat("x", 200) + "fd_read\x00poll\x00poll\x00", 0, 1},
	} {
		symbols, names := map[string]bool{}, map[string]bool{}
		findNames([]byte(c.data), symbols, names)
		if len(symbols) != c.symbols || len(names) != c.names {
			t.Errorf("%q: %v, %v", c.data, symbols, names)
		}
	}
}

func TestNotes(t *testing.T) {
	one := "\x04\x00\x00\x00\x03\x00\x00\x00\x03\x00\x00\x00GNU\x00\x01\x02\x03\x00"
	if n := parseNotes([]byte(one + one)); len(n) != 2 || n[1] != (Note{"GNU", 3, "010203"}) {
		t.Errorf("%+v", n)
	}
	for _, bad := range []string{"", one[:11], one[:14], "\xff\xff\xff\xff" + one[4:], one[:4] + "\xff\xff\xff\xff" + one[8:]} {
		if n := parseNotes([]byte(bad)); len(n) != 0 {
			t.Errorf("%q: %+v", bad, n)
		}
	}
	if n := parseNotes([]byte(one[:len(one)-1])); len(n) != 1 { // the last padding may be missing
		t.Errorf("%+v", n)
	}
}
