package loader

import (
	"fmt"

	"cabitrans/runtime/abi"
)

const (
	// CanarySize is the number of random bytes behind AT_CANARY.
	CanarySize = 64
	// UUIDSize is the number of bytes behind AT_PID.
	UUIDSize = 16
	// minStack is how much stack in bytes must remain below the block.
	minStack = abi.PageSize
)

// Start is everything a process is told when it starts. Argument data may be megabytes, so they lie in a mapping of
// their own, which the caller makes; all else is in the block at the top of the stack.
type Start struct {
	StackLo, StackHi uint64 // guest addresses of the initial thread's stack, [lo, hi)

	Base  uint64 // AT_BASE, Plan.Base
	Phdr  uint64 // AT_PHDR, Plan.Phdr; if 0, Phdrs become part of the block
	Phnum int    // AT_PHNUM, Image.Phnum
	Phdrs []byte // Image.Phdrs, used only if Phdr is 0

	VDSO    uint64 // AT_SYSINFO_EHDR: guest address of the vDSO, or 0 for none, then the vector has no such entry
	ArgAddr uint64 // AT_ARGDATA: guest address of the argument data
	ArgLen  uint64 // AT_ARGDATALEN: their length in bytes; 0 if there are none

	NCPUs  int              // AT_NCPUS, at least 1
	TID    abi.Tid          // AT_TID, of the initial thread
	PID    [UUIDSize]byte   // what AT_PID points to: a version 4 UUID in the order of its text form
	Canary [CanarySize]byte // what AT_CANARY points to: from a cryptographic source
}

// Block is what the initial thread finds on its stack.
type Block struct {
	Addr  uint64 // guest address of Bytes; they end at the end of the stack, or less than 16 bytes below
	Bytes []byte
	RSP   uint64 // rsp of the first instruction: RSP%16 is 8, as after a call, and the return address is 0
	RDI   uint64 // rdi of the first instruction: address of the auxiliary vector
}

// Build lays out the block: from its lowest address a zero return address, the auxiliary vector, program headers if the
// image does not have them in memory, UUID, canary. It fails with ErrStack if less than a page would remain for the
// stack. Other errors are the caller's mistakes.
func (s *Start) Build() (*Block, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	top := s.StackHi &^ 15
	canary := top - CanarySize
	pid := canary - UUIDSize
	phdr, rest := s.Phdr, pid
	if phdr == 0 {
		rest = (pid - uint64(len(s.Phdrs))) &^ 15
		phdr = rest
	}
	auxv := s.auxv(phdr, pid, canary)
	rdi := rest - uint64(len(auxv))*abi.AuxvSize
	rsp := rdi - abi.PointerSize
	// The block is smaller than 64 KiB (maxPhnum), so top - rsp did not wrap even if the addresses did.
	if size := top - rsp; top < s.StackLo || top-s.StackLo < size+minStack {
		return nil, fmt.Errorf("%w: %d bytes and a page do not fit between %#x and %#x; give the program a larger stack",
			ErrStack, size, s.StackLo, s.StackHi)
	}
	b := make([]byte, top-rsp)
	for i := range auxv {
		auxv[i].Encode(b[rdi-rsp+uint64(i)*abi.AuxvSize:])
	}
	if s.Phdr == 0 {
		copy(b[phdr-rsp:], s.Phdrs)
	}
	copy(b[pid-rsp:], s.PID[:])
	copy(b[canary-rsp:], s.Canary[:])
	return &Block{Addr: rsp, Bytes: b, RSP: rsp, RDI: rdi}, nil
}

// auxv makes the vector, its end included.
func (s *Start) auxv(phdr, pid, canary uint64) []abi.Auxv {
	v := []abi.Auxv{
		{Type: abi.ATArgdata, Val: s.ArgAddr},
		{Type: abi.ATArgdatalen, Val: s.ArgLen},
		{Type: abi.ATBase, Val: s.Base},
		{Type: abi.ATCanary, Val: canary},
		{Type: abi.ATCanarylen, Val: CanarySize},
		{Type: abi.ATNcpus, Val: uint64(s.NCPUs)},
		{Type: abi.ATPagesz, Val: abi.PageSize},
		{Type: abi.ATPhdr, Val: phdr},
		{Type: abi.ATPhnum, Val: uint64(s.Phnum)},
		{Type: abi.ATPID, Val: pid},
		{Type: abi.ATTID, Val: uint64(s.TID)},
	}
	if s.VDSO != 0 {
		v = append(v, abi.Auxv{Type: abi.ATSysinfoEhdr, Val: s.VDSO})
	}
	return append(v, abi.Auxv{Type: abi.ATNull})
}

func (s *Start) check() error {
	switch {
	case s.StackLo >= s.StackHi || s.StackHi > maxAddr:
		return fmt.Errorf("loader: no stack lies from %#x to %#x", s.StackLo, s.StackHi)
	case s.ArgLen > maxAddr || s.ArgAddr > maxAddr-s.ArgLen || (s.ArgLen > 0 && s.ArgAddr == 0):
		return fmt.Errorf("loader: no argument data lie at %#x, %d bytes", s.ArgAddr, s.ArgLen)
	case s.Phnum < 1 || s.Phnum > maxPhnum:
		return fmt.Errorf("loader: %d program headers", s.Phnum)
	case s.Phdr == 0 && len(s.Phdrs) != s.Phnum*phdrSize:
		return fmt.Errorf("loader: %d program headers in %d bytes, and no address of them", s.Phnum, len(s.Phdrs))
	case s.NCPUs < 1:
		return fmt.Errorf("loader: %d processors", s.NCPUs)
	case s.TID == 0 || s.TID > abi.TidMax:
		return fmt.Errorf("loader: thread identifier %#x is not between 1 and %#x", uint32(s.TID), uint32(abi.TidMax))
	}
	return nil
}
