//go:build linux || windows

package kernel

import (
	"syscall"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// hostErrno is the guest's number of each host error that has one. The names stand for
// the host kernel's own numbers on Linux, for those that Go has made up on Windows.
var hostErrno = [...]abi.Errno{
	syscall.E2BIG - errnoBase:           abi.E2BIG,
	syscall.EACCES - errnoBase:          abi.EACCES,
	syscall.EADDRINUSE - errnoBase:      abi.EADDRINUSE,
	syscall.EADDRNOTAVAIL - errnoBase:   abi.EADDRNOTAVAIL,
	syscall.EAFNOSUPPORT - errnoBase:    abi.EAFNOSUPPORT,
	syscall.EAGAIN - errnoBase:          abi.EAGAIN,
	syscall.EALREADY - errnoBase:        abi.EALREADY,
	syscall.EBADF - errnoBase:           abi.EBADF,
	syscall.EBADMSG - errnoBase:         abi.EBADMSG,
	syscall.EBUSY - errnoBase:           abi.EBUSY,
	syscall.ECANCELED - errnoBase:       abi.ECANCELED,
	syscall.ECHILD - errnoBase:          abi.ECHILD,
	syscall.ECONNABORTED - errnoBase:    abi.ECONNABORTED,
	syscall.ECONNREFUSED - errnoBase:    abi.ECONNREFUSED,
	syscall.ECONNRESET - errnoBase:      abi.ECONNRESET,
	syscall.EDEADLK - errnoBase:         abi.EDEADLK,
	syscall.EDESTADDRREQ - errnoBase:    abi.EDESTADDRREQ,
	syscall.EDOM - errnoBase:            abi.EDOM,
	syscall.EDQUOT - errnoBase:          abi.EDQUOT,
	syscall.EEXIST - errnoBase:          abi.EEXIST,
	syscall.EFAULT - errnoBase:          abi.EFAULT,
	syscall.EFBIG - errnoBase:           abi.EFBIG,
	syscall.EHOSTUNREACH - errnoBase:    abi.EHOSTUNREACH,
	syscall.EIDRM - errnoBase:           abi.EIDRM,
	syscall.EILSEQ - errnoBase:          abi.EILSEQ,
	syscall.EINPROGRESS - errnoBase:     abi.EINPROGRESS,
	syscall.EINTR - errnoBase:           abi.EINTR,
	syscall.EINVAL - errnoBase:          abi.EINVAL,
	syscall.EIO - errnoBase:             abi.EIO,
	syscall.EISCONN - errnoBase:         abi.EISCONN,
	syscall.EISDIR - errnoBase:          abi.EISDIR,
	syscall.ELOOP - errnoBase:           abi.ELOOP,
	syscall.EMFILE - errnoBase:          abi.EMFILE,
	syscall.EMLINK - errnoBase:          abi.EMLINK,
	syscall.EMSGSIZE - errnoBase:        abi.EMSGSIZE,
	syscall.EMULTIHOP - errnoBase:       abi.EMULTIHOP,
	syscall.ENAMETOOLONG - errnoBase:    abi.ENAMETOOLONG,
	syscall.ENETDOWN - errnoBase:        abi.ENETDOWN,
	syscall.ENETRESET - errnoBase:       abi.ENETRESET,
	syscall.ENETUNREACH - errnoBase:     abi.ENETUNREACH,
	syscall.ENFILE - errnoBase:          abi.ENFILE,
	syscall.ENOBUFS - errnoBase:         abi.ENOBUFS,
	syscall.ENODEV - errnoBase:          abi.ENODEV,
	syscall.ENOEXEC - errnoBase:         abi.ENOEXEC,
	syscall.ENOLCK - errnoBase:          abi.ENOLCK,
	syscall.ENOLINK - errnoBase:         abi.ENOLINK,
	syscall.ENOMEM - errnoBase:          abi.ENOMEM,
	syscall.ENOMSG - errnoBase:          abi.ENOMSG,
	syscall.ENOPROTOOPT - errnoBase:     abi.ENOPROTOOPT,
	syscall.ENOSPC - errnoBase:          abi.ENOSPC,
	syscall.ENOSYS - errnoBase:          abi.ENOSYS,
	syscall.ENOTCONN - errnoBase:        abi.ENOTCONN,
	syscall.ENOTEMPTY - errnoBase:       abi.ENOTEMPTY,
	syscall.ENOTRECOVERABLE - errnoBase: abi.ENOTRECOVERABLE,
	syscall.ENOTSOCK - errnoBase:        abi.ENOTSOCK,
	syscall.ENOTSUP - errnoBase:         abi.ENOTSUP,
	syscall.ENOTTY - errnoBase:          abi.ENOTTY,
	syscall.ENXIO - errnoBase:           abi.ENXIO,
	syscall.EOVERFLOW - errnoBase:       abi.EOVERFLOW,
	syscall.EOWNERDEAD - errnoBase:      abi.EOWNERDEAD,
	syscall.EPERM - errnoBase:           abi.EPERM,
	syscall.EPIPE - errnoBase:           abi.EPIPE,
	syscall.EPROTO - errnoBase:          abi.EPROTO,
	syscall.EPROTONOSUPPORT - errnoBase: abi.EPROTONOSUPPORT,
	syscall.EPROTOTYPE - errnoBase:      abi.EPROTOTYPE,
	syscall.ERANGE - errnoBase:          abi.ERANGE,
	syscall.EROFS - errnoBase:           abi.EROFS,
	syscall.ESPIPE - errnoBase:          abi.ESPIPE,
	syscall.ESRCH - errnoBase:           abi.ESRCH,
	syscall.ESTALE - errnoBase:          abi.ESTALE,
	syscall.ETIMEDOUT - errnoBase:       abi.ETIMEDOUT,
	syscall.ETXTBSY - errnoBase:         abi.ETXTBSY,
	syscall.EXDEV - errnoBase:           abi.EXDEV,

	// Conditions that the guest knows by another name.
	syscall.ESHUTDOWN - errnoBase:       abi.EPIPE,
	syscall.EHOSTDOWN - errnoBase:       abi.EHOSTUNREACH,
	syscall.ESOCKTNOSUPPORT - errnoBase: abi.EPROTONOSUPPORT,
	syscall.EPFNOSUPPORT - errnoBase:    abi.EAFNOSUPPORT,
	syscall.ETOOMANYREFS - errnoBase:    abi.ENOBUFS, // too many descriptors are on their way
}

// fromHost converts a host error number. One without counterpart becomes EIO:
// the call failed, and the guest has no name for why.
func fromHost(e syscall.Errno) abi.Errno {
	switch i := e - errnoBase; {
	case e == 0:
		return 0
	case e == syscall.ENOENT: // these two are the host's own on Windows
		return abi.ENOENT
	case e == syscall.ENOTDIR:
		return abi.ENOTDIR
	case e == syscall.EOPNOTSUPP: // which is ENOTSUP on Linux
		return abi.ENOTSUP
	case i < syscall.Errno(len(hostErrno)) && hostErrno[i] != 0:
		return hostErrno[i]
	case e == host.Escape:
		return abi.ENOTCAPABLE
	}
	return abi.EIO
}
