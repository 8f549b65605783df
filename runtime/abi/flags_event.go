package abi

// This file: the values of clocks, subscriptions, events and signals.
// Source: both ABI files, sections of the same names.

// Clockid names a clock.
type Clockid uint32

// Values of Clockid.
const (
	ClockMonotonic        Clockid = 1
	ClockProcessCputimeID Clockid = 2
	ClockRealtime         Clockid = 3
	ClockThreadCputimeID  Clockid = 4
)

var clockidNames = []valueName{
	{uint64(ClockMonotonic), "CLOCK_MONOTONIC"},
	{uint64(ClockProcessCputimeID), "CLOCK_PROCESS_CPUTIME_ID"},
	{uint64(ClockRealtime), "CLOCK_REALTIME"},
	{uint64(ClockThreadCputimeID), "CLOCK_THREAD_CPUTIME_ID"},
}

// String gives the ABI name, or the type and number of an unknown value.
func (v Clockid) String() string { return enumString(uint64(v), clockidNames, "Clockid") }

// Eventtype is the kind of a subscription and of the event it yields.
type Eventtype uint8

// Values of Eventtype.
const (
	EventtypeClock         Eventtype = 1
	EventtypeCondvar       Eventtype = 2
	EventtypeFDRead        Eventtype = 3
	EventtypeFDWrite       Eventtype = 4
	EventtypeLockRdlock    Eventtype = 5
	EventtypeLockWrlock    Eventtype = 6
	EventtypeProcTerminate Eventtype = 7
)

var eventtypeNames = []valueName{
	{uint64(EventtypeClock), "EVENTTYPE_CLOCK"},
	{uint64(EventtypeCondvar), "EVENTTYPE_CONDVAR"},
	{uint64(EventtypeFDRead), "EVENTTYPE_FD_READ"},
	{uint64(EventtypeFDWrite), "EVENTTYPE_FD_WRITE"},
	{uint64(EventtypeLockRdlock), "EVENTTYPE_LOCK_RDLOCK"},
	{uint64(EventtypeLockWrlock), "EVENTTYPE_LOCK_WRLOCK"},
	{uint64(EventtypeProcTerminate), "EVENTTYPE_PROC_TERMINATE"},
}

// String gives the ABI name, or the type and number of an unknown value.
func (v Eventtype) String() string { return enumString(uint64(v), eventtypeNames, "Eventtype") }

// Eventrwflags is the state of a descriptor reported by an fd_read or fd_write event.
type Eventrwflags uint16

// Values of Eventrwflags.
const (
	EventFDReadwriteHangup Eventrwflags = 0x01
)

var eventrwflagsNames = []valueName{
	{uint64(EventFDReadwriteHangup), "EVENT_FD_READWRITE_HANGUP"},
}

// String gives the ABI names of the set bits, joined by "|"; "0" for none; unknown bits in hexadecimal.
func (v Eventrwflags) String() string { return flagsString(uint64(v), eventrwflagsNames) }

// Subclockflags say how a clock subscription reads its timeout.
type Subclockflags uint16

// Values of Subclockflags.
const (
	SubscriptionClockAbstime Subclockflags = 0x01
)

var subclockflagsNames = []valueName{
	{uint64(SubscriptionClockAbstime), "SUBSCRIPTION_CLOCK_ABSTIME"},
}

// String gives the ABI names of the set bits, joined by "|"; "0" for none; unknown bits in hexadecimal.
func (v Subclockflags) String() string { return flagsString(uint64(v), subclockflagsNames) }

// Subrwflags are the flags of an fd_read or fd_write subscription.
type Subrwflags uint16

// Values of Subrwflags.
const (
	SubscriptionFDReadwritePoll Subrwflags = 0x01
)

var subrwflagsNames = []valueName{
	{uint64(SubscriptionFDReadwritePoll), "SUBSCRIPTION_FD_READWRITE_POLL"},
}

// String gives the ABI names of the set bits, joined by "|"; "0" for none; unknown bits in hexadecimal.
func (v Subrwflags) String() string { return flagsString(uint64(v), subrwflagsNames) }

