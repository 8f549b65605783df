package argdata

import (
	"regexp"
	"sync"
)

// lazyRegexp compiles a pattern when it is first asked for. A program that reads
// one small configuration needs few of them, and compiling all takes longer than
// starting it.
func lazyRegexp(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}
