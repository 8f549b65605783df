package runtime_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	goruntime "runtime"
	"testing"

	"cabitrans/runtime"
	"cabitrans/runtime/loader"
)

// A check leaves guest memory as it was: a program runs afterwards, and while it does there is no other check.
func TestCheck(t *testing.T) {
	check := func(b []byte) error { return runtime.Check(bytes.NewReader(b), int64(len(b))) }
	hello := "hello-v0" // at fixed addresses
	if goruntime.GOOS == "windows" {
		hello = "hello" // something of the system's may lie there
	}
	b, err := os.ReadFile(filepath.Join(guests, "bin", hello))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := check(b); err != nil {
			t.Error(err)
		}
	}
	if err := check(b[:100]); !errors.Is(err, loader.ErrTruncated) {
		t.Errorf("truncated: %v", err)
	}
	p, end := guestRun{name: "spin"}.start(t)
	if err := check(b); !errors.Is(err, runtime.ErrBusy) {
		t.Errorf("while a program runs: %v", err)
	}
	p.Kill()
	end()
	if r := (guestRun{name: hello}).run(t); r.exit.Status() != 0 {
		t.Errorf("%+v", r)
	}
}
