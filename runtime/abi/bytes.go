package abi

import "encoding/binary"

func put16(b []byte, v uint16) { binary.LittleEndian.PutUint16(b, v) }
func put32(b []byte, v uint32) { binary.LittleEndian.PutUint32(b, v) }
func put64(b []byte, v uint64) { binary.LittleEndian.PutUint64(b, v) }

func get16(b []byte) uint16 { return binary.LittleEndian.Uint16(b) }
func get32(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }
func get64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// zeroed returns the first n bytes of b, cleared: padding must not carry the emulator's memory into the guest.
func zeroed(b []byte, n int) []byte {
	b = b[:n]
	clear(b)
	return b
}
