//go:build amd64

package host

import (
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/windows"
)

// Where Windows ends a process, since it cannot write the record of a fault to the
// guest's stack, Wine sometimes ends the thread only: when the stack pointer is not
// canonical. Nobody else in the process hears of it, and everybody waits for the thread.

// guestThreads are those that have not been closed, under Wine.
var guestThreads struct {
	sync.Mutex
	list map[*Thread]bool
}

// lookForLost makes Wine's end of a guest thread that of the process, within a second.
func lookForLost() {
	for {
		time.Sleep(time.Second)
		guestThreads.Lock()
		for t := range guestThreads.list {
			if r, err := windows.WaitForSingleObject(t.handle, 0); err == nil && r == windows.WAIT_OBJECT_0 {
				fmt.Fprintf(os.Stderr, silence, "a thread of the program", "")
				Ended()
				os.Exit(128 + sigsegv)
			}
		}
		guestThreads.Unlock()
	}
}

// watched notes a thread whose end must not be missed.
func (t *Thread) watched() {
	if modntdll.NewProc("wine_get_version").Find() != nil {
		return
	}
	guestThreads.Lock()
	defer guestThreads.Unlock()
	if guestThreads.list == nil {
		guestThreads.list = make(map[*Thread]bool)
		go lookForLost()
	}
	guestThreads.list[t] = true
}

// unwatched is called before the thread's handle is closed.
func (t *Thread) unwatched() {
	guestThreads.Lock()
	delete(guestThreads.list, t)
	guestThreads.Unlock()
}
