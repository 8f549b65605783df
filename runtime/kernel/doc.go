// Package kernel is the guest's operating system: descriptors and their rights,
// memory calls, clocks, threads, locks, polling, and the end of the process.
//
// # In a nutshell
//
// The engine hands over each system call with its machine arguments, through the
// vDSO (CallVDSO) or by the raw instruction (CallRaw). One table (table.go) names
// the calls that are built; every other one answers ENOSYS. A handler converts
// its arguments once, does the work, and returns results and an errno; the caller
// of the handler counts the call and stores results through the trailing pointers
// (vDSO) or returns them in registers (raw):
//
//	guest ─ CallVDSO ─▶ result pointers checked ─ handler ─▶ results stored ─▶ Outcome ─▶ guest
//
// An Outcome is an errno for the guest, or says that the call must be made again
// after a kick (Restart), or that the thread or the process is gone.
//
// # Memory of the guest
//
// All access goes through package memory: copied once, in or out, with EFAULT for
// what is not there. Vectors of a read or write are checked and handed to the host
// kernel as they are; a page that another thread unmaps meanwhile is the host
// kernel's EFAULT.
//
// # Descriptors
//
// A slot of the table holds an immutable entry: object, base rights, inheriting
// rights. Look-ups take no lock; changes replace the entry under fdTable.mu, which
// is how fd_replace is atomic. An object lives as long as a slot or a call in
// progress refers to it, so a close during a blocked read lets that read finish.
//
// # Locks and condition variables
//
// They are words in guest memory that the C library changes by itself as long as
// nobody waits. The kernel parks waiters in queues hashed by address (futex.go);
// a word without waiters has no trace here.
//
//   - kernel-managed is set in a lock word exactly while somebody is queued for
//     it; the owner's release then comes here.
//   - Unlocking wakes the oldest waiter, who competes with whoever runs by
//     (barging): handing the lock over would make a convoy of every contended lock.
//     A writer who has lost for fairAfter gets it handed over. Readers are let in
//     together, and go behind writers that wait.
//   - A condition variable's word is not zero while somebody waits. A waiter is
//     queued before its lock is released, under the same bucket, so no signal
//     between is lost; it takes the lock again before its call returns, also when
//     its time is up.
//   - thread_exit takes the thread out of the process first and unlocks then: from
//     that moment the joiner may free the stack, and nothing here touches it.
//
// Scope shared works between threads of this process: waiters meet by address.
//
// # Kicks
//
// A thread that blocks does so in one of two places: a host call made by
// host.Thread.Syscall, or host.Thread.Park. A kick ends both early; the handler
// then returns errRestart with its state in the Thread (a poll keeps its place in
// the queues and its deadlines), the engine sees to the kick and calls again.
//
// # Locks of this package, in order
//
// A condition variable's bucket, a lock's bucket, Process.mu; fdTable.mu stands
// alone. No lock is held while blocking. Package memory's locks are taken under
// all of them, and nothing is called back from there.
//
// Per-thread state (Thread, its scratch buffers) belongs to the thread itself,
// except for the counters and waiter.state, which are atomic, and the links of a
// waiter, which belong to the bucket it is queued in.
//
// The package imports abi, host and memory, and must never import the engine,
// which calls it, or the loader.
package kernel
