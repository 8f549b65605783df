package runtime

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	goruntime "runtime"
	"slices"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/engine"
	"cabitrans/runtime/host"
	"cabitrans/runtime/loader"
	"cabitrans/runtime/memory"
)

const pageMask = abi.PageSize - 1

// load fills guest memory with the image, the vDSO, the argument data and the
// first thread's stack.
func (p *Process) load(g *program, tid abi.Tid) (first engine.Start, v engine.VDSO, err error) {
	if err = p.mapImage(g); err != nil {
		return first, v, err
	}
	vdsoAddr, v, err := p.mapVDSO()
	if err != nil {
		return first, v, fmt.Errorf("no memory for the vDSO: %w", err)
	}
	first, err = p.mapStart(g, vdsoAddr, tid)
	return first, v, err
}

// mapImage places the executable's segments.
func (p *Process) mapImage(g *program) error {
	if err := p.mapSegments(g); err != nil {
		return err
	}
	for _, cp := range p.plan.Copies {
		if err := p.copyFrom(g.exe, cp); err != nil {
			return err
		}
	}
	for _, m := range p.plan.Maps {
		if err := p.mem.Protect(m.Addr, m.Len, m.Prot); err != nil {
			return fmt.Errorf("cannot protect a segment: %w", err)
		}
	}
	return nil
}

// mapSegments finds memory for the executable's segments.
func (p *Process) mapSegments(g *program) (err error) {
	if p.plan, err = p.choosePlace(); err != nil {
		return err
	}
	for _, m := range p.plan.Maps {
		req := memory.Request{Addr: m.Addr, Len: m.Len, Fixed: true, Prot: abi.ProtRead | abi.ProtWrite, Name: g.name}
		if _, err := p.mem.Map(req); err != nil {
			return p.placeTaken(err)
		}
	}
	return nil
}

// choosePlace plans the image at a free place, or at its own.
func (p *Process) choosePlace() (*loader.Plan, error) {
	if !p.program.image.PIE {
		return p.program.image.Plan(0)
	}
	size := p.program.image.Hi - p.program.image.Lo
	addr, err := p.mem.Map(memory.Request{Len: size, Align: p.program.image.Align})
	if err != nil {
		return nil, fmt.Errorf("its %d MiB do not fit into the %d MiB of guest memory: %w",
			size>>20, host.ArenaHi>>20, err)
	}
	// The pages between segments must not stay mapped.
	if err := p.mem.Unmap(addr, size); err != nil {
		return nil, err
	}
	return p.program.image.Plan(addr - p.program.image.Lo&^(p.program.image.Align-1))
}

// placeTaken explains why a segment could not be mapped where it must be.
func (p *Process) placeTaken(err error) error {
	if p.program.image.PIE {
		return fmt.Errorf("no memory for its segments: %w", err)
	}
	at := fmt.Sprintf("it must lie at addresses %#x to %#x", p.plan.Lo, p.plan.Hi)
	if p.plan.Lo < host.ArenaLo || p.plan.Hi > host.ArenaHi {
		return fmt.Errorf("%s, outside of guest memory (%#x to %#x)", at, uint64(host.ArenaLo), uint64(host.ArenaHi))
	}
	if errors.Is(err, abi.EINVAL) {
		return fmt.Errorf("%s, %s", at, host.PlaceTaken)
	}
	return fmt.Errorf("%s: %w", at, err)
}

// copyFrom copies a stretch of the executable in pieces.
func (p *Process) copyFrom(r io.ReaderAt, cp loader.Copy) error {
	buf := make([]byte, min(cp.Len, 64<<10)) // each piece finds the last one's memory present
	for done := uint64(0); done < cp.Len; {
		b := buf[:min(uint64(len(buf)), cp.Len-done)]
		if n, err := r.ReadAt(b, int64(cp.Off+done)); n < len(b) {
			if err == io.EOF {
				err = loader.ErrTruncated // since Parse has seen its headers
			}
			return fmt.Errorf("cannot read its segment at file offset %#x: %w", cp.Off+done, err)
		}
		if err := p.mem.CopyOut(cp.Addr+done, b); err != nil {
			return fmt.Errorf("cannot copy a segment: %w", err)
		}
		done += uint64(len(b))
	}
	return nil
}

