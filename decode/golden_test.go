package decode

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the columns behind the first of testdata/decode.txt")

const goldenPath = "testdata/decode.txt"

// A goldenLine is an instruction of the golden table, or a comment or empty line (code is nil).
type goldenLine struct {
	text string
	code []byte
}

func goldenLines(t testing.TB) (lines []goldenLine) {
	t.Helper()
	file, err := os.ReadFile(goldenPath)
	if err != nil {
		t.Fatal(err)
	}
	for text := range strings.Lines(string(file)) {
		l := goldenLine{text: strings.TrimSuffix(text, "\n")}
		if l.text != "" && l.text[0] != '#' {
			column, _, _ := strings.Cut(l.text, "|")
			if l.code, err = hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(column), " ", "")); err != nil {
				t.Fatalf("%s: %q: %v", goldenPath, l.text, err)
			}
		}
		lines = append(lines, l)
	}
	return lines
}

// TestGolden compares what is known of each instruction of the table. Every line is also subject to the properties that
// hold for all bytes.
func TestGolden(t *testing.T) {
	var out bytes.Buffer
	for _, l := range goldenLines(t) {
		if l.code == nil {
			fmt.Fprintln(&out, l.text)
			continue
		}
		got := goldenRow(l.code)
		fmt.Fprintln(&out, got)
		if !*update && got != l.text {
			t.Errorf("got\n%s\nwant\n%s", got, l.text)
		}
		checkProperties(t, l.code)
	}
	if *update {
		if err := os.WriteFile(goldenPath, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func goldenRow(code []byte) string {
	const pc = 0x40_1000
	var in Inst
	col := fmt.Sprintf("%-24x", code)
	if err := in.Decode(code, pc); err != nil {
		return col + " | " + err.Error()
	}
	var f []string
	add := func(name, v string) {
		if v != "" {
			f = append(f, name+"="+v)
		}
	}
	f = append(f, fmt.Sprintf("%d", in.Len))
	if in.Flow != FlowNext {
		add("flow", flowNames[in.Flow])
	}
	switch in.Flow {
	case FlowJump, FlowCond, FlowLoop, FlowCall, FlowXbegin:
		add("to", fmt.Sprintf("%#x", in.Target))
	}
	if in.SegMatters() {
		add("seg", map[Seg]string{SegFS: "fs", SegGS: "gs"}[in.Seg])
	}
	add("r", regNames(in.Reads))
	add("w", regNames(in.Writes&^in.Kills))
	add("k", regNames(in.Kills))
	add("fr", flagNames(in.FlagsRead))
	add("fw", flagNames(in.FlagsWritten))
	add("mem", memName(&in))
	if in.ImmLen > 0 {
		add("imm", fmt.Sprintf("%#x/%d", in.Imm, in.ImmLen))
	}
	add("class", classList(in.Class))
	return fmt.Sprintf("%s | %-40s | %s", col, in.Text(code, nil), strings.Join(f, " "))
}

var flowNames = [...]string{"next", "jmp", "jcc", "loop", "call", "jmp*", "call*", "ret", "far", "syscall",
	"sysenter", "int",
	"ud", "hlt", "xbegin", "xabort"}

var classNames = [...]string{"priv", "io", "segload", "segstore", "fsbase", "swapgs", "popf", "pushf", "string", "vsib",
	"x87", "sse", "vex", "evex", "stack", "trap", "cet", "addronly", "seg", "hint", "state", "tsx", "amx", "time",
	"lock", "stringaddr",
	"vendor", "uintr", "kl", "flagdata"}

func classList(c Class) string {
	var s []string
	for i, n := range classNames {
		if c>>i&1 != 0 {
			s = append(s, n)
		}
	}
	return strings.Join(s, ",")
}

func regNames(set RegSet) string {
	var s []string
	for i, n := range strings.Fields("rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15") {
		if set>>i&1 != 0 {
			s = append(s, n)
		}
	}
	return strings.Join(s, ",")
}

func flagNames(f uint8) (s string) {
	for i, c := range "cpazsdo" {
		if f>>i&1 != 0 {
			s += string(c)
		}
	}
	return s
}

func memName(in *Inst) string {
	if !in.HasMem {
		return ""
	}
	s := ""
	if in.AddrSize == 4 {
		s = "32:"
	}
	switch {
	case in.Base == RIP:
		s += "rip"
	case in.Base != NoReg:
		s += regNames(in.Base.Bit())
	}
	switch {
	case in.Class&ClassVSIB != 0:
		s += fmt.Sprintf("+v%d*%d", in.VIndex, in.Scale)
	case in.Index != NoReg:
		s += fmt.Sprintf("+%s*%d", regNames(in.Index.Bit()), in.Scale)
	}
	if in.DispLen > 0 {
		s += fmt.Sprintf("%+#x@%d/%d", in.Disp, in.DispOff, in.DispLen)
		if in.DispScale != 1 {
			s += fmt.Sprintf("*%d", in.DispScale)
		}
	}
	return s
}
