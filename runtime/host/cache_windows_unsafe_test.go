//go:build windows && amd64

package host

import (
	"errors"
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"
)

// TestMapOnce has the code cache mapped in the way of a host that lets nobody map code
// twice, and runs code in it.
func TestMapOnce(t *testing.T) {
	s, err := Reserve()
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []uintptr{CacheLo, uintptr(unsafe.Pointer(&s.code[0]))} {
		if err := windows.UnmapViewOfFile(at); err != nil {
			t.Fatal(err)
		}
	}
	refused := errors.New("refused")
	if err := s.mapCache(func() (uint64, error) { return 0, refused }); err != nil {
		t.Fatal(err)
	}
	run(t, s)
	if at := uintptr(unsafe.Pointer(&s.code[0])); at != CacheLo {
		t.Errorf("the cache is written at %#x", at)
	}
	// While it is there no other way finds room, and nothing changes.
	if err := s.mapCache(func() (uint64, error) { return 0, refused }); !errors.Is(err, refused) || !errors.Is(err, ErrNoSpace) {
		t.Errorf("over the cache: %v", err)
	}
	if err := windows.VirtualFree(CacheLo, 0, windows.MEM_RELEASE); err != nil {
		t.Fatal(err)
	}
	if err := s.mapCache(mapTwice); err != nil { // for the tests that come
		t.Fatal(err)
	}
	run(t, s)
	if at := uintptr(unsafe.Pointer(&s.code[0])); at == CacheLo {
		t.Error("the cache is mapped once")
	}
}

// run executes a RET in the first and the last byte of the cache.
func run(t *testing.T, s *Space) {
	t.Helper()
	for _, i := range []int{0, CacheSize - 1} {
		s.Code()[i] = 0xc3
		code := uintptr(CacheLo + i)
		entry := &code // what a func points at
		(*(*func())(unsafe.Pointer(&entry)))()
	}
}
