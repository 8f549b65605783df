// Package runtime runs a CloudABI executable in this process.
//
// # In a nutshell
//
// Start reads an executable, lays it out in guest memory and starts its first
// thread on translated code; Wait says how it ended:
//
//	p, err := runtime.Start(ctx, runtime.Config{
//		Executable: file, Size: size, Name: "hello", ArgData: args, FDs: []int{1},
//	})
//	if err != nil { … }
//	exit := p.Wait()
//
// What the guest may touch is what Config grants: the descriptors in FDs, which
// become its descriptors 0, 1, 2, …, and the bytes of ArgData. Nothing is opened
// in its name. That is the ABI's promise, not a wall: translated code runs with
// the authority of this process, and a hostile guest can reach host memory.
//
// # The parts
//
//	loader   what to put where            kernel   system calls, descriptors, locks
//	memory   the guest's address space    engine   translation, code cache, threads
//	host     the operating system         abi      CloudABI's types and numbers
//	strace   calls, written down          profile  CPU time, sampled
//	codelog  translations, written down   listing  instructions as text
//	coverage what was executed            srcline  source lines
//	ehframe  unwind tables
//
// This package joins them and imports all; none of them imports it. A process is
// made in the order of Start: image, vDSO, argument data, stack (load.go), then
// kernel, engine and the first thread (process.go). Each guest thread is one
// goroutine locked to one operating-system thread (thread.go), as long as the host
// has one to give: thread_create answers EAGAIN otherwise.
//
// # Thread-local storage
//
// Config.TLS chooses by which strategy guest threads have an %fs of their own (package
// rewrite). A forked guest has that of its parent.
//
// # One at a time
//
// Guest memory, the look-up table and the code cache have fixed places in the
// host's address space. They are claimed once, best before the Go heap has grown
// (Prepare), and serve one live process; Start answers ErrBusy for a second.
//
// # Fork and exec
//
// Go's run-time system cannot be forked: a copy of its memory would lack its
// threads. So a forked guest continues in a fresh start of the host program
// (EnableFork, which must come first in main; without it proc_fork is ENOSYS):
//
//	parent                                    child
//	NewProcessPair, StartSelf ───────────────▶ claims guest memory's place
//	stops its guest threads                    (while Go starts there)
//	snapshot: touched private pages,
//	  layout, descriptors, thread state ─────▶ maps the snapshot, copy on write;
//	goes on; the caller waits                  descriptors, engine, thread
//	gets the descriptor ◀───────────────────── ready; the guest runs
//
// Both sides then own their memory: what the snapshot holds is copied once by the
// parent, and page by page by the child as it writes. The host has no way to share
// private memory between two programs any earlier. Measured, with two processors:
// 3.6 ms from proc_fork to the end of an empty child, and 0.45 ms more for each MiB
// that the parent has touched; 8.5 ms with a program that the child becomes.
// A child that read its parent's memory by itself would save nothing: the parent's
// threads would stand still until it has started.
//
// proc_exec stays in the host process: it checks what can be checked, all threads
// leave as at an end, and then everything is made anew for the next program
// (becomeNext). What fails after that kills the process, as on any system.
//
// # Watching
//
// What a run tells of itself is asked for in Config, and costs nothing otherwise: Trace
// (package strace) writes calls down, CodeLog (package codelog) translations, Profile
// (package profile) samples CPU time, Coverage and Counts (package coverage) tell which code was executed, and how often,
// PerfMap and JITDump name translated code for perf. A trace goes on in forked processes, in the same
// file; what else is asked for they write to files of their own, whose names the parent hands
// over. All go on in what a process becomes by proc_exec: the samples of a program
// get their names when its threads have left (endProgram), while its memory and its
// executable are still there. The map for perf is of the last program.
//
// # Debugging
//
// Config.Debug lets a debugger drive the process (package gdb; debug*.go is its Target).
// Threads stop together: the first one that comes to something has the others kicked, each
// parks outside the guest, and the last to park reports the stop. Parked threads wake when
// the process ends, whoever ends it; the server is closed before memory is given back. In
// what a process becomes by proc_exec the debugger stays, in forked ones it is not.
//
// # Ending
//
// A process ends by proc_exit, by a signal it raises, by its last thread's
// leaving, by a fault, by Kill, by the context or by Limits.Timeout (limits.go). The
// first of them counts. Every guest thread is kicked, leaves translated code at an
// instruction boundary or its blocking host call with EINTR, and its goroutine
// returns; Wait returns when all have, and then memory is free again.
//
// A forked process is killed by the host's kernel when its descriptor is closed; if it has files to write, it
// does that itself before it goes. Signals that end it are heeded likewise (interrupt.go).
//
// # Locks
//
// Process.mu guards what Wait and Stats report, and the change from one program to
// the next, which happens while no guest thread exists. A guest thread reads the
// fields of the program it runs without a lock: they were written before it began.
// Otherwise Process.mu is taken by guest threads for a fault and for proc_exec only,
// and the kernel's lock is taken under it.
package runtime
