//go:build linux || windows

package engine

import (
	"testing"
	"time"

	"cabitrans/decode"
	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
	"cabitrans/runtime/memory"
)

// twoViews maps a page of an object twice, with code in it.
func (g *guest) twoViews(code []byte) (writable, text uint64) {
	fd, err := host.NewSharedObject("test")
	if err != nil {
		g.Fatal(err)
	}
	defer func() { _ = host.CloseFD(fd) }()
	if err := host.Truncate(fd, abi.PageSize); err != nil {
		g.Fatal(err)
	}
	view := func(prot abi.Mprot) uint64 {
		addr, err := g.mem.Map(memory.Request{
			Len: abi.PageSize, Prot: prot, Shared: true, Object: &memory.Object{FD: fd, ID: memory.ObjectID{Ino: 1}},
		})
		if err != nil {
			g.Fatal(err)
		}
		return addr
	}
	writable, text = view(abi.ProtRead|abi.ProtWrite), view(abi.ProtRead|abi.ProtExec)
	if err := g.mem.CopyOut(writable, code); err != nil {
		g.Fatal(err)
	}
	return writable, text
}

// TestWildCallOnOwnPage makes a call to nowhere, whose return address the emulator
// itself must store in a page that shows translated code.
func TestWildCallOnOwnPage(t *testing.T) {
	needsFaultsWithoutStack(t) // it is write-protected
	g := newGuest(t)
	writable, text := g.twoViews([]byte{0xff, 0xd0}) // callq *%rax
	f := g.run(text, func(ht *host.Thread) {
		r := &ht.Block().Regs
		r[decode.RSP], r[decode.RAX] = writable+0xf00, text+1<<32
	})
	if f == nil || f.RIP != text+1<<32 || !f.Fetch || f.Regs[decode.RSP] != writable+0xef8 {
		t.Fatalf("%+v", f)
	}
	if v, _ := g.mem.Load64(writable + 0xef8); v != text+2 {
		t.Errorf("return address %#x, want %#x", v, text+2)
	}
}

// TestCodeWritesItsOwnPage has code in a page of an object that is mapped writable
// elsewhere, as a just-in-time compiler of the guest's may have it, and that code
// writes there: to a counter beside it, to its stack if the host's faults need none, and to itself.
func TestCodeWritesItsOwnPage(t *testing.T) {
	g := newGuest(t)
	code := []byte{
		0xb9, 3, 0, 0, 0, //           0 movl $3, %ecx
		0xff, 0x87, 0, 8, 0, 0, //     5 incl 0x800(%rdi)
		0xe8, 12, 0, 0, 0, //          b callq 0x1c
		0xff, 0xd0, //                10 callq *%rax
		0x80, 0x47, 0x1d, 1, //       12 addb $1, 0x1d(%rdi): the immediate below
		0xff, 0xc9, //                16 decl %ecx
		0x75, 0xeb, //                18 jne 5
		0x0f, 0x0b, //                1a ud2
		0xb2, 0, //                   1c movb $0, %dl
		0x83, 0xc3, 1, //             1e addl $1, %ebx
		0xc3, //                      21 retq
	}
	writable, text := g.twoViews(code)
	stack := writable + 0xf00
	if host.FaultsNeedStack {
		stack = g.stack - 8
	}
	over := make(chan *Fault, 1)
	go func() {
		over <- g.run(text, func(ht *host.Thread) {
			r := &ht.Block().Regs
			r[decode.RDI], r[decode.RSP], r[decode.RAX] = writable, stack, text+0x1c
		})
	}()
	select {
	case f := <-over:
		if f == nil || f.Signal != SigILL || f.RIP != text+0x1a {
			t.Fatalf("%+v", f)
		}
		if f.Regs[decode.RBX] != 6 || f.Regs[decode.RDX]&0xff != 2 {
			t.Errorf("rbx %d, dl %d, want 6 and 2", f.Regs[decode.RBX], f.Regs[decode.RDX])
		}
		if v, _ := g.mem.Load32(writable + 0x800); v != 3 {
			t.Errorf("the counter is %d, want 3", v)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the guest makes no progress")
	}
}
