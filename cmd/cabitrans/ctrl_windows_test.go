package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// console gives this process a console of its own if it has none.
func console(t *testing.T) {
	t.Helper()
	kernel32 := windows.NewLazySystemDLL("kernel32.dll")
	var pids [1]uint32
	if n, _, _ := kernel32.NewProc("GetConsoleProcessList").Call(uintptr(unsafe.Pointer(&pids[0])), 1); n != 0 {
		return
	}
	_, _, _ = kernel32.NewProc("FreeConsole").Call() // Wine has a kind that is none
	if ok, _, err := kernel32.NewProc("AllocConsole").Call(); ok == 0 {
		t.Skipf("this process gets no console: %v", err)
	}
}

// spinning starts a program that never ends by itself, and returns when it runs.
func spinning(t *testing.T, flags uint32) (cmd *exec.Cmd, stdout io.Reader, stderr *strings.Builder) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd, stderr = exec.Command(exe), new(strings.Builder)
	cmd.Args = []string{"cabitrans", "run", guest(t, "spin")}
	cmd.Env = append(os.Environ(), mainEnv+"=1")
	cmd.Stdin = strings.NewReader(declare + "stdout: !fd stdout\nstderr: !fd stderr\nthreads: 2\n")
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: flags}
	cmd.Stderr = stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() { late.Stop() })
	r := bufio.NewReader(out)
	if line, err := r.ReadString('\n'); err != nil || !strings.HasPrefix(line, "spinning") {
		t.Errorf("the program wrote %q, %v", line, err)
	}
	return cmd, r, stderr
}

// TestControlEvents: Ctrl-C and Ctrl-Break end the program, and the command with 130, as
// a signal SIGINT would have it, whatever the program does.
func TestControlEvents(t *testing.T) {
	console(t)
	come := make(chan os.Signal, 8)
	signal.Notify(come, os.Interrupt) // Ctrl-C is for all processes of the console, this one among them
	defer signal.Stop(come)
	for _, c := range []struct {
		name         string
		event, flags uint32
	}{
		{"Ctrl-C", windows.CTRL_C_EVENT, 0},
		{"Ctrl-Break", windows.CTRL_BREAK_EVENT, windows.CREATE_NEW_PROCESS_GROUP},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.flags != 0 && windows.NewLazySystemDLL("ntdll.dll").NewProc("wine_get_version").Find() == nil {
				t.Skip("Wine lacks it: events other than Ctrl-C")
			}
			cmd, out, errs := spinning(t, c.flags)
			group := uint32(0)
			if c.flags != 0 {
				group = uint32(cmd.Process.Pid)
			}
			if err := windows.GenerateConsoleCtrlEvent(c.event, group); err != nil {
				t.Error(err)
			}
			_, _ = io.Copy(io.Discard, out)
			_ = cmd.Wait() // says how it ended, as the state does
			if n := cmd.ProcessState.ExitCode(); n != 130 || errs.Len() > 0 {
				t.Errorf("status %d, want 130; %q", n, errs.String())
			}
		})
	}
}

// TestKilledCommand: the program ends with the command, and its output with it.
func TestKilledCommand(t *testing.T) {
	cmd, out, _ := spinning(t, 0)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, out)
		ended <- err
	}()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Error("the program still runs, a minute after the command was killed")
	}
	_ = cmd.Wait() // it was killed
}
