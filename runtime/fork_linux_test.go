package runtime_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"cabitrans/runtime"
)

// Guests of these tests fork: a fresh start of the test binary is then the child.
func TestMain(m *testing.M) {
	runtime.EnableFork()
	os.Exit(m.Run())
}

// TestNothingLeft runs programs that fork, exec and kill, and looks for processes
// and descriptors that stay behind.
func TestNothingLeft(t *testing.T) {
	guestRun{name: "hello"}.run(t).expect(t, 0) // whatever Go keeps open, it has opened then
	fds := openDescriptors(t)
	for _, name := range []string{"fork", "exec"} {
		guestRun{name: name}.run(t).expect(t, 0)
	}
	p, end := guestRun{name: "fork"}.start(t)
	time.Sleep(30 * time.Millisecond) // wherever it is then
	p.Kill()
	end()
	deadline := time.Now().Add(time.Minute)
	for {
		left, now := children(t), openDescriptors(t)
		if len(left) == 0 && now == fds {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("processes %v are left, and %d descriptors instead of %d", left, now, fds)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func openDescriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// children lists the processes that this one has started and not yet waited for.
func children(t *testing.T) (out []string) {
	t.Helper()
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, th := range threads {
		b, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%s/children", th.Name()))
		if err == nil { // a thread may end meanwhile
			out = append(out, strings.Fields(string(b))...)
		}
	}
	return out
}
