//go:build windows && amd64

package host

import (
	"encoding/binary"
	"syscall"
	"unicode/utf16"
	"unsafe"

	"golang.org/x/sys/windows"
)

// The native calls open a name relative to the handle of a directory, which the Win32
// ones cannot. A name given to them is one component: no drive, no device, no "..", no
// other stream of a file (component).

// share lets others do with an open file what they please, as POSIX has it.
const share = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE

// component converts a name to the system's characters. EINVAL for what no file on
// Windows can be called: separators, and the colon, behind which another stream of the
// file would be named, among them; EILSEQ for what is not UTF-8.
func component(name string) ([]uint16, syscall.Errno) {
	for _, r := range name {
		switch {
		case r < 0x20, r == '\\', r == '/', r == ':', r == '*', r == '?', r == '"', r == '<', r == '>', r == '|':
			return nil, syscall.EINVAL
		case r == 0xfffd:
			return nil, syscall.EILSEQ
		}
	}
	return utf16.Encode([]rune(name)), 0
}

// ntOpen opens, or creates, name in the directory that dir is. An empty name is dir
// itself. A symbolic link, and whatever else redirects, is not followed but opened.
func ntOpen(dir windows.Handle, name string, access, disposition, options uint32) (windows.Handle, syscall.Errno) {
	chars, e := component(name)
	if e != 0 {
		return 0, e
	}
	u := windows.NTUnicodeString{Length: uint16(2 * len(chars)), MaximumLength: uint16(2 * len(chars)),
		Buffer: unsafe.SliceData(chars)}
	oa := windows.OBJECT_ATTRIBUTES{RootDirectory: dir, ObjectName: &u, Attributes: windows.OBJ_CASE_INSENSITIVE}
	oa.Length = uint32(unsafe.Sizeof(oa))
	var h windows.Handle
	var iosb windows.IO_STATUS_BLOCK
	err := windows.NtCreateFile(&h, access|windows.SYNCHRONIZE, &oa, &iosb, nil, windows.FILE_ATTRIBUTE_NORMAL, share,
		disposition, options|windows.FILE_SYNCHRONOUS_IO_NONALERT|windows.FILE_OPEN_REPARSE_POINT, 0, 0)
	return h, errnoIn(err)
}

// Classes of information about files that x/sys/windows has no names for.
const (
	fileStandardInformation     = 5
	fileInternalInformation     = 6
	fileAccessInformation       = 8
	fileLinkInformation         = 11
	fileModeInformation         = 16
	fileAllocationInformation   = 19
	filePipeLocalInformation    = 24
	fileAttributeTagInformation = 35
	fileRenameInformationEx     = 65
)

func queryFile(h windows.Handle, class uint32, b []byte) error {
	var iosb windows.IO_STATUS_BLOCK
	return windows.NtQueryInformationFile(h, &iosb, unsafe.SliceData(b), uint32(len(b)), class)
}

func setFile(h windows.Handle, class uint32, b []byte) error {
	var iosb windows.IO_STATUS_BLOCK
	return windows.NtSetInformationFile(h, &iosb, unsafe.SliceData(b), uint32(len(b)), class)
}

// queryFile32 is a query whose answer is a number of 32 bits.
func queryFile32(h windows.Handle, class uint32) (uint32, error) {
	var b [4]byte
	err := queryFile(h, class, b[:])
	return binary.LittleEndian.Uint32(b[:]), err
}

// basicInfo is FILE_BASIC_INFORMATION: times are in units of 100 ns since 1601; 0 leaves
// one as it is when set.
type basicInfo struct {
	creation, access, write, change int64
	attributes, _                   uint32
}

func queryBasic(h windows.Handle) (b basicInfo, err error) {
	err = queryFile(h, windows.FileBasicInformation, unsafe.Slice((*byte)(unsafe.Pointer(&b)), unsafe.Sizeof(b)))
	return b, err
}

func setBasic(h windows.Handle, b basicInfo) error {
	return setFile(h, windows.FileBasicInformation, unsafe.Slice((*byte)(unsafe.Pointer(&b)), unsafe.Sizeof(b)))
}

// standardInfo is FILE_STANDARD_INFORMATION.
type standardInfo struct {
	allocated, size          int64
	links                    uint32
	deletePending, directory bool
	_                        [2]byte
}

func queryStandard(h windows.Handle) (s standardInfo, err error) {
	err = queryFile(h, fileStandardInformation, unsafe.Slice((*byte)(unsafe.Pointer(&s)), unsafe.Sizeof(s)))
	return s, err
}

