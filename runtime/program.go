package runtime

import (
	"io"
	"sync"

	"cabitrans/runtime/ehframe"
	"cabitrans/runtime/kernel"
	"cabitrans/runtime/loader"
)

// A program is what a process runs, with what it starts with.
type program struct {
	name      string
	exe       io.ReaderAt
	size      int64
	exeFD     int                   // host descriptor of exe, -1 when it has none
	closer    io.Closer             // of exe, when it is the process's own
	image     *loader.Image         // of a forked process nil if the executable cannot be read any more
	unwind    func() *ehframe.Table // see unwindTable
	of2016    bool                  // see generation.go
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
	g.unwind = sync.OnceValue(g.unwindTable)
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

// segments are those of the executable, as far as it is known.
func (g *program) segments() []loader.Segment {
	if g.image == nil {
		return nil
	}
	return g.image.Segments
}

// maxUnwind bounds the segment in which the unwind tables lie, in bytes, that is kept in memory for them.
const maxUnwind = 256 << 20

// unwindTable reads the unwind tables; nil if the program has none, or none that can be read: they serve reports and
// profiles only.
func (g *program) unwindTable() *ehframe.Table {
	if g.exe == nil || g.image == nil {
		return nil
	}
	h := g.image.EHFrameHdr
	for _, s := range g.image.Segments {
		if h.Vaddr-s.Vaddr >= s.Filesz || s.Filesz > maxUnwind {
			continue
		}
		b := make([]byte, s.Filesz)
		if n, err := g.exe.ReadAt(b, int64(s.Off)); n < len(b) || err != nil && err != io.EOF {
			return nil
		}
		t, _ := ehframe.Open(func(addr, n uint64) []byte {
			if d := addr - s.Vaddr; d <= uint64(len(b)) && n <= uint64(len(b))-d {
				return b[d:][:n:n]
			}
			return nil
		}, h.Vaddr, h.Size)
		return t
	}
	return nil
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