// Subflags are the flags of a subscription passed to poll_fd; poll ignores them (2016-08 only).
type Subflags uint16

// Values of Subflags.
const (
	SubscriptionAdd     Subflags = 0x01
	SubscriptionClear   Subflags = 0x02
	SubscriptionDelete  Subflags = 0x04
	SubscriptionDisable Subflags = 0x08
	SubscriptionEnable  Subflags = 0x10
	SubscriptionOneshot Subflags = 0x20
)

var subflagsNames = []valueName{
	{uint64(SubscriptionAdd), "SUBSCRIPTION_ADD"},
	{uint64(SubscriptionClear), "SUBSCRIPTION_CLEAR"},
	{uint64(SubscriptionDelete), "SUBSCRIPTION_DELETE"},
	{uint64(SubscriptionDisable), "SUBSCRIPTION_DISABLE"},
	{uint64(SubscriptionEnable), "SUBSCRIPTION_ENABLE"},
	{uint64(SubscriptionOneshot), "SUBSCRIPTION_ONESHOT"},
}

// String gives the ABI names of the set bits, joined by "|"; "0" for none; unknown bits in hexadecimal.
func (v Subflags) String() string { return flagsString(uint64(v), subflagsNames) }

// Signal is a signal number. Values differ from every host.
type Signal uint8

// Values of Signal.
const (
	SIGABRT   Signal = 1
	SIGALRM   Signal = 2
	SIGBUS    Signal = 3
	SIGCHLD   Signal = 4
	SIGCONT   Signal = 5
	SIGFPE    Signal = 6
	SIGHUP    Signal = 7
	SIGILL    Signal = 8
	SIGINT    Signal = 9
	SIGKILL   Signal = 10
	SIGPIPE   Signal = 11
	SIGQUIT   Signal = 12
	SIGSEGV   Signal = 13
	SIGSTOP   Signal = 14
	SIGSYS    Signal = 15
	SIGTERM   Signal = 16
	SIGTRAP   Signal = 17
	SIGTSTP   Signal = 18
	SIGTTIN   Signal = 19
	SIGTTOU   Signal = 20
	SIGURG    Signal = 21
	SIGUSR1   Signal = 22
	SIGUSR2   Signal = 23
	SIGVTALRM Signal = 24
	SIGXCPU   Signal = 25
	SIGXFSZ   Signal = 26
)

var signalNames = []valueName{
	{uint64(SIGABRT), "SIGABRT"},
	{uint64(SIGALRM), "SIGALRM"},
	{uint64(SIGBUS), "SIGBUS"},
	{uint64(SIGCHLD), "SIGCHLD"},
	{uint64(SIGCONT), "SIGCONT"},
	{uint64(SIGFPE), "SIGFPE"},
	{uint64(SIGHUP), "SIGHUP"},
	{uint64(SIGILL), "SIGILL"},
	{uint64(SIGINT), "SIGINT"},
	{uint64(SIGKILL), "SIGKILL"},
	{uint64(SIGPIPE), "SIGPIPE"},
	{uint64(SIGQUIT), "SIGQUIT"},
	{uint64(SIGSEGV), "SIGSEGV"},
	{uint64(SIGSTOP), "SIGSTOP"},
	{uint64(SIGSYS), "SIGSYS"},
	{uint64(SIGTERM), "SIGTERM"},
	{uint64(SIGTRAP), "SIGTRAP"},
	{uint64(SIGTSTP), "SIGTSTP"},
	{uint64(SIGTTIN), "SIGTTIN"},
	{uint64(SIGTTOU), "SIGTTOU"},
	{uint64(SIGURG), "SIGURG"},
	{uint64(SIGUSR1), "SIGUSR1"},
	{uint64(SIGUSR2), "SIGUSR2"},
	{uint64(SIGVTALRM), "SIGVTALRM"},
	{uint64(SIGXCPU), "SIGXCPU"},
	{uint64(SIGXFSZ), "SIGXFSZ"},
}

// String gives the ABI name, or the type and number of an unknown value.
func (v Signal) String() string { return enumString(uint64(v), signalNames, "Signal") }
