// Package bench measures what translation costs.
//
// A kernel is a guest program that computes something without system calls, in
// an exported function kernel(n). The same bytes run in two ways in one process:
//
//	native       the image is mapped executable and kernel(n) is called
//	translated   the program runs as a guest and times its own kernel(n)
//
// and both answer a result and a time. Results must agree: that is the
// differential test. Times are compared as ratios within one run, because
// machines differ and are noisy; there is no timed test.
//
// The program locks measures contended locks, condition variables and new threads
// (guests/prog/locks.h says what the workloads are). Its other side is the same
// text on the host's pthreads, compiled by cc when there is one (testdata/locks.c),
// in a process of its own. Guest's time to native time, best of five, on 2 cores:
//
//	                 scope private          scope shared
//	create           0.9  (22 µs)           the same
//	handover         1.3  (450 ns)          1.1  (600 ns)
//	many             0.5  (5 ns)            0.6  (7 ns)
//	readers          1.4  (210 ns)          0.9  (220 ns)
//	turns            0.6  (3.8 µs)          1.3  (6.1 µs)
//
// From run to run the ratios move by a third. In handover and many, where nobody
// holds a lock for long, a thread that sleeps is kept out for up to a millisecond:
// that is fewer wakes than glibc makes. turns is cheap in scope private because a
// signal moves the waiter to the lock's queue instead of waking it to wait again;
// that, and the FIFO of private locks, is why there are two implementations.
//
// Thread-local storage and switching, by strategy (BenchmarkTLS): ns for a round of
// tlsloop, which is three functions that use a thread-local variable, and for a system
// call of sysloop. The best of several runs on 2 busy processors.
//
//	                 tlsloop   sysloop
//	gs               4.9       64
//	indirect         9.9       64
//	swap-wrfsbase    4.9       98
//	swap-arch_prctl  4.9       436
//
// System calls (callbench) have the host calls that do the same on the native side,
// bare ones, of which Go's scheduler is not told; a read of one byte shows what is
// ours: about 100 ns.
//
// The native side of a kernel is no guest: no thread-local storage, no system calls, no
// confinement. Kernels that need them (tlsloop, sysloop) have no native side
// here.
//
// The package imports runtime (the public API), argdata and loader, and nothing
// imports it.
package bench
