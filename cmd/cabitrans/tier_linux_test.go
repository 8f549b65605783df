package main

import (
	"strings"
	"testing"

	"cabitrans/runtime"
)

// TestTierFlag runs programs in every tier, and asks for others.
func TestTierFlag(t *testing.T) {
	names := runtime.Tiers()
	for _, name := range names {
		for _, g := range []string{"hello", "hello-v2", "hello-v1", "hello-v0"} {
			o := cabitrans(helloConf, "run", "--tier", name, guest(t, g)).run(t)
			if !strings.HasPrefix(o.stdout, "hi\ngeneration ") || o.stderr != "" || o.status != 0 {
				t.Errorf("%s, %s: %+v", name, g, o)
			}
		}
	}
	hello := guest(t, "hello")
	const help = "; cabitrans help lists the flags\n"
	for _, c := range []struct {
		args []string
		text string
	}{
		{[]string{"--tier=attic"},
			"cabitrans: cannot run " + hello + `: there is no tier "attic"; there are ` + strings.Join(names, ", ") + "\n"},
		{[]string{"--tier="}, `cabitrans: invalid value "" for flag -tier: it is the name of a tier` + help},
		{[]string{"--tier=cache", "--tier=home"},
			`cabitrans: invalid value "home" for flag -tier: --tier=cache was given before` + help},
	} {
		cabitrans(helloConf, append(append([]string{"run"}, c.args...), hello)...).run(t).
			expect(t, outcome{stderr: c.text, status: 127})
	}
}
