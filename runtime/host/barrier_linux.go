//go:build amd64

package host

import (
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// Commands of membarrier(2).
const (
	membarrierQuery                    = 0
	membarrierPrivateExpedited         = 1 << 3
	membarrierRegisterPrivateExpedited = 1 << 4
)

// checkBarrier makes sure that the host has what Barrier needs.
func checkBarrier() error {
	has, _, e := unix.Syscall(unix.SYS_MEMBARRIER, membarrierQuery, 0, 0)
	if e != 0 || has&membarrierPrivateExpedited == 0 {
		return fmt.Errorf("this kernel has no private expedited membarrier (Linux 4.14 has)")
	}
	return nil
}

// registerBarrier is what the host asks for before the first Barrier. It takes a
// process that has threads, as every Go program, some 15 ms: too much for a start.
var registerBarrier = sync.OnceValue(func() error {
	return membarrier(membarrierRegisterPrivateExpedited)
})

// Barrier makes every running thread of the process pass a full memory barrier
// (membarrier, private expedited). It lets the entry stub publish State and
// read Kick with plain accesses.
func Barrier() error {
	if err := registerBarrier(); err != nil {
		return err
	}
	return membarrier(membarrierPrivateExpedited)
}

func membarrier(cmd uintptr) error {
	if _, _, e := unix.Syscall(unix.SYS_MEMBARRIER, cmd, 0, 0); e != 0 {
		return e
	}
	return nil
}
