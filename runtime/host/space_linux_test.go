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
	f, err := os.Open("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := fmt.Sprintf("%x-%x r-xs ", uint64(CacheLo), uint64(CacheLo+CacheSize))
	found := false
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if strings.HasPrefix(sc.Text(), want) && strings.Contains(sc.Text(), " /dev/zero") {
			found = true
		}
	}
	if !found {
		t.Errorf("no mapping %q of /dev/zero", want)
	}
	code := s.Code()
	code[len(code)-1] = 0x5a
	var b [1]byte
	if _, err := CopyIn(b[:], CacheLo+CacheSize-1); err != nil || b[0] != 0x5a {
		t.Errorf("what was written reads %#x where it executes, %v", b[0], err)
	}
}
