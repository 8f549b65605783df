package main

import (
	"strings"
	"testing"
)

// TestStrict runs programs, forks among them, that check themselves.
func TestStrict(t *testing.T) {
	for _, g := range []string{"hello", "hello-v0", "regs", "regs-v1", "setjmp", "fork"} {
		plain := cabitrans(helloConf, "run", guest(t, g)).run(t)
		strict := cabitrans(helloConf, "run", "--strict", guest(t, g)).run(t)
		if g == "fork" { // it prints times
			plain.stdout, strict.stdout = "", ""
		}
		if strict.status != plain.status || strict.stdout != plain.stdout || strict.stderr != plain.stderr {
			t.Errorf("%s: %+v, without --strict %+v", g, strict, plain)
		}
		if g == "hello" && (plain.status != 0 || !strings.HasPrefix(plain.stdout, "hi\n")) {
			t.Errorf("%s: %+v", g, plain)
		}
	}
}
