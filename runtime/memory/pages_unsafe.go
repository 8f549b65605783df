package memory

import (
	"unsafe"

	"cabitrans/runtime/abi"
	"cabitrans/runtime/host"
)

// PageWords tells generated code where the words are that describe the pages from address 0
// on, 4 bytes each. Of the bits in mask a page has those in write if the guest may
// write to it, and the host lets it. The words stay there as long as the address space lives.
func (s *AddressSpace) PageWords() (addr, count uint64, mask, write uint32) {
	write = uint32(abi.ProtWrite)
	return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(s.page)))), host.ArenaHi / pageSize, write | writeLock, write
}
