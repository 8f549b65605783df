//go:build linux || windows

package engine

import (
	"fmt"
	"testing"
	"time"

	"cabitrans/decode"
	"cabitrans/rewrite"
)

// countdown counts rcx down, through every way in which a block can come to itself and to others, in nine
// instructions a round.
const countdown = `
	b9 40 0d 03 00       ;  0 mov $200000,%ecx
	48 8d 05 03 00 00 00 ;  5 lea 0xf,%rax
	ff e0                ;  c round: jmp *%rax
	90                   ;  e nop
	ff c2                ;  f inc %edx
	9c                   ; 11 pushfq
	9d                   ; 12 popfq
	e8 04 00 00 00       ; 13 call 1c
	e2 f2                ; 18 loop round
	0f 0b                ; 1a ud2
	ff c2                ; 1c inc %edx
	c3                   ; 1e ret`

const (
	rounds   = 200000
	perRound = 8 // jmp inc pushfq popfq call inc ret loop
	outside  = 2
)

// countedBy is how many instructions, and targets of indirect branches, have been counted.
func countedBy(e *Engine) (insts, targets int) {
	all, to := e.Blocks()
	for _, b := range all {
		for _, n := range b.Executed {
			insts += int(n)
		}
	}
	for _, n := range to {
		targets += int(n)
	}
	return insts, targets
}

// TestCountsSurviveDrops: translations that are dropped all the time, while a thread is in them, lose no count, nor make
// any twice.
func TestCountsSurviveDrops(t *testing.T) { eachTLS(t, testCountsSurviveDrops) }

func testCountsSurviveDrops(t *testing.T, tls rewrite.TLS) {
	for _, targets := range []bool{false, true} {
		t.Run(fmt.Sprintf("targets %v", targets), func(t *testing.T) { testDrops(t, tls, targets) })
	}
}

func testDrops(t *testing.T, tls rewrite.TLS, targets bool) {
	g := newGuestTLS(t, tls)
	e := g.engine
	e.WatchBlocks(BlockWatch{Count: true, Targets: targets})
	g.put(g.code, countdown)
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-quit:
				return
			case <-time.After(200 * time.Microsecond):
			}
			e.mu.Lock()
			e.flush()
			e.mu.Unlock()
		}
	}()
	f := g.run(g.code, nil)
	close(quit)
	<-done
	if f == nil || f.Signal != SigILL || f.Regs[decode.RDX] != 2*rounds {
		t.Fatalf("%+v", f)
	}
	insts, to := countedBy(e)
	want := 0
	if targets {
		want = rounds
	}
	if insts != rounds*perRound+outside || to != want {
		t.Errorf("targets %v: %d instructions, %d targets after %d drops, want %d, %d",
			targets, insts, to, e.Stats().Flushes, rounds*perRound+outside, want)
	}
	if e.Stats().Flushes == 0 {
		t.Error("nothing was dropped")
	}
}

// TestCountersRunOut: more blocks than there are counters make room for themselves.
func TestCountersRunOut(t *testing.T) {
	g := newGuest(t)
	e := g.engine
	e.WatchBlocks(BlockWatch{Count: true})
	g.put(g.code, countdown)
	for range 3 {
		e.mu.Lock()
		e.flush()
		for len(e.blocks.placed) < maxCounters { // as if they were in use
			e.blocks.placed = append(e.blocks.placed, placedBlock{Block: new(Block), begin: 1 << 31, end: 1 << 31})
		}
		e.mu.Unlock()
		before, _ := countedBy(e)
		g.run(g.code, nil)
		if insts, _ := countedBy(e); insts-before != rounds*perRound+outside {
			t.Errorf("%d instructions", insts-before)
		}
	}
	if n := e.Stats().Flushes; n != 2*3 {
		t.Errorf("dropped %d times", n)
	}
}

// TestOnlyExecuted: blocks that are watched are those that were executed.
func TestOnlyExecuted(t *testing.T) {
	for _, w := range []BlockWatch{{}, {Count: true}} {
		t.Run(fmt.Sprintf("%+v", w), func(t *testing.T) { testOnlyExecuted(t, w) })
	}
}

func testOnlyExecuted(t *testing.T, w BlockWatch) {
	g := newGuest(t)
	g.engine.WatchBlocks(w)
	g.put(g.code, countdown)
	g.run(g.code, nil)
	covered := map[uint64]bool{}
	all, _ := g.engine.Blocks()
	for _, b := range all {
		for i := range b.Code {
			covered[b.PC-g.code+uint64(i)] = true
		}
	}
	for at := range uint64(0x1f) {
		if covered[at] != (at != 0xe) {
			t.Errorf("%+v: code+%#x: %v", w, at, covered[at])
		}
	}
}
