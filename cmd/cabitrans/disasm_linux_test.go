package main

import (
	"os"
	"strings"
	"testing"
)

func TestDisasm(t *testing.T) {
	hello, err := os.ReadFile(guest(t, "hello"))
	if err != nil {
		t.Fatal(err)
	}
	truncated := inspectFile(t, "x", hello[:3000], 0o755)
	const shows = "cabitrans: disasm needs the path of a program, then at most one symbol or address; cabitrans help shows how\n"
	for _, c := range []struct {
		name   string
		args   []string
		status int
		want   string // the beginning of what it writes, or all of standard error if the status is 127
	}{
		{"all", []string{guest(t, "hello")}, 0, "0x1980 <guest_main>:\n"},
		{"a symbol", []string{guest(t, "hello"), "_start"}, 0, "0x19d0 <_start>:\n"},
		{"an address", []string{guest(t, "hello"), "0x19d1"}, 0, "0x19d1 <_start+0x1>:\n"},
		{"not to be executed", []string{inspectFile(t, "x", hello, 0o644)}, 0, "0x1980 <guest_main>:\n"},
		{"flags between", []string{guest(t, "hello"), "--tls", "all", "_start", "--moving"}, 0, "0x19d0 <_start>:\n"},
		{"a strategy of another host", []string{"--tls=teb", guest(t, "hello"), "_start"}, 0, "0x19d0 <_start>:\n"},
		{"no program", nil, 127, shows},
		{"too much", []string{"a", "b", "c"}, 127, shows},
		{"empty symbol", []string{"a", ""}, 127, "cabitrans: the name of a symbol is empty; cabitrans help shows how\n"},
		{"no such file", []string{"/nowhere"}, 127, "cabitrans: cannot disassemble /nowhere: no such file or directory\n"},
		{"truncated", []string{truncated}, 127, "cabitrans: cannot disassemble " + truncated +
			": the file is truncated: program header 2 needs 0x1b8a bytes at 0x980 of a file of 0xbb8; copy or build it again\n"},
		{"no such symbol", []string{guest(t, "hello"), "nobody"}, 127, "cabitrans: cannot disassemble " + guest(t, "hello") +
			": there is no such symbol as \"nobody\"; an address begins with 0x\n"},
		{"outside", []string{guest(t, "hello"), "0x10"}, 127, "cabitrans: cannot disassemble " + guest(t, "hello") +
			": there are no instructions at 0x10; executable are 0x1980 to 0x350a\n"},
		{"no strategy", []string{"--tls=", "x"}, 127,
			"cabitrans: invalid value \"\" for flag -tls: it is the name of a TLS strategy; cabitrans help lists the flags\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := cabitrans("", append([]string{"disasm"}, c.args...)...).run(t)
			if c.status == 127 {
				o.expect(t, outcome{stderr: c.want, status: 127})
			} else if o.status != 0 || !strings.HasPrefix(o.stdout, c.want) || o.stderr != "" {
				t.Errorf("%d, %q, %.100q, want %q", o.status, o.stderr, o.stdout, c.want)
			}
		})
	}
	t.Run("nowhere to write", func(t *testing.T) {
		o := call{args: []string{"cabitrans", "disasm", guest(t, "hello")}, shell: `"$@" >/dev/full`}.run(t)
		o.expect(t, outcome{stderr: "cabitrans: cannot write the listing: no space left on device\n", status: 127})
	})
}
