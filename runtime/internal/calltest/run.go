package calltest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	goruntime "runtime"
	"sync/atomic"
	"testing"
	"time"

	"cabitrans/argdata"
	"cabitrans/internal/testdir"
	"cabitrans/runtime"
)

// A Test is one case.
type Test struct {
	Name   string
	Grants []Grant
	Limits runtime.Limits // of the program; what it takes before the case counts: firstFD descriptors
	Steps  []Step
	// After, if set, looks at what the test has left behind on the host.
	After func(t testing.TB)
}

// T makes a test of grants (Grant, in the order of their descriptors) and steps.
func T(name string, parts ...any) Test {
	tt := Test{Name: name}
	for _, p := range parts {
		switch p := p.(type) {
		case Grant:
			tt.Grants = append(tt.Grants, p)
		case Step:
			tt.Steps = append(tt.Steps, p)
		case runtime.Limits:
			tt.Limits = p
		case []Step:
			tt.Steps = append(tt.Steps, p...)
		case func(testing.TB):
			tt.After = p
		default:
			panic(fmt.Sprintf("calltest: %s: %T is no part of a test", name, p))
		}
	}
	return tt
}

// stuck is how long a test may take.
const stuck = 30 * time.Second

// Run runs tests through the vDSO and then by raw calls, each as a subtest.
func Run(t *testing.T, tests []Test) {
	t.Helper()
	for _, raw := range []bool{false, true} {
		name := map[bool]string{false: "vdso", true: "raw"}[raw]
		t.Run(name, func(t *testing.T) {
			var jobs []*job
			for i := range tests {
				if j := newJob(&tests[i], raw); raw || j.script.vdso || !anyCall(tests[i].Steps) {
					jobs = append(jobs, j)
				}
			}
			runAll(t, jobs)
			for _, j := range jobs {
				t.Run(j.test.Name, func(t *testing.T) {
					if j.failure != "" {
						t.Error(j.failure)
					} else if j.test.After != nil {
						j.test.After(t)
					}
				})
			}
		})
	}
}

// anyCall tells whether there is a call that has a form through the vDSO.
func anyCall(steps []Step) bool {
	for _, s := range steps {
		if c, ok := s.(*CallStep); ok && c.form == formVDSO {
			return true
		}
	}
	return false
}

// A job is a test in one form, and how it ended.
type job struct {
	test    *Test
	script  *script
	failure string
}

func newJob(tt *Test, raw bool) *job {
	s := &script{raw: raw, data: dataStart}
	s.steps(tt.Steps)
	return &job{test: tt, script: s}
}

// runAll runs jobs in as few starts of the program as it takes.
func runAll(t testing.TB, jobs []*job) {
	for len(jobs) > 0 {
		jobs = jobs[runSome(t, jobs):]
	}
}

// runSome runs the first jobs, and returns how many have come to an end.
func runSome(t testing.TB, jobs []*job) int {
	const maxWords = 400_000
	var fds []*os.File
	defer func() {
		for _, f := range fds {
			f.Close()
		}
	}()
	words := []uint64{0}
	n := 0
	limits := jobs[0].test.Limits
	for ; n < len(jobs) && len(words) < maxWords && jobs[n].test.Limits == limits; n++ {
		j := jobs[n]
		first := len(fds)
		for _, g := range j.test.Grants {
			fds = append(fds, g(t)...)
		}
		words = append(words, uint64(n), uint64(len(j.script.words)), uint64(ownFDs+first), uint64(len(fds)-first))
		words = append(words, j.script.words...)
		if len(fds) > maxGrants {
			n++
			break
		}
	}
	words[0] = uint64(n)
	e := executeFor(t, words, fds, 0, limits)
	return e.apply(jobs[:n])
}

// A record is what the program says about a case.
type record struct {
	kind, id     uint32
	thread, step uint64
	a, b, c      uint64
}

// An ending is one run of the program.
type ending struct {
	records []record
	exit    runtime.Exit
	hung    atomic.Bool
	stderr  string
	calls   map[string]uint64 // made, by name
}