// queryTag returns the attributes of a file and, if it is a reparse point, its tag.
func queryTag(h windows.Handle) (attributes, tag uint32, err error) {
	var b [8]byte
	err = queryFile(h, fileAttributeTagInformation, b[:])
	return binary.LittleEndian.Uint32(b[:]), binary.LittleEndian.Uint32(b[4:]), err
}

// setSize sets where a file ends.
func setSize(h windows.Handle, class uint32, size int64) error {
	return setFile(h, class, binary.LittleEndian.AppendUint64(nil, uint64(size)))
}

// targetInfo is FILE_RENAME_INFORMATION and FILE_LINK_INFORMATION: flags, a directory
// and a name in it.
func targetInfo(flags uint32, dir windows.Handle, name []uint16) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(flags))
	b = binary.LittleEndian.AppendUint64(b, uint64(dir))
	b = binary.LittleEndian.AppendUint32(b, uint32(2*len(name)))
	for _, c := range name {
		b = binary.LittleEndian.AppendUint16(b, c)
	}
	for len(b) < 24 { // the size of the structure with an array of one
		b = append(b, 0)
	}
	return b
}

var (
	modntdll             = windows.NewLazySystemDLL("ntdll.dll")
	procNtQueryDirectory = modntdll.NewProc("NtQueryDirectoryFile")
	procNtQueryVolume    = modntdll.NewProc("NtQueryVolumeInformationFile")
	procReadFile         = kernel32.NewProc("ReadFile")
	procWriteFile        = kernel32.NewProc("WriteFile")
	procPeekNamedPipe    = kernel32.NewProc("PeekNamedPipe")
)

// fileIDBothDirectoryInformation is the class of directory entries with their file
// numbers.
const fileIDBothDirectoryInformation = 37

// readDir fills b with entries of a directory; none are left when ok is false.
func readDir(h windows.Handle, b []byte, restart bool) (ok bool, e syscall.Errno) {
	var iosb windows.IO_STATUS_BLOCK
	var again uintptr
	if restart {
		again = 1
	}
	r, _, _ := procNtQueryDirectory.Call(uintptr(h), 0, 0, 0, uintptr(unsafe.Pointer(&iosb)),
		uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), fileIDBothDirectoryInformation, 0, 0, again)
	switch s := windows.NTStatus(r); s {
	case 0:
		return true, 0
	case windows.STATUS_NO_MORE_FILES, windows.STATUS_NO_SUCH_FILE:
		return false, 0
	default:
		return false, errnoIn(s)
	}
}

// volume returns the serial number of the volume that a file is on.
func volume(h windows.Handle) (uint32, error) {
	var iosb windows.IO_STATUS_BLOCK
	var b [24 + 2*64]byte // FILE_FS_VOLUME_INFORMATION
	r, _, _ := procNtQueryVolume.Call(uintptr(h), uintptr(unsafe.Pointer(&iosb)), uintptr(unsafe.Pointer(&b)),
		unsafe.Sizeof(b), 1)
	if s := windows.NTStatus(r); s != 0 && s != windows.STATUS_BUFFER_OVERFLOW {
		return 0, s
	}
	return binary.LittleEndian.Uint32(b[8:]), nil
}

// transferFile is ReadFile and WriteFile, with buffers that may be the guest's: the
// system answers ERROR_NOACCESS for what is not mapped.
func transferFile(proc *windows.LazyProc, h windows.Handle, addr uint64, n uint32, ov *windows.Overlapped) (uint32, error) {
	var done uint32
	r, _, err := syscall.SyscallN(proc.Addr(), uintptr(h), uintptr(addr), uintptr(n),
		uintptr(unsafe.Pointer(&done)), uintptr(unsafe.Pointer(ov)))
	if r != 0 {
		return done, nil
	}
	return done, err
}

// pipeState tells what FILE_PIPE_LOCAL_INFORMATION says of a pipe: how many bytes can be
// read at once, and whether the other end is gone.
func pipeState(h windows.Handle) (read uint32, gone bool, err error) {
	const closing = 4 // FILE_PIPE_CLOSING_STATE; 3 is connected
	var b [40]byte
	err = queryFile(h, filePipeLocalInformation, b[:])
	le := binary.LittleEndian
	return le.Uint32(b[20:]), le.Uint32(b[32:]) == closing, err
}

// peekPipe returns how many bytes can be read from a pipe at once.
func peekPipe(h windows.Handle) (n uint32, err error) {
	r, _, err := syscall.SyscallN(procPeekNamedPipe.Addr(), uintptr(h), 0, 0, 0, uintptr(unsafe.Pointer(&n)), 0)
	if r != 0 {
		return n, nil
	}
	return 0, err
}
