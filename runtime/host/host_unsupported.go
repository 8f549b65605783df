//go:build !((linux || windows) && amd64)

package host

import (
	"errors"
	"syscall"
)

// ErrNoSpace and ErrNoThreads are never returned here.
var (
	ErrNoSpace   = errors.New("address range is already in use")
	ErrNoThreads = errors.New("no more guest threads")
)

// Space is the reserved address space; it cannot be had on this system.
type Space struct{}

// Reserve answers ErrUnsupported.
func Reserve() (*Space, error) { return nil, ErrUnsupported }

func (s *Space) Arena() []Range                            { return nil }
func (s *Space) Code() []byte                              { return nil }
func (s *Space) Execute(lo, hi uint64) error               { return ErrUnsupported }
func (s *Space) Prefault(off, n uint64)                    {}
func Populate(b []byte)                                    {}
func (s *Space) MapAnon(addr, length uint64, p Prot) error { return ErrUnsupported }
func (s *Space) MapObject(addr, length uint64, p Prot, shared bool, fd int, off int64) error {
	return ErrUnsupported
}
func (s *Space) Unmap(addr, length uint64) error           { return ErrUnsupported }
func (s *Space) Protect(addr, length uint64, p Prot) error { return ErrUnsupported }
func (s *Space) Replace(addr uint64, contents []byte, exec bool) error {
	return ErrUnsupported
}

func NewSharedObject(name string) (fd int, err error) { return -1, ErrUnsupported }

func CopyIn(dst []byte, src uint64) (n int, err error)  { return 0, ErrUnsupported }
func CopyOut(dst uint64, src []byte) (n int, err error) { return 0, ErrUnsupported }
func Zero(dst, n uint64) error                          { return ErrUnsupported }
func Load32(addr uint64) (uint32, error)                { return 0, ErrUnsupported }
func Load64(addr uint64) (uint64, error)                { return 0, ErrUnsupported }
func Store32(addr uint64, v uint32) error               { return ErrUnsupported }
func Store64(addr, v uint64) error                      { return ErrUnsupported }
func CompareAndSwap32(addr uint64, old, val uint32) (uint32, error) {
	return 0, ErrUnsupported
}

// Thread is the host side of a guest thread; none can be made on this system.
type Thread struct{ FSWord uint64 }

// ThreadRoom is false: there are no guest threads on this system.
func ThreadRoom() bool { return false }

func NewThread(tcb uint64) (*Thread, error) { return nil, ErrUnsupported }

// ID is never called: there are no threads. Where the host's own identifiers do not
// fit into 30 bits, its leaf must give out some that all processes know apart.
func (t *Thread) ID() uint32 { return 0 }

func (t *Thread) CPUTime() (int64, error) { return 0, ErrUnsupported }

// UseTLS answers ErrUnsupported.
func UseTLS(t TLS) error { return ErrUnsupported }

// HasFSGSBase is false: nobody asks on this system.
func HasFSGSBase() bool { return false }

// Attach answers ErrUnsupported.
func (t *Thread) Attach() error { return ErrUnsupported }

// Detach does nothing on this system.
func (t *Thread) Detach() error { return nil }

func (t *Thread) Close()                               {}
func (t *Thread) Current() bool                        { return false }
func (t *Thread) Block() *Block                        { return nil }
func (t *Thread) Kick()                                {}
func (t *Thread) Kicked() bool                         { return false }
func (t *Thread) ClearKick()                           {}
func (t *Thread) InGuest() bool                        { return false }
func (t *Thread) Run(stub uint64, serve func() uint64) {}
func XStateOffset(component int) int                   { return 0 }
func (t *Thread) XSave() []byte                        { return nil }
func HasInUse() bool                                   { return false }
func (t *Thread) Unpark()                              {}
func (t *Thread) Syscall(trap, a1, a2, a3, a4, a5, a6 uintptr) (uintptr, syscall.Errno) {
	return 0, syscall.ENOSYS
}

func (t *Thread) Park(clock Clock, deadline int64) ParkResult { return ParkInterrupted }

// FutexWait is never called: there are no threads.
func (t *Thread) FutexWait(addr uint64, val, mask uint32, clock Clock, deadline int64) FutexResult {
	return FutexFault
}

// FutexWake finds nobody: there are no threads.
func FutexWake(addr uint64, n, mask uint32) int { return 0 }

// FutexWakeCount finds nobody.
func FutexWakeCount(addr uint64, n, val uint32) (slept int, r FutexResult) { return 0, FutexFault }

func Barrier() error { return ErrUnsupported }

// Stubs are the host addresses that the fault delivery must know.
func SetStubs(s Stubs) {}

// Settled does nothing on this system.
func (t *Thread) Settled() {}

// TLSSwitches is always 0 here: nothing runs.
func TLSSwitches() uint64 { return 0 }

// Fill answers ErrUnsupported.
func (t Table) Fill(pc, n uint64) error { return ErrUnsupported }

// Drop answers ErrUnsupported.
func (t Table) Drop(pc, n uint64) error { return ErrUnsupported }

// Set does nothing: no chunk is ever filled here.
func (t Table) Set(pc, host uint64) {}

// FillPage answers ErrUnsupported.
func FillPage(pc, jump uint64) error { return ErrUnsupported }

// Get is never called: no chunk is ever filled.
func (t Table) Get(pc uint64) uint64 { return 0 }

// FSPage is never called: there are no threads.
func (t *Thread) FSPage() []byte { return nil }

// SetWatches fails.
func (t *Thread) SetWatches(w []Watch) error { return ErrNoWatches }

// PauseWatches and ResumeWatches have nothing to do.
func (t *Thread) PauseWatches()  {}
func (t *Thread) ResumeWatches() {}

// X87Control is the control word's default.
func X87Control() uint16 { return 0x37f }

// TLSSlots gives no slots.
func TLSSlots(n int) []uint8 { return nil }

// TCB is never called: there are no threads.
func (t *Thread) TCB() uint64 { return 0 }

// workerID answers that it does not know: there are no threads.
func workerID() uint32 { return 0 }

func threadIn(uint64) *Thread { panic("host: a worker without an identifier has been used by it") }

func newBlock(uint64) (uint64, error) { return 0, ErrUnsupported }
