package runtime_test

import (
	"errors"
	"testing"

	"cabitrans/rewrite"
	"cabitrans/runtime"
)

// TestWithoutPrograms: guests do the same with all optimisations left out, their forked
// copies and the programs that they become included.
func TestWithoutPrograms(t *testing.T) {
	for _, name := range []string{"hello", "hello-v0", "jit", "threads", "regs", "tls", "fork", "exec"} {
		t.Run(name, func(t *testing.T) { guestRun{name: name, watch: plainly}.golden(t) })
	}
}

func plainly(c *runtime.Config) { c.Without = "all" }

// TestWithoutName: a name that there is not is refused.
func TestWithoutName(t *testing.T) {
	if w, err := rewrite.ParseWithout("short,tails"); err != nil || w != rewrite.WithoutShort|rewrite.WithoutTails {
		t.Errorf("%b, %v", w, err)
	}
	if w, err := rewrite.ParseWithout("all"); err != nil || w != rewrite.WithoutAll {
		t.Errorf("%b, %v", w, err)
	}
	if _, err := rewrite.ParseWithout("short,taste"); !errors.Is(err, rewrite.ErrWithout) {
		t.Error(err)
	}
}
