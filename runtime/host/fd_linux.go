//go:build amd64

package host

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// The operations on host descriptors that the system calls of the guest are made
// of. Those that may block are methods of Thread: they return EINTR when the
// thread is kicked, and are not repeated here, because the kernel package must
// see the kick. A guest address given to them has passed the guest's pointer
// check; the host kernel answers EFAULT when the page has gone meanwhile.
//
// A write to a pipe without reader raises SIGPIPE besides answering EPIPE. Go's
// handler of that signal returns without doing anything; only os.File turns
// EPIPE on descriptors 1 and 2 into the death of the process, and these calls do
// not go through os.File.

// DupFD duplicates a descriptor to a number above the three standard ones,
// closed on exec.
func DupFD(fd int) (int, error) {
	return unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
}

// CloseFD closes a descriptor; it is closed even when an error is reported.
func CloseFD(fd int) error { return unix.Close(fd) }

// StatFD describes the object behind a descriptor.
func StatFD(fd int) (FileInfo, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return FileInfo{}, err
	}
	info := infoOf(&st)
	var err error
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFCHR:
		if _, err := unix.IoctlGetTermios(fd, unix.TCGETS); err == nil {
			info.Kind = KindTTY
		}
	case unix.S_IFREG:
		if st.Nlink == 0 && isSharedObject(&st) {
			info.Kind = KindSharedMemory
		}
	case unix.S_IFSOCK:
		info.Kind, err = socketKind(fd)
	}
	return info, err
}

func socketKind(fd int) (FileKind, error) {
	typ, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return KindUnknown, err
	}
	switch typ {
	case unix.SOCK_STREAM:
		return KindStreamSocket, nil
	case unix.SOCK_DGRAM:
		return KindDatagramSocket, nil
	case unix.SOCK_SEQPACKET:
		if isProcess(fd) {
			return KindProcess, nil
		}
		return KindSeqpacketSocket, nil
	}
	return KindUnknown, nil
}

// AccessMode tells whether a descriptor was opened for reading and writing.
func AccessMode(fd int) (read, write bool, err error) {
	fl, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return false, false, err
	}
	if fl&unix.O_PATH != 0 {
		return false, false, nil
	}
	acc := fl & unix.O_ACCMODE
	return acc != unix.O_WRONLY, acc == unix.O_WRONLY || acc == unix.O_RDWR, nil
}

// Status returns the flags of the open file description.
func Status(fd int) (StatusFlags, error) {
	fl, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return 0, err
	}
	var s StatusFlags
	if fl&unix.O_APPEND != 0 {
		s |= FlagAppend
	}
	if fl&unix.O_NONBLOCK != 0 {
		s |= FlagNonblock
	}
	// O_SYNC contains the bit of O_DSYNC.
	if fl&unix.O_SYNC == unix.O_SYNC {
		s |= FlagSync
	} else if fl&unix.O_DSYNC != 0 {
		s |= FlagDSync
	}
	return s, nil
}

// SetStatus changes FlagAppend and FlagNonblock. Linux cannot change the two
// synchronisation flags of an open file: asking for others than the file has is
// EOPNOTSUPP.
func SetStatus(fd int, s StatusFlags) error {
	old, err := Status(fd)
	if err != nil {
		return err
	}
	if (old^s)&(FlagDSync|FlagSync) != 0 {
		return syscall.EOPNOTSUPP
	}
	fl, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return err
	}
	fl &^= unix.O_APPEND | unix.O_NONBLOCK
	if s&FlagAppend != 0 {
		fl |= unix.O_APPEND
	}
	if s&FlagNonblock != 0 {
		fl |= unix.O_NONBLOCK
	}
	_, err = unix.FcntlInt(uintptr(fd), unix.F_SETFL, fl)
	return err
}

// Seek moves the offset and returns the new one.
func Seek(fd int, off int64, whence int) (int64, error) { return unix.Seek(fd, off, whence) }

// Truncate sets the size of a file or memory object.
func Truncate(fd int, size int64) error { return unix.Ftruncate(fd, size) }

// Pending returns how many bytes can be read at once, 0 when the host cannot
// tell.
func Pending(fd int) int {
	n, err := unix.IoctlGetInt(fd, unix.TIOCINQ)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// Remaining returns how many bytes of a regular file lie behind the offset, 0 when
// there is none.
func Remaining(fd int) int64 {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return 0
	}
	off, err := unix.Seek(fd, 0, unix.SEEK_CUR)
	if err != nil {
		return 0
	}
	return max(st.Size-off, 0)
}

// Pipe creates a pipe, closed on exec: an end to read and an end to write.
func Pipe() (r, w int, err error) {
	var p [2]int
	err = unix.Pipe2(p[:], unix.O_CLOEXEC)
	return p[0], p[1], err
}

// StopProcess stops the whole host process, as a terminal's stop key would,
// until somebody continues it.
func StopProcess() error { return unix.Kill(unix.Getpid(), unix.SIGSTOP) }

// Sync writes a file's data, and its metadata unless dataOnly, to storage.
func (t *Thread) Sync(fd int, dataOnly bool) syscall.Errno {
	trap := uintptr(unix.SYS_FSYNC)
	if dataOnly {
		trap = unix.SYS_FDATASYNC
	}
	_, e := t.Syscall(trap, uintptr(fd), 0, 0, 0, 0, 0)
	return e
}

// Yield gives the processor to another thread of the host.
func (t *Thread) Yield() { _, _ = t.Syscall(unix.SYS_SCHED_YIELD, 0, 0, 0, 0, 0, 0) }

// LockMemory pins guest pages in the host's memory, or releases them.
func (t *Thread) LockMemory(addr, n uint64, lock bool) syscall.Errno {
	trap := uintptr(unix.SYS_MUNLOCK)
	if lock {
		trap = unix.SYS_MLOCK
	}
	_, e := t.Syscall(trap, uintptr(addr), uintptr(n), 0, 0, 0, 0)
	return e
}

// Inherited reports whether fd is open and stays open on exec.
func Inherited(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil && flags&unix.FD_CLOEXEC == 0
}
