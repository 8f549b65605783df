package decode

import (
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// filesEnv names executables and libraries whose text is compared as well, as patterns with spaces between them.
const filesEnv = "CABITRANS_DECODE_FILES"

// elfFiles are programs whose whole text must decode as the disassemblers say: the guests, this test itself, and what
// filesEnv names.
func elfFiles(t testing.TB) []string {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	files := []string{exe}
	for _, pattern := range append(strings.Fields(os.Getenv(filesEnv)), "../guests/bin/*") {
		more, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if len(more) == 0 {
			t.Logf("%s matches no file", pattern)
		}
		files = append(files, more...)
	}
	return files
}

// textOf returns the .text section of an ELF file and its address.
func textOf(t testing.TB, path string) (code []byte, addr uint64) {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := f.Section(".text")
	if s == nil {
		t.Fatalf("%s has no .text section", path)
	}
	if code, err = s.Data(); err != nil {
		t.Fatal(err)
	}
	return code, s.Addr
}

// TestPrograms holds length, flow and operands of whole programs against the disassemblers. The guests' .text, a few
// instructions each, and this test's binary are the short form.
func TestPrograms(t *testing.T) {
	for _, d := range disassemblers {
		t.Run(d.name, func(t *testing.T) {
			program := tool(t, d.names...)
			var total comparison
			for _, path := range elfFiles(t) {
				var c comparison
				c.file(t, program, path)
				if c.mismatches > 0 {
					t.Errorf("%s: %v", path, &c)
				}
				total.add(&c)
			}
			t.Log(&total)
		})
	}
}

// A comparison counts instructions of whole programs.
type comparison struct {
	compared, mismatches, data int
	explained                  map[string]int
}

func (c *comparison) String() string {
	s := fmt.Sprintf("%d instructions compared, %d mismatches, %d bytes that are none", c.compared, c.mismatches, c.data)
	var why []string
	for k, n := range c.explained {
		why = append(why, fmt.Sprintf("%d %s", n, k))
	}
	slices.Sort(why)
	return s + "; explained: " + strings.Join(why, ", ")
}

func (c *comparison) add(o *comparison) {
	c.compared += o.compared
	c.mismatches += o.mismatches
	c.data += o.data
	for k, n := range o.explained {
		c.explain(k, n)
	}
}

func (c *comparison) explain(why string, n int) {
	if c.explained == nil {
		c.explained = map[string]int{}
	}
	c.explained[why] += n
}

// file compares one program. What a disassembler refuses is data in the text; where it resumes is its own choice.
func (c *comparison) file(t *testing.T, program, path string) {
	t.Helper()
	code, base := textOf(t, path)
	gnu := !strings.Contains(program, "llvm")
	args := []string{"-d", "-z", "-j", ".text", path}
	if gnu {
		args = append([]string{"-w", "--insn-width=16"}, args...)
	}
	skip := uint64(0) // up to here the disassembler is out of step, for a reason that has been counted
	disassemble(t, func(l line) {
		if l.addr < base || l.addr-base >= uint64(len(code)) || l.addr < skip {
			return
		}
		if l.text == "" {
			c.data++
			return
		}
		rest := code[l.addr-base:]
		var in Inst
		err := in.Decode(rest, l.addr)
		w := ""
		switch q := quirk(&in, rest, l.text); {
		case err == nil && q != "":
			c.explain(q, 1)
			skip = in.End()
			return
		case err != nil && cpuRefuses(l.text):
			c.explain("that only the disassembler accepts", 1)
			return
		case err != nil:
			w = err.Error()
		case int(in.Len) != l.len:
			w = fmt.Sprintf("length %d", in.Len)
		case gnu:
			w = checkOperands(&in, l.text)
		}
		if w == "" {
			w = checkFlow(&in, l.text)
		}
		c.compared++
		if w != "" {
			if c.mismatches++; c.mismatches <= 20 {
				t.Errorf("%s: %#x: % x: %s; %s: %d, %s", path, l.addr, rest[:l.len], w, filepath.Base(program), l.len, l.text)
			}
		}
	}, program, args...)
}

// cpuRefuses reports what disassemblers print of data although no CPU executes it: LOCK where there is nothing to lock
// (Decode has accepted what can be locked), loads of CS, segment registers that there are none of, an instruction of
// the 287's, REX before VEX.
func cpuRefuses(text string) bool {
	return strings.Contains(text, "lock ") || strings.Contains(text, "%?") || strings.HasSuffix(text, "%cs") ||
		strings.Contains(text, "frstpm") || strings.HasPrefix(text, "rex") && strings.Contains(text, " v")
}

// checkFlow returns how the mnemonic in a disassembler's text contradicts what in says of the instruction pointer, or
// "".
func checkFlow(in *Inst, text string) string {
	if in.OpMap == 1 && in.Opcode == 0x01 && !in.HasMem {
		return "" // erets, eretu, uiret: newer than the disassemblers, which print clac
	}
	want := FlowNext
	operands := ""
	for _, w := range strings.Fields(text) {
		if _, prefix := prefixWords[w]; prefix && w != "xchg" || strings.HasPrefix(w, "rex") {
			continue
		}
		w, _, _ = strings.Cut(w, ",") // jne,pt
		_, operands, _ = strings.Cut(text, w)
		want = flowOf(w, strings.HasPrefix(strings.TrimSpace(operands), "*"))
		break
	}
	if want != in.Flow {
		return fmt.Sprintf("flow %s, want %s", flowNames[in.Flow], flowNames[want])
	}
	return ""
}

// flowOf is the flow of an AT&T mnemonic; indirect tells that its operand has a star.
func flowOf(name string, indirect bool) Flow {
	base := strings.TrimRight(name, "qwl")
	switch {
	case name == "jmp" || base == "jmp":
		if indirect {
			return FlowJumpInd
		}
		return FlowJump
	case strings.HasPrefix(name, "ca") && base == "ca":
		if indirect {
			return FlowCallInd
		}
		return FlowCall
	case name == "jrcxz" || name == "jecxz" || strings.HasPrefix(name, "loop"):
		return FlowLoop
	case name == "ret" || base == "ret":
		return FlowRet
	case strings.HasPrefix(name, "lret") || strings.HasPrefix(name, "ljmp") || strings.HasPrefix(name, "lcall") ||
		strings.HasPrefix(name, "iret") || strings.HasPrefix(name, "sysret") || strings.HasPrefix(name, "sysexit") ||
		name == "uiret" || name == "rsm":
		return FlowFar
	case name == "syscall":
		return FlowSyscall
	case name == "sysenter":
		return FlowSysenter
	case name == "int" || name == "int3" || name == "int1":
		return FlowInt
	case strings.HasPrefix(name, "ud") && len(name) <= 4 || name == "ud2a" || name == "ud2b":
		return FlowUndefined
	case name == "hlt":
		return FlowHalt
	case base == "xbegin":
		return FlowXbegin
	case name == "xabort":
		return FlowXabort
	case name[0] == 'j':
		return FlowCond
	}
	return FlowNext
}
