package rewrite

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Without is a set of optimisations to leave out. Translations are as right without them,
// and slower: leaving one out after the other shows which of them is at fault.
type Without uint32

// What can be left out.
const (
	WithoutShort    Without = 1 << iota // branches of two bytes inside a region
	WithoutFlags                        // returns that lose the flags of arithmetic
	WithoutLandings                     // indirect jumps that leave r11 to their target
	WithoutTails                        // copies, for indirect jumps, of code that leads to another one
	WithoutClock                        // a stub that reads clocks without Go
	WithoutLeaves                       // copies, in place of calls, of short functions that call none
	WithoutAhead                        // call entries in the look-up table before an indirect call asks for them
	WithoutDead                         // indirect calls that do not store r11 where it is dead
	WithoutControl                      // calls that leave MXCSR alone while no code has been seen that changes it

	withoutEnd
	WithoutAll = withoutEnd - 1
)

var withoutNames = [...]string{"short", "flags", "landings", "tails", "clock", "leaves", "ahead", "dead", "control"}

// WithoutNames are the names of what can be left out.
func WithoutNames() []string { return slices.Clone(withoutNames[:]) }

// ErrWithout is wrapped when there is no optimisation of a name.
var ErrWithout = errors.New("no such optimisation")

// ParseWithout reads a list of names, separated by commas; "all" stands for every one.
func ParseWithout(list string) (w Without, err error) {
	for name := range strings.SplitSeq(list, ",") {
		switch i := slices.Index(withoutNames[:], name); {
		case name == "":
		case name == "all":
			w = WithoutAll
		case i < 0:
			return 0, fmt.Errorf("%w: %q; there are all, %s", ErrWithout, name, strings.Join(withoutNames[:], ", "))
		default:
			w |= 1 << i
		}
	}
	return w, nil
}
