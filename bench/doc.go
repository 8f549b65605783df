// Package bench measures what translation costs.
//
// # In a nutshell
//
// Run makes a Report: every kernel in every Column, which is a way to run it, and what
// else there is to measure. README.md tells the method, and what came of it.
//
//	direct       the executable is mapped and started in this process, untranslated, and
//	             %fs is exchanged at every system call (Direct)
//	translated   it runs as a guest, in a tier and under a TLS strategy (Translated)
//	peer         its Linux build is run by another program (Peer)
//	other        as a guest of another build of this program (Other)
//
// All print the same line, which has a result and times. Results must agree: that is
// the differential test. Times are compared as ratios within one run, because machines
// differ and are noisy; there is no timed test.
//
// # A sample's path
//
// Run ─ prepare: columns() ─ kernels, start, …: interleave ─ Column.run ─ Measurement
// ─ summarize: Values ─ finish: means, break-even ─ WriteText, WriteJSON, WriteBenchfmt,
// and package chart
//
// # Running directly
//
// direct_linux_amd64.s visits the guest as the engine's stubs do: scheduler told, %fs
// exchanged, registers loaded. The vDSO that the guest gets has entries that jump to
// leaveDirect, which finds the thread's directBlock through the thread control block, and
// comes back by a jump, so that the CPU's return predictor is not disturbed. What must
// hold: no Go code runs, and no signal is delivered, while %fs is the guest's; a thread
// is locked to its goroutine and has all signals blocked from its first visit to its
// last. A fault of a directly running program therefore ends the process. There are only
// the calls that kernels make.
//
// # Other measurements
//
// These are Go benchmarks of this package's tests.
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
// The package imports runtime (the public API), argdata, guests, loader and abi; the
// command imports it and its package chart.
package bench
