//go:build amd64

package runtime_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// tasks counts this process's threads.
func tasks(t *testing.T) int {
	t.Helper()
	d, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	return len(d)
}

const threadLimitEnv = "CABITRANS_TEST_GUEST_THREAD_LIMIT"

// A guest that starts threads until the user may have no more gets EAGAIN: Go's
// scheduler, which would end the program, never meets the limit.
func TestGuestAtThreadLimit(t *testing.T) {
	if s := os.Getenv(threadLimitEnv); s != "" {
		atThreadLimit(t, s)
		return
	}
	if os.Getuid() != 0 {
		t.Skip("only root can become a user without other processes, who is subject to the limit")
	}
	for _, limit := range []int{50, 150} {
		cmd := exec.Command("/proc/self/exe", "-test.run=^TestGuestAtThreadLimit$", "-test.v")
		cmd.Env = append(os.Environ(), threadLimitEnv+"="+strconv.Itoa(limit))
		out, err := cmd.CombinedOutput()
		for line := range strings.Lines(string(out)) {
			if dir, ok := strings.CutPrefix(line, published+" "); ok {
				defer os.RemoveAll(strings.TrimSpace(dir))
			}
		}
		if _, reason, ok := strings.Cut(string(out), noOtherUser); ok {
			t.Skip(noOtherUser, reason)
		}
		if err != nil {
			t.Errorf("limit %d: %v\n%s", limit, err, out)
		}
	}
}

// noOtherUser is the one reason for which there can be no such test, as in a
// container whose user namespace has one user.
const noOtherUser = "root cannot become another user here:"

// publish goes to a place where everybody can read these files of guests, at the path
// that tests look for them.
func publish(t *testing.T, files ...string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "guests")
	if err != nil {
		t.Fatal(err)
	}
	here := filepath.Join(dir, "runtime")
	for _, d := range []string{dir, here, filepath.Join(dir, "guests", "bin")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(guests, f))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "guests", f), b, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chdir(here); err != nil {
		t.Fatal(err)
	}
	fmt.Println(published, dir)
}

// published begins the line that says what the starter has to remove: the program
// itself may no longer.
const published = "published:"

// atThreadLimit is the program that TestGuestAtThreadLimit starts.
func atThreadLimit(t *testing.T, s string) {
	limit, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	const user = 48_722 // nobody's
	if err := unix.Setrlimit(unix.RLIMIT_NPROC, &unix.Rlimit{Cur: uint64(limit), Max: uint64(limit)}); err != nil {
		t.Fatal(err)
	}
	publish(t, "bin/crowd", "crowd.yaml")
	if err := unix.Setuid(user); err != nil {
		fmt.Println(noOtherUser, err)
		return
	}
	r := crowd("limit", 1000).run(t)
	r.expect(t, 0)
	for i, line := range strings.Split(strings.TrimSpace(r.stdout), "\n") {
		var round, refused, n int
		if _, err := fmt.Sscanf(line, "limit round=%d refused=%d threads=%d", &round, &refused, &n); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if round != i || refused != 1 || n < 5 || n >= limit {
			t.Errorf("limit %d: %s", limit, line)
		}
	}
}
