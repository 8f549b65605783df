package engine

import (
	"encoding/binary"

	"cabitrans/runtime/host"
)

// The control bits of MXCSR survive a C call, and Go needs its own. To look at them (STMXCSR) is among
// what takes longest in a call through the vDSO; so the stubs do it only once code that may have changed
// them has been translated, or has come home: at any byte, so that jumps to the middle of an
// instruction make no difference.

// controlWord tells the stubs: see codegen.Layout.Control. It lies behind returnWord.
const controlWord = returnWord + 8

// controlMXCSR makes every call look at MXCSR from now on. It comes before the guest can
// execute what may change it.
func (e *Engine) controlMXCSR() {
	atomicStore32(e.space.Code()[controlWord-host.CacheLo:], 1)
}

// controlled makes calls look at MXCSR if the guest is given such a value as Go does not run with.
func (e *Engine) controlled(xsave []byte) {
	const status = 0x3f
	if len(xsave) >= 28 && (binary.LittleEndian.Uint32(xsave[24:])^host.DefaultMXCSR)&^status != 0 {
		e.controlMXCSR()
	}
}
