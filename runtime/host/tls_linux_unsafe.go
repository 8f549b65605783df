//go:build linux && amd64

package host

import (
	"fmt"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// tls is the strategy in force. blockDelta, read by the signal handlers, is the
// distance from the %gs base to the Block.
var (
	tls        TLS
	blockDelta uint64 = BlockOffset
)

// UseTLS makes threads that begin from now on do as the strategy says. No guest
// thread of another one may be running.
func UseTLS(t TLS) error {
	if t.Swap {
		if err := wrapHandlers(); err != nil {
			return err
		}
	}
	tls = t
	blockDelta = uint64(BlockOffset - int64(t.GSBase))
	return nil
}

// Attach makes the calling operating-system thread, the one of t, what the strategy
// in force asks for.
func (t *Thread) Attach() error {
	base := t.FSWord + uint64(int64(tls.GSBase))
	if tls.BlockCell != 0 {
		*(*uint64)(pointer(base + uint64(tls.BlockCell))) = t.FSWord
	}
	t.block.HostFS = 0
	if tls.Swap {
		// A handler that Go has installed since the last thread began is wrapped, too.
		if err := wrapHandlers(); err != nil {
			return err
		}
		fs, err := getFS()
		if err != nil {
			return fmt.Errorf("cannot read the %%fs base: %w", err)
		}
		t.block.HostFS = fs
	}
	if err := setGS(base); err != nil {
		return fmt.Errorf("cannot set the %%gs base: %w", err)
	}
	return nil
}

// Detach makes the calling operating-system thread no guest thread for the signal
// handlers. A thread that changes to another strategy must do so before UseTLS.
func (t *Thread) Detach() error {
	if err := setGS(0); err != nil {
		return fmt.Errorf("cannot clear the %%gs base: %w", err)
	}
	return nil
}

// Commands of arch_prctl.
const (
	archSetGS = 0x1001
	archGetFS = 0x1003
)

// setGS sets the %gs base of the calling thread.
func setGS(base uint64) error {
	segmentCalls.Add(1)
	if _, _, e := syscall.RawSyscall(unix.SYS_ARCH_PRCTL, archSetGS, uintptr(base), 0); e != 0 {
		return e
	}
	return nil
}

// getFS is the %fs base of the calling thread: Go's, or the C library's.
func getFS() (base uint64, err error) {
	if _, _, e := syscall.RawSyscall(unix.SYS_ARCH_PRCTL, archGetFS, uintptr(unsafe.Pointer(&base)), 0); e != 0 {
		return 0, e
	}
	return base, nil
}

// HasFSGSBase reports whether user space may use WRFSBASE: the kernel says so in
// AT_HWCAP2 (HWCAP2_FSGSBASE, bit 1, Linux 5.9).
var HasFSGSBase = sync.OnceValue(func() bool {
	aux, err := unix.Auxv()
	if err != nil {
		return false
	}
	const atHwcap2, fsgsbase = 26, 1 << 1
	for _, a := range aux {
		if a[0] == atHwcap2 {
			return a[1]&fsgsbase != 0
		}
	}
	return false
})

// handlersMu guards the installation of handlers.
var handlersMu sync.Mutex

// wrapHandlers puts a handler that gives Go its own %fs before every handler of Go's
// that has none of ours before it yet.
func wrapHandlers() error {
	handlersMu.Lock()
	defer handlersMu.Unlock()
	const signals, dfl, ign = 64, 0, 1
	for sig := 1; sig <= signals; sig++ {
		var act sigactiont
		if err := rtSigaction(sig, nil, &act); err != nil {
			return fmt.Errorf("cannot read the handler of %v: %w", unix.Signal(sig), err)
		}
		switch act.handler {
		case dfl, ign, faultHandlerPC(), kickHandlerPC(), swapHandlerPC():
			continue
		}
		oldHandler[sig] = act.handler
		act.handler = swapHandlerPC()
		if err := rtSigaction(sig, &act, nil); err != nil {
			return fmt.Errorf("cannot install the handler of %v: %w", unix.Signal(sig), err)
		}
	}
	return nil
}

func swapHandlerPC() uintptr
