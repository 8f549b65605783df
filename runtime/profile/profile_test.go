package profile

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/pprof/profile"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/engine"
)

// at makes a place.
func at(d engine.Activity, c abi.Call) activity { return activityOf(engine.Place{Doing: d, Call: c}) }

func TestActivities(t *testing.T) {
	for _, c := range []struct {
		a    activity
		want string
	}{
		{at(engine.InGuest, 0), ""},
		{at(engine.InCall, abi.CallFDRead), "[system call fd_read]"},
		{at(engine.InCall, abi.NumCalls), "[system call without a name]"},
		{at(engine.Translating, 0), "[translation]"},
		{at(engine.Emulating, 0), "[emulation]"},
		{endOfThread, "[end of thread]"},
	} {
		if got := c.a.name(); got != c.want {
			t.Errorf("%#x is %q, want %q", uint64(c.a), got, c.want)
		}
	}
}

// written is what a Recorder makes of threads: each function is a row of samples.
func written(t *testing.T, r *Recorder) (*profile.Profile, error) {
	t.Helper()
	var b bytes.Buffer
	failed := r.Write(&b)
	p, err := profile.Parse(&b)
	if err != nil {
		t.Fatal(err)
	}
	return p, failed
}

// TestStacks gives names to the stacks of two programs that lie at the same addresses.
func TestStacks(t *testing.T) {
	r := New(100)
	symbols := func(prefix string) func(uint64) (string, uint64) {
		return func(addr uint64) (string, uint64) {
			if addr < 0x1000 || addr >= 0x3000 {
				return "", 0
			}
			return prefix + string(rune('a'+addr/0x100%16)), addr &^ 0xff
		}
	}
	for _, program := range []string{"one", "two"} {
		th := &Thread{recorder: r, tid: 7, period: int64(r.period), stacks: make(counts)}
		th.count(at(engine.InGuest, 0), []uint64{0x1000, 0x1100}, 1) // the second is behind a call in a
		th.count(at(engine.InGuest, 0), []uint64{0x1000, 0x1100}, 2)
		th.count(at(engine.InCall, abi.CallFDRead), []uint64{0x1200}, 1)
		th.count(at(engine.Translating, 0), []uint64{0x1200}, 1)
		th.count(at(engine.InGuest, 0), []uint64{0x5001}, 1)
		th.count(at(engine.InGuest, 0), []uint64{0x6001}, 1)
		th.count(at(engine.InGuest, 0), []uint64{0x3001}, 1) // in the program, but of no function
		r.ended(th)
		r.EndProgram(Program{File: program, Text: []Text{{0x1000, 0x4000, 0}}, VDSO: [2]uint64{0x6000, 0x7000},
			Symbol: symbols(program + ".")})
	}
	p, err := written(t, r)
	if err != nil {
		t.Error(err)
	}
	var got []string
	for _, s := range p.Sample {
		text := ""
		for _, l := range s.Location {
			for _, line := range l.Line {
				text += line.Function.Name
			}
			if l.Mapping != nil {
				text += "@" + l.Mapping.File
			}
			text += " "
		}
		got = append(got, text+strings.Repeat("*", int(s.Value[0])))
	}
	slices.Sort(got)
	want := []string{
		"@one *", "@two *",
		"[code outside of the executable] *", "[code outside of the executable] *",
		"[system call fd_read] one.b@one *", "[system call fd_read] two.b@two *",
		"[translation] one.c@one *", "[translation] two.c@two *",
		"[vdso] *", "[vdso] *",
		"one.a@one one.a@one ***", "two.a@two two.a@two ***",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestMissingThreads says so when a thread could not be sampled, and writes the others.
func TestMissingThreads(t *testing.T) {
	r := New(100)
	none := errors.New("no timers left")
	r.missed(none)
	r.missed(errors.New("another reason"))
	p, err := written(t, r)
	if !errors.Is(err, none) || len(p.Comments) != 1 || p.Comments[0] != "2 threads are missing: no timers left" {
		t.Errorf("%v, comments %q", err, p.Comments)
	}
}

// TestCountAllocates counts allocations for a stack that is known.
func TestCountAllocates(t *testing.T) {
	th := &Thread{stacks: make(counts)}
	frames := make([]uint64, maxFrames)
	if n := testing.AllocsPerRun(100, func() { th.count(0, frames, 1) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
