package runtime_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"cabitrans/argdata"
	"cabitrans/internal/golden"
	"cabitrans/runtime"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/codelog"
)

// logged runs a guest and returns its log of translations.
func logged(t *testing.T, g guestRun, items, filter string) string {
	t.Helper()
	var b bytes.Buffer
	g.watch = func(c *runtime.Config) { c.CodeLog = codeLog(t, items, filter); c.CodeLog.To = &b }
	r := g.run(t)
	r.expect(t, 0)
	return b.String()
}

func codeLog(t *testing.T, items, filter string) *runtime.CodeLog {
	t.Helper()
	c := new(runtime.CodeLog)
	var err error
	if c.Items, err = runtime.ParseCodeLogItems(items); err == nil && filter != "" {
		c.Filter, err = runtime.ParseCodeLogFilter(filter)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestCodeLog compares logs of what a program of one thread translates, which are the same in every run and on every
// host but for host addresses.
func TestCodeLog(t *testing.T) {
	const some = "trail_loop,trail_choose,trail_even"
	for _, c := range []struct{ name, items, filter string }{
		{"in_asm", "in_asm", some},
		{"blocks", "blocks", "trail_loop..guest_main,_start"},
		{"links", "links", "trail_loop..guest_main"},
		{"all", "in_asm,blocks,links", some},
	} {
		got := logged(t, guestRun{name: "trail"}, c.items, c.filter)
		golden.Check(t, filepath.Join("testdata", "codelog", c.name+".txt"), got)
	}
}

// TestCodeLogOut: translations are the same text with and without the guest's side, which is what in_asm alone writes,
// under every strategy.
func TestCodeLogOut(t *testing.T) {
	for _, tls := range runtime.TLSStrategies() {
		g := guestRun{name: "trail", tls: tls}
		in := logged(t, g, "in_asm", "")
		out := logged(t, g, "out_asm", "")
		var left, right strings.Builder
		line := regexp.MustCompile(`^.(.*?) \| (.*)$`)
		for l := range strings.Lines(logged(t, g, "in_asm,out_asm", "")) {
			m := line.FindStringSubmatch(strings.TrimSuffix(l, "\n"))
			if m == nil && strings.HasPrefix(l, "6") { // of a system call, which has no guest's side
				right.WriteString(l)
				continue
			}
			if m == nil {
				left.WriteString(strings.Split(strings.TrimSuffix(l, "\n"), " of guest")[0] + "\n")
				right.WriteString(l)
				continue
			}
			if s := strings.TrimRight(m[1], " "); s != "" && !strings.Contains(s, "  (w") {
				left.WriteString(" " + s + "\n")
			}
			if !strings.Contains(m[2], "(left out)") {
				right.WriteString(m[2] + "\n")
			}
		}
		in = strings.ReplaceAll(in, " of guest\n", "\n")
		if n, a, b := firstDifference(in, left.String()); n > 0 {
			t.Errorf("%s: in_asm differs in line %d: %q, %q", tls, n, a, b)
		}
		if n, a, b := firstDifference(out, right.String()); n > 0 {
			t.Errorf("%s: out_asm differs in line %d: %q, %q", tls, n, a, b)
		}
	}
}

func firstDifference(a, b string) (n int, la, lb string) {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range max(len(x), len(y)) {
		if i >= len(x) || i >= len(y) {
			return i + 1, "", ""
		}
		if strings.TrimRight(x[i], " ") != strings.TrimRight(y[i], " ") {
			return i + 1, x[i], y[i]
		}
	}
	return 0, "", ""
}

// TestCodeLogDrops: code that changes takes all translations with it, which the log says as often as the counts.
func TestCodeLogDrops(t *testing.T) {
	var b bytes.Buffer
	g := guestRun{name: "jit", args: argdata.Map{number("patches", 20)}}
	g.watch = func(c *runtime.Config) { c.CodeLog = codeLog(t, "links", "0x20000+1"); c.CodeLog.To = &b }
	r := g.run(t)
	n := strings.Count(b.String(), "unlink: all translations and links are dropped: code that was translated changes\n")
	if n == 0 || uint64(strings.Count(b.String(), "unlink: ")) != r.stats.Flushes {
		t.Errorf("%d of %d drops are of changed code, by the log; %d by the counts", n,
			strings.Count(b.String(), "unlink: "), r.stats.Flushes)
	}
}

// TestCodeLogFork: a forked process writes a log of its own.
func TestCodeLogFork(t *testing.T) {
	dir := tempDir(t)
	var b bytes.Buffer
	g := guestRun{name: "trail", args: argdata.Map{text("how", "fork")}}
	g.watch = func(c *runtime.Config) {
		c.CodeLog = codeLog(t, "blocks", "trail_loop")
		c.CodeLog.To, c.CodeLog.Forked = &b, filepath.Join(dir, "log")
	}
	g.run(t).expect(t, 0)
	files, err := filepath.Glob(filepath.Join(dir, "log.*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	child, err := os.ReadFile(files[0])
	block := regexp.MustCompile(`(?m)^block .* <trail_loop>: 3 instructions, .*$`)
	if err != nil || block.FindString(b.String()) == "" || block.FindString(b.String()) != block.FindString(string(child)) {
		t.Errorf("the parent wrote %q, the child %q, %v", b.String(), child, err)
	}
}

// TestCodeLogRefuses: a filter with a name that the program lacks is an error of the launch, and a log that cannot be
// written one of the end, which leaves the program alone.
func TestCodeLogRefuses(t *testing.T) {
	_, err := start(codeAt(exit0...), runtime.Config{CodeLog: codeLog(t, "blocks", "main")})
	if !errors.Is(err, codelog.ErrFilter) {
		t.Errorf("a name of a program without symbols: %v", err)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("needs /dev/full: ", err)
	}
	c := codeLog(t, "blocks", "")
	c.To = full
	p, err := start(codeAt(exit0...), runtime.Config{CodeLog: c})
	if err != nil {
		t.Fatal(err)
	}
	if e := p.Wait(); e.Status() != 0 {
		t.Errorf("ended with %+v", e)
	}
	want := "translations cannot be written down: " + fullError(full)
	if err := p.CodeLogErr(); fmt.Sprint(err) != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// fullError is what a write to a full device says: the words are the system's.
func fullError(full *os.File) string {
	_, err := full.Write([]byte{0})
	return fmt.Sprint(err)
}

// exit0 ends the process with exit code 0.
var exit0 = []byte{0x31, 0xff, 0xb8, byte(abi.CallProcExit.Info().Num2016), 0, 0, 0, 0x0f, 0x05}
