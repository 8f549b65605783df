//go:build windows && amd64

package host

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

const (
	securityAttributesSize = unsafe.Sizeof(windows.SecurityAttributes{})
	controlSize            = uint32(unsafe.Sizeof(control{}))
	endPageSize            = uint32(unsafe.Sizeof(endPage{}))
	futexPageSize          = uint32(unsafe.Sizeof(futexPage{}))
)

func addressOfControl(c *control) uintptr { return uintptr(unsafe.Pointer(c)) }

// newJob makes a job that ends its processes with its last handle. Those that they start
// are not in it.
func newJob() (windows.Handle, error) {
	h, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return 0, err
	}
	var limits windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION
	limits.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE |
		windows.JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK
	if _, err := windows.SetInformationJobObject(h, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits))); err != nil {
		_ = windows.CloseHandle(h)
		return 0, err
	}
	return h, nil
}

// socketToken is what another process, whose number is pid, makes the same socket of.
func socketToken(h windows.Handle, pid uint32) ([]byte, error) {
	var info windows.WSAProtocolInfo
	if _, err := winsock(procDuplicateSocket, uintptr(h), uintptr(pid), uintptr(unsafe.Pointer(&info))); err != nil {
		return nil, err
	}
	return append([]byte(nil), unsafe.Slice((*byte)(unsafe.Pointer(&info)), unsafe.Sizeof(info))...), nil
}

// socketOfToken makes that socket.
func socketOfToken(b []byte) (windows.Handle, error) {
	var info windows.WSAProtocolInfo
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&info)), unsafe.Sizeof(info)), b)
	const fromInfo = -1 // FROM_PROTOCOL_INFO
	return windows.WSASocket(fromInfo, fromInfo, fromInfo, &info, 0,
		windows.WSA_FLAG_OVERLAPPED|windows.WSA_FLAG_NO_HANDLE_INHERIT)
}

var procDuplicateSocket = modws2.NewProc("WSADuplicateSocketW")

func addressOfEnd(p *endPage) uintptr       { return uintptr(unsafe.Pointer(p)) }
func addressOfCommon(c *commonPage) uintptr { return uintptr(unsafe.Pointer(c)) }

// withView calls do with the first n bytes of a section.
func withView(section windows.Handle, access uint32, n int, do func([]byte) error) error {
	at, err := mapView(section, access, 0)
	if err != nil {
		return err
	}
	defer windows.UnmapViewOfFile(uintptr(at))
	return do(unsafe.Slice((*byte)(pointer(at)), n))
}
