package calltest

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"testing"
	"time"

	"cabitrans/internal/effort"
	"cabitrans/runtime"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// TestRandomCalls makes random calls with random arguments, from several threads.
// Nothing of the host may be lost or touched by them but what was granted.
func TestRandomCalls(t *testing.T) {
	d := 2 * time.Second
	if testing.Short() {
		d = 200 * time.Millisecond
	}
	d = effort.For(t, d)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	w := newWorld(t)
	var before holdings
	runs, until := 0, time.Now().Add(d)
	for ; time.Now().Before(until) && !t.Failed(); runs++ {
		data := make([]byte, 200+r.IntN(4000))
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		w.run(t, data, time.Duration(5+r.IntN(100))*time.Millisecond)
		if runs == 1 { // what the first one makes once and for all is there
			before = held()
		}
	}
	if runs > 2 {
		before.compare(t)
	}
	t.Logf("%d runs, by exit status: %v; calls: %v", runs, w.ends, w.calls)
}

// FuzzCalls is TestRandomCalls for a fuzzer, whose input is the script.
func FuzzCalls(f *testing.F) {
	f.Add([]byte("0123456789abcdef0123456789abcdef"))
	r := rand.New(rand.NewPCG(1, 2))
	for range 4 {
		b := make([]byte, 500)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<14 {
			t.Skip("too long")
		}
		newWorld(t).run(t, data, 20*time.Millisecond)
	})
}

// A world is a directory: outside/ in it must stay as it is, granted/ is new in
// every run.
type world struct {
	dir   string
	want  string
	paths []string

	calls map[string]uint64 // made so far
	ends  map[int]int       // runs by exit status
}

func newWorld(t *testing.T) *world {
	w := &world{dir: t.TempDir(), calls: make(map[string]uint64), ends: make(map[int]int)}
	out := filepath.Join(w.dir, "outside")
	must(t, os.MkdirAll(filepath.Join(out, "dir"), 0o755))
	must(t, os.WriteFile(filepath.Join(out, "secret"), []byte("secret"), 0o644))
	must(t, os.WriteFile(filepath.Join(out, "dir", "other"), []byte("other"), 0o600))
	must(t, os.Symlink("secret", filepath.Join(out, "link")))
	w.want = tree(t, out)
	w.paths = fuzzPaths(out)
	return w
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// tree describes everything below a directory, times included.
func tree(t testing.TB, dir string) string {
	var b strings.Builder
	must(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s %v %d %v", path, info.Mode(), info.Size(), info.ModTime())
		if info.Mode().IsRegular() {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %q", content)
		}
		b.WriteByte('\n')
		return nil
	}))
	return b.String()
}

// grant makes the directory that the guest gets.
func (w *world) grant(t testing.TB) (dir string, grants []Grant) {
	dir = filepath.Join(w.dir, "granted")
	must(t, os.RemoveAll(dir))
	must(t, os.MkdirAll(filepath.Join(dir, "d"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "f"), []byte("content"), 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "d", "g"), []byte("more"), 0o644))
	for name, to := range map[string]string{"l": "f", "dangling": "none", "out": "../outside",
		"abs": filepath.Join(w.dir, "outside"), "up": ".."} {
		must(t, os.Symlink(to, filepath.Join(dir, name)))
	}
	return dir, []Grant{Path(dir, os.O_RDONLY), Path(filepath.Join(dir, "f"), os.O_RDWR), Pipe(),
		Path("/dev/zero", os.O_RDONLY), Path("/dev/null", os.O_RDWR)}
}

