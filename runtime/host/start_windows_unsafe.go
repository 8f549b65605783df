//go:build windows && amd64

package host

import (
	"os"
	"slices"
	"strings"
	"unicode/utf16"
	"unsafe"

	"golang.org/x/sys/windows"
)

// maxTries is how often a process is started that ends before it has begun: under Wine 8 one
// now and then loses the connection to Wine's server, and CreateProcess says "Internal error".
const maxTries = 4

// startSuspended starts this program anew without letting it run yet, as part of job from the
// first moment on: it would stay for ever if it were only put there and this process were
// ended before. That is what package syscall cannot do, and so its way is gone here.
//
// env is its environment, std are its standard handles, and inherited are others that it is
// to have under the same numbers; it has no standard handles where std is nil.
func startSuspended(job windows.Handle, flags uint32, env []string, std []*os.File, inherited []windows.Handle) (
	pid uint32, h windows.Handle, err error) {
	exe, err := os.Executable()
	if err != nil {
		return 0, 0, err
	}
	path, err := windows.UTF16PtrFromString(exe)
	if err != nil {
		return 0, 0, err
	}
	line, err := windows.UTF16PtrFromString(windows.ComposeCommandLine([]string{exe}))
	if err != nil {
		return 0, 0, err
	}
	var s windows.StartupInfoEx
	s.Cb = uint32(unsafe.Sizeof(s))
	if len(std) > 0 {
		s.Flags = windows.STARTF_USESTDHANDLES
		for i, to := range []*windows.Handle{&s.StdInput, &s.StdOutput, &s.StdErr} {
			if *to, err = inheritable(windows.Handle(std[i].Fd())); err != nil {
				return 0, 0, err
			}
			defer windows.CloseHandle(*to)
			inherited = append(inherited, *to)
		}
	}
	list, err := windows.NewProcThreadAttributeList(2)
	if err != nil {
		return 0, 0, err
	}
	defer list.Delete()
	const jobList = 0x2000d // PROC_THREAD_ATTRIBUTE_JOB_LIST
	if err := list.Update(jobList, unsafe.Pointer(&job), unsafe.Sizeof(job)); err != nil {
		return 0, 0, err
	}
	if len(inherited) > 0 {
		if err := list.Update(windows.PROC_THREAD_ATTRIBUTE_HANDLE_LIST, unsafe.Pointer(&inherited[0]),
			uintptr(len(inherited))*unsafe.Sizeof(inherited[0])); err != nil {
			return 0, 0, err
		}
	}
	s.ProcThreadAttributeList = list.List()
	flags |= windows.CREATE_SUSPENDED | windows.CREATE_UNICODE_ENVIRONMENT | windows.EXTENDED_STARTUPINFO_PRESENT
	block := environment(env)
	var made windows.ProcessInformation
	for range maxTries {
		err = windows.CreateProcess(path, line, nil, nil, len(inherited) > 0, flags, &block[0], nil, &s.StartupInfo, &made)
		if err != windows.ERROR_INTERNAL_ERROR {
			break
		}
	}
	if err != nil {
		return 0, 0, err
	}
	_ = windows.CloseHandle(made.Thread)
	return made.ProcessId, made.Process, nil
}

// inheritable duplicates a handle of this process for one that it starts.
func inheritable(h windows.Handle) (dup windows.Handle, err error) {
	self := windows.CurrentProcess()
	err = windows.DuplicateHandle(self, h, self, &dup, 0, true, windows.DUPLICATE_SAME_ACCESS)
	return dup, err
}

// environment is how CreateProcess takes variables: one after the other, each with a zero
// behind it and one more at the end, sorted by name, whose case does not count.
func environment(vars []string) (block []uint16) {
	name := func(v string) string { // one of the system's own may begin with =
		i := strings.IndexByte(v[min(1, len(v)):], '=')
		return strings.ToUpper(v[:i+1])
	}
	vars = slices.Clone(vars)
	slices.SortStableFunc(vars, func(a, b string) int { return strings.Compare(name(a), name(b)) })
	for _, v := range vars {
		block = append(append(block, utf16.Encode([]rune(v))...), 0)
	}
	return append(block, 0, 0)
}
