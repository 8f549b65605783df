//go:build !((linux || windows) && amd64)

package host

import "syscall"

// Everything in this file answers that the system has no host leaf.

func NewProcessPair() (holder, child int, err error)           { return -1, -1, ErrUnsupported }
func StartSelf(child int) error                                { return ErrUnsupported }
func SendMessage(fd int, msg []byte, fds []int) error          { return ErrUnsupported }
func ReceiveMessage(fd int) (msg []byte, fds []int, err error) { return nil, nil, ErrUnsupported }
func (t *Thread) AwaitMessage(fd int) syscall.Errno            { return syscall.ENOSYS }
func KillOnHangup(fd int) error                                { return ErrUnsupported }
func SendEnd(fd int, s End) error                              { return ErrUnsupported }
func PeekEnd(fd int) (s End, killed, ended bool)               { return s, true, true }
func Continued() (fd int, err error)                           { return -1, ErrUnsupported }
func KillSelf()                                                {}

// A Snapshot cannot be had on this system.
type Snapshot struct{}

func NewSnapshot() (*Snapshot, error)                                          { return nil, ErrUnsupported }
func OpenSnapshot(fd int) *Snapshot                                            { return nil }
func (s *Snapshot) FD() int                                                    { return -1 }
func (s *Snapshot) Close()                                                     {}
func (s *Snapshot) WriteNote(b []byte) error                                   { return ErrUnsupported }
func (s *Snapshot) ReadNote() ([]byte, error)                                  { return nil, ErrUnsupported }
func (s *Snapshot) Save(lo, hi uint64) error                                   { return ErrUnsupported }
func (s *Snapshot) SavePage(addr uint64, page []byte) error                    { return ErrUnsupported }
func (s *Snapshot) Discard(lo, hi uint64)                                      {}
func (s *Snapshot) Data(lo, hi uint64) []Range                                 { return nil }
func (s *Space) MapSnapshot(from *Snapshot, addr, length uint64, p Prot) error { return ErrUnsupported }
func Touched(lo, hi uint64, private bool) []Range                              { return nil }
func NameFD(fd int) string                                                     { return "" }
