package coverage

import (
	"fmt"
	"strings"
)

// Kinds are what is counted.
type Kinds uint8

// The kinds.
const (
	Blocks   Kinds = 1 << iota // how often blocks were entered
	Insns                      // instructions executed
	Indirect                   // where indirect jumps and calls went
	Opcodes                    // instructions executed, by mnemonic
)

var kindNames = [...]string{"blocks", "insns", "indirect", "opcodes"}

// ParseKinds reads names separated by commas.
func ParseKinds(s string) (kinds Kinds, err error) {
next:
	for name := range strings.SplitSeq(s, ",") {
		for i, n := range kindNames {
			if n == name {
				kinds |= 1 << i
				continue next
			}
		}
		what := fmt.Sprintf("there is no %q", name)
		if name == "" {
			what = "a name is missing"
		}
		return 0, fmt.Errorf("%s; there are %s, separated by commas", what, strings.Join(kindNames[:], ", "))
	}
	return kinds, nil
}
