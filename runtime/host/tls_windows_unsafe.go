//go:build windows && amd64

package host

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"
)

// On Windows %gs is the thread environment block (TEB). Its array of TLS slots, 64
// words, holds what translated code reaches without a register (rewrite.TEB).

const (
	tebSlots     = 0x1480 // TlsSlots in winternl.h
	tebSlotCount = 64
)

// tls is the strategy in force. blockCell, read by the exception handler, is the
// distance from the TEB of the cell that holds the thread block's base; 0 for none.
var (
	tls       TLS
	blockCell uint64
)

// UseTLS makes threads that begin from now on do as the strategy says. No guest
// thread of another one may be running.
func UseTLS(t TLS) error {
	if t.Swap || t.BlockCell == 0 {
		return errors.New("on Windows a strategy has its cells in the thread environment block")
	}
	tls, blockCell = t, uint64(t.BlockCell)
	return nil
}

var (
	procTlsAlloc = kernel32.NewProc("TlsAlloc")
	procTlsFree  = kernel32.NewProc("TlsFree")
)

// slots are the numbers that the process has taken.
var slots struct {
	sync.Mutex
	have []uint8
}

// TLSSlots takes n of the 64 TLS slots that the TEB itself holds and returns their
// numbers, the same ones each time; none if that many are not free. They belong to the
// process until it ends.
func TLSSlots(n int) []uint8 {
	slots.Lock()
	defer slots.Unlock()
	for len(slots.have) < n {
		i, _, _ := procTlsAlloc.Call()
		if uint32(i) < tebSlotCount {
			slots.have = append(slots.have, uint8(i))
			continue
		}
		if uint32(i) != ^uint32(0) {
			_, _, _ = procTlsFree.Call(i)
		}
		for _, s := range slots.have {
			_, _, _ = procTlsFree.Call(uintptr(s))
		}
		slots.have = []uint8{}
		return slots.have
	}
	return slots.have[:n]
}

// HasFSGSBase is false: Windows promises to keep no %fs base.
func HasFSGSBase() bool { return false }

// teb is the address of the calling thread's TEB. Implemented in assembly.
func teb() uint64

// Attach makes the calling operating-system thread, the one of t, what the strategy
// in force asks for.
func (t *Thread) Attach() error {
	t.FSWord = t.block0
	if tls.BlockCell == 0 {
		return nil // no strategy yet: the thread never runs guest code
	}
	at := teb()
	t.FSWord = at + uint64(-int64(tls.GSBase))
	if d := t.FSWord - at - tebSlots; d >= 8*tebSlotCount {
		return fmt.Errorf("the cell at %#x is no TLS slot", t.FSWord-at)
	}
	t.clearCells(at)
	*(*uint64)(pointer(at + blockCell)) = t.base
	return nil
}

// Detach makes the calling operating-system thread no guest thread for the exception
// handler. A thread that changes to another strategy must do so before UseTLS.
func (t *Thread) Detach() error {
	t.clearCells(teb())
	return nil
}

// clearCells empties the thread's slots.
func (t *Thread) clearCells(at uint64) {
	slots.Lock()
	defer slots.Unlock()
	for _, s := range slots.have {
		*(*uint64)(pointer(at + tebSlots + 8*uint64(s))) = 0
	}
}

// TLSSwitches is 0: no system call is ever spent on a thread register.
func TLSSwitches() uint64 { return 0 }

// TCB is where the thread's first TCB lies, 8 bytes: behind its %fs word are slots of
// others.
func (t *Thread) TCB() uint64 { return t.block0 }

// FSPage is the page that the guest's TCB lies in. It is the guest's to write.
func (t *Thread) FSPage() []byte { return unsafe.Slice((*byte)(pointer(t.block0)), PageSize) }
