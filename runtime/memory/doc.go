// Package memory is the guest's address space: which pages of the arena are
// mapped, with what protection, and what lies behind them.
//
// # In a nutshell
//
// The arena is reserved when the program starts; mapping replaces reserved pages
// by real ones, unmapping gives them back to the reserved state. One word a page
// holds the guest's protection and what the translator did with the page. Guest
// text is data for the host: execute permission exists here only, and Fetch is
// the one way to read code.
//
//	mem_map ─ Map ─▶ find or check the place ─ invalidate ─ host mapping ─ page words
//	engine ─ MarkTranslated, Fetch ─▶ page words, write protection of aliases
//	kernel ─ Check, CopyIn, CopyOut, … ─▶ host access routines
//
// # Code that changes
//
// A page never is writable and executable at once: Map and Protect refuse it, as
// the ABI does. So text changes in two ways only.
//
// By a call: mapping over it, unmapping, or protecting it. The call tells the
// engine before anything changes, under the lock, so that no thread can
// translate the old bytes again.
//
// By an alias: the same page of an object mapped writable elsewhere. When the
// engine translates a page of an object, MarkTranslated write-protects the
// object's writable pages on the host first. The next write there faults;
// WriteFault recognises it, has the translations dropped and gives write access
// back. A new writable view of an object of which code is translated drops the
// translations at once; the next one finds the view and protects it.
//
// Writes in the guest's name (CopyOut, Store32 and the like) that the host refuses
// are repeated under the lock, where no page can be protected again. A host call
// that writes guest memory (a read into a buffer) cannot be: Check with write
// gives access back before it, and WriteUnlocks tells afterwards whether an EFAULT
// was due to a thread that translated the page in between.
//
// A file changed by other means than a mapping (by writing to its descriptor)
// does not drop translations of a mapping of it. POSIX leaves open whether a
// private mapping sees such changes.
//
// # Units
//
// A host may not let pages of a shared mapping lie beside anything else, within
// host.MapUnit. Mappings without a fixed address then keep apart; a fixed one that cannot
// be is ENOTSUP.
//
// # Copies
//
// Snapshot saves, for a forked process, what the host says was touched of private
// memory, and describes the rest; Restore makes the same address space of that in
// another process. Objects behind mappings are kept open for it (Ref): the guest may
// have closed its descriptor. Shared memory without a descriptor is a memory object
// from the start, so that it stays shared. What a copy has not written to yet lies
// in the snapshot alone, where the host counts it as nobody's: hence backing.
//
// # Locks
//
// AddressSpace.mu orders changes. The engine translates under its read lock
// (RLock, then the engine's own lock); Map, Unmap, Protect and WriteFault take it
// for writing, and call the engine's invalidate with it held. Page words are
// atomic: Check reads them without the lock, and so may be overtaken by another
// thread's call, as on a real kernel; accesses fault then, and nothing worse.
// MarkTranslated alone changes page words under the read lock; the engine's lock
// orders its calls.
//
// # Costs
//
// Finding room scans page words downward from where the last mapping was placed,
// about a nanosecond a page. Everything is dropped when a single page of code
// changes; the engine has no finer grain.
//
// The package imports abi and host, and must never import the kernel or the
// engine.
package memory
