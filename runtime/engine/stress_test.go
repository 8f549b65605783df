//go:build (linux || windows) && amd64

package engine

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"testing"
	"time"

	"cabitrans/internal/effort"
	"cabitrans/rewrite"
	"cabitrans/runtime/host"
)

// TestStress runs guest threads of every kind at once while everything that can
// get in their way does: kicks, dropped translations, changing options, garbage
// collections, profiling, Go's preemption. The guest code itself checks what it
// gets back.
func TestStress(t *testing.T) {
	length := effort.For(t, 1600*time.Millisecond)
	// A profile at a higher rate than pprof's own. Go then says on stderr that
	// StartCPUProfile could not set its rate, and uses this one.
	runtime.SetCPUProfileRate(2000)
	if err := pprof.StartCPUProfile(io.Discard); err != nil {
		t.Logf("without a profile: %v", err)
	} else {
		defer pprof.StopCPUProfile()
	}
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	for _, procs := range []int{1, 2} {
		t.Run(fmt.Sprintf("GOMAXPROCS=%d", procs), func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			newStress(t, uint64(procs)).run(length / 2)
		})
	}
}

// run lets the threads and their disturbers go for d.
func (s *stress) run(d time.Duration) {
	end := time.Now().Add(d)
	for kind := range stressKinds {
		if stressKinds[kind].name != "tcb" {
			s.spawn(kind)
		}
	}
	quit := make(chan struct{})
	disturb := s.disturbers()
	for i, f := range disturb {
		r := rand.New(rand.NewPCG(uint64(i), uint64(d)))
		s.wg.Add(1)
		go func() {
			defer s.wg.Done()
			for {
				select {
				case <-quit:
					return
				default:
					f(r)
				}
			}
		}()
	}
	time.Sleep(time.Until(end) / 3)
	for kind := range stressKinds {
		if stressKinds[kind].name == "tcb" {
			s.spawn(kind) // from now on %fs bases move
		}
	}
	time.Sleep(time.Until(end) / 2)
	s.setOptions(rewrite.Options{MovingBase: true, KeepR11: true})
	time.Sleep(time.Until(end))
	s.waitForTrips()
	s.finish(quit)
}

// disturbers are called over and over, each by a goroutine of its own.
func (s *stress) disturbers() []func(*rand.Rand) {
	pause := func(r *rand.Rand, most time.Duration) { time.Sleep(time.Duration(r.Int64N(int64(most)))) }
	return []func(*rand.Rand){
		func(r *rand.Rand) { // kicks, in bursts
			for range 1 + r.IntN(8) {
				if th := s.any(r); th != nil {
					th.host.Kick()
					s.kicks++
				}
			}
			pause(r, 300*time.Microsecond)
		},
		func(r *rand.Rand) { // as Go's scheduler does, and a kick without a purpose
			if th := s.any(r); th != nil {
				th.disturb(r)
			}
			pause(r, 200*time.Microsecond)
		},
		func(r *rand.Rand) { // dropped translations
			s.engine.mu.Lock()
			s.engine.flush()
			s.engine.mu.Unlock()
			pause(r, 4*time.Millisecond)
		},
		func(r *rand.Rand) {
			runtime.GC()
			pause(r, 5*time.Millisecond)
		},
		func(r *rand.Rand) { // a goroutine that only preemption stops, and garbage
			for range 1 + r.IntN(100_000) {
				s.sink.Add(1)
			}
			s.garbage = make([]*[64]byte, 100)
			for i := range s.garbage {
				s.garbage[i] = new([64]byte)
			}
			pause(r, time.Millisecond)
		},
		func(r *rand.Rand) { // what readers wait for
			s.feed(1 + r.IntN(3))
			pause(r, 200*time.Microsecond)
		},
	}
}

// finish stops everything and looks at what it has come to.
func (s *stress) finish(quit chan struct{}) {
	s.store(stressStop, 1)
	s.waitForLoops()
	close(quit)
	s.kernel.Exit(0) // ends those that spin or wait
	s.wg.Wait()
	locked := s.load(stressCount)
	var text bytes.Buffer
	for _, th := range s.threads {
		k := &stressKinds[th.kind]
		trips := s.load(th.base)
		fmt.Fprintf(&text, " %s %d", k.name, trips)
		if k.name == "lock" {
			locked -= trips
		}
		if th.fault != nil && th.fault.Signal != SigTRAP {
			s.Errorf("thread %d, %s, at code+%#x after %d trips: %s%+v", th.number, k.name,
				th.fault.RIP-stressPC, trips, stressWhy(th.fault), *th.fault)
		}
	}
	if locked != 0 {
		s.Errorf("threads got the lock %d times more than they counted", int64(locked))
	}
	st := s.engine.Stats()
	s.Logf("trips:%s", text.Bytes())
	s.Logf("%d kicks, %d flushes, %d misses; exits: call %d, link %d, syscall %d, trap %d, fault %d, kick %d, abort %d",
		s.kicks, st.Flushes, st.Threads.Misses, st.Threads.Exits[host.ExitCall], st.Threads.Exits[host.ExitLink],
		st.Threads.Exits[host.ExitSyscall], st.Threads.Exits[host.ExitTrap], st.Threads.Exits[host.ExitFault],
		st.Threads.Exits[host.ExitKick], st.Threads.Exits[host.ExitAbort])
}
