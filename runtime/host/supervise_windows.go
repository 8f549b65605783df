//go:build amd64

package host

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"

	"golang.org/x/sys/windows"
)

// Windows writes the record of a fault to the stack of the program, and ends the process
// at once where it cannot: no handler of this process hears of it. So a program runs in
// a child, and its parent says what became of it.

// supervisorEnv is what a child is told of its supervisor: the handle of an event that
// it sets when it ends by itself, with whatever status.
const supervisorEnv = "CABITRANS_SUPERVISOR"

// ownEnd is that event in a child; 0 elsewhere.
var ownEnd windows.Handle

// Supervise runs this program once more, with the same command line and standard
// handles, and returns what it has ended with. Where the system has ended it without a
// report of its own, there is one now on standard error, and the status is 139, as for a
// SIGSEGV. done is false in the child, and where no child can be had: the caller is to
// do the work itself.
func Supervise() (status int, done bool) {
	if h, err := strconv.ParseUint(os.Getenv(supervisorEnv), 10, 64); err == nil {
		_ = os.Unsetenv(supervisorEnv)
		ownEnd = windows.Handle(h)
		_ = windows.SetHandleInformation(ownEnd, windows.HANDLE_FLAG_INHERIT, 0) // later processes hold it in vain
		return 0, false
	}
	exe, err := os.Executable()
	if err != nil {
		return 0, false
	}
	code, byItself, err := supervise(exe)
	switch {
	case err != nil:
		return 0, false
	case byItself:
		return int(code), true
	}
	return silentEnd(code), true
}

// Ended notes that this process ends by itself. It is to be called before os.Exit.
func Ended() {
	if ownEnd != 0 {
		_ = windows.SetEvent(ownEnd) // without it there is one report too many
	}
}

// supervise runs exe in this program's place and returns what it has ended with, and
// whether it has called Ended.
func supervise(exe string) (code uint32, byItself bool, err error) {
	end, err := windows.CreateEvent(nil, 1, 0, nil)
	if err != nil {
		return 0, false, err
	}
	defer windows.CloseHandle(end)
	if err := windows.SetHandleInformation(end, windows.HANDLE_FLAG_INHERIT, windows.HANDLE_FLAG_INHERIT); err != nil {
		return 0, false, err
	}
	c := exec.Command(exe, os.Args[1:]...)
	c.Args[0] = os.Args[0]
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.Env = append(os.Environ(), fmt.Sprintf("%s=%d", supervisorEnv, end))
	c.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_SUSPENDED,
		AdditionalInheritedHandles: append(handed(), syscall.Handle(end))}
	// Ctrl-C and Ctrl-Break come to the child, too, and are its own to heed.
	come := make(chan os.Signal, 1)
	signal.Notify(come, os.Interrupt)
	defer signal.Stop(come)
	if err := c.Start(); err != nil {
		return 0, false, err
	}
	defer dieWithUs(c.Process.Pid)()
	if err := startWithRoom(uint32(c.Process.Pid)); err != nil {
		return 0, false, errors.Join(err, c.Process.Kill(), c.Wait())
	}
	var ended *exec.ExitError
	if err := c.Wait(); err != nil && !errors.As(err, &ended) {
		return 0, false, err
	}
	set, err := windows.WaitForSingleObject(end, 0)
	return uint32(c.ProcessState.ExitCode()), err == nil && set == windows.WAIT_OBJECT_0, nil
}

// silence says what the system has ended, and its code, if it has one.
const silence = "cabitrans: the system has ended %s without a report of its fault%s, as it does when a stack is used up " +
	"or a stack pointer leads nowhere\n"

// silentEnd reports the end of a process that has not come to its own end.
func silentEnd(code uint32) (status int) {
	const firstError = 0xc0000000 // of NTSTATUS
	switch {
	case code == uint32(windows.STATUS_CONTROL_C_EXIT):
		return 128 + int(syscall.SIGINT)
	case code != 0 && code < firstError:
		return int(code) // Go's run-time system has said why, or somebody else has ended it
	}
	how := ""
	if code != 0 { // Wine has none when its process is killed by a signal
		how = fmt.Sprintf(" (%#x)", code)
	}
	fmt.Fprintf(os.Stderr, silence, "the program", how)
	return 128 + sigsegv
}

// dieWithUs makes the system end a process when this one ends, but none that it has
// started in turn. It returns what undoes that.
func dieWithUs(pid int) func() {
	job, err := newJob()
	if err != nil {
		return func() {} // it lives on when we are killed
	}
	if p, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, uint32(pid)); err == nil {
		_ = windows.AssignProcessToJobObject(job, p) // as above
		_ = windows.CloseHandle(p)
	}
	return func() { _ = windows.CloseHandle(job) }
}
