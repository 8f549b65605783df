//go:build !(linux && amd64) && !(windows && amd64)

package host

import "syscall"

// Everything in this file answers that the system has no host leaf.

// A Message has no use on this system.
type Message struct{ NameSender bool }

func (m *Message) Sender() Address { return Address{} }

func (t *Thread) Send(m *Message, fd int, v []Iovec, fds []int32, flags MessageFlags) (int, syscall.Errno) {
	return 0, syscall.ENOSYS
}
func (t *Thread) Receive(m *Message, fd int, v []Iovec, fds []int32, flags MessageFlags) (
	n, nfds int, got MessageFlags, e syscall.Errno) {
	return 0, 0, 0, syscall.ENOSYS
}
func (t *Thread) ReceiveInto(m *Message, fd int, b []byte, fds []int32, flags MessageFlags) (
	n, nfds int, got MessageFlags, e syscall.Errno) {
	return 0, 0, 0, syscall.ENOSYS
}
func (t *Thread) Unattached(m *Message, fd int) (n int, e syscall.Errno) { return 0, syscall.ENOSYS }
func (t *Thread) Bind(fd int, p *Place) syscall.Errno                    { return syscall.ENOSYS }
func (t *Thread) Connect(m *Message, fd int, p *Place) syscall.Errno     { return syscall.ENOSYS }
func (t *Thread) Accept(fd int) (int, syscall.Errno)                     { return -1, syscall.ENOSYS }

func SocketPair(k FileKind) (a, b int, err error)        { return -1, -1, ErrUnsupported }
func LocalSocket(k FileKind) (int, error)                { return -1, ErrUnsupported }
func IsLocal(fd int) bool                                { return false }
func Shutdown(fd int, read, write bool) error            { return ErrUnsupported }
func Listen(fd int, backlog uint32) error                { return ErrUnsupported }
func SocketNames(fd int) (own, peer Address, err error)  { return own, peer, ErrUnsupported }
func TakeSocketError(fd int) (syscall.Errno, error)      { return 0, ErrUnsupported }
func IsListening(fd int) (bool, error)                   { return false, ErrUnsupported }
func NewSealed(name string, content []byte) (int, error) { return -1, ErrUnsupported }
func ReadSealed(fd, max int) (content []byte, ok bool)   { return nil, false }
