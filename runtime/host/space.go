//go:build amd64 && (linux || windows)

package host

import (
	"errors"
	"fmt"
	"sync"
)

// ErrNoSpace is wrapped by Reserve when a range that the design fixes is
// already taken in this process, which a fresh start usually cures: the host
// places Go's heap, and its own, at random.
var ErrNoSpace = errors.New("address range is already in use")

// Space is the reserved address space: the guest arena, the look-up tables, the
// miss regions and the code cache. There is one per host process.
type Space struct {
	arena  []Range
	code   []byte                         // writable alias of the code cache
	chunks [CacheSize / ExecuteChunk]bool // of the code cache: executable
}

var reserveOnce = sync.OnceValues(reserve)

// Reserve claims the address space and installs the fault handlers. It must run
// before the Go heap grows large; further calls return the same result. The
// error wraps ErrNoSpace when another start of the program may succeed.
func Reserve() (*Space, error) { return reserveOnce() }

// Arena returns the ranges in which guest memory may lie, ascending. There is
// more than one when the host program itself sits below ArenaHi, as a
// position-dependent executable does.
func (s *Space) Arena() []Range { return s.arena }

// Code returns the writable alias of the code cache; byte i executes at
// CacheLo+i.
func (s *Space) Code() []byte { return s.code }

// ExecuteChunk is the unit in bytes in which the code cache becomes executable.
const ExecuteChunk = 256 << 10

// Execute lets code be executed in [lo, hi) of the code cache. What nobody has asked
// for faults, so that a wild jump into the cache is likely to. One goroutine at a time
// may call it.
func (s *Space) Execute(lo, hi uint64) error {
	lo, hi = (lo-CacheLo)/ExecuteChunk, (hi-CacheLo+ExecuteChunk-1)/ExecuteChunk
	for i := lo; i < hi; i++ {
		if s.chunks[i] {
			continue
		}
		if err := execute(CacheLo + i*ExecuteChunk); err != nil {
			return fmt.Errorf("cannot make the code cache executable: %w", err)
		}
		s.chunks[i] = true
	}
	return nil
}
