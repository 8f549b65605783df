//go:build linux && amd64

package host

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Probing leaves no thread behind, and there is room when nothing limits it.
func TestThreadRoom(t *testing.T) {
	for range 200 {
		if !ThreadRoom() {
			t.Fatal("no room for a thread")
		}
	}
	probe.Lock()
	defer probe.Unlock()
	if got := haveThreads(100); got != 100 {
		t.Fatalf("%d threads of 100", got)
	}
	for _, tid := range probe.tids {
		if _, err := os.Stat(fmt.Sprintf("/proc/self/task/%d", tid)); err == nil {
			t.Errorf("thread %d is still there", tid)
		}
	}
}

const limitEnv = "CABITRANS_TEST_THREAD_LIMIT"

// A program that starts guest threads until there is no room for more lives on,
// under a limit of its user's processes: Go would end it at the first refusal.
func TestThreadLimit(t *testing.T) {
	if os.Getenv(limitEnv) != "" {
		atThreadLimit()
	}
	if os.Getuid() != 0 {
		t.Skip("only root can become a user without other processes, who is subject to the limit")
	}
	for _, limit := range []int{40, 150} {
		cmd := exec.Command("/proc/self/exe", "-test.run=^TestThreadLimit$")
		cmd.Env = append(os.Environ(), limitEnv+"="+strconv.Itoa(limit))
		out, err := cmd.CombinedOutput()
		if _, reason, ok := strings.Cut(string(out), noOtherUser); ok {
			t.Skip(noOtherUser, reason)
		}
		var got int
		if i := strings.Index(string(out), "started "); i >= 0 {
			_, _ = fmt.Sscanf(string(out)[i:], "started %d", &got)
		}
		if err != nil || got < limit/6 || got >= limit {
			t.Errorf("limit %d: started %d threads, %v\n%s", limit, got, err, out)
		}
	}
}

// noOtherUser is the one reason for which there can be no such test, as in a
// container whose user namespace has one user.
const noOtherUser = "root cannot become another user here:"

// atThreadLimit is the program that TestThreadLimit starts.
func atThreadLimit() {
	tasks := func() int {
		d, _ := os.ReadDir("/proc/self/task")
		return len(d)
	}
	limit, _ := strconv.ParseUint(os.Getenv(limitEnv), 10, 32)
	const user = 48_721 // nobody's
	r := unix.Rlimit{Cur: limit, Max: limit}
	if err := unix.Setrlimit(unix.RLIMIT_NPROC, &r); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	if err := unix.Setuid(user); err != nil {
		fmt.Println(noOtherUser, err)
		os.Exit(0)
	}
	n := 0
	for round := range 3 { // room comes back when threads have ended
		for last := -1; last != tasks(); { // they are on their way out
			last = tasks()
			time.Sleep(20 * time.Millisecond)
		}
		n = 0
		var all sync.WaitGroup
		release := make(chan bool)
		for ; ; n++ {
			began := make(chan error)
			all.Add(1)
			err := Go(func() {
				defer all.Done()
				th, err := NewThread(0)
				began <- err
				if err == nil {
					<-release
					th.Close()
				}
			})
			if err != nil {
				all.Done()
				break
			}
			if err := <-began; err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
		}
		if round == 1 {
			starve()
		}
		close(release)
		all.Wait()
	}
	starve()
	fmt.Printf("started %d\n", n)
	os.Exit(0)
}

// starve uses up what the limit leaves, and then makes Go's scheduler want threads:
// it has them.
func starve() {
	probe.Lock()
	word, hogs := uint32(1), 0
	for int(probeThread(&word, 1)) > 0 {
		hogs++
	}
	probe.Unlock()
	for range 20 {
		var all sync.WaitGroup
		for range 4 * runtime.GOMAXPROCS(0) {
			all.Add(1)
			go func() {
				defer all.Done()
				for range 50 {
					_ = make([]byte, 1<<16)
					runtime.Gosched()
				}
			}()
		}
		runtime.GC()
		all.Wait()
	}
	atomic.StoreUint32(&word, 0)
	_, _, _ = unix.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&word)), futexWake|futexPrivate, 1<<20, 0, 0, 0)
	time.Sleep(20 * time.Millisecond) // until they are gone, or the next round finds less
	runtime.KeepAlive(&word)
}
