//go:build amd64

package host

// noted is serve after what a handler has noted of the exit is completed; here that is all.
func (t *Thread) noted(serve func() uint64) func() uint64 { return serve }

// TLSSlots gives no slots: user space chooses its %gs base.
func TLSSlots(n int) []uint8 { return nil }

// TCB is where the thread's first TCB lies, 8 bytes.
func (t *Thread) TCB() uint64 { return t.FSWord + tcbOffset }

// tcbOffset is the distance in bytes from a thread's %fs word to its first TCB.
const tcbOffset = 16
