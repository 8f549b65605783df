package main

import (
	"slices"
	"strings"
	"testing"

	"cabitrans/runtime"
)

// TestTLSFlag runs programs under every strategy of this host, and asks for others.
func TestTLSFlag(t *testing.T) {
	names := runtime.TLSStrategies()
	if len(names) < 3 || names[0] != "gs" {
		t.Fatalf("strategies %q", names)
	}
	for _, name := range names {
		for _, g := range []string{"hello", "hello-v2", "hello-v1", "hello-v0"} {
			for _, run := range []call{
				cabitrans(helloConf, "run", "--tls", name, guest(t, g)),
				{args: []string{"cloudabi-run", "-e", "--tls=" + name, guest(t, g)}, stdin: helloConf},
			} {
				if o := run.run(t); !strings.HasPrefix(o.stdout, "hi\ngeneration ") || o.stderr != "" || o.status != 0 {
					t.Errorf("%q: %+v", run.args, o)
				}
			}
		}
	}
	hello := guest(t, "hello")
	here := "; on this host there are " + strings.Join(names, ", ") + "\n"
	refused := "cabitrans: cannot run " + hello + ": "
	teb := refused + "the TLS strategy teb needs Windows, where %gs names the thread environment block" + here
	none := refused + `there is no TLS strategy "GS"` + here
	for _, c := range []struct {
		args []string
		text string
	}{
		{[]string{"cabitrans", "run", "--tls=teb", hello}, teb},
		{[]string{"cloudabi-run", "--tls=teb", hello}, teb},
		{[]string{"cabitrans", "run", "--tls=GS", hello}, none},
		{[]string{"cloudabi-run", "--tls=GS", "-e", hello}, none},
		{[]string{"cabitrans", "run", "--tls=gs", "--tls=indirect", hello}, `cabitrans: invalid value "indirect" for flag -tls: ` +
			"--tls=gs was given before; cabitrans help lists the flags\n"},
		{[]string{"cloudabi-run", "--tls=gs", "--tls=indirect", hello},
			`cabitrans: invalid value "indirect" for flag -tls: --tls=gs was given before` + "\n"},
		{[]string{"cabitrans", "run", "--tls=", hello},
			`cabitrans: invalid value "" for flag -tls: it is the name of a TLS strategy; cabitrans help lists the flags` + "\n"},
	} {
		call{args: c.args, stdin: helloConf}.run(t).expect(t, outcome{stderr: c.text, status: 127})
	}
}

// TestTLSSwitches: only the strategy that exchanges %fs by system calls makes any.
func TestTLSSwitches(t *testing.T) {
	for _, name := range runtime.TLSStrategies() {
		o := cabitrans(helloConf, "run", "--tls="+name, "--stats", guest(t, "hello")).run(t)
		row, _, _ := strings.Cut(o.stderr[strings.Index(o.stderr, "host system calls for switching TLS"):], "\n")
		f := strings.Fields(row)
		if some := f[len(f)-1] != "0"; some != (name == "swap-arch_prctl") {
			t.Errorf("%s: %s", name, row)
		}
	}
	if !slices.Contains(runtime.TLSStrategies(), "swap-arch_prctl") {
		t.Error("no strategy makes system calls")
	}
}
