package abi

import (
	"strconv"
	"strings"
)

// valueName pairs one value of an enumeration, or one bit of a flags type, with its ABI name.
type valueName struct {
	value uint64
	name  string
}

// enumString names v, or prints "Type(number)" for a value the ABI does not define.
func enumString(v uint64, names []valueName, typ string) string {
	for _, n := range names {
		if n.value == v {
			return n.name
		}
	}
	return typ + "(" + strconv.FormatUint(v, 10) + ")"
}

// flagsString joins the names of the set bits by "|", as strace does; bits without a name follow as one hexadecimal number.
func flagsString(v uint64, names []valueName) string {
	if v == 0 {
		return "0"
	}
	var parts []string
	for _, n := range names {
		if v&n.value != 0 {
			parts = append(parts, n.name)
			v &^= n.value
		}
	}
	if v != 0 {
		parts = append(parts, "0x"+strconv.FormatUint(v, 16))
	}
	return strings.Join(parts, "|")
}
