package host

import (
	"bytes"
	"errors"
	"runtime"
	"testing"
)

func space(t testing.TB) *Space {
	t.Helper()
	s, err := Reserve()
	if err != nil {
		if runtime.GOOS != "linux" && runtime.GOOS != "windows" || runtime.GOARCH != "amd64" {
			t.Skip(err)
		}
		t.Fatal(err)
	}
	return s
}

func TestAccessFaults(t *testing.T) {
	s := space(t)
	a := s.Arena()[len(s.Arena())-1].Lo
	if err := s.MapAnon(a, PageSize, ProtRead|ProtWrite); err != nil {
		t.Fatal(err)
	}
	defer s.Unmap(a, PageSize)
	end := a + PageSize

	for _, n := range []int{1, 7, 8, 13, 63, 64, 200} {
		buf := bytes.Repeat([]byte{0xa5}, n)
		if _, err := CopyOut(end-uint64(n), buf); err != nil {
			t.Errorf("CopyOut of %d bytes to the end of a page: %v", n, err)
		}
		got := make([]byte, n)
		if _, err := CopyIn(got, end-uint64(n)); err != nil || !bytes.Equal(got, buf) {
			t.Errorf("CopyIn of %d bytes from the end of a page: %v", n, err)
		}
		done, err := CopyOut(end-uint64(n)+1, buf)
		if !errors.Is(err, ErrFault) || done > n-1 || done < n-8 {
			t.Errorf("CopyOut of %d bytes over the end: %d bytes, %v", n, done, err)
		}
		done, err = CopyIn(got, end-uint64(n)+1)
		if !errors.Is(err, ErrFault) || done > n-1 || done < n-8 {
			t.Errorf("CopyIn of %d bytes over the end: %d bytes, %v", n, done, err)
		}
	}
	if err := Zero(end-100, 101); !errors.Is(err, ErrFault) {
		t.Errorf("Zero over the end: %v", err)
	}
	if err := Zero(a, PageSize); err != nil {
		t.Errorf("Zero of a page: %v", err)
	}
	for _, bad := range []uint64{end, 0, 8, 1 << 63, 1 << 47} {
		if _, err := Load32(bad); !errors.Is(err, ErrFault) {
			t.Errorf("Load32(%#x): %v", bad, err)
		}
		if _, err := Load64(bad); !errors.Is(err, ErrFault) {
			t.Errorf("Load64(%#x): %v", bad, err)
		}
		if err := Store32(bad, 1); !errors.Is(err, ErrFault) {
			t.Errorf("Store32(%#x): %v", bad, err)
		}
		if err := Store64(bad, 1); !errors.Is(err, ErrFault) {
			t.Errorf("Store64(%#x): %v", bad, err)
		}
		if _, err := CompareAndSwap32(bad, 0, 1); !errors.Is(err, ErrFault) {
			t.Errorf("CompareAndSwap32(%#x): %v", bad, err)
		}
	}
	if prev, err := CompareAndSwap32(a, 0, 7); prev != 0 || err != nil {
		t.Errorf("first exchange: %d, %v", prev, err)
	}
	if prev, err := CompareAndSwap32(a, 0, 9); prev != 7 || err != nil {
		t.Errorf("failing exchange: %d, %v", prev, err)
	}
	if v, err := Load32(a); v != 7 || err != nil {
		t.Errorf("Load32 = %d, %v", v, err)
	}
}

// A nil dereference in Go must still be Go's own panic.
func TestGoPanicStillWorks(t *testing.T) {
	space(t)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	var p *int
	*p = 1
}
