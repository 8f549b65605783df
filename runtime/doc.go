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
//
// This package joins them and imports all; none of them imports it. A process is
// made in the order of Start: image, vDSO, argument data, stack (load.go), then
// kernel, engine and the first thread (process.go). Each guest thread is one
// goroutine locked to one operating-system thread (thread.go).
//
// # One at a time
//
// Guest memory, the look-up table and the code cache have fixed places in the
// host's address space. They are claimed once, best before the Go heap has grown
// (Prepare), and serve one live process; Start answers ErrBusy for a second.
//
// # Ending
//
// A process ends by proc_exit, by a signal it raises, by its last thread's
// leaving, by a fault, by Kill or by the context. The first of them counts. Every
// guest thread is kicked, leaves translated code at an instruction boundary or
// its blocking host call with EINTR, and its goroutine returns; Wait returns when
// all have, and then memory is free again.
//
// # Locks
//
// Process.mu guards only what Wait reports; it is a leaf. Everything else is
// written before the first thread starts or belongs to the packages below.
package runtime
