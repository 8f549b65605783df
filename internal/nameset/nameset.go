// Package nameset reads sets that are written as names separated by commas, as flags have
// them.
package nameset

import (
	"fmt"
	"slices"
	"strings"
)

// Parse returns the set that s names: bit i stands for names[i]. The error says which name
// is none, and which there are.
func Parse[Set ~uint8](s string, names []string) (set Set, err error) {
	for name := range strings.SplitSeq(s, ",") {
		i := slices.Index(names, name)
		if i < 0 {
			what := fmt.Sprintf("there is no %q", name)
			if name == "" {
				what = "a name is missing"
			}
			return 0, fmt.Errorf("%s; there are %s, separated by commas", what, strings.Join(names, ", "))
		}
		set |= 1 << i
	}
	return set, nil
}
