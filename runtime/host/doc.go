// Package host is the only place that knows the operating system: the reserved
// address space, the thread register, fault delivery, kicks, blocking calls,
// clocks, random bytes and descriptors. Code above it has no build tags.
//
// # In a nutshell
//
// Reserve claims fixed ranges once (layout.go). A guest thread gets a Thread: an
// operating-system thread of its own whose %gs base leads to a Block, private memory
// that translated code and stubs reach without a register. Thread.Run visits the
// guest through a stub and serves each exit:
//
//	Run ─ entersyscall ─ enter stub ─ guest ─ exit stub ─ exitsyscall ─ serve ─┐
//	          └────────────────────────────────────────────────────────────────┘
//
// Go's scheduler takes the visit for a system call, so a spinning guest stops
// neither the collector nor anything else. Go's %fs, which holds its thread-local
// storage, is never touched, unless a strategy asks for that (TLS).
//
// # Why these addresses
//
// Guest memory begins at 128 KiB, so that old fixed-address executables (0x200000,
// 0x400000) find their place, and ends below the code cache at 1.5 GiB, so that a
// RIP-relative displacement reaches guest memory from the cache and a guest
// address fits a sign-extended immediate. The look-up tables follow, then the miss
// regions; all of it lies below what Linux gives to Go's heap, libraries or a
// position-independent executable. Go places its heap at random, though: in 3 of
// 2,000 starts, of both builds, a range was taken. The caller then starts the
// program anew (ErrNoSpace).
//
// The guard page is the lowest page of the process. Linux lets nobody map below
// vm.mmap_min_addr, 64 KiB on every distribution, so what lies below it faults:
// that is what proves the target of an indirect branch (package rewrite).
//
// # Threads
//
// A guest thread runs on a goroutine locked to an operating-system thread (Go). The
// thread ends with it, but for a few that wait for the next one (worker.go), so the
// host sees as many threads as the guest has, and what the host lets a user have
// comes back. The identifier of one that waits is known: a guest thread on it is
// created without waiting for its goroutine (Begin), which on busy processors runs
// a time slice or two later.
//
// When the host refuses a thread that Go's scheduler wants, Go ends the program. So
// before a guest thread starts, threads are had from the host that need no Go (a
// clone of a few instructions of assembly, probe_linux_amd64.s); only if that goes
// well is Go made to have as many (ThreadRoom). If they are not to be had, the guest
// gets EAGAIN.
//
// What is promised, for whatever limit there is (RLIMIT_NPROC, pids.max, memory): a
// guest thread that starts has its thread, and Go's scheduler has GOMAXPROCS+12
// idle ones besides, which it keeps, even if other programs use the limit up later;
// and as many again as there are guest threads (up to 256) were to be had, for which
// it has a use when all of those wake at once on a busy machine. What is not: that no other program takes all that a look found in the moment until Go
// has it (a millisecond, and a fifth of a second in which Go tries again); that a
// program around this package does not block in more host calls at a time than there
// are idle threads; and the first guest thread, before which nothing is asked. Go's
// own limit, 10,000 threads, lies beyond MaxThreads.
//
// # Paths
//
// A path is resolved below a directory and never leads out (path.go): by openat2
// with RESOLVE_BENEATH where the host has it, else by a walk that holds a
// descriptor for every directory it has entered and reads symbolic links itself.
// Links that the walk must read, because the last component of a path is to be
// created or removed and not opened, are read by it on every host. Calls on the last
// component get its directory and its bare name, and follow nothing. So a race with
// somebody who renames can make a call fail or act on what was there a moment ago,
// and never on what lies outside; but a directory that is moved out while a path
// leads through it is still the one that the path led through.
//
// # Faults
//
// SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGTRAP go to an assembly handler on Go's
// own alternate stack. In guest mode (Block.State says so, never the program
// counter: a wild jump can be anywhere) it copies the registers to the Block and
// continues at the fault stub. In the access routines, through which Go code reads
// and writes guest memory, it continues at their fix-up. Everything else is Go's.
//
// On Windows the handler is a vectored one, called on the guest's own stack, below which
// the system has written the record (FaultsNeedStack). Where it cannot, it ends the
// process at once; so the command runs in a child (Supervise), and its parent says so.
//
// # A foreign %fs
//
// Under the two strategies that are there to be measured against, %fs is the guest's
// while the thread is in the guest (Block.State). The stubs exchange it; a signal may
// come at any of their instructions. So every handler of Go's is called by one of ours,
// swapHandler, which gives the thread Go's %fs before, whatever it had, and that back
// after. Handlers are wrapped when the strategy is chosen and again as each thread
// begins: if a program of which this package is a part makes os/signal ignore a signal
// and then handle it, Go installs its own handler anew, bare until the next guest thread
// begins. Without such a strategy no handler is wrapped.
//
// # Kicks
//
// Thread.Kick sets Block.Kick and sends a signal that no program uses. In the
// guest the handler leaves as for a fault. In an enter stub before its check, the
// check sees Kick; between the check and the guest, the handler sees the stub's
// range. In a host call before its SYSCALL instruction, the call becomes EINTR; in
// it, the kernel answers that itself. A kick stays in force until ClearKick, so
// none is lost. In the stub that reads clocks a kick, once the thread is in the guest again, leads
// to the ordinary call; so does a fault of the store of its result. A CPUTimer kicks, too: its signal comes from the kernel, so the
// handler sets Kick for it. Barrier, a process-wide membarrier, lets the stubs do with plain
// loads and stores.
//
// # Watches
//
// SetWatches has the CPU's debug registers watch one thread (perf_event_open); the SIGTRAP
// behind an access is a fault in the guest. Elsewhere, in stubs and in Go, the handler notes
// the address (Block.Watched) and lets the thread go on: Go's handler must never see it.
//
// # Guest memory on Windows
//
// Windows places a view of a section at multiples of 64 KiB only, and not where memory is
// reserved. So the arena is reserved in granules of that size, each a reservation of its
// own once it is used, and a shared mapping is a view for each of its granules
// (arena_windows.go, view_windows.go). Pages of a granule are mapped, protected and
// unmapped one by one all the same; what cannot be is that a granule with pages of a
// shared mapping has anything else in it, hence MapUnit. A memory object is a file that
// the system keeps in memory and forgets. Who starts a program reserves its guest memory
// before it begins (room_windows.go): Go's run-time system would take too much of it.
//
// # Processes
//
// A process descriptor is one end of a socket pair; see process.go. Thread blocks lie
// at a fixed place so that a forked guest's thread finds its own where its %fs base
// points. Memory passes through a memory object (Snapshot) whose pages the child maps
// privately.
//
// On Windows the holder has handles of the process and of a job that ends it with its last
// handle; the two have a page in common for what they say to one another
// (process_windows.go). The parent duplicates each handle for the child, and what else
// belongs to an open file moves to memory of both: offset and flags (common), pipes and
// local sockets (sharedEnd). Those have a mutex of the system each, which is taken after
// file.mu or endpoint.mu (but see endpoint.share), and events for who waits. Descriptors
// that go through them wait in a process that never runs (keeper_windows.go). The child
// copies the pages of the snapshot. Threads that wait for a word of a shared mapping stand
// in a table of the user's session (waitShared).
//
// # Who may write what
//
// A Block belongs to its thread, but for Kick (anyone) and State (read by whoever
// stopped the world). Blocks are pooled and never unmapped: a late signal must
// find memory at %gs. Space is made once and then only read; the mappings in it
// are changed under package memory's lock, the tables under the engine's.
//
// The package imports x/sys, and must never import another package of this module.
package host
