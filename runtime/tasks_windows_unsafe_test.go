//go:build windows

package runtime_test

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"
)

// tasks counts this process's threads.
func tasks(t *testing.T) (n int) {
	t.Helper()
	all, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPTHREAD, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = windows.CloseHandle(all) }()
	e := windows.ThreadEntry32{Size: uint32(unsafe.Sizeof(windows.ThreadEntry32{}))}
	for err = windows.Thread32First(all, &e); err == nil; err = windows.Thread32Next(all, &e) {
		if e.OwnerProcessID == windows.GetCurrentProcessId() {
			n++
		}
	}
	return n
}
