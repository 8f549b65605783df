package runtime

import (
	"fmt"
	"io"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/engine"
	"cabitrans/runtime/host"
	"cabitrans/runtime/kernel"
	"cabitrans/runtime/profile"
)

// A Profile says how the guest's CPU time is sampled, and where the profile is written
// when the process has ended, in the format of pprof.
type Profile struct {
	To io.Writer
	Hz int // samples in a second of a thread's CPU time, 1 to MaxProfileHz; 0 for DefaultProfileHz
	// Forked is the path of the profiles of forked processes: each adds a point and its process identifier. Without it
	// they have none.
	Forked string
}

// The rates of a profile.
const (
	DefaultProfileHz = profile.DefaultHz
	MaxProfileHz     = profile.MaxHz
)

// setProfile makes the recorder that c asks for.
func (p *Process) setProfile(c *Profile) error {
	if c == nil {
		return nil
	}
	hz := c.Hz
	if hz == 0 {
		hz = DefaultProfileHz
	}
	if hz < 1 || hz > MaxProfileHz {
		return fmt.Errorf("a profile cannot have %d samples in a second, only 1 to %d", hz, MaxProfileHz)
	}
	p.profile, p.recorder = c, profile.New(hz)
	return nil
}

// sample begins to sample a thread, the calling one, if that was asked for; the returned
// function ends it.
func (p *Process) sample(kt *kernel.Thread, et *engine.Thread) (stop func()) {
	if p.recorder == nil {
		return func() {}
	}
	t := p.recorder.Thread(kt.Host, p.walker(), p.mem)
	if t == nil {
		return func() {}
	}
	et.SetSampler(t)
	return t.Close
}

// endProgram gives names to what has been sampled of the program whose threads have all
// left, before its memory and its executable are gone.
func (p *Process) endProgram() {
	if p.recorder == nil || p.engine == nil {
		return
	}
	g := profile.Program{
		File: p.programPath(), Exe: p.program.exe, Base: p.plan.Base,
		VDSO:   [2]uint64{p.vdso.Text, p.vdso.Text + p.vdso.Stride*uint64(p.vdso.Count)},
		Symbol: p.functionOf,
	}
	for _, s := range p.program.segments() {
		if s.Prot&abi.ProtExec != 0 {
			lo := s.Vaddr &^ pageMask
			g.Text = append(g.Text, profile.Text{
				Lo: p.plan.Base + lo, Hi: p.plan.Base + (s.Vaddr+s.Memsz+pageMask)&^pageMask, Offset: s.Off - (s.Vaddr - lo),
			})
		}
	}
	p.recorder.EndProgram(g)
}

// programPath is where the program's executable lies, as far as that is known.
func (p *Process) programPath() string {
	if p.program.exeFD >= 0 {
		return host.NameFD(p.program.exeFD)
	}
	return p.program.name
}

// functionOf names the function that a guest address is in, and says where that begins; empty if it is unknown.
func (p *Process) functionOf(addr uint64) (name string, begin uint64) {
	if addr < p.plan.Lo || addr >= p.plan.Hi {
		return "", 0
	}
	name, past, _ := p.syms().Lookup(addr - p.plan.Base)
	return name, addr - past
}

// writeProfile writes the profile, if one was asked for.
func (p *Process) writeProfile() error {
	if p.recorder == nil {
		return nil
	}
	return p.recorder.Write(p.profile.To)
}

// ProfileErr waits until the process has ended, and says whether the profile could be
// written, and has all threads.
func (p *Process) ProfileErr() error {
	<-p.ended
	return p.profileErr
}
