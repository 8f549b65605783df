// Package profile samples where guest threads spend their CPU time, and makes a
// profile of that in the format of pprof.
//
// # In a nutshell
//
// Each guest thread has a timer of its own CPU time (host.CPUTimer), which kicks it:
//
//	timer ─ kick ─▶ thread leaves the guest ─ engine.attend ─▶ Thread.Sample
//	  stack walk ─▶ the thread's counts ─ Close ─▶ Recorder ─ EndProgram ─▶ symbols ─ Write
//
// A kick settles the guest's state at an instruction boundary, so the innermost frame
// is exact. When the thread was not in guest code, a frame of a made-up function on top
// says what it did in the guest's name: "[system call fd_read]", "[translation]",
// "[emulation]". The time in a call is that of the host's kernel and of the emulator's
// own; a thread that waits uses no CPU time and gets no samples.
//
// # How much a sample counts
//
// The first sample of a thread is due after a random part of the period, each further
// one a period of CPU time later. A sample counts for all that are due: the host may be
// late, and its clock may tick less often than the timer asks for. So the sum of a thread
// is right to within a period, and the sum of many short threads is right on average. What
// is due when a thread ends counts for "[end of thread]", since nobody has seen what it was.
//
// # Stacks
//
// Callers are found by the executable's unwind tables where they know the code, else by the
// chain of frame pointers (package ehframe); code with neither gives short or wrong stacks. At
// the beginning of a function with a frame pointer only, and at its return, the caller is not in
// the chain, but on top of the stack: the instruction tells.
//
// # Names
//
// Functions have the names of the executable's symbols, and of one built with debugging
// information the source lines, too (package srcline). Code that was inlined counts for the function
// that it is part of; its line is left out where it is of another file than that. Of addresses
// outside of the executable no more is known than that they are. What a process becomes by
// proc_exec is another program, with functions of its own.
//
// # Who may write what
//
// A Thread belongs to its guest thread until Close, which hands its counts to the Recorder
// under Recorder.mu, a leaf. Sample holds no lock, but the address space's for reading, as
// the walk does. It allocates only for a stack that is new to the thread. EndProgram and
// Write are called when no guest thread exists.
//
// # The format
//
// form.go writes the fields of pprof's format as they come up; identifiers are all that is kept. pprof's own
// package costs every process 0.3 ms when it starts, profile or not, and only the tests import it.
//
// The package imports abi, decode, ehframe, engine, host, memory and srcline, and must never import
// package runtime.
package profile