// mapVDSO places the shared object through which the guest calls the kernel.
func (p *Process) mapVDSO() (addr uint64, v engine.VDSO, err error) {
	p.calls = abi.CallsOfVDSO(p.program.of2016)
	names := make([]string, len(p.calls))
	for i, c := range p.calls {
		names[i] = c.Info().Symbol()
	}
	so := loader.BuildVDSO(names)
	size := (uint64(len(so.Image)) + pageMask) &^ pageMask
	if addr, err = p.mem.Map(memory.Request{Len: size, Prot: abi.ProtRead | abi.ProtWrite}); err != nil {
		return 0, v, err
	}
	if err = p.mem.CopyOut(addr, so.Image); err != nil {
		return 0, v, err
	}
	for _, m := range so.Maps {
		if err = p.mem.Seal(addr+m.Addr, m.Len, m.Prot, "the vDSO"); err != nil {
			return 0, v, err
		}
	}
	return addr, engine.VDSO{
		Text: addr + so.Text, Stride: so.Stride, Count: so.Count, RetOffset: so.RetOffset,
		Clock: uint32(max(slices.Index(p.calls, abi.CallClockTimeGet), 0)),
	}, nil
}

// mapStart places the argument data, and the first thread's stack with the
// auxiliary vector on it. The page below the stack stays without access, and so does
// the lowest page where host.StackRoom lies between them.
func (p *Process) mapStart(g *program, vdso uint64, tid abi.Tid) (first engine.Start, err error) {
	args := uint64(0)
	rw := abi.ProtRead | abi.ProtWrite
	if n := uint64(len(g.args)); n > 0 {
		if args, err = p.mem.Map(memory.Request{Len: n, Prot: rw, Name: "the argument data"}); err == nil {
			err = p.mem.CopyOut(args, g.args)
		}
		if err != nil {
			return first, fmt.Errorf("no memory for %d bytes of argument data: %w", n, err)
		}
	}
	size := g.stackSize
	if size == 0 {
		size = DefaultStackSize
	}
	if size > host.ArenaHi { // more would wrap around below
		return first, fmt.Errorf("no memory for a stack of %d bytes: %w", size, abi.ENOMEM)
	}
	size = (max(size, minStack) + pageMask) &^ pageMask
	below := uint64(abi.PageSize)
	if host.FaultsNeedStack {
		below += host.StackRoom + abi.PageSize
	}
	lowest, err := p.mem.Map(memory.Request{Len: below + size, Name: "the guard page below the first thread's stack"})
	lo := lowest + below
	if err == nil {
		_, err = p.mem.Map(memory.Request{Addr: lo, Len: size, Fixed: true, Prot: rw, Name: "the first thread's stack"})
	}
	if err == nil && host.FaultsNeedStack {
		_, err = p.mem.Map(memory.Request{Addr: lowest + abi.PageSize, Len: host.StackRoom, Fixed: true, Prot: rw,
			Name: "room for the record of a fault below the first thread's stack"})
		if err == nil {
			err = host.GuardStack(lo - abi.PageSize)
		}
	}
	if err != nil {
		return first, fmt.Errorf("no memory for a stack of %d bytes: %w", size, err)
	}
	s := loader.Start{
		StackLo: lo, StackHi: lo + size,
		Base: p.plan.Base, Phdr: p.plan.Phdr, Phnum: p.program.image.Phnum, Phdrs: p.program.image.Phdrs,
		VDSO: vdso, ArgAddr: args, ArgLen: uint64(len(g.args)),
		NCPUs: goruntime.NumCPU(), TID: tid, PID: uuid(),
	}
	_, _ = rand.Read(s.Canary[:]) // never fails
	block, err := s.Build()
	if err != nil {
		return first, err
	}
	if err := p.mem.CopyOut(block.Addr, block.Bytes); err != nil {
		return first, err
	}
	return engine.Start{RIP: p.plan.Entry, RSP: block.RSP, RDI: block.RDI}, nil
}

// minStack is the smallest first stack: the start-up block needs part of it.
const minStack = 64 << 10

// uuid is a random one (RFC 9562, version 4).
func uuid() (u [loader.UUIDSize]byte) {
	_, _ = rand.Read(u[:]) // never fails
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return u
}
