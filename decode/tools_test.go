package decode

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// tool finds another project's program, or skips the test; with CABITRANS_REQUIRE_TOOLS=1 it fails instead.
func tool(t *testing.T, names ...string) string {
	t.Helper()
	for _, n := range names {
		if p, err := exec.LookPath(n); err == nil {
			return p
		}
	}
	missing(t, "none of "+strings.Join(names, ", ")+" is installed")
	return ""
}

func missing(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CABITRANS_REQUIRE_TOOLS") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// A line is what a disassembler says of the bytes at one address.
type line struct {
	addr uint64
	len  int
	text string // "" when it refuses them
}

// disassemble runs a program in objdump's output format and calls f with each instruction.
func disassemble(t *testing.T, f func(line), program string, args ...string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n := 0
	sc := bufio.NewScanner(out)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		if l, ok := parseLine(sc.Text()); ok {
			n++
			f(l)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, stderr.Bytes())
	}
	if n == 0 {
		t.Fatalf("%s printed no instruction", program)
	}
}

// parseLine reads "  401000:\t48 89 e5 \tmov %rsp,%rbp".
func parseLine(s string) (l line, ok bool) {
	addr, rest, ok := strings.Cut(strings.TrimLeft(s, " "), ":")
	if !ok {
		return l, false
	}
	var err error
	if l.addr, err = strconv.ParseUint(addr, 16, 64); err != nil {
		return l, false
	}
	code, text, _ := strings.Cut(strings.TrimLeft(rest, "\t "), "\t")
	for _, f := range strings.Fields(code) {
		if len(f) != 2 {
			return l, false
		}
		l.len++
	}
	if l.len == 0 {
		return l, false
	}
	text = strings.TrimSpace(strings.ReplaceAll(text, "\t", " "))
	if i := strings.IndexByte(text, '#'); i >= 0 {
		text = strings.TrimSpace(text[:i])
	}
	if !strings.Contains(text, "(bad)") && !strings.HasPrefix(text, ".byte") && !strings.Contains(text, "<unknown>") && !barePrefixes(text) {
		l.text = text
	}
	return l, true
}

var prefixWords = map[string]bool{
	"data16": true, "addr32": true, "repz": true, "repnz": true, "rep": true, "repne": true,
	"lock": true, "cs": true, "ds": true, "es": true, "ss": true, "fs": true, "gs": true, "bnd": true, "notrack": true,
	"xacquire": true, "xrelease": true, "xchg": false}

// barePrefixes reports a text that names prefixes and no instruction.
func barePrefixes(text string) bool {
	for _, w := range strings.Fields(text) {
		if !prefixWords[w] && !strings.HasPrefix(w, "rex") {
			return false
		}
	}
	return true
}

// slot is the distance at which disassembleEach lays byte sequences out, each followed by no-ops, so that a linear
// sweep is back in step when the next one begins: MaxLen arbitrary bytes reach no further than 14 bytes into what
// follows.
const slot = 32

// disassembleEach asks a disassembler for the instruction at the start of each sequence, all of MaxLen bytes.
func disassembleEach(t *testing.T, program string, seqs [][]byte, f func(i int, l line)) {
	t.Helper()
	blob := bytes.Repeat([]byte{0x90}, len(seqs)*slot)
	for i, s := range seqs {
		copy(blob[i*slot:], s)
	}
	each := func(l line) {
		if l.addr%slot == 0 && l.addr/slot < uint64(len(seqs)) {
			f(int(l.addr/slot), l)
		}
	}
	path := filepath.Join(t.TempDir(), "code")
	if strings.Contains(filepath.Base(program), "llvm") {
		write(t, path, elfObject(blob))
		disassemble(t, each, program, "-d", "-z", "--mattr="+llvmFeatures, path)
		return
	}
	write(t, path, blob)
	disassemble(t, each, program, "-D", "-z", "-w", "--insn-width=16", "-b", "binary", "-m", "i386:x86-64", path)
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// elfObject is a relocatable ELF file with code as its .text at address 0.
func elfObject(code []byte) []byte {
	const names = "\x00.text\x00.shstrtab\x00"
	le := binary.LittleEndian
	b := append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 9)...)
	b = le.AppendUint16(b, 1)  // relocatable
	b = le.AppendUint16(b, 62) // x86-64
	b = le.AppendUint32(b, 1)
	b = append(b, make([]byte, 16)...)
	text := uint64(64)
	strtab := text + uint64(len(code))
	sections := (strtab + uint64(len(names)) + 7) &^ 7
	b = le.AppendUint64(b, sections)
	b = le.AppendUint32(b, 0)
	for _, v := range []uint16{64, 0, 0, 64, 3, 2} {
		b = le.AppendUint16(b, v)
	}
	b = append(b, code...)
	b = append(b, names...)
	b = append(b, make([]byte, sections-uint64(len(b)))...)
	section := func(name, kind uint32, flags, off, size uint64) {
		b = le.AppendUint32(b, name)
		b = le.AppendUint32(b, kind)
		for _, v := range []uint64{flags, 0, off, size, 0, 1, 0} {
			b = le.AppendUint64(b, v)
		}
	}
	section(0, 0, 0, 0, 0)
	section(1, 1, 6, text, uint64(len(code)))
	section(7, 3, 0, strtab, uint64(len(names)))
	return b
}

// llvmFeatures are extensions that LLVM takes for something else unless told.
const llvmFeatures = "+3dnowa,+xop,+fma4,+tbm,+lwp,+sse4a,+avx512fp16"
