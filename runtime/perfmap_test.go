package runtime_test

import (
	"bytes"
	"fmt"
	"testing"

	"cabitrans/runtime"
	"cabitrans/runtime/host"
)

// TestPerfMap reads the lines back: ascending, apart, in the code cache, and as much as
// was translated.
func TestPerfMap(t *testing.T) {
	var b bytes.Buffer
	r := guestRun{name: "fib", watch: func(c *runtime.Config) { c.PerfMap, c.Tier = &b, runtime.TierCache }}.run(t)
	r.expect(t, 0)
	functions, end, hot := make(map[string]uint64), uint64(host.CacheLo), uint64(0)
	for line := range bytes.Lines(b.Bytes()) {
		var lo, size uint64
		var name string
		if _, err := fmt.Sscanf(string(line), "%x %x %s", &lo, &size, &name); err != nil || size == 0 {
			t.Fatalf("the line %q: %v", line, err)
		}
		if lo < end || lo+size > host.CacheLo+host.CacheSize {
			t.Errorf("%q lies before %#x or outside of the code cache", line, end)
		}
		if lo < host.CacheLo+host.CacheSize/2 {
			hot += size
		}
		end = lo + size
		functions[name] += size
	}
	for _, name := range []string{"fib", "kernel", "kernel_main", "guest_main", "_start", "[vdso]", "[cabitrans]"} {
		if functions[name] == 0 {
			t.Errorf("no code of %s:\n%s", name, b.Bytes())
		}
	}
	if hot < r.stats.HostBytes {
		t.Errorf("%d bytes of hot code have a name, of %d", hot, r.stats.HostBytes)
	}
}

// TestPerfMapHome: code that is executed where it lies has its names there.
func TestPerfMapHome(t *testing.T) {
	var b bytes.Buffer
	guestRun{name: "fib", watch: func(c *runtime.Config) { c.PerfMap, c.Tier = &b, runtime.TierHome }}.run(t).expect(t, 0)
	end, found := uint64(0), false
	for line := range bytes.Lines(b.Bytes()) {
		var lo, size uint64
		var name string
		if _, err := fmt.Sscanf(string(line), "%x %x %s", &lo, &size, &name); err != nil || lo < end {
			t.Fatalf("the line %q behind %#x: %v", line, end, err)
		}
		end = lo + size
		found = found || name == "fib" && end < host.ArenaHi
	}
	if !found {
		t.Errorf("fib is not at home:\n%s", b.Bytes())
	}
}
