package runtime

import (
	"io"

	"cabitrans/runtime/host"
	"cabitrans/runtime/loader"
	"cabitrans/runtime/memory"
)

// Check says whether an executable of size bytes would be loaded here: nil, or what
// Start would answer. It maps the segments, without their contents, and unmaps them;
// like Start it cannot do so while a process runs, and answers ErrBusy. What the
// program does once it runs nobody can tell.
func Check(exe io.ReaderAt, size int64) error {
	image, err := loader.Parse(exe, size)
	if err != nil {
		return err
	}
	if !live.CompareAndSwap(false, true) {
		return ErrBusy
	}
	defer live.Store(false)
	space, err := host.Reserve()
	if err != nil {
		return err
	}
	p := &Process{program: &program{exe: exe, size: size, image: image}}
	if p.mem, err = memory.New(space); err != nil {
		return err
	}
	err = p.mapSegments(p.program)
	if closing := p.mem.Close(); err == nil {
		err = closing
	}
	return err
}
