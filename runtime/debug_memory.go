package runtime

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"cabitrans/runtime/gdb"
	"cabitrans/runtime/host"
)

// ReadMemory implements gdb.Target. What the guest cannot read cannot be read here
// either; of the thread blocks, the page that a thread's %fs base leads to can.
func (d *debugger) ReadMemory(b []byte, addr uint64) (n int) {
	for n < len(b) {
		at := addr + uint64(n)
		piece := b[n:min(len(b), n+int(host.PageSize-at%host.PageSize))]
		if d.process.mem.CopyIn(piece, at) != nil && copy(piece, d.fsPage(at)) < len(piece) {
			return n
		}
		n += len(piece)
	}
	return n
}

// WriteMemory implements gdb.Target.
func (d *debugger) WriteMemory(addr uint64, b []byte) error {
	if page := d.fsPage(addr); len(page) >= len(b) && page != nil {
		copy(page, b)
		return nil
	}
	if err := d.process.mem.Poke(addr, b); err != nil {
		return fmt.Errorf("memory at %#x cannot be written: %w", addr, err)
	}
	return nil
}

// fsPage is what there is from addr on of a page that some thread's %fs base leads to;
// nil if addr is in none.
func (d *debugger) fsPage(addr uint64) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range d.threads {
		h := t.kernel.Host
		if off := addr - h.FSWord; off < host.PageSize {
			return h.FSPage()[off:]
		}
	}
	return nil
}

// TLSAddress implements gdb.Target. The word at a thread's %fs base is the address of
// its TCB, and the program's TLS segment ends right below that, rounded up to its
// alignment (variant II of "ELF Handling For Thread-Local Storage").
func (d *debugger) TLSAddress(id gdb.ThreadID, offset uint64) (uint64, error) {
	t, err := d.find(id)
	if err != nil {
		return 0, err
	}
	tls := d.process.program.image.TLS
	if tls == nil {
		return 0, errors.New("the program has no thread-local variables")
	}
	var word [8]byte
	base := t.engine.Registers().FSBase
	if d.ReadMemory(word[:], base) < len(word) {
		return 0, fmt.Errorf("no memory at the %%fs base, %#x", base)
	}
	tcb := binary.LittleEndian.Uint64(word[:])
	if tcb == t.kernel.Host.TCB() && base == t.kernel.Host.FSWord {
		return 0, errors.New("the thread has not set up its thread-local variables yet")
	}
	align := max(tls.Align, 1)
	return tcb - (tls.Memsz+align-1)&^(align-1) + offset, nil
}

// SetPoint implements gdb.Target.
func (d *debugger) SetPoint(p gdb.Point) error {
	if p.Kind == gdb.WatchRead {
		return gdb.ErrUnsupported // no CPU tells reads from writes; debuggers then take WatchAccess
	}
	d.mu.Lock()
	if slices.Contains(d.points, p) {
		d.mu.Unlock()
		return nil
	}
	d.points = append(d.points, p)
	d.mu.Unlock()
	if p.Kind < gdb.WatchWrite {
		return nil // see arm
	}
	err := d.watch()
	if err != nil {
		d.remove(p)
		_ = d.watch() // of what was watched before
	}
	return err
}

// ClearPoint implements gdb.Target.
func (d *debugger) ClearPoint(p gdb.Point) error {
	d.remove(p)
	if p.Kind < gdb.WatchWrite {
		return nil
	}
	return d.watch()
}

func (d *debugger) remove(p gdb.Point) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.points = slices.DeleteFunc(d.points, func(x gdb.Point) bool { return x == p })
}

// breakpoint reports whether there is one at addr. The caller holds d.mu.
func (d *debugger) breakpoint(addr uint64) bool {
	return slices.ContainsFunc(d.points, func(p gdb.Point) bool { return p.Kind < gdb.WatchWrite && p.Addr == addr })
}

// watched is the watchpoint that addr belongs to, nil if there is none. The caller holds
// d.mu.
func (d *debugger) watched(addr uint64) *gdb.Point {
	for i := range d.points {
		if p := &d.points[i]; p.Kind >= gdb.WatchWrite && addr-p.Addr < p.Len {
			return p
		}
	}
	return nil
}

// arm makes translations end at the breakpoints there are. Debuggers remove theirs
// whenever the process stops, and set them again before it goes on: that this is done
// only then, and does nothing when they are the same, saves translating everything anew.
func (d *debugger) arm() {
	var at []uint64
	d.mu.Lock()
	for _, p := range d.points {
		if p.Kind < gdb.WatchWrite && !slices.Contains(at, p.Addr) {
			at = append(at, p.Addr)
		}
	}
	d.mu.Unlock()
	d.process.engine.SetBreakpoints(at)
}

// errWatchSize says what the CPU has no debug registers for.
var errWatchSize = fmt.Errorf("the CPU can watch %d pieces of 1, 2, 4 or 8 bytes, each at a multiple of its length",
	host.MaxWatches)

// watches are the watchpoints in pieces that the CPU can watch.
func (d *debugger) watches() (w []host.Watch, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.points {
		if p.Kind < gdb.WatchWrite {
			continue
		}
		for addr, n := p.Addr, p.Len; n > 0; {
			if len(w) == host.MaxWatches {
				return nil, errWatchSize
			}
			size := uint64(8)
			for size > n || addr%size != 0 {
				size /= 2
			}
			w = append(w, host.Watch{Addr: addr, Len: uint8(size), Read: p.Kind == gdb.WatchAccess})
			addr, n = addr+size, n-size
		}
	}
	return w, nil
}

// watch makes the CPU watch what the watchpoints say, in all threads.
func (d *debugger) watch() error {
	w, err := d.watches()
	if err != nil {
		return err
	}
	d.mu.Lock()
	threads := slices.Clone(d.threads)
	d.mu.Unlock()
	for _, t := range threads {
		if err := t.kernel.Host.SetWatches(w); err != nil {
			return err
		}
	}
	return nil
}
