//go:build amd64

package host

import (
	"errors"

	"golang.org/x/sys/unix"
)

var madvise = [...]int{
	AdviceNormal:     unix.MADV_NORMAL,
	AdviceRandom:     unix.MADV_RANDOM,
	AdviceSequential: unix.MADV_SEQUENTIAL,
	AdviceWillNeed:   unix.MADV_WILLNEED,
	AdviceCold:       unix.MADV_COLD,
}

// Advise passes advice about mapped pages to the host. A host that does not know
// a kind of advice ignores it; so does Advise.
func (s *Space) Advise(addr, length uint64, a Advice) error {
	_, _, e := unix.Syscall(unix.SYS_MADVISE, uintptr(addr), uintptr(length), uintptr(madvise[a]))
	if e != 0 && !errors.Is(e, unix.EINVAL) {
		return e
	}
	return nil
}

// Sync writes changed pages of shared file mappings back; with wait it returns
// when they have been written.
func (s *Space) Sync(addr, length uint64, wait, invalidate bool) error {
	flags := unix.MS_ASYNC
	if wait {
		flags = unix.MS_SYNC
	}
	if invalidate {
		flags |= unix.MS_INVALIDATE
	}
	_, _, e := unix.Syscall(unix.SYS_MSYNC, uintptr(addr), uintptr(length), uintptr(flags))
	if e != 0 {
		return e
	}
	return nil
}
