package runtime_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"cabitrans/argdata"
	"cabitrans/runtime"
	"cabitrans/runtime/host"
)

// profiled runs a guest and returns the profile of it, read back.
func profiled(t *testing.T, g guestRun, hz int) (*profile.Profile, result) {
	t.Helper()
	var b bytes.Buffer
	g.watch = func(c *runtime.Config) { c.Profile = &runtime.Profile{To: &b, Hz: hz} }
	r := g.run(t)
	p, err := profile.Parse(&b)
	if err != nil {
		t.Fatalf("%s: the profile cannot be read: %v", g.name, err)
	}
	if want := int64(time.Second) / int64(hz); p.Period != want {
		t.Errorf("%s: the period is %d ns, want %d", g.name, p.Period, want)
	}
	for _, s := range p.Sample {
		if s.Value[0] < 1 || s.Value[1] != s.Value[0]*p.Period {
			t.Errorf("%s: a sample counts %v", g.name, s.Value)
		}
	}
	return p, r
}

// cpu sums up the CPU time of the samples that have a function on their stack; of all for
// the empty name.
func cpu(p *profile.Profile, function string) (sum time.Duration) {
	for _, s := range p.Sample {
		if function == "" || strings.Contains(stack(s)+" ", " "+function+" ") {
			sum += time.Duration(s.Value[1])
		}
	}
	return sum
}

// stack is the names on a stack, innermost first, each after a blank.
func stack(s *profile.Sample) (names string) {
	for _, l := range s.Location {
		for _, line := range l.Line {
			names += " " + strings.ReplaceAll(line.Function.Name, " ", "-")
		}
	}
	return names
}

// TestProfileKernels finds where programs spend their time whose hot spot is known.
func TestProfileKernels(t *testing.T) {
	for _, c := range []struct{ name, function string }{
		{"fib", "fib"}, {"matmul", "kernel"}, {"sysloop", "[system-call-clock_time_get]"}, {"sysloop", "kernel"},
	} {
		before, _ := host.Now(host.ClockProcessCPU)
		p, r := profiled(t, guestRun{name: c.name}, 1000)
		after, _ := host.Now(host.ClockProcessCPU)
		r.expect(t, 0)
		used, sampled, there := time.Duration(after-before), cpu(p, ""), cpu(p, c.function)
		if sampled < used*7/10 || sampled > used*13/10 {
			t.Errorf("%s: %v of CPU time in samples, %v used", c.name, sampled, used)
		}
		if there < sampled*6/10 {
			t.Errorf("%s: %v of %v in %s", c.name, there, sampled, c.function)
		}
		checkMapping(t, p, c.name)
	}
}

// checkMapping checks that addresses lie in the executable's text, as its symbols do.
func checkMapping(t *testing.T, p *profile.Profile, name string) {
	t.Helper()
	exe, err := filepath.Abs(filepath.Join(guests, "bin", name))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Mapping) != 1 || p.Mapping[0].File != exe {
		t.Errorf("%s: mappings %v", name, p.Mapping)
	}
	for _, l := range p.Location {
		m := l.Mapping
		if m != nil && (l.Address < m.Start || l.Address >= m.Limit) {
			t.Errorf("%s: %#x is not in [%#x, %#x)", name, l.Address, m.Start, m.Limit)
		}
		if len(l.Line) > 0 && (m == nil) != strings.HasPrefix(l.Line[0].Function.Name, "[") {
			t.Errorf("%s: %s has mapping %v", name, l.Line[0].Function.Name, m)
		}
	}
}

// TestProfileThreads samples threads that compute side by side.
func TestProfileThreads(t *testing.T) {
	g := guestRun{name: "spin", args: argdata.Map{number("threads", 2)}, kill: 700 * time.Millisecond}
	p, r := profiled(t, g, 200)
	r.expect(t, 128+9)
	threads := make(map[string]string)
	right := time.Duration(0)
	for _, s := range p.Sample {
		switch names := stack(s); names {
		case " guest_main _start", " spin thread_entry":
			threads[names] = s.Label["thread"][0]
			right += time.Duration(s.Value[1])
		}
	}
	if len(threads) != 2 || threads[" guest_main _start"] == threads[" spin thread_entry"] {
		t.Errorf("samples of the threads %v", threads)
	}
	if all := cpu(p, ""); right < all*6/10 {
		t.Errorf("%v of %v in loops: %v", right, all, p)
	}
}

// TestProfileChangesNothing runs programs of every kind while they are sampled as often as
// possible: threads that begin and end, calls that block, raw calls, other programs.
func TestProfileChangesNothing(t *testing.T) {
	for _, name := range []string{
		"threads", "threads-v0", "threads-v2", "locks", "tls-v0", "regs", "regs-v0", "jit", "fork", "exec", "exec-v0",
	} {
		want, err := os.ReadFile(filepath.Join("testdata", "guests", name+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		_, r := profiled(t, guestRun{name: name}, runtime.MaxProfileHz)
		r.expect(t, 0)
		got := instances.ReplaceAllString(counts.ReplaceAllString(r.stdout+r.stderr, "$1=N"), "vectors=V")
		if got != string(want) {
			t.Errorf("%s wrote\n%s\nwant\n%s", name, got, want)
		}
	}
}

// TestProfileStrategies samples under every TLS strategy: the timer's signal comes while
// %fs is the host's, the guest's, or on the way from one to the other.
func TestProfileStrategies(t *testing.T) {
	for _, tls := range runtime.TLSStrategies() {
		for _, name := range []string{"regs", "sysloop"} {
			_, r := profiled(t, guestRun{name: name, tls: tls}, runtime.MaxProfileHz)
			r.expect(t, 0)
		}
	}
}

// TestNoProfile runs a program that nobody samples: nothing kicks it. (At home once in a
// second something does, to find wild jumps.)
func TestNoProfile(t *testing.T) {
	r := guestRun{name: "fib", watch: func(c *runtime.Config) { c.Tier = runtime.TierCache }}.run(t)
	r.expect(t, 0)
	if n := r.stats.Exits["kick"] + r.stats.Exits["abort"]; n != 0 {
		t.Errorf("%d kicks", n)
	}
}

type noWriter struct{}

var errNoWriter = errors.New("nobody reads")

func (noWriter) Write([]byte) (int, error) { return 0, errNoWriter }

// TestProfileCannotBeWritten passes the reason on.
func TestProfileCannotBeWritten(t *testing.T) {
	exe, err := os.Open(filepath.Join(guests, "bin", "spin"))
	if err != nil {
		t.Fatal(err)
	}
	defer exe.Close()
	info, err := exe.Stat()
	if err != nil {
		t.Fatal(err)
	}
	c := runtime.Config{
		Executable: exe, Size: info.Size(), Name: "spin",
		Profile: &runtime.Profile{To: noWriter{}}, PerfMap: noWriter{},
	}
	p, err := runtime.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	p.Kill()
	p.Wait()
	if err := p.ProfileErr(); !errors.Is(err, errNoWriter) {
		t.Errorf("the profile: %v", err)
	}
	if err := p.PerfMapErr(); !errors.Is(err, errNoWriter) {
		t.Errorf("the map: %v", err)
	}
	for _, hz := range []int{-1, runtime.MaxProfileHz + 1} {
		c.Profile.Hz = hz
		if _, err := runtime.Start(t.Context(), c); err == nil || !strings.Contains(err.Error(), "samples in a second") {
			t.Errorf("%d samples in a second: %v", hz, err)
		}
	}
}
