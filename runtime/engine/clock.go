package engine

import (
	"cabitrans/codegen"
	"cabitrans/runtime/host"
)

// The clocks that programs read all the time, a stub reads without Go (codegen's
// stubs_clock.go): the host's own vDSO, and what Windows has in its place, are C functions that need neither Go's scheduler
// nor its stacks. The thread's calls take the ordinary way while somebody watches them.

// returnWord holds the host address of the return from a vDSO call, for that stub. It
// is the first of the code cache.
const returnWord = host.CacheLo + host.PageSize

// clock is what the stub needs; without functions there is none.
func (e *Engine) clock() codegen.Clock {
	h := host.ClockCalls()
	c := codegen.Clock{
		Func: h.Gettime, Counter: h.Counter, SystemTime: h.SystemTime, CounterNS: h.CounterNS,
		ClockSP: offClockSP, Clocks: offClocks, Return: returnWord,
	}
	c.Pages, c.PageCount, c.Mask, c.Write = e.mem.PageWords()
	return c
}

// letClocks says whether the stub may answer for the thread.
func (t *Thread) letClocks(may bool) { t.host.LetClocks(may && t.engine.stubs.Clock.Entry != 0) }
