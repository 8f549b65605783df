//go:build amd64

package engine

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"

	"cabitrans/decode"
)

// A boundary is the state between two guest instructions, as far as the guest can
// see it.
type boundary struct {
	RIP, Flags uint64
	Regs       [16]uint64
	Mem        []byte // the ranges looked at, one after the other
}

const boundaryHead = 18 * 8

// guestFlags are those that a guest's instructions change: arithmetic and
// direction. RF tells only whether the CPU came back from an exception.
const guestFlags = 0x8d5 | 0x400

func (b *boundary) append(out []byte) []byte {
	le := binary.LittleEndian
	out = le.AppendUint64(le.AppendUint64(out, b.RIP), b.Flags)
	for _, r := range b.Regs {
		out = le.AppendUint64(out, r)
	}
	return append(out, b.Mem...)
}

func readBoundary(b []byte) boundary {
	le := binary.LittleEndian
	r := boundary{RIP: le.Uint64(b), Flags: le.Uint64(b[8:]), Mem: b[boundaryHead:]}
	for i := range r.Regs {
		r.Regs[i] = le.Uint64(b[16+8*i:])
	}
	return r
}

// native runs guest text as the request says and records every boundary. Signals
// that come meanwhile are held: nothing but the guest's instructions is executed.
func (tr *tracer) native() error {
	var host unix.PtraceRegs
	if err := unix.PtraceGetRegs(tr.tid, &host); err != nil {
		return err
	}
	q := &tr.req
	regs := unix.PtraceRegs{
		Rip: q.RIP, Rsp: q.RSP, Rdi: q.RDI, Fs_base: q.FSBase, Eflags: 0x202,
		Orig_rax: ^uint64(0),                                                               // not in a system call that could be restarted
		Cs:       host.Cs, Ss: host.Ss, Ds: host.Ds, Es: host.Es, Fs: host.Fs, Gs: host.Gs, // and Gs_base 0, as for a guest
	}
	if err := unix.PtraceSetRegs(tr.tid, &regs); err != nil {
		return err
	}
	var out []byte
	q.Hits = 0
	for {
		if err := unix.PtraceGetRegs(tr.tid, &regs); err != nil {
			return err
		}
		b, err := tr.boundary(&regs)
		if err != nil {
			return err
		}
		out = b.append(out)
		q.Hits++
		var op [1]byte
		if err := tr.read(regs.Rip, op[:]); err != nil {
			return err
		}
		sig, err := tr.step()
		if err != nil {
			return err
		}
		if sig == unix.SIGILL {
			break
		}
		if sig != 0 {
			return fmt.Errorf("guest code got %v natively, at %#x", sig, regs.Rip)
		}
		if op[0] == pushf {
			if err := tr.clearTF(); err != nil {
				return err
			}
		}
	}
	if uint64(len(out)) > q.BufLen {
		return fmt.Errorf("the trace has %d bytes", len(out))
	}
	if err := tr.put(q.Buf, out); err != nil {
		return err
	}
	return unix.PtraceSetRegs(tr.tid, &host)
}

func (tr *tracer) boundary(regs *unix.PtraceRegs) (*boundary, error) {
	b := &boundary{RIP: regs.Rip, Flags: regs.Eflags & guestFlags, Regs: [16]uint64{
		regs.Rax, regs.Rcx, regs.Rdx, regs.Rbx, regs.Rsp, regs.Rbp, regs.Rsi, regs.Rdi,
		regs.R8, regs.R9, regs.R10, regs.R11, regs.R12, regs.R13, regs.R14, regs.R15,
	}}
	for _, l := range tr.req.Look {
		m := make([]byte, l[1])
		if err := tr.read(l[0], m); err != nil {
			return nil, err
		}
		b.Mem = append(b.Mem, m...)
	}
	return b, nil
}

// clearTF clears the trap flag in the word on top of the guest's stack: pushf shows
// that the CPU is stepping.
func (tr *tracer) clearTF() error {
	var regs unix.PtraceRegs
	if err := unix.PtraceGetRegs(tr.tid, &regs); err != nil {
		return err
	}
	var v uint64
	if err := tr.get(regs.Rsp, &v); err != nil {
		return err
	}
	return tr.put(regs.Rsp, v&^0x100)
}

// A nativeTrace is every boundary of a program, in order.
type nativeTrace struct {
	strict bool // the stack below rsp counts, too
	list   []boundary
	knows  []bool // r11 counts: no return or indirect branch has been made since it was set
	flags  []bool // those of arithmetic count: likewise, but for indirect calls
	stack  uint64 // top; the last range looked at ends here
	nstack int    // its length
}

// find returns the number of a boundary that is b, or -1. Bytes below rsp do not
// count, nor do r11 and flags where the translator may lose them and keep is false.
func (n *nativeTrace) find(b *boundary, keep bool) int {
	for i := range n.list {
		want := &n.list[i]
		if want.RIP == b.RIP && n.differs(i, b, keep) == "" {
			return i
		}
	}
	return -1
}

// differs says what is wrong with b as boundary i.
func (n *nativeTrace) differs(i int, b *boundary, keep bool) string {
	want := &n.list[i]
	if diff := want.Flags ^ b.Flags; diff&0x400 != 0 || diff != 0 && (keep || n.flags[i]) {
		return fmt.Sprintf("flags %#x, want %#x", b.Flags, want.Flags)
	}
	for r := range want.Regs {
		if want.Regs[r] != b.Regs[r] && (decode.Reg(r) != decode.R11 || keep || n.knows[i]) {
			return fmt.Sprintf("register %d %#x, want %#x", r, b.Regs[r], want.Regs[r])
		}
	}
	rest := len(b.Mem) - n.nstack
	if !bytes.Equal(b.Mem[:rest], want.Mem[:rest]) {
		return fmt.Sprintf("memory\n%x, want\n%x", b.Mem[:rest], want.Mem[:rest])
	}
	live := rest
	if below := int64(want.Regs[decode.RSP] - (n.stack - uint64(n.nstack))); below > 0 && !n.strict {
		live += min(int(below), n.nstack)
	}
	if !bytes.Equal(b.Mem[live:], want.Mem[live:]) {
		return fmt.Sprintf("stack\n%x, want\n%x", b.Mem[live:], want.Mem[live:])
	}
	return ""
}

// nearest describes b against the boundaries with its RIP.
func (n *nativeTrace) nearest(b *boundary, keep bool) string {
	s := fmt.Sprintf("at %#x:", b.RIP)
	for i := range n.list {
		if n.list[i].RIP == b.RIP {
			s += fmt.Sprintf("\n against boundary %d: %s", i, n.differs(i, b, keep))
		}
	}
	return s
}
