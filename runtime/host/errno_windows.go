//go:build amd64

package host

import (
	"errors"
	"syscall"

	"golang.org/x/sys/windows"
)

// The kernel's names for what went wrong are those of Unix systems, which package
// syscall has on Windows too. Everything in this package converts what the system says
// before it returns.

// statuses are those of the native calls whose conversion by the system itself would
// make two things one.
var statuses = map[windows.NTStatus]syscall.Errno{
	windows.STATUS_OBJECT_NAME_NOT_FOUND:      syscall.ENOENT,
	windows.STATUS_OBJECT_PATH_NOT_FOUND:      syscall.ENOENT,
	windows.STATUS_NO_SUCH_FILE:               syscall.ENOENT,
	windows.STATUS_DELETE_PENDING:             syscall.ENOENT,
	windows.STATUS_FILE_DELETED:               syscall.ENOENT,
	windows.STATUS_OBJECT_NAME_INVALID:        syscall.EINVAL,
	windows.STATUS_OBJECT_PATH_INVALID:        syscall.EINVAL,
	windows.STATUS_OBJECT_PATH_SYNTAX_BAD:     syscall.EINVAL,
	windows.STATUS_OBJECT_NAME_COLLISION:      syscall.EEXIST,
	windows.STATUS_NOT_A_DIRECTORY:            syscall.ENOTDIR,
	windows.STATUS_FILE_IS_A_DIRECTORY:        syscall.EISDIR,
	windows.STATUS_DIRECTORY_NOT_EMPTY:        syscall.ENOTEMPTY,
	windows.STATUS_SHARING_VIOLATION:          syscall.EBUSY,
	windows.STATUS_CANNOT_DELETE:              syscall.EPERM,
	windows.STATUS_ACCESS_VIOLATION:           syscall.EFAULT,
	windows.STATUS_REPARSE_POINT_ENCOUNTERED:  syscall.ELOOP,
	windows.STATUS_IO_REPARSE_TAG_NOT_HANDLED: syscall.ELOOP,
}

