package runtime_test

import (
	"testing"

	"cabitrans/runtime"
	"cabitrans/runtime/abi"
)

// keeps exits with what is as before behind a call: 1 the return address, 2 the word
// that the callee has left below its own stack, 4 r11, 8 a word further below.
var keeps = []byte{
	0x41, 0xbb, 77, 0, 0, 0, // mov $77,%r11d
	0x48, 0xc7, 0x44, 0x24, 0xe8, 3, 0, 0, 0, // movq $3,-24(%rsp)
	0xe8, 0x39, 0, 0, 0, // call f
	0x48, 0x8d, 0x15, 0xf9, 0xff, 0xff, 0xff, // lea . of here,%rdx
	0x31, 0xff, // xor %edi,%edi
	0x48, 0x39, 0x54, 0x24, 0xf8, 0x75, 3, // cmp %rdx,-8(%rsp); jne
	0x83, 0xcf, 1, // or $1,%edi
	0x48, 0x83, 0x7c, 0x24, 0xf0, 9, 0x75, 3, // cmpq $9,-16(%rsp); jne
	0x83, 0xcf, 2,
	0x41, 0x83, 0xfb, 77, 0x75, 3, // cmp $77,%r11d; jne
	0x83, 0xcf, 4,
	0x48, 0x83, 0x7c, 0x24, 0xe8, 3, 0x75, 3, // cmpq $3,-24(%rsp); jne
	0x83, 0xcf, 8,
	0xb8, byte(abi.CallProcExit.Info().Num2016), 0, 0, 0, 0x0f, 0x05, // mov $proc_exit,%eax; syscall
	0x48, 0xc7, 0x44, 0x24, 0xf8, 9, 0, 0, 0, // f: movq $9,-8(%rsp)
	0xc3, // ret
}

// TestStrict: with Config.Strict a call and a return leave all else alone, as the CPU's
// do. The test would see it if they did not: they do not without, unless the function is
// copied in place of its call.
func TestStrict(t *testing.T) {
	for _, c := range []struct {
		strict  bool
		without string
		code    int
	}{{true, "", 15}, {true, "leaves", 15}, {false, "leaves", 10}} {
		for _, name := range runtime.TLSStrategies() {
			p, err := start(codeAt(keeps...), runtime.Config{Strict: c.strict, Without: c.without, TLS: name})
			if err != nil {
				t.Fatal(err)
			}
			if e := p.Wait(); e.Status() != c.code {
				t.Errorf("strict %v, without %q, %s: %+v, want %d", c.strict, c.without, name, e, c.code)
			}
		}
	}
}

// TestStrictPrograms: guests do the same with Config.Strict, their forked copies and
// the programs that they become included.
func TestStrictPrograms(t *testing.T) {
	for _, name := range []string{"hello", "hello-v0", "jit", "threads", "regs", "regs-v0", "tls", "fork", "exec"} {
		t.Run(name, func(t *testing.T) { guestRun{name: name, watch: strictly}.golden(t) })
	}
}

func strictly(c *runtime.Config) { c.Strict = true }
