package srcline

import "testing"

// TestLines finds rows, and nothing behind the end of a sequence.
func TestLines(t *testing.T) {
	table := Table{{0x10, "a.c", 1}, {0x18, "a.c", 2}, {0x20, "", 0}, {0x20, "b.c", 7}, {0x30, "", 0}}
	for _, c := range []struct {
		addr uint64
		file string
		line int
	}{{0xf, "", 0}, {0x10, "a.c", 1}, {0x17, "a.c", 1}, {0x1f, "a.c", 2}, {0x20, "b.c", 7}, {0x30, "", 0}, {0x99, "", 0}} {
		if file, line := table.Find(c.addr); file != c.file || line != c.line {
			t.Errorf("%#x: %s:%d, want %s:%d", c.addr, file, line, c.file, c.line)
		}
	}
}
