package kernel

import (
	"math/rand/v2"
	"testing"

	"cabitrans/internal/effort"
	"cabitrans/runtime/host"
)

// modelPrograms are what the threads of a run do, a word each; see
// modelThread.do.
var modelPrograms = []struct {
	program string
	looks   bool // it needs a reader's patience to end
}{
	{"W W", false},
	{"W W W", false},
	{"WW WW", false},
	{"W R", false},
	{"W R R", false},
	{"WW R R", false},
	{"W W R R", false},
	{"RW WR", false},
	{"RR RR W", false},
	{"w W R", false},
	{"w R R W", false},
	{"r w W", false},
	{"X R R", false},
	{"X W R", false},
	{"Q W", true},
	{"Q W R", true},
	{"C S", false},
	{"C s", false},
	{"C C S s", false},
	{"C C B", false},
	{"c C S S", false},
	{"c s C s", false},
	{"C S R W", false},
	{"CC SS", false},
	{"C ss CC s", false},
}

// explore runs a program in every order with up to preempts switches from a thread
// that could go on, and up to events timeouts, kicks and the like, but no more than
// limit times. It returns what was wrong with the first run that was.
func explore(program string, looks bool, preempts, events, limit int, mu mutant) (failure string, runs, readers int) {
	var prefix []int
	for runs < limit {
		var choices, options []int
		m := newModel(program)
		m.mutant, m.events, m.looks = mu, events, looks
		budget := preempts
		m.run(func(n int, preempting bool) int {
			if preempting && budget == 0 {
				n = 1
			}
			c := 0
			if len(choices) < len(prefix) {
				c = prefix[len(choices)]
			}
			choices, options = append(choices, c), append(options, n)
			if preempting && c > 0 {
				budget--
			}
			return c
		})
		runs++
		readers = max(readers, m.most)
		if m.failure != "" {
			return m.failure, runs, readers
		}
		i := len(choices) - 1
		for ; i >= 0 && choices[i]+1 >= options[i]; i-- {
		}
		if i < 0 {
			break
		}
		prefix = append(choices[:i:i], choices[i]+1)
	}
	return "", runs, readers
}

// roll runs a program in random orders.
func roll(program string, looks bool, runs int, mu mutant) string {
	for seed := range runs {
		rnd := rand.New(rand.NewPCG(uint64(seed), 7))
		m := newModel(program)
		m.mutant, m.events, m.looks = mu, rnd.IntN(6), looks
		m.run(func(n int, preempting bool) int {
			if preempting && rnd.IntN(3) > 0 {
				return 0
			}
			return rnd.IntN(n)
		})
		if m.failure != "" {
			return m.failure
		}
	}
	return ""
}

// TestModel looks at the interleavings of small programs: nobody sleeps for ever,
// a writer is alone, readers are together, the word is 0 at the end.
func TestModel(t *testing.T) {
	limit := effort.Times(t, 1500)
	together := 0
	for _, p := range modelPrograms {
		total := 0
		for _, bound := range [][2]int{{2, 0}, {1, 1}, {2, 1}, {1, 2}, {3, 0}} {
			failure, runs, readers := explore(p.program, p.looks, bound[0], bound[1], limit, mutant{})
			if failure != "" {
				t.Errorf("%q, %d preemptions, %d events, run %d: %s", p.program, bound[0], bound[1], runs, failure)
			}
			total += runs
			together = max(together, readers)
		}
		if failure := roll(p.program, p.looks, limit, mutant{}); failure != "" {
			t.Errorf("%q, at random: %s", p.program, failure)
		}
		t.Logf("%q: %d orders, and %d at random", p.program, total, limit)
	}
	if together < 2 {
		t.Error("readers were never together")
	}
}

// Mistakes in the protocol that the model must find, each in the orders of one
// program.
func TestModelFindsMistakes(t *testing.T) {
	const marked = lockWrlocked | lockKernelManaged
	store := func(f func(addr uint64, old, val uint32) uint32) mutant { return mutant{store: f} }
	noWake := func(f func(addr uint64, n, class uint32) bool) mutant {
		return mutant{wake: func(addr uint64, n, class uint32) bool { return !f(addr, n, class) }}
	}
	for _, tt := range []struct {
		mistake, program string
		mutant           mutant
	}{
		{"a woken writer does not mark", "W W W", store(func(addr uint64, old, val uint32) uint32 {
			if addr == modelLock && old == 0 && val&marked == marked {
				val &^= lockKernelManaged
			}
			return val
		})},
		{"who sleeps does not mark", "W W", store(func(addr uint64, old, val uint32) uint32 {
			if addr == modelLock && old != 0 && val == old|lockKernelManaged {
				val = old
			}
			return val
		})},
		{"an unlock wakes no writer", "W W", noWake(func(addr uint64, n, class uint32) bool {
			return addr == modelLock && n == 1
		})},
		{"an unlock wakes no readers", "W R", noWake(func(addr uint64, n, class uint32) bool {
			return addr == modelLock && class == classReader
		})},
		{"a writer that gives up takes the mark away silently", "w R R", noWake(func(addr uint64, n, class uint32) bool {
			return addr == modelLock && class == classEveryone
		})},
		{"a reader takes the mark away silently", "R R W", noWake(func(addr uint64, n, class uint32) bool {
			return addr == modelLock && class == classEveryone
		})},
		{"a signal to nobody leaves the word as it is", "C S", store(func(addr uint64, old, val uint32) uint32 {
			if addr == modelCondvar && val == 0 {
				val = old
			}
			return val
		})},
		{"a signal clears silently", "C ss CC s", noWake(func(addr uint64, n, class uint32) bool {
			return addr == modelCondvar && n == host.FutexAll
		})},
		{"a writer's lock looks like a reader's", "W W", store(func(addr uint64, old, val uint32) uint32 {
			if addr == modelLock && val&lockWrlocked != 0 {
				val = val&lockKernelManaged | 1
			}
			return val
		})},
	} {
		found := ""
		for _, bound := range [][2]int{{2, 0}, {1, 1}, {2, 1}, {1, 2}, {2, 2}} {
			if found == "" {
				found, _, _ = explore(tt.program, false, bound[0], bound[1], 10000, tt.mutant)
			}
		}
		if found == "" {
			t.Errorf("%s: not found", tt.mistake)
		} else {
			t.Logf("%s: %s", tt.mistake, found)
		}
	}
}
