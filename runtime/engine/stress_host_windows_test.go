//go:build amd64

package engine

import (
	"math/rand/v2"
	"sync"
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"

	"cabitrans/rewrite"
	"cabitrans/runtime/host"
)

var kernel32 = windows.NewLazySystemDLL("kernel32.dll")

// behindWord takes the TLS slots that lie behind the %fs word, for guests that use 48
// bytes there; it says whether they were free.
var behindWord = sync.OnceValue(func() bool {
	have := host.TLSSlots(rewrite.SlotCount)
	if len(have) == 0 {
		return false
	}
	word := uintptr(have[rewrite.SlotCount-1])
	for want := word + 1; want <= word+5; want++ {
		if got, _, _ := kernel32.NewProc("TlsAlloc").Call(); got != want {
			return false
		}
	}
	return true
})

func needsBehindWord(t *testing.T) {
	t.Helper()
	if !behindWord() {
		t.Skip("the TLS slots behind the guest's word are somebody else's in this process")
	}
}

func hostTID() int { return int(windows.GetCurrentThreadId()) }

// disturb kicks the thread, or makes the host stop it for a moment. (Who suspends a thread
// from Go may wait for a lock of Go's that it holds; see host's kickRoutine.) It fails
// for a thread that has ended.
func (th *stressThread) disturb(r *rand.Rand) {
	if r.IntN(3) == 0 {
		th.host.Kick()
		return
	}
	h, err := windows.OpenThread(windows.THREAD_GET_CONTEXT, false, uint32(th.tid))
	if err != nil {
		return
	}
	defer func() { _ = windows.CloseHandle(h) }()
	threadPC(h)
}

var procGetThreadContext = kernel32.NewProc("GetThreadContext")

// threadPC is a thread's program counter at some moment; 0 if it has ended.
func threadPC(h windows.Handle) uint64 {
	const control, size, flags, rip = 0x10_0001, 1232, 0x30, 0xf8 // CONTEXT of winnt.h
	context := make([]uint64, size/8)
	context[flags/8] = control
	_, _, _ = procGetThreadContext.Call(uintptr(h), uintptr(unsafe.Pointer(&context[0])))
	return context[rip/8]
}
