package coverage

import "cabitrans/internal/nameset"

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
func ParseKinds(s string) (Kinds, error) { return nameset.Parse[Kinds](s, kindNames[:]) }
