package runtime_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	goruntime "runtime"
	"strings"
	"testing"

	"cabitrans/argdata"
	"cabitrans/runtime"
	"cabitrans/runtime/coverage"
	"cabitrans/runtime/loader"
)

// covered is a drcov file, read back: the bytes of each module that were executed, by link-time address if it is loaded
// at its lowest.
type covered struct {
	paths []string
	bytes []map[uint64]bool
}

// readDRCov reads a file as the tools do that it is for: the header's lines, then the table's rows.
func readDRCov(t *testing.T, r io.Reader) covered {
	t.Helper()
	b := bufio.NewReader(r)
	line := func(format string, args ...any) {
		t.Helper()
		s, err := b.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if n, err := fmt.Sscanf(s, format, args...); err != nil || n != len(args) {
			t.Fatalf("line %q is not %q: %v", s, format, err)
		}
	}
	var c covered
	var modules, blocks int
	line("DRCOV VERSION: 2\n")
	line("DRCOV FLAVOR: drcov\n")
	line("Module Table: version 2, count %d\n", &modules)
	line("Columns: id, base, end, entry, path\n")
	for i := range modules {
		var id int
		var base, end, entry uint64
		var path string
		row, err := b.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Sscanf(row, "%d, 0x%x, 0x%x, 0x%x,", &id, &base, &end, &entry); err != nil {
			t.Fatalf("module %q: %v", row, err)
		}
		path = strings.TrimSuffix(strings.SplitN(row, ", ", 5)[4], "\n")
		if id != i || base >= end || entry != 0 && (entry < base || entry >= end) {
			t.Errorf("module %d: %d, %#x to %#x, %#x", i, id, base, end, entry)
		}
		c.paths, c.bytes = append(c.paths, path), append(c.bytes, make(map[uint64]bool))
	}
	line("BB Table: %d bbs\n", &blocks)
	for range blocks {
		var row struct {
			Offset       uint32
			Size, Module uint16
		}
		if err := binary.Read(b, binary.LittleEndian, &row); err != nil {
			t.Fatal(err)
		}
		for i := range uint64(row.Size) {
			c.bytes[row.Module][uint64(row.Offset)+i] = true
		}
	}
	if _, err := b.ReadByte(); err != io.EOF {
		t.Errorf("something follows the table: %v", err)
	}
	return c
}

// functionsOf are the functions of a guest.
func functionsOf(t *testing.T, name string) (list []loader.Symbol) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(guests, "bin", name))
	if err != nil {
		t.Fatal(err)
	}
	syms, err := loader.Symbols(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for s := range syms.All {
		if s.Func {
			list = append(list, s)
		}
	}
	return list
}

// share is how many bytes of a function were executed, of how many.
func (c covered) share(t *testing.T, guest, function string) (n, of uint64) {
	t.Helper()
	for _, s := range functionsOf(t, guest) {
		if s.Name == function {
			for i := range s.Size {
				if c.bytes[0][s.Addr+i] {
					n++
				}
			}
			return n, s.Size
		}
	}
	t.Fatalf("%s has no function %s", guest, function)
	return 0, 0
}

// TestCoverage compares coverage with what is known of a program: functions that run wholly, partly, and never.
func TestCoverage(t *testing.T) {
	for _, tls := range runtime.TLSStrategies() {
		for _, count := range []bool{false, true} {
			var b bytes.Buffer
			g := guestRun{name: "trail", tls: tls, args: argdata.Map{number("n", 3), number("threads", 3)}}
			g.watch = func(c *runtime.Config) {
				c.Coverage = &runtime.Coverage{To: &b}
				if count {
					c.Counts = &runtime.Counts{To: io.Discard, Kinds: coverage.Indirect}
				}
			}
			g.run(t).expect(t, 0)
			c := readDRCov(t, &b)
			if len(c.paths) != 1 || !strings.HasSuffix(filepath.ToSlash(c.paths[0]), "/guests/bin/trail") {
				t.Errorf("modules %q", c.paths)
			}
			for _, f := range []string{"trail_loop", "trail_even", "trail_odd", "trail_choose", "trail_rare"} {
				if n, of := c.share(t, "trail", f); n != of {
					t.Errorf("%s, %v: %d of %d bytes of %s", tls, count, n, of, f)
				}
			}
			for _, f := range []string{"trail_never", "trail_outer", "trail_middle", "trail_inner", "proc_spawn"} {
				if n, _ := c.share(t, "trail", f); n != 0 {
					t.Errorf("%s, %v: %d bytes of %s", tls, count, n, f)
				}
			}
			if n, of := c.share(t, "trail", "guest_main"); n == 0 || n == of {
				t.Errorf("%s, %v: %d of %d bytes of guest_main", tls, count, n, of)
			}
		}
	}
}

