// Package engine runs guest code: it owns the code cache, the look-up tables and
// the threads that execute in them.
//
// # In a nutshell
//
// A thread that is to continue at a guest address looks the address up; if it
// has no translation, the engine discovers the code reachable from there by
// direct branches (a region, region_find.go), rewrites it in the order it has in
// the guest's text (region_emit.go) and publishes it. Branches between regions
// are linked as soon as both ends exist (link.go). Indirect branches go through
// the look-up tables (table.go) without leaving translated code. The thread
// leaves only for system calls, for code without a translation, on a fault, and
// when it is kicked (thread.go).
//
// # The code cache
//
// Two buffers grow in it: hot code, and cold code (exits, landings, call entries).
// Nothing is freed singly. When the cache is full, when code that has been
// translated changes, or when a process-wide option changes, everything is
// dropped at once (flush.go) and translated again as it is needed. pages says
// for every guest byte where its translation begins; it can be read without a
// lock.
//
// # Thread-local storage
//
// The strategy (rewrite.TLS) is chosen before the first thread begins (UseTLS) and holds
// for the process. It shapes rewritten code (Fields, FS), the stubs (stubLayout) and
// what a host thread does at its start. The tests run under every strategy that the
// host can execute, those for other systems included: the oracle compares each with
// guest code that the CPU runs natively, %fs and all.
//
// Measured with 2 busy processors, the best of several runs, in ns: accesses in a loop, 8 of a kind with one addition
// each (BenchmarkTLS), and a round trip (BenchmarkRoundTrip). A load is
// "mov %fs:0,%reg", an operand "add %fs:8(%rsi),%reg".
//
//	                 load   store  operand  vDSO call  raw call
//	gs               0.30   0.30   0.57     35         207
//	teb              0.30   0.31   2.4      36         208
//	pthread          0.30   0.30   2.4      37         209
//	indirect         0.33   1.7    2.4      36         222
//	swap-wrfsbase    0.31   0.30   0.58     66         248
//	swap-arch_prctl  0.30   0.30   0.58     384        553
//
// # Threads, and who may write what
//
//   - Engine.mu guards translation: buffers, links, marks, options, and stores
//     to pages and to the table. It is taken after the lock of the guest's
//     address space, never before.
//   - pages and the table are read by anyone at any time, with single atomic
//     loads; translated code reads the table.
//   - Engine.marksMu, taken after Engine.mu, guards the source map against threads
//     that have just left the guest and look their state up; they hold no other
//     lock, because whoever stops the world waits for them.
//   - A thread's Block is its own (package host says what the exceptions are).
//   - Code that another thread may be executing changes in one way only: the
//     aligned 4-byte displacement of a branch to an exit becomes one to a body.
//
// # Stopping the world
//
// To drop translations a thread takes Engine.mu, kicks every other thread, passes
// a process-wide memory barrier and waits until none of them is in the guest.
// A thread clears its own kick under Engine.mu, in one place (attend) that then
// sees to every purpose of a kick, and looks a guest address up only after that;
// an address it looked up before is used with the kick still set, and the entry
// stub then refuses to enter. So no thread ever enters
// translated code that has been dropped, and none waits for a lock while it
// counts as in the guest.
//
// # On paper
//
// A Paper (paper.go) is a cache that nobody executes, for those who study translations.
//
// # Samples
//
// Whoever wants to know where a thread spends its time kicks it. attend tells the
// thread's Sampler, if it has one, where the kick found it (sample.go), with no lock held.
//
// # Guest state
//
// While a thread is outside the guest, the exact guest state is in its Block:
// general registers, RIP and flags in the fields, the rest in the XSAVE area
// (after a vDSO call: only what survives a C call). A fault or a kick inside a
// rewritten sequence is taken back, or forward, to an instruction boundary by
// the source map (state.go).
//
// # What the guest may not rely on
//
// Two things are taken from the ABI, unless Strict gives them back: r11 may change at
// a return and between an indirect call and the first instruction of its target (a
// continuation or callee that is seen to read it is translated so that it does not);
// and the bytes below rsp may change at a call or return.
//
// The package imports decode, rewrite, codegen, host, memory and kernel, and
// must never import the command or the public API.
package engine
