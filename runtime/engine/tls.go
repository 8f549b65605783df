package engine

import (
	"cabitrans/codegen"
	"cabitrans/rewrite"
	"cabitrans/runtime/host"
)

// UseTLS makes guest threads that begin from now on those of a strategy. No guest
// thread may be running. New must get the same.
func UseTLS(s rewrite.TLS) error {
	tlsInUse = s
	return host.UseTLS(host.TLS{
		GSBase:    s.GSBase(),
		BlockCell: s.Cells(blockCells()).Block,
		Swap:      s.Switch() != codegen.SwitchNone,
	})
}

// tlsInUse is what UseTLS has got.
var tlsInUse rewrite.TLS

// MoveBase sets the %fs base of a thread, the calling one, to addr. Where translations
// depend on the base, the first call of a process switches all threads to those that
// load it from the thread block.
func (e *Engine) MoveBase(b *host.Block, addr uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	setBase(b, addr)
	if e.rw.FS.Follows() {
		return
	}
	o := e.rw.Options
	o.MovingBase = true
	e.setOptions(o)
}

// maxRealFS is the highest base that Linux gives a thread (TASK_SIZE_MAX of a CPU with
// 48 address bits).
const maxRealFS = 1<<47 - host.PageSize - 1

// setBase sets what the guest's %fs base is. Where the stubs exchange %fs, one that the
// host cannot have becomes the last that it can: an 8-byte access faults there, too,
// but the address that a report names is another.
func setBase(b *host.Block, addr uint64) {
	b.FSBase, b.RealFS = addr, min(addr, maxRealFS)
}

// switchCalls is the number of system calls that so many visits to the guest have
// taken. A kick before the guest was entered leaves the way in without one.
func (e *Engine) switchCalls(t *ThreadStats) uint64 {
	if e.tls.Switch() != codegen.SwitchSyscall {
		return 0
	}
	return 2*t.Switches - t.Exits[host.ExitAbort]
}
