package runtime_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cabitrans/argdata"
	"cabitrans/runtime"
)

const guestDir = "../guests/bin"

// A guestRun is one run of a guest program of the repository.
type guestRun struct {
	name string          // file in guests/bin
	args map[string]any  // string, int or bool
	in   string          // what it reads from stdin
	ctx  context.Context // nil: a limit that ends the test
}

// A result is how it ended and what it wrote.
type result struct {
	exit           runtime.Exit
	stdout, stderr string
	stats          runtime.Stats
}

func (g guestRun) run(t testing.TB) result {
	t.Helper()
	path := filepath.Join(guestDir, g.name)
	exe, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer exe.Close()
	info, err := exe.Stat()
	if err != nil {
		t.Fatal(err)
	}
	in := tempFile(t, g.in)
	out, outText := collect(t)
	errw, errText := collect(t)
	args := argdata.Map{
		{Key: argdata.String("stdin"), Value: argdata.FD(0)},
		{Key: argdata.String("stdout"), Value: argdata.FD(1)},
		{Key: argdata.String("stderr"), Value: argdata.FD(2)},
	}
	for k, v := range g.args {
		args = append(args, argdata.Entry{Key: argdata.String(k), Value: toValue(t, v)})
	}
	data, err := argdata.Encode(args)
	if err != nil {
		t.Fatal(err)
	}
	ctx := g.ctx
	if ctx == nil {
		limited, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		ctx = limited
	}
	p, err := runtime.Start(ctx, runtime.Config{
		Executable: exe, Size: info.Size(), Name: g.name, ArgData: data,
		FDs: []int{int(in.Fd()), int(out.Fd()), int(errw.Fd())},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := result{exit: p.Wait(), stats: p.Stats()}
	out.Close()
	errw.Close()
	r.stdout, r.stderr = outText(), errText()
	if g.ctx == nil && ctx.Err() != nil {
		t.Fatalf("%s did not end in time; it wrote %q %q", g.name, r.stdout, r.stderr)
	}
	return r
}

func toValue(t testing.TB, v any) argdata.Value {
	switch v := v.(type) {
	case string:
		return argdata.String(v)
	case int:
		return argdata.Int(int64(v))
	case bool:
		return argdata.Bool(v)
	}
	t.Fatalf("no argument data for %T", v)
	return nil
}

func tempFile(t testing.TB, text string) *os.File {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "in")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if _, err := io.Copy(f, strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	return f
}

// collect makes a pipe and reads it until it is closed.
func collect(t testing.TB) (w *os.File, text func() string) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan string, 1)
	go func() {
		var b bytes.Buffer
		_, _ = io.Copy(&b, r)
		r.Close()
		done <- b.String()
	}()
	return w, func() string { return <-done }
}

// expect fails the test unless the guest ended well.
func (r result) expect(t testing.TB, status int) {
	t.Helper()
	if r.exit.Status() != status {
		report := ""
		if r.exit.Fault != nil {
			report = "\n" + r.exit.Fault.Report()
		}
		t.Fatalf("status %d, want %d\nstdout %q\nstderr %q%s", r.exit.Status(), status, r.stdout, r.stderr, report)
	}
}
