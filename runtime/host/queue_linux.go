//go:build amd64

package host

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// A polling event queue is an epoll descriptor; it is readable for Poll when it
// has events. The numbers of Poll's events and of epoll's are the same.

// NewQueue creates a queue, closed on exec.
func NewQueue() (fd int, err error) { return unix.EpollCreate1(unix.EPOLL_CLOEXEC) }

// QueueAdd puts a descriptor into a queue under a number. EEXIST when it is
// there already, EPERM for objects that are always ready, as files are.
func QueueAdd(queue, fd int, want int16, mode QueueMode, id uint64) error {
	ev := unix.EpollEvent{Events: uint32(uint16(want)), Fd: int32(uint32(id)), Pad: int32(id >> 32)}
	switch mode {
	case QueueEdge:
		ev.Events |= unix.EPOLLET
	case QueueOneshot:
		ev.Events |= unix.EPOLLONESHOT
	}
	return unix.EpollCtl(queue, unix.EPOLL_CTL_ADD, fd, &ev)
}

// QueueRemove takes a descriptor out of a queue.
func QueueRemove(queue, fd int) error { return unix.EpollCtl(queue, unix.EPOLL_CTL_DEL, fd, nil) }

// QueueEvents takes up to len(evs) events that have occurred, without waiting.
func QueueEvents(queue int, evs []QueueEvent) (int, error) {
	var raw [64]unix.EpollEvent
	n := min(len(evs), len(raw))
	for {
		k, err := unix.EpollWait(queue, raw[:n], 0)
		if err == syscall.EINTR {
			continue
		}
		for i := range max(k, 0) {
			evs[i] = QueueEvent{uint64(uint32(raw[i].Fd)) | uint64(uint32(raw[i].Pad))<<32, int16(raw[i].Events)}
		}
		return max(k, 0), err
	}
}

// NewTimer creates a descriptor, closed on exec, that is readable when ClockRealtime
// or ClockMonotonic has reached at, in nanoseconds; with every, again each time so
// many have passed.
func NewTimer(c Clock, at, every int64) (fd int, err error) {
	fd, err = unix.TimerfdCreate(int(c.id()), unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return -1, err
	}
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(max(at, 1)), Interval: unix.NsecToTimespec(every)}
	if err := unix.TimerfdSettime(fd, unix.TFD_TIMER_ABSTIME, &spec, nil); err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// TimerExpired tells whether a timer has expired since the last look.
func TimerExpired(fd int) bool {
	var count [8]byte
	n, err := unix.Read(fd, count[:])
	return n == 8 && err == nil
}
