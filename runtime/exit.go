package runtime

import "cabitrans/runtime/abi"

// Exit says how a process ended: by itself with Code, or by Signal when that is
// not 0. Fault is set when the signal came from an instruction of the guest, TimedOut
// when it is that of Limits.Timeout.
type Exit struct {
	Code     uint32
	Signal   abi.Signal
	Fault    *Fault
	TimedOut bool
}

// Status is the exit status a shell would show: the code's low 8 bits, or 128
// plus the host's number of the signal.
func (e Exit) Status() int {
	if e.Signal != 0 {
		return 128 + hostSignal[e.Signal]
	}
	return int(e.Code & 0xff)
}

// hostSignal is the number of each signal on Linux.
var hostSignal = [...]int{
	abi.SIGABRT: 6, abi.SIGALRM: 14, abi.SIGBUS: 7, abi.SIGCHLD: 17, abi.SIGCONT: 18,
	abi.SIGFPE: 8, abi.SIGHUP: 1, abi.SIGILL: 4, abi.SIGINT: 2, abi.SIGKILL: 9,
	abi.SIGPIPE: 13, abi.SIGQUIT: 3, abi.SIGSEGV: 11, abi.SIGSTOP: 19, abi.SIGSYS: 31,
	abi.SIGTERM: 15, abi.SIGTRAP: 5, abi.SIGTSTP: 20, abi.SIGTTIN: 21, abi.SIGTTOU: 22,
	abi.SIGURG: 23, abi.SIGUSR1: 10, abi.SIGUSR2: 12, abi.SIGVTALRM: 26, abi.SIGXCPU: 24,
	abi.SIGXFSZ: 25,
}

// guestSignal is the guest's number of a signal with the given Linux number.
func guestSignal(host int) abi.Signal {
	for s, n := range hostSignal {
		if n == host {
			return abi.Signal(s)
		}
	}
	return abi.SIGKILL
}