var winErrors = map[syscall.Errno]syscall.Errno{
	windows.ERROR_FILE_NOT_FOUND:        syscall.ENOENT,
	windows.ERROR_PATH_NOT_FOUND:        syscall.ENOENT,
	windows.ERROR_INVALID_NAME:          syscall.EINVAL,
	windows.ERROR_DELETE_PENDING:        syscall.ENOENT,
	windows.ERROR_TOO_MANY_OPEN_FILES:   syscall.EMFILE,
	windows.ERROR_ACCESS_DENIED:         syscall.EACCES,
	windows.ERROR_INVALID_HANDLE:        syscall.EBADF,
	windows.ERROR_NOT_ENOUGH_MEMORY:     syscall.ENOMEM,
	windows.ERROR_OUTOFMEMORY:           syscall.ENOMEM,
	windows.ERROR_COMMITMENT_LIMIT:      syscall.ENOMEM,
	windows.ERROR_NO_SYSTEM_RESOURCES:   syscall.ENOMEM,
	windows.ERROR_WRITE_PROTECT:         syscall.EROFS,
	windows.ERROR_SHARING_VIOLATION:     syscall.EBUSY,
	windows.ERROR_LOCK_VIOLATION:        syscall.EBUSY,
	windows.ERROR_BUSY:                  syscall.EBUSY,
	windows.ERROR_USER_MAPPED_FILE:      syscall.EBUSY,
	windows.ERROR_HANDLE_DISK_FULL:      syscall.ENOSPC,
	windows.ERROR_DISK_FULL:             syscall.ENOSPC,
	windows.ERROR_DISK_QUOTA_EXCEEDED:   syscall.EDQUOT,
	windows.ERROR_FILE_EXISTS:           syscall.EEXIST,
	windows.ERROR_ALREADY_EXISTS:        syscall.EEXIST,
	windows.ERROR_INVALID_PARAMETER:     syscall.EINVAL,
	windows.ERROR_NEGATIVE_SEEK:         syscall.EINVAL,
	windows.ERROR_BROKEN_PIPE:           syscall.EPIPE,
	windows.ERROR_NO_DATA:               syscall.EPIPE,
	windows.ERROR_PIPE_NOT_CONNECTED:    syscall.EPIPE,
	windows.ERROR_NOT_SAME_DEVICE:       syscall.EXDEV,
	windows.ERROR_DIRECTORY:             syscall.ENOTDIR,
	windows.ERROR_DIR_NOT_EMPTY:         syscall.ENOTEMPTY,
	windows.ERROR_TOO_MANY_LINKS:        syscall.EMLINK,
	windows.ERROR_FILENAME_EXCED_RANGE:  syscall.ENAMETOOLONG,
	windows.ERROR_BUFFER_OVERFLOW:       syscall.ENAMETOOLONG,
	windows.ERROR_FILE_TOO_LARGE:        syscall.EFBIG,
	windows.ERROR_NOT_SUPPORTED:         syscall.ENOTSUP,
	windows.ERROR_INVALID_FUNCTION:      syscall.ENOTSUP,
	windows.ERROR_CALL_NOT_IMPLEMENTED:  syscall.ENOTSUP,
	windows.ERROR_PRIVILEGE_NOT_HELD:    syscall.EPERM,
	windows.ERROR_NOACCESS:              syscall.EFAULT,
	windows.ERROR_INVALID_USER_BUFFER:   syscall.EFAULT, // of Wine, when a page's protection changes during a call
	windows.ERROR_OPERATION_ABORTED:     syscall.EINTR,
	windows.ERROR_CANT_RESOLVE_FILENAME: syscall.ELOOP,
	windows.ERROR_NOT_A_REPARSE_POINT:   syscall.EINVAL,
	windows.ERROR_MORE_DATA:             syscall.EMSGSIZE,
	windows.WSAEINTR:                    syscall.EINTR,
	windows.WSAEACCES:                   syscall.EACCES,
	windows.WSAEFAULT:                   syscall.EFAULT,
	windows.WSAEINVAL:                   syscall.EINVAL,
	windows.WSAEMFILE:                   syscall.EMFILE,
	windows.WSAEWOULDBLOCK:              syscall.EAGAIN,
	windows.WSAEINPROGRESS:              syscall.EINPROGRESS,
	windows.WSAEALREADY:                 syscall.EALREADY,
	windows.WSAENOTSOCK:                 syscall.ENOTSOCK,
	windows.WSAEDESTADDRREQ:             syscall.EDESTADDRREQ,
	windows.WSAEMSGSIZE:                 syscall.EMSGSIZE,
	windows.WSAEPROTOTYPE:               syscall.EPROTOTYPE,
	windows.WSAENOPROTOOPT:              syscall.ENOPROTOOPT,
	windows.WSAEPROTONOSUPPORT:          syscall.EPROTONOSUPPORT,
	windows.WSAEOPNOTSUPP:               syscall.ENOTSUP,
	windows.WSAEAFNOSUPPORT:             syscall.EAFNOSUPPORT,
	windows.WSAEADDRINUSE:               syscall.EADDRINUSE,
	windows.WSAEADDRNOTAVAIL:            syscall.EADDRNOTAVAIL,
	windows.WSAENETDOWN:                 syscall.ENETDOWN,
	windows.WSAENETUNREACH:              syscall.ENETUNREACH,
	windows.WSAENETRESET:                syscall.ENETRESET,
	windows.WSAECONNABORTED:             syscall.ECONNABORTED,
	windows.WSAECONNRESET:               syscall.ECONNRESET,
	windows.WSAENOBUFS:                  syscall.ENOBUFS,
	windows.WSAEISCONN:                  syscall.EISCONN,
	windows.WSAENOTCONN:                 syscall.ENOTCONN,
	windows.WSAESHUTDOWN:                syscall.EPIPE,
	windows.WSAETIMEDOUT:                syscall.ETIMEDOUT,
	windows.WSAECONNREFUSED:             syscall.ECONNREFUSED,
	windows.WSAEHOSTUNREACH:             syscall.EHOSTUNREACH,
}

// errnoIn is the number that stands for what the system says. What has none is EIO.
func errnoIn(err error) syscall.Errno {
	if err == nil {
		return 0
	}
	var s windows.NTStatus
	var e syscall.Errno
	switch {
	case errors.As(err, &s):
		if e, ok := statuses[s]; ok {
			return e
		}
		e = s.Errno()
	case !errors.As(err, &e):
		return syscall.EIO
	case e >= syscall.APPLICATION_ERROR: // converted already
		return e
	}
	if e, ok := winErrors[e]; ok {
		return e
	}
	return syscall.EIO
}

// errorOf is errnoIn as an error.
func errorOf(err error) error {
	if e := errnoIn(err); e != 0 {
		return e
	}
	return nil
}
