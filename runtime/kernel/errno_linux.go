package kernel

import (
	"syscall"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// hostErrno is the guest's number of each host error that has one.
var hostErrno = [...]abi.Errno{
	syscall.E2BIG:           abi.E2BIG,
	syscall.EACCES:          abi.EACCES,
	syscall.EADDRINUSE:      abi.EADDRINUSE,
	syscall.EADDRNOTAVAIL:   abi.EADDRNOTAVAIL,
	syscall.EAFNOSUPPORT:    abi.EAFNOSUPPORT,
	syscall.EAGAIN:          abi.EAGAIN,
	syscall.EALREADY:        abi.EALREADY,
	syscall.EBADF:           abi.EBADF,
	syscall.EBADMSG:         abi.EBADMSG,
	syscall.EBUSY:           abi.EBUSY,
	syscall.ECANCELED:       abi.ECANCELED,
	syscall.ECHILD:          abi.ECHILD,
	syscall.ECONNABORTED:    abi.ECONNABORTED,
	syscall.ECONNREFUSED:    abi.ECONNREFUSED,
	syscall.ECONNRESET:      abi.ECONNRESET,
	syscall.EDEADLK:         abi.EDEADLK,
	syscall.EDESTADDRREQ:    abi.EDESTADDRREQ,
	syscall.EDOM:            abi.EDOM,
	syscall.EDQUOT:          abi.EDQUOT,
	syscall.EEXIST:          abi.EEXIST,
	syscall.EFAULT:          abi.EFAULT,
	syscall.EFBIG:           abi.EFBIG,
	syscall.EHOSTUNREACH:    abi.EHOSTUNREACH,
	syscall.EIDRM:           abi.EIDRM,
	syscall.EILSEQ:          abi.EILSEQ,
	syscall.EINPROGRESS:     abi.EINPROGRESS,
	syscall.EINTR:           abi.EINTR,
	syscall.EINVAL:          abi.EINVAL,
	syscall.EIO:             abi.EIO,
	syscall.EISCONN:         abi.EISCONN,
	syscall.EISDIR:          abi.EISDIR,
	syscall.ELOOP:           abi.ELOOP,
	syscall.EMFILE:          abi.EMFILE,
	syscall.EMLINK:          abi.EMLINK,
	syscall.EMSGSIZE:        abi.EMSGSIZE,
	syscall.EMULTIHOP:       abi.EMULTIHOP,
	syscall.ENAMETOOLONG:    abi.ENAMETOOLONG,
	syscall.ENETDOWN:        abi.ENETDOWN,
	syscall.ENETRESET:       abi.ENETRESET,
	syscall.ENETUNREACH:     abi.ENETUNREACH,
	syscall.ENFILE:          abi.ENFILE,
	syscall.ENOBUFS:         abi.ENOBUFS,
	syscall.ENODEV:          abi.ENODEV,
	syscall.ENOENT:          abi.ENOENT,
	syscall.ENOEXEC:         abi.ENOEXEC,
	syscall.ENOLCK:          abi.ENOLCK,
	syscall.ENOLINK:         abi.ENOLINK,
	syscall.ENOMEM:          abi.ENOMEM,
	syscall.ENOMSG:          abi.ENOMSG,
	syscall.ENOPROTOOPT:     abi.ENOPROTOOPT,
	syscall.ENOSPC:          abi.ENOSPC,
	syscall.ENOSYS:          abi.ENOSYS,
	syscall.ENOTCONN:        abi.ENOTCONN,
	syscall.ENOTDIR:         abi.ENOTDIR,
	syscall.ENOTEMPTY:       abi.ENOTEMPTY,
	syscall.ENOTRECOVERABLE: abi.ENOTRECOVERABLE,
	syscall.ENOTSOCK:        abi.ENOTSOCK,
	syscall.ENOTSUP:         abi.ENOTSUP,
	syscall.ENOTTY:          abi.ENOTTY,
	syscall.ENXIO:           abi.ENXIO,
	syscall.EOVERFLOW:       abi.EOVERFLOW,
	syscall.EOWNERDEAD:      abi.EOWNERDEAD,
	syscall.EPERM:           abi.EPERM,
	syscall.EPIPE:           abi.EPIPE,
	syscall.EPROTO:          abi.EPROTO,
	syscall.EPROTONOSUPPORT: abi.EPROTONOSUPPORT,
	syscall.EPROTOTYPE:      abi.EPROTOTYPE,
	syscall.ERANGE:          abi.ERANGE,
	syscall.EROFS:           abi.EROFS,
	syscall.ESPIPE:          abi.ESPIPE,
	syscall.ESRCH:           abi.ESRCH,
	syscall.ESTALE:          abi.ESTALE,
	syscall.ETIMEDOUT:       abi.ETIMEDOUT,
	syscall.ETXTBSY:         abi.ETXTBSY,
	syscall.EXDEV:           abi.EXDEV,

	// Conditions that the guest knows by another name.
	syscall.ESHUTDOWN:       abi.EPIPE,
	syscall.EHOSTDOWN:       abi.EHOSTUNREACH,
	syscall.ESOCKTNOSUPPORT: abi.EPROTONOSUPPORT,
	syscall.EPFNOSUPPORT:    abi.EAFNOSUPPORT,
	syscall.ETOOMANYREFS:    abi.ENOBUFS, // too many descriptors are on their way
}

// fromHost converts a host error number. One without counterpart becomes EIO:
// the call failed, and the guest has no name for why.
func fromHost(e syscall.Errno) abi.Errno {
	switch {
	case e == 0:
		return 0
	case int(e) < len(hostErrno) && hostErrno[e] != 0:
		return hostErrno[e]
	case e == host.Escape:
		return abi.ENOTCAPABLE
	}
	return abi.EIO
}