// TestCoverageOfFault: what was executed before a fault is written, and no more.
func TestCoverageOfFault(t *testing.T) {
	var b, counts bytes.Buffer
	g := guestRun{name: "trail", args: argdata.Map{text("how", "fault")}}
	g.watch = func(c *runtime.Config) {
		c.Coverage = &runtime.Coverage{To: &b}
		c.Counts = &runtime.Counts{To: &counts, Kinds: coverage.Insns, All: true}
	}
	if r := g.run(t); r.exit.Fault == nil {
		t.Fatalf("no fault: %+v", r.exit)
	}
	c := readDRCov(t, &b)
	for _, f := range []string{"trail_outer", "trail_middle", "trail_inner"} {
		if n, of := c.share(t, "trail", f); n == 0 || n == of {
			t.Errorf("%d of %d bytes of %s", n, of, f)
		}
	}
	// The load that faults is the third instruction of trail_inner.
	if n := countOf(t, counts.String(), "trail_inner"); n != 2 {
		t.Errorf("%d instructions of trail_inner:\n%s", n, &counts)
	}
}

// countOf is the number in a row of counts.
func countOf(t *testing.T, counts, what string) int {
	t.Helper()
	m := regexp.MustCompile(`(?m)^ +(\d+)  (?:.* )?` + regexp.QuoteMeta(what) + `$`).FindStringSubmatch(counts)
	if m == nil {
		t.Errorf("nothing of %s in\n%s", what, counts)
		return -1
	}
	n := 0
	fmt.Sscan(m[1], &n)
	return n
}

// TestCounts compares counts with those that the guest's source gives, over all threads, while a profile kicks them out
// of whatever they are at.
func TestCounts(t *testing.T) {
	const n, threads = 3000, 4
	for _, tls := range runtime.TLSStrategies() {
		for _, kicks := range []bool{false, goruntime.GOOS == "linux"} { // where there is a profile
			var b bytes.Buffer
			g := guestRun{name: "trail", tls: tls, args: argdata.Map{number("n", n), number("threads", threads)}}
			g.watch = func(c *runtime.Config) {
				c.Counts = &runtime.Counts{To: &b, All: true,
					Kinds: coverage.Blocks | coverage.Insns | coverage.Indirect | coverage.Opcodes}
				if kicks {
					c.Profile = &runtime.Profile{To: io.Discard, Hz: runtime.MaxProfileHz}
				}
			}
			g.run(t).expect(t, 0)
			for _, c := range []struct {
				what string
				want int
			}{
				{"trail_loop", threads * (3*n + 5)}, // instructions
				{"trail_even", threads * n / 2 * 3},
				{"trail_odd", threads * n / 2 * 3},
				{"trail_choose", threads * n * 9},
				{"trail_choose+0x11: call *%rax", threads * n},
			} {
				if got := countOf(t, b.String(), c.what); got != c.want {
					t.Errorf("%s, kicks %v: %s: %d, want %d\n%s", tls, kicks, c.what, got, c.want, &b)
				}
			}
		}
	}
}

