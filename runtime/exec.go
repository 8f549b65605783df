package runtime

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
	"cabitrans/runtime/kernel"
	"cabitrans/runtime/loader"
)

// Exec is proc_exec: it makes sure, as far as that is possible beforehand, that the
// process can become the executable behind exe, and leaves the rest to reap. It
// implements kernel.Engine.
func (p threads) Exec(exe int, data []byte, t *kernel.Table) error {
	f, err := host.OSFile(exe, fmt.Sprintf("descriptor %d", exe))
	if err != nil {
		return err
	}
	g := &program{
		name: host.NameFD(exe), exe: f, exeFD: int(f.Fd()), closer: f,
		args: data, stackSize: p.program.stackSize, table: t,
	}
	g.unwind = sync.OnceValue(g.unwindTable)
	err = g.parse(f)
	if most := p.limits.Memory; err == nil && most > 0 && g.image.Hi-g.image.Lo+uint64(len(data)) > most {
		err = abi.ENOMEM
	}
	if err != nil {
		f.Close()
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next != nil || p.kernel.Exiting() {
		// The process is ending already: the guest will not learn of this.
		f.Close()
		return abi.EBUSY
	}
	p.next = g
	return nil
}

// parse reads the headers of an executable that a guest has named. The errors are
// what the guest gets.
func (g *program) parse(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	g.size = info.Size()
	g.image, err = loader.Parse(f, g.size)
	var format *loader.FormatError
	switch {
	case errors.As(err, &format):
		return fmt.Errorf("%w: %w", abi.ENOEXEC, err)
	case err != nil:
		return err
	case !g.image.PIE && (g.image.Lo < host.ArenaLo || g.image.Hi > host.ArenaHi),
		g.image.Hi-g.image.Lo+uint64(len(g.args)) > host.ArenaHi-host.ArenaLo:
		return abi.ENOMEM
	}
	g.of2016 = of2016(f, g.image)
	return nil
}

// becomeNext makes the process, whose threads have all left, the program that
// proc_exec has asked for; false when it did not end for that, or cannot. As on any
// system, the process is then killed.
func (p *Process) becomeNext() bool {
	p.mu.Lock()
	s, _ := p.kernel.Status()
	g := p.next
	p.next = nil
	if g == nil {
		p.mu.Unlock()
		return false
	}
	if !s.Exec {
		p.mu.Unlock()
		g.close() // another ending came first
		return false
	}
	p.stats.add(p.currentStats())
	p.endProgram()
	p.endCoverage()
	err := p.release()
	p.close = errors.Join(p.close, err)
	p.mu.Unlock()
	if err == nil {
		p.debug.became()
		err = p.begin(g)
	}
	if err != nil {
		p.mu.Lock()
		p.status = kernel.ExitStatus{Signal: abi.SIGKILL}
		p.mu.Unlock()
		return false
	}
	return true
}
