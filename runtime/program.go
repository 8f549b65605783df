package runtime

import (
	"io"
	"sync"

	"cabitrans/runtime/kernel"
	"cabitrans/runtime/loader"
)

// A program is what a process runs, with what it starts with.
type program struct {
	name      string
	exe       io.ReaderAt
	size      int64
	exeFD     int       // host descriptor of exe, -1 when it has none
	closer    io.Closer // of exe, when it is the process's own
	image     *loader.Image
	of2016    bool // see generation.go
	args      []byte
	stackSize uint64
	fds       []kernel.Grant
	table     *kernel.Table // instead of fds
}

// newProgram is the program that a Config asks for.
func newProgram(c *Config) (*program, error) {
	g := &program{
		name: c.Name, exe: c.Executable, size: c.Size, exeFD: -1,
		args: c.ArgData, stackSize: c.StackSize, fds: grants(c.FDs, c.Drop),
	}
	if f, ok := c.Executable.(interface{ Fd() uintptr }); ok {
		g.exeFD = int(f.Fd())
	}
	var err error
	if g.image, err = loader.Parse(g.exe, g.size); err == nil {
		g.of2016 = of2016(g.exe, g.image)
	}
	return g, err
}

// symbols reads the symbol table when it is first needed, which for most programs
// is never. Symbols only name things: a program whose table is broken runs all the
// same.
func (g *program) symbols() func() *loader.SymTab {
	return sync.OnceValue(func() *loader.SymTab {
		if g.exe == nil {
			return nil
		}
		syms, _ := loader.Symbols(g.exe, g.size)
		return syms
	})
}

// close gives back what the program alone has used.
func (g *program) close() {
	if g.table != nil {
		g.table.Close()
	}
	if g.closer != nil {
		_ = g.closer.Close() // it was only read
	}
}
