package engine

import "unsafe"

// storeTwo stores two bytes at once, which another thread may be about to execute: what
// package binary stores are two single ones where the compiler has been told to watch them.
// They must lie in one cache line.
//
//go:norace
func storeTwo(p *byte, v uint16) { *(*uint16)(unsafe.Pointer(p)) = v }
