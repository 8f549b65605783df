package codelog

import (
	"errors"
	"fmt"
	"strings"
)

// Items are what a Log writes.
type Items uint8

// The items.
const (
	InASM  Items = 1 << iota // guest instructions
	OutASM                   // their translations
	Blocks                   // regions and basic blocks
	Links                    // links made and dropped, and look-ups that missed
)

var itemNames = [...]string{"in_asm", "out_asm", "blocks", "links"}

// ParseItems reads names separated by commas.
func ParseItems(s string) (items Items, err error) {
next:
	for name := range strings.SplitSeq(s, ",") {
		for i, n := range itemNames {
			if n == name {
				items |= 1 << i
				continue next
			}
		}
		what := fmt.Sprintf("there is no %q", name)
		if name == "" {
			what = "a name is missing"
		}
		return 0, fmt.Errorf("%s; there are %s, separated by commas", what, strings.Join(itemNames[:], ", "))
	}
	return items, nil
}

// ErrFilter is wrapped by the errors of filters.
var ErrFilter = errors.New("no such range")