// run makes the calls that data says in one process, for a while.
func (w *world) run(t *testing.T, data []byte, while time.Duration) {
	g := &generator{data: data, paths: w.paths}
	if g.oneIn(8) {
		g.forks = 1
	}
	tt := Test{Name: "random calls"}
	_, tt.Grants = w.grant(t)
	tt.Steps = []Step{
		Call(abi.CallFDCreate2, abi.FiletypeSocketStream).Is(FD(6), FD(7)),
		Call(abi.CallFDCreate2, abi.FiletypeSocketDgram).Is(FD(8), FD(9)),
		Call(abi.CallFDCreate1, abi.FiletypePoll).Is(FD(10)),
		Call(abi.CallFDCreate1, abi.FiletypeSharedMemory).Is(FD(11)),
		Call(abi.CallFDCreate1, abi.FiletypeSocketStream).Is(FD(12)),
		Call(abi.CallSockBind, FD(12), FD(0), "s"),
		Call(abi.CallSockListen, FD(12), 4),
	}
	threads := g.pick(4)
	per := len(data)/(10*(threads+1)) + 1
	for k := range threads {
		tt.Steps = append(tt.Steps, Thread(k, Repeat(OwnVar+8, uint64(1+g.pick(100)), Group(g.steps(per)...))))
	}
	tt.Steps = append(tt.Steps, Repeat(OwnVar+8, uint64(1+g.pick(100)), Group(g.steps(per)...)))
	j := newJob(&tt, false)
	var fds []*os.File
	for _, gr := range tt.Grants {
		fds = append(fds, gr(t)...)
	}
	words := append([]uint64{1, 0, uint64(len(j.script.words)), ownFDs, uint64(len(fds))}, j.script.words...)
	e := executeFor(t, words, fds, while, runtime.Limits{})
	for name, n := range e.calls {
		w.calls[name] += n
	}
	w.ends[e.exit.Status()]++
	// Only without its thread-local storage the program faults.
	if f := e.exit.Fault; f != nil && e.calls[abi.CallThreadTcbSet.String()] == 0 {
		t.Errorf("%s\nscript %q", f.Report(), data)
	}
	if e.hung.Load() {
		t.Errorf("%v\nscript %q", e, data)
	}
	for i := range e.records {
		if e.records[i].kind == recordFail {
			t.Errorf("%s\nscript %q", explain(j.script, &e.records[i]), data)
		}
	}
	if got := tree(t, filepath.Join(w.dir, "outside")); got != w.want {
		t.Errorf("outside of what was granted there is\n%s\nbefore there was\n%s\nscript %q", got, w.want, data)
	}
}

// holdings is what this process has of the host.
type holdings struct{ fds, threads, goroutines, mappings, children int }

func held() holdings {
	goruntime.GC()
	count := func(dir string) int {
		e, _ := os.ReadDir(dir)
		return len(e)
	}
	maps, _ := os.ReadFile("/proc/self/maps")
	children := 0
	tasks, _ := filepath.Glob("/proc/self/task/*/children")
	for _, path := range tasks {
		list, _ := os.ReadFile(path)
		children += len(strings.Fields(string(list)))
	}
	return holdings{count("/proc/self/fd"), count("/proc/self/task"), goruntime.NumGoroutine(),
		strings.Count(string(maps), "\n"), children}
}

// compare waits for things to settle: what has been closed may go a little later.
func (b holdings) compare(t *testing.T) {
	t.Helper()
	var now holdings
	for range 200 {
		now = held()
		// Go keeps threads for later, package host some, each with a goroutine; and Go
		// maps heap as it likes.
		if now.fds <= b.fds && now.children == 0 && now.goroutines <= b.goroutines+host.KeepWorkers &&
			now.threads <= b.threads+32 && now.mappings <= b.mappings+200 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("the host's things after the calls: %+v, before: %+v", now, b)
	links := ""
	e, _ := os.ReadDir("/proc/self/fd")
	for _, f := range e {
		to, _ := os.Readlink("/proc/self/fd/" + f.Name())
		links += to + "\n"
	}
	stacks := make([]byte, 1<<16)
	t.Logf("descriptors:\n%s\n%s", links, stacks[:goruntime.Stack(stacks, true)])
}
