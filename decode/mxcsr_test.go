package decode

import (
	"encoding/hex"
	"testing"
)

// TestLoadsMXCSR: what may change MXCSR is known as an instruction, and by its bytes behind and before others.
func TestLoadsMXCSR(t *testing.T) {
	for _, c := range []struct {
		code  string
		text  string
		loads bool
	}{
		{"0fae13", "ldmxcsr (%rbx)", true},
		{"410fae14241f", "ldmxcsr (%r12)", true},
		{"0fae1425000000201f", "ldmxcsr 0x20000000", true},
		{"c5f8ae13", "vldmxcsr (%rbx)", true},
		{"c4c178ae13", "vldmxcsr (%r11)", true},
		{"c4e1f8ae13", "vldmxcsr (%rbx), with W", true},
		{"0fae0b", "fxrstor (%rbx)", true},
		{"480fae0b", "fxrstor64 (%rbx)", true},
		{"0fae2b", "xrstor (%rbx)", true},
		{"480fae2b", "xrstor64 (%rbx)", true},
		{"0fae1b", "stmxcsr (%rbx)", false},
		{"0fae03", "fxsave (%rbx)", false},
		{"0fae23", "xsave (%rbx)", false},
		{"0fae33", "xsaveopt (%rbx)", false},
		{"0fae3b", "clflush (%rbx)", false},
		{"0faee8", "lfence", false},
		{"f30faed3", "wrfsbase %ebx", false},
		{"c5f8ae1b", "vstmxcsr (%rbx)", false},
		{"ae13", "scas", false},
		{"0f28ae13000000", "movaps 0x13(%rsi), %xmm5", false},
	} {
		code, err := hex.DecodeString(c.code)
		if err != nil {
			t.Fatal(err)
		}
		var in Inst
		if err := in.Decode(code, 0); err != nil {
			t.Fatalf("%s: %v", c.text, err)
		}
		if in.LoadsMXCSR() != c.loads {
			t.Errorf("LoadsMXCSR of %s: %v", c.text, !c.loads)
		}
		for pad := range 20 {
			around := append(make([]byte, pad), code...)
			if MayLoadMXCSR(around) != c.loads || MayLoadMXCSR(append(around, 0xae, 0xae, 0x00)) != c.loads {
				t.Errorf("MayLoadMXCSR of %s behind %d bytes: %v", c.text, pad, !c.loads)
			}
		}
	}
}