// TestCoverageFork: a forked process writes files of its own.
func TestCoverageFork(t *testing.T) {
	dir := tempDir(t)
	g := guestRun{name: "trail", args: argdata.Map{text("how", "fork")}}
	g.watch = func(c *runtime.Config) {
		c.Coverage = &runtime.Coverage{To: io.Discard, Forked: filepath.Join(dir, "drcov")}
		c.Counts = &runtime.Counts{To: io.Discard, Kinds: coverage.Insns, Forked: filepath.Join(dir, "counts")}
	}
	g.run(t).expect(t, 0)
	files, err := filepath.Glob(filepath.Join(dir, "*.*"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%v, %v", files, err)
	}
	counts, err := os.ReadFile(files[0])
	if n := countOf(t, string(counts), "trail_loop"); n != 305 || err != nil {
		t.Errorf("%d instructions of trail_loop, %v", n, err)
	}
	f, err := os.Open(files[1])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if n, of := readDRCov(t, f).share(t, "trail", "trail_choose"); n != of {
		t.Errorf("%d of %d bytes of trail_choose", n, of)
	}
}

// TestCoverageExec: what a process becomes is in the same file.
func TestCoverageExec(t *testing.T) {
	var b bytes.Buffer
	g := guestRun{name: "exec"}
	g.watch = func(c *runtime.Config) { c.Coverage = &runtime.Coverage{To: &b} }
	g.run(t).expect(t, 0)
	c := readDRCov(t, &b)
	if n, _ := c.share(t, "exec", "guest_main"); n == 0 || !strings.HasSuffix(filepath.ToSlash(c.paths[0]), "/guests/bin/exec") {
		t.Errorf("%d bytes of guest_main, modules %q", n, c.paths)
	}
}

// TestCoverageLines compares lcov's form with the source.
func TestCoverageLines(t *testing.T) {
	source, err := os.ReadFile(filepath.Join(guests, "prog", "trail.c"))
	if err != nil {
		t.Fatal(err)
	}
	lineOf := func(text string) string {
		i := bytes.Index(source, []byte(text))
		if i < 0 {
			t.Fatalf("the source has no %q", text)
		}
		return fmt.Sprint(bytes.Count(source[:i], []byte("\n")) + 1)
	}
	var b bytes.Buffer
	g := guestRun{name: "trail", args: argdata.Map{number("n", 50), number("threads", 2)}}
	g.watch = func(c *runtime.Config) { c.Coverage = &runtime.Coverage{To: &b, Lines: true} }
	g.run(t).expect(t, 0)
	for _, want := range []string{
		"SF:prog/trail.c",
		"FN:" + lineOf("TRAIL u64 trail_even") + ",trail_even", "FNDA:50,trail_even", "FNDA:100,trail_choose",
		"FNDA:0,trail_never", "FNDA:0,trail_inner",
		"DA:" + lineOf("return choices") + ",100",
		"DA:" + lineOf("sink = sink + i;") + ",10",
		"DA:" + lineOf("sink = 1;") + ",0",
		"end_of_record",
	} {
		if !strings.Contains("\n"+b.String(), "\n"+want+"\n") {
			t.Errorf("no line %q in\n%s", want, &b)
		}
	}
}

// TestCoverageRefuses: coverage by lines of a program that has none is an error of the launch, and what cannot be
// written one of the end.
func TestCoverageRefuses(t *testing.T) {
	_, err := start(codeAt(exit0...), runtime.Config{Coverage: &runtime.Coverage{To: io.Discard, Lines: true}})
	if !errors.Is(err, coverage.ErrNoLines) {
		t.Errorf("lines of a program without: %v", err)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("needs /dev/full: ", err)
	}
	p, err := start(codeAt(exit0...), runtime.Config{
		Coverage: &runtime.Coverage{To: full}, Counts: &runtime.Counts{To: full, Kinds: coverage.Insns},
	})
	if err != nil {
		t.Fatal(err)
	}
	if e := p.Wait(); e.Status() != 0 {
		t.Errorf("ended with %+v", e)
	}
	for what, err := range map[string]error{"coverage": p.CoverageErr(), "counts": p.CountsErr()} {
		verb := map[string]string{"coverage": "coverage", "counts": "counts"}[what]
		if want := "the " + verb + " cannot be written: " + fullError(full); fmt.Sprint(err) != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
