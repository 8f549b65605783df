package loader

import (
	"debug/elf"
	"encoding/binary"
	"io"
)

// maxDynamic is how much of a dynamic section is searched, in bytes. Static executables have about 300.
const maxDynamic = 64 << 10

// checkStatic refuses executables that need shared libraries, since nothing would load them and the program would fail
// at its first call. PT_INTERP alone is no reason: some linkers put it into every position-independent executable. A
// dynamic section that does not lie in the file is the program's own affair, which nobody but itself reads.
func (img *Image) checkStatic(r io.ReaderAt, size uint64) error {
	le := binary.LittleEndian
	for b := img.Phdrs; len(b) > 0; b = b[phdrSize:] {
		off, n := le.Uint64(b[8:]), min(le.Uint64(b[32:]), maxDynamic)
		if elf.ProgType(le.Uint32(b)) != elf.PT_DYNAMIC || !within(off, n, size) {
			continue
		}
		dyn := make([]byte, n)
		if err := readFull(r, dyn, off, "dynamic section"); err != nil {
			return err
		}
		for ; len(dyn) >= dynSize; dyn = dyn[dynSize:] {
			switch elf.DynTag(le.Uint64(dyn)) {
			case elf.DT_NEEDED:
				return bad(ErrDynamic, "it needs shared libraries, which CloudABI does not have; link it with -static-pie or "+
					"-Bstatic")
			case elf.DT_NULL:
				return nil
			}
		}
	}
	return nil
}
