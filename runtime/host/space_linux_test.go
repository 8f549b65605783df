//go:build amd64

package host

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestCodeCacheMapping: perf looks into /tmp/perf-PID.map for code in anonymous mappings
// only, which a shared one is by this name (is_anon_memory in tools/perf/util/map.c); and
// no page of the cache may be written where it executes.
func TestCodeCacheMapping(t *testing.T) {
	s := space(t)
	const lo = CacheLo + CacheSize - ExecuteChunk
	if err := s.Execute(CacheLo, CacheLo+1); err != nil {
		t.Fatal(err)
	}
	if err := s.Execute(lo, CacheLo+CacheSize); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	// The first page and what nobody has asked for have no access.
	want := []string{
		fmt.Sprintf("%x-%x ---s ", uint64(CacheLo), uint64(CacheLo+PageSize)),
		fmt.Sprintf("%x-", uint64(CacheLo+PageSize)),
		fmt.Sprintf("%x-%x r-xs ", uint64(lo), uint64(CacheLo+CacheSize)),
	}
	found := 0
	for sc := bufio.NewScanner(f); sc.Scan(); {
		for _, w := range want {
			if strings.HasPrefix(sc.Text(), w) && strings.Contains(sc.Text(), " /dev/zero") &&
				!strings.Contains(sc.Text(), "wx") {
				found++
			}
		}
	}
	if found != len(want) {
		t.Errorf("%d mappings of %q of /dev/zero", found, want)
	}
	code := s.Code()
	code[len(code)-1] = 0x5a
	var b [1]byte
	if _, err := CopyIn(b[:], CacheLo+CacheSize-1); err != nil || b[0] != 0x5a {
		t.Errorf("what was written reads %#x where it executes, %v", b[0], err)
	}
}
