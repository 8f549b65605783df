//go:build (linux || windows) && amd64

package host

import "unsafe"

// copyBytes moves n bytes and returns how many were left when an access
// faulted; 0 means all were moved. Implemented in access_amd64.s.
//
//go:noescape
func copyBytes(dst, src, n uintptr) (left uintptr)

// zeroBytes clears n bytes and returns how many were left.
//
//go:noescape
func zeroBytes(dst, n uintptr) (left uintptr)

// The atomic accesses return ok == 0 when the access faulted.
//
//go:noescape
func load32(addr uintptr) (v uint64, ok uint64)

//go:noescape
func load64(addr uintptr) (v uint64, ok uint64)

//go:noescape
func store32(addr uintptr, val uint64) (v uint64, ok uint64)

//go:noescape
func store64(addr uintptr, val uint64) (v uint64, ok uint64)

//go:noescape
func cas32(addr uintptr, old, val uint64) (v uint64, ok uint64)

// CopyIn copies len(dst) bytes from guest memory at src. On ErrFault the first n
// bytes have been copied.
func CopyIn(dst []byte, src uint64) (n int, err error) {
	if len(dst) == 0 {
		return 0, nil
	}
	left := copyBytes(uintptr(unsafe.Pointer(unsafe.SliceData(dst))), uintptr(src), uintptr(len(dst)))
	return len(dst) - int(left), faultIf(left != 0)
}

// CopyOut copies src to guest memory at dst. On ErrFault the first n bytes have
// been written.
func CopyOut(dst uint64, src []byte) (n int, err error) {
	if len(src) == 0 {
		return 0, nil
	}
	left := copyBytes(uintptr(dst), uintptr(unsafe.Pointer(unsafe.SliceData(src))), uintptr(len(src)))
	return len(src) - int(left), faultIf(left != 0)
}

// Zero clears n bytes of guest memory at dst.
func Zero(dst, n uint64) error {
	if n == 0 {
		return nil
	}
	return faultIf(zeroBytes(uintptr(dst), uintptr(n)) != 0)
}

// Load32 reads an aligned word of guest memory atomically.
func Load32(addr uint64) (uint32, error) {
	v, ok := load32(uintptr(addr))
	return uint32(v), faultIf(ok == 0)
}

// Load64 reads an aligned 8-byte word of guest memory atomically.
func Load64(addr uint64) (uint64, error) {
	v, ok := load64(uintptr(addr))
	return v, faultIf(ok == 0)
}

// Store32 writes an aligned word of guest memory atomically, sequentially
// consistent with other accesses.
func Store32(addr uint64, v uint32) error {
	_, ok := store32(uintptr(addr), uint64(v))
	return faultIf(ok == 0)
}

// Store64 writes an aligned 8-byte word of guest memory atomically.
func Store64(addr, v uint64) error {
	_, ok := store64(uintptr(addr), v)
	return faultIf(ok == 0)
}

// CompareAndSwap32 replaces old by val at addr and returns what was there: the
// exchange happened exactly when prev == old.
func CompareAndSwap32(addr uint64, old, val uint32) (prev uint32, err error) {
	v, ok := cas32(uintptr(addr), uint64(old), uint64(val))
	return uint32(v), faultIf(ok == 0)
}

// accessOrder is whether the routines lie in the order that the fault handler needs.
func accessOrder() bool

func faultIf(bad bool) error {
	if bad {
		return ErrFault
	}
	return nil
}
