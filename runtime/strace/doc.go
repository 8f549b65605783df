// Package strace writes the system calls of a guest down, in the layout of the
// program strace.
//
// # In a nutshell
//
// A Tracer is given to the kernel (kernel.Tracer), which tells it of each call on
// the thread that makes it: Enter before, Exit after. What a call is given can be
// written before it, what it stores only afterwards, so a line is begun by Enter and
// ended by Exit:
//
//	12345 fd_read(0, ⟨Enter⟩ [{iov_base="hello\n", iov_len=4096}], 1) = 6 ⟨Exit⟩
//
// When another thread has something to say in between, or the call blocks, the line
// is cut off with "<unfinished ...>", and goes on later as "<... fd_read resumed>".
// The output gets whole lines only, each in one write: several processes may share
// it.
//
// # Decoding
//
// Names, types and directions of arguments come from the table of calls in package
// abi; format.go writes a value of each type, structs.go the structures. Memory is
// read without a fault: an address that leads nowhere is written as a number, as
// everything is that a call answered EFAULT for. Nothing is decoded twice, and
// nothing of it changes what the call sees: what a guest changes meanwhile is seen
// changed, or not.
//
// # Cost
//
// Without a Tracer the kernel makes one comparison a call. With one, a call costs
// some microseconds and one write.
//
// # Locks
//
// Tracer.mu guards the output and the line that is open; it is a leaf, and held
// while a line is written, so that lines are in order. The counters of the summary are
// under it, too.
//
// The package imports abi and the kernel, whose Tracer it implements, and must never
// import package runtime.
package strace
