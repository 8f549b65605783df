package runtime_test

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	goruntime "runtime"
	"strings"
	"testing"

	"cabitrans/internal/golden"
	"cabitrans/internal/testdir"
	"cabitrans/runtime"
	"cabitrans/runtime/strace"
)

// traced runs a guest and returns the lines that its calls were written down as.
func traced(t *testing.T, g guestRun, o strace.Options) []string {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(testdir.New(t), "trace"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	g.trace = &runtime.Trace{TraceOptions: o, To: f}
	g.run(t).expect(t, 0)
	if _, err := f.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for sc := bufio.NewScanner(f); sc.Scan(); {
		lines = append(lines, sc.Text())
	}
	return lines
}

// Numbers of a trace that differ from run to run: threads, and what identifies a
// file and when it was touched.
var traceNumbers = regexp.MustCompile(`^\d+|(st_(?:dev|ino|size|nlink|[amc]tim)=)\d+`)

// TestTraceGolden writes down the calls of programs with one thread.
func TestTraceGolden(t *testing.T) {
	for _, name := range []string{"hello", "hello-v0", "fds"} {
		f, err := strace.ParseFilter("!random_get,clock_time_get")
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, l := range traced(t, guestRun{name: name}, strace.Options{Filter: f}) {
			if strings.HasSuffix(l, "], 1048576) = -1 EINVAL") {
				continue // more buffers than the program has filled in
			}
			b.WriteString(traceNumbers.ReplaceAllString(l, "${1}N") + "\n")
		}
		golden.Check(t, filepath.Join("testdata", "strace", name+".txt"), b.String())
	}
}

// TestTraceThreads takes a trace of several threads and processes apart: each line
// is whole, and each call that was cut off goes on.
func TestTraceThreads(t *testing.T) {
	line := regexp.MustCompile(`^(\d+) (?:\d\d:\d\d:\d\d\.\d{6} )(?:<\.\.\. (\w+) resumed>|(\w+)\().*?( = .*| <unfinished \.\.\.>)$`)
	programs := []string{"threads", "fork", "exec-v0"}
	if goruntime.GOOS == "windows" {
		programs = programs[:1] // the others fork often, which takes a minute there
	}
	for _, name := range programs {
		open, calls := make(map[string]string), 0
		for _, l := range traced(t, guestRun{name: name}, strace.Options{Times: true}) {
			m := line.FindStringSubmatch(l)
			if m == nil {
				t.Fatalf("%s: a line is %q", name, l)
			}
			tid, resumed, call, cut := m[1], m[2], m[3], m[4] == " <unfinished ...>"
			if resumed != open[tid] {
				t.Fatalf("%s: thread %s was in %q: %q", name, tid, open[tid], l)
			}
			delete(open, tid)
			if cut {
				open[tid] = call + resumed
			} else {
				calls++
			}
		}
		if calls < 50 {
			t.Errorf("%s: %d calls", name, calls)
		}
	}
}

// TestTraceSummary counts the calls of a program.
func TestTraceSummary(t *testing.T) {
	lines := traced(t, guestRun{name: "hello"}, strace.Options{Summary: true})
	row := regexp.MustCompile(`^ *\d+\.\d\d +\d+\.\d{6} +\d+ +(\d+) +(\d*) *(\w+)$`)
	got := make(map[string]string)
	for _, l := range lines[2:] {
		if m := row.FindStringSubmatch(l); m != nil {
			got[m[3]] = m[1]
		}
	}
	if got["fd_write"] != "2" || got["proc_exit"] != "1" || got["total"] != "4" {
		t.Errorf("the summary is %q", lines)
	}
}
