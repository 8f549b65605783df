//go:build !(linux && amd64) && !(windows && amd64)

package host

// Everything in this file answers that the system has no host leaf.

func NewQueue() (fd int, err error)                                       { return -1, ErrUnsupported }
func QueueAdd(queue, fd int, want int16, mode QueueMode, id uint64) error { return ErrUnsupported }
func QueueRemove(queue, fd int) error                                     { return ErrUnsupported }
func QueueEvents(queue int, evs []QueueEvent) (int, error)                { return 0, ErrUnsupported }
func NewTimer(c Clock, at, every int64) (fd int, err error)               { return -1, ErrUnsupported }
func TimerExpired(fd int) bool                                            { return false }