// apply tells each job how it ended, and returns how many have.
func (e *ending) apply(jobs []*job) int {
	last, done := -1, false
	for i := range e.records {
		r := &e.records[i]
		switch r.kind {
		case recordBegin:
			last = int(r.id)
		case recordFail:
			if j := jobs[r.id]; j.failure == "" {
				j.failure = explain(j.script, r)
			}
		case recordDone:
			done = true
		}
	}
	if done {
		return len(jobs)
	}
	if last < 0 {
		last = 0 // it has not even begun
	}
	if j := jobs[last]; j.failure == "" {
		j.failure = e.String()
	}
	return last + 1
}

// String says how the program ended that should have gone on.
func (e *ending) String() string {
	switch {
	case e.hung.Load():
		return fmt.Sprintf("it did not end within %v: %s", stuck, e.stderr)
	case e.exit.Fault != nil:
		return "the guest faulted:\n" + e.exit.Fault.Report()
	}
	return fmt.Sprintf("the guest ended with status %d: %s", e.exit.Status(), e.stderr)
}

// ownFDs is the number of descriptors that the program itself needs.
const ownFDs = 2

// executeFor runs the program on a script, and ends it after a while, if that is not 0.
func executeFor(t testing.TB, words []uint64, fds []*os.File, while time.Duration, l runtime.Limits) *ending {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	text, err := os.CreateTemp(testdir.New(t), "stderr")
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	p, err := start(words, append([]*os.File{w, text}, fds...), l)
	w.Close()
	for _, f := range fds {
		f.Close() // the guest's are the only ones now
	}
	if err != nil {
		t.Fatal(err)
	}
	e := &ending{}
	var stacks []byte
	watch := time.AfterFunc(stuck, func() {
		b := make([]byte, 1<<20)
		stacks = b[:goruntime.Stack(b, true)]
		e.hung.Store(true)
		p.Kill()
		// A process that it has forked may hold the report, too.
		time.AfterFunc(stuck, func() { r.Close() })
	})
	if while != 0 {
		defer time.AfterFunc(while, p.Kill).Stop()
	}
	var b [recordSize]byte
	for {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			// Random calls may write to the report themselves.
			if !errors.Is(err, io.EOF) && while == 0 {
				t.Errorf("the program's report is cut off: %v", err)
			}
			break
		}
		watch.Reset(stuck)
		w := func(i int) uint64 { return binary.LittleEndian.Uint64(b[8*i:]) }
		e.records = append(e.records, record{uint32(w(0)), uint32(w(0) >> 32), w(1), w(2), w(3), w(4), w(5)})
	}
	e.exit = p.Wait()
	watch.Stop()
	e.calls = p.Stats().Calls
	stderr, err := os.ReadFile(text.Name())
	if err != nil {
		t.Fatal(err)
	}
	e.stderr = string(stderr)
	if e.hung.Load() {
		e.stderr += "\n" + string(stacks)
	}
	return e
}

// start starts the program. The first two descriptors are for its report and for
// what it has to say when it cannot go on.
func start(words []uint64, fds []*os.File, l runtime.Limits) (*runtime.Process, error) {
	b := make([]byte, 0, 8*len(words))
	for _, w := range words {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	data, err := argdata.Encode(argdata.Map{
		{Key: argdata.String("report"), Value: argdata.FD(0)},
		{Key: argdata.String("stderr"), Value: argdata.FD(1)},
		{Key: argdata.String("script"), Value: argdata.Binary(b)},
	})
	if err != nil {
		return nil, err
	}
	path, err := program()
	if err != nil {
		return nil, err
	}
	exe, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := exe.Stat()
	if err != nil {
		return nil, err
	}
	c := runtime.Config{Executable: exe, Size: info.Size(), Name: "calls", ArgData: data, Limits: l}
	for _, f := range fds {
		c.FDs = append(c.FDs, int(f.Fd()))
	}
	p, err := runtime.Start(context.Background(), c)
	if err != nil {
		return nil, err
	}
	go func() {
		<-p.Done()
		exe.Close() // reports of faults read symbols from it
	}()
	return p, nil
}

// program finds the executable from the directory of whichever package is tested.
func program() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		path := filepath.Join(dir, "guests", "bin", "calls")
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
		if up := filepath.Dir(dir); up != dir {
			dir = up
			continue
		}
		err = errors.New("calltest: there is no guests/bin/calls above this directory")
	}
	return "", err
}
