package runtime_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"cabitrans/argdata"
	"cabitrans/runtime"
	"cabitrans/runtime/abi"
)

// TestProfileUnwinds: stacks of functions without frame pointers are whole, down to the start of the program, which has
// frame pointers only.
func TestProfileUnwinds(t *testing.T) {
	g := guestRun{name: "trail", args: argdata.Map{number("n", 500), text("how", "deep")}}
	p, r := profiled(t, g, runtime.MaxProfileHz)
	r.expect(t, 0)
	var inner, whole time.Duration
	for _, s := range p.Sample {
		names := stack(s) + " "
		if strings.Contains(names, " trail_inner ") {
			inner += time.Duration(s.Value[1])
		}
		if strings.Contains(names, " trail_inner trail_middle trail_outer guest_main _start ") {
			whole += time.Duration(s.Value[1])
		}
	}
	if inner < 20*time.Millisecond || whole < inner*9/10 {
		t.Errorf("%v in trail_inner, %v with all its callers", inner, whole)
	}
}

// TestProfileFork: a forked process has a profile of its own.
func TestProfileFork(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pprof")
	var b bytes.Buffer
	g := guestRun{name: "trail", args: argdata.Map{number("n", 5000000), text("how", "fork")}}
	g.watch = func(c *runtime.Config) { c.Profile = &runtime.Profile{To: &b, Hz: runtime.MaxProfileHz, Forked: path} }
	g.run(t).expect(t, 0)
	files, err := filepath.Glob(path + ".*")
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	child, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	p, err := profile.ParseData(child)
	if err != nil {
		t.Fatal(err)
	}
	if cpu(p, "child") == 0 || len(p.Mapping) == 0 || !strings.HasSuffix(p.Mapping[0].File, "/trail") {
		t.Errorf("%v in child, mappings %v", cpu(p, "child"), p.Mapping)
	}
}

// TestReportUnwinds: the report of a fault has the callers of functions without frame pointers.
func TestReportUnwinds(t *testing.T) {
	r := guestRun{name: "trail", args: argdata.Map{text("how", "fault")}}.run(t)
	f := r.exit.Fault
	if f == nil || f.Signal != abi.SIGSEGV {
		t.Fatalf("ended with %+v", r.exit)
	}
	var names []string
	for _, l := range f.Backtrace {
		names = append(names, l.Symbol)
	}
	if got, want := strings.Join(names, " "), "trail_middle trail_outer guest_main _start"; got != want {
		t.Errorf("called from %s, want %s", got, want)
	}
	if want := "\n  called from, by unwind tables and frame pointers:\n"; !strings.Contains(f.Report(), want) &&
		!strings.Contains(f.Report(), "\n  called from, by unwind tables:\n") {
		t.Errorf("no %q in\n%s", want, f.Report())
	}
}
