package runtime_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cabitrans/argdata"
	"cabitrans/runtime"
	_ "cabitrans/runtime/host/hosttest" // claims guest memory
)

const guests = "../guests"

// A guestRun is one run of a guest program of the repository, with the
// configuration beside it.
type guestRun struct {
	name string        // file in guests/bin; the part before "-v" also names the YAML file
	args argdata.Map   // replace entries of the configuration, or add to them
	tls  string        // strategy; empty for the default
	kill time.Duration // when positive: kill it that long after its start

	trace *runtime.Trace
	watch func(*runtime.Config) // what else is to be told of the run
}

// A result is how it ended and what it wrote.
type result struct {
	exit           runtime.Exit
	stdout, stderr string
	stats          runtime.Stats
}

// run runs the guest to its end.
func (g guestRun) run(t testing.TB) result {
	t.Helper()
	p, end := g.start(t)
	limit := 2 * time.Minute
	if g.kill > 0 {
		limit = g.kill
	}
	timer := time.AfterFunc(limit, p.Kill)
	r := end()
	if !timer.Stop() && g.kill == 0 {
		t.Fatalf("%s did not end in time; it wrote %q %q", g.name, r.stdout, r.stderr)
	}
	return r
}

// start starts the guest; end waits for it.
func (g guestRun) start(t testing.TB) (p *runtime.Process, end func() result) {
	t.Helper()
	exe, err := os.Open(filepath.Join(guests, "bin", g.name))
	if err != nil {
		t.Fatal(err)
	}
	info, err := exe.Stat()
	if err != nil {
		t.Fatal(err)
	}
	conf := g.config(t)
	data, err := argdata.Encode(conf.Value)
	if err != nil {
		t.Fatal(err)
	}
	out, outText := collect(t)
	errw, errText := collect(t)
	host := []*os.File{os.Stdin, out, errw}
	var fds []int
	for _, gr := range conf.Grants {
		switch gr.Kind {
		case argdata.GrantHostFD:
			fds = append(fds, int(host[gr.HostFD].Fd()))
		case argdata.GrantExecutable:
			fds = append(fds, int(exe.Fd()))
		default:
			t.Fatalf("%v: no such descriptor in tests", gr.Pos)
		}
	}
	c := runtime.Config{
		Executable: exe, Size: info.Size(), Name: g.name, ArgData: data, FDs: fds, TLS: g.tls, Trace: g.trace,
	}
	if g.watch != nil {
		g.watch(&c)
	}
	p, err = runtime.Start(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	out.Close()
	errw.Close()
	return p, func() result {
		r := result{exit: p.Wait(), stats: p.Stats()}
		if err := errors.Join(p.TraceErr(), p.CodeLogErr(), p.ProfileErr(), p.PerfMapErr(), p.CoverageErr(), p.CountsErr()); err != nil {
			t.Error(err)
		}
		exe.Close() // reports read symbols from it
		r.stdout, r.stderr = outText(), errText()
		return r
	}
}

// tempDir is a directory that is removed with the files in it. Wine lacks what os.RemoveAll, and
// so t.TempDir, removes them with.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "cabitrans")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		list, err := filepath.Glob(filepath.Join(dir, "*"))
		for _, f := range append(list, dir) {
			err = errors.Join(err, os.Remove(f))
		}
		if err != nil {
			t.Error(err)
		}
	})
	return dir
}

// config reads the guest's YAML file and applies the test's arguments.
func (g guestRun) config(t testing.TB) *argdata.Config {
	t.Helper()
	path := filepath.Join(guests, g.name+".yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	conf, err := argdata.ParseYAML(bytes.NewReader(text), path)
	if err != nil {
		t.Fatal(err)
	}
	m := conf.Value.(argdata.Map)
	for _, a := range g.args {
		for i, e := range m {
			if e.Key == a.Key {
				m[i].Value = a.Value
				a.Key = nil
				break
			}
		}
		if a.Key != nil {
			m = append(m, a)
		}
	}
	conf.Value = m
	return conf
}

// text and number make arguments.
func text(key, v string) argdata.Entry {
	return argdata.Entry{Key: argdata.String(key), Value: argdata.String(v)}
}

func number(key string, v int) argdata.Entry {
	return argdata.Entry{Key: argdata.String(key), Value: argdata.Int(int64(v))}
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
		var b strings.Builder
		_, _ = io.Copy(&b, r)
		r.Close()
		done <- b.String()
	}()
	return w, func() string { return <-done }
}

// expect fails the test unless the guest ended with the given status.
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
