package codegen

import (
	"sync/atomic"
	"unsafe"
)

// PatchRel32 makes the branch whose displacement lies at mem[off:] reach target.
// base is where mem[0] executes. The displacement must be aligned to four bytes
// in both views; then the change is atomic to threads that execute the branch:
// they go to the old target or to the new one (Intel manual, volume 3, 10.1.1
// and 9.1.3: an aligned store within a cache line is seen whole).
func PatchRel32(mem []byte, base uint64, off uint32, target uint64) {
	if off&3 != 0 {
		panic("codegen: a patched displacement must be aligned")
	}
	p := (*uint32)(unsafe.Pointer(&mem[off]))
	atomic.StoreUint32(p, uint32(target-(base+uint64(off)+4)))
}
