package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestOldProgram: a program for the addresses at which a plain Go program lies
// itself needs a position-independent one.
func TestOldProgram(t *testing.T) {
	old := filepath.Join(t.TempDir(), "old")
	if err := os.WriteFile(old, exitAt(0x40_0000, nil), 0o777); err != nil {
		t.Fatal(err)
	}
	pie := build(t, "-buildmode=pie")
	run := cabitrans("null", "run", old)
	run.binary = pie
	run.run(t).expect(t, outcome{status: 42})

	run.binary = build(t, "-buildmode=exe")
	run.run(t).expect(t, outcome{status: 127, stderr: "cabitrans: cannot run " + old +
		": it must lie at addresses 0x400000 to 0x401000, where cabitrans itself lies; build cabitrans " +
		"with -buildmode=pie\n"})

	// The same of whole programs, of every generation.
	for _, name := range []string{"hello", "hello-v0", "hello-v1", "hello-v2", "hello-v0-0x400000"} {
		path := filepath.Join("..", "..", "guests", "bin", name)
		if _, err := os.Stat(path); err != nil && name == "hello-v0-0x400000" {
			continue // not everybody builds it
		}
		run := cabitrans(helloConf, "run", path)
		run.binary = pie
		if o := run.run(t); !strings.HasPrefix(o.stdout, "hi\ngeneration ") || o.stderr != "" || o.status != 0 {
			t.Errorf("%s: %+v", name, o)
		}
	}

	// And where there are no mappings to read, a position-independent one needs none.
	hideProc(t, pie)
}

// hideProc runs hello in a place without /proc.
func hideProc(t *testing.T, pie string) {
	const hide = `mount -t tmpfs none /proc && exec "$@"`
	if out, err := exec.Command("unshare", "-m", "sh", "-c", hide, "sh", "true").CombinedOutput(); err != nil {
		t.Logf("not run without /proc, which takes the rights to unmount it: %v %s", err, out)
		return
	}
	hello := cabitrans(helloConf, "run", guest(t, "hello"))
	hello.shell = `exec unshare -m sh -c '` + hide + `' sh "$@"`
	hello.run(t).expect(t, outcome{status: 127, stderr: "cabitrans: cannot list the mappings of this process: " +
		"open /proc/self/maps: no such file or directory\n"})
	hello.binary = pie
	hello.run(t).expect(t, outcome{stdout: helloText})
}
