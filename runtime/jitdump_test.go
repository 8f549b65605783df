package runtime_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	goruntime "runtime"
	"testing"

	"cabitrans/runtime"
)

// TestJITDump reads the file back: its header, and functions with their translations.
func TestJITDump(t *testing.T) {
	if goruntime.GOOS != "linux" {
		t.Skip("perf is Linux's")
	}
	path := filepath.Join(t.TempDir(), "jit.dump")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	guestRun{name: "fib", watch: func(c *runtime.Config) { c.JITDump, c.Tier = f, runtime.TierCache }}.run(t).expect(t, 0)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	le := binary.LittleEndian
	u32 := func(at int) uint32 { return le.Uint32(b[at:]) }
	if u32(0) != 0x4a695444 || u32(4) != 1 || u32(8) != 40 || u32(12) != uint32(elf.EM_X86_64) || int(u32(20)) != os.Getpid() {
		t.Errorf("the header is % x", b[:40])
	}
	start := le.Uint64(b[24:])
	at, functions := 40, make(map[string]int)
	for at < len(b) {
		kind, size := u32(at), int(u32(at+4))
		if le.Uint64(b[at+8:]) != start || start == 0 {
			t.Errorf("a record at %d has another time", at)
		}
		body := b[at+16 : at+size]
		at += size
		if kind == 3 {
			break
		}
		name, code, _ := bytes.Cut(body[40:], []byte{0})
		if kind != 0 || int(le.Uint32(body)) != os.Getpid() || le.Uint64(body[24:]) != uint64(len(code)) ||
			le.Uint64(body[8:]) != le.Uint64(body[16:]) || le.Uint64(body[32:]) < uint64(len(functions)) {
			t.Fatalf("a record of kind %d: % x", kind, body[:40])
		}
		functions[string(name)] += len(bytes.Trim(code, "\x00"))
	}
	if at != len(b) || functions["fib"] < 30 || functions["[vdso]"] == 0 {
		t.Errorf("%d bytes of %d, functions %v", at, len(b), functions)
	}
}
