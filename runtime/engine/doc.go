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
// # Memory that is fresh
//
// A page that is written for the first time costs a fault, which is more than filling it:
// half of what a program paid that executes much code once. So what grows while code is
// translated, the code cache (prefault.go), the chunks of the tables, of pages and of the source
// map (marks.go), is made present in steps; the steps begin small, as most programs are. None
// of it is copied when it grows, and the window of guest text that regions are discovered
// in stays from one to the next (region.window) until translations are dropped.
//
// # Tables that are filled ahead
//
// A return's landing is set when its call is translated. An indirect call has its entry set when
// it first misses, and then those of all functions in that chunk of the table that direct calls
// have given one; a function that gets one later sets it at once (ahead.go).
//
// # Thread-local storage
//
// The strategy (rewrite.TLS) is chosen before the first thread begins (UseTLS) and holds
// for the process. It shapes rewritten code (Fields, FS), the stubs (stubLayout) and
// what a host thread does at its start. The tests run under every strategy that the
// host can execute, those for other systems included: the oracle compares each with
// guest code that the CPU runs natively, %fs and all.
//
// Measured, the best of several runs, in ns: accesses in a loop, 8 of a kind with one addition
// each (BenchmarkTLS), and a round trip (BenchmarkRoundTrip). A load is
// "mov %fs:0,%reg", an operand "add %fs:8(%rsi),%reg".
//
//	                 load   store  operand  vDSO call  raw call
//	gs               0.30   0.30   0.57     26         64
//	teb              0.30   0.31   2.4      26         66
//	pthread          0.30   0.30   2.4      25         65
//	indirect         0.33   1.7    2.4      26         65
//	swap-wrfsbase    0.31   0.30   0.58     55         102
//	swap-arch_prctl  0.30   0.30   0.58     446        381
//
// At home a call through the vDSO takes 23. Of the 26 ns (BenchmarkRoundTripParts) Go's scheduler takes 12
// (entersyscall and exitsyscall alone, two locked instructions among them and 174 in all), the call and
// return in the guest's own code 2, the stubs and the loop around them 5, the kernel's dispatch
// of a call that does nothing 4, and the engine's 2. No switch makes a host system call, but those of
// swap-arch_prctl (TestSystemCallsOfSwitches).
//
// # Clocks
//
// A stub answers clock_time_get for the two clocks that the host's vDSO reads without a
// system call (codegen's stubs_clock.go, clock.go), in 28 ns where the ordinary way takes 60
// and the host's vDSO alone 23. On Windows it calls QueryPerformanceCounter and
// GetSystemTimePreciseAsFileTime, which read memory that every process has; under Wine 8 the
// former is a call of some 80 ns. That is sound although Go is not told:
//
//   - For Go's scheduler the thread is in a system call before, while and after, as it is in the
//     guest: its P may be taken away, the world may stop, the collector may run and scan its
//     stack up to where entersyscall was called. The stub calls the host's function on a stack
//     of the thread's own, behind its Block, and touches nothing of Go's but the address
//     space's page words, which it reads; they hold no pointers and do not move.
//   - For those who stop the world it is a thread in Go (StateHost): it uses no translation,
//     and comes back through the same check of Kick as by an enter stub. A kick there, at any
//     instruction, and a store that faults, lead to the ordinary call, made from the beginning.
//   - It waits for nothing, takes no lock and allocates nothing.
//
// Calls that are watched go to Go: those of a process with a kernel.Tracer, of a thread with
// a Debugger or the trap flag. So do all others: nothing else that a program calls often
// can be answered so. Locks and condition variables without contention never leave the
// C library; thread_yield is a host system call.
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
// # Leaves
//
// A direct call of a short function that makes no call is translated to a copy of the
// function (leaf.go), with the guest's return address on the stack as ever and marks that
// name the function's own instructions. So whatever takes a thread out of the copy finds it
// in the function, and it goes on in the function's own translation. A change of the
// function's text drops the copies with everything else, its page being marked as
// translated; a function with a breakpoint in it is not copied; nor is any while blocks are
// watched, so that counts and coverage are those of the program. A copy that writes to
// memory checks its return address at the end, by a comparison that costs the flags: it is
// made only if returns may do so. A copy that does not write to memory is sure of its return
// address, but for what another thread does to the stack of a thread that runs.
//
// An indirect call, too, enters a copy, if the function neither writes to memory nor names
// rsp (leafEntry): the host's return address stays on the stack, and a hardware return drops
// it with the guest's. As at every return, nobody but the thread may write there meanwhile.
// Not so where tables are packed: a fault would cost the host's return address.
//
// # The home tier
//
// With Home, pages of guest text that qualify (package home says when) are executed at
// their own address: a private copy with its patches takes the place of the page when it
// is first executed (install), readable and executable. Calls, returns and indirect
// branches among such pages are the guest's own, at the CPU's own cost. Everything else
// runs from the code cache: pages that do not qualify, raw system calls, generated code.
// Translation can do without the tier at any time and place: it reads the guest's
// text as the guest wrote it (memory.Fetch), and home decides only where a thread goes on.
//
// At home the host's registers are the guest's, and its program counter is the guest's:
// a kick or a fault finds the state exact (homeFault). Whether a thread is in the guest is
// Block.State's to say, as ever.
//
// From home to the cache. What is not at home cannot be executed where it lies: the fetch
// faults, and the thread goes on in the cache, some 3 us later. Direct branches do better:
// one that leads to a page which is known not to qualify has its displacement patched to
// a portal, a jump in the cache that is linked like a branch there, either when its page
// comes home or once it has faulted portalAfter times (home_cross.go). So beside prefix
// bytes a guest that reads its own text may find displacements of such branches changed,
// and in the vDSO the first five bytes of each entry, a jump to its exit. Portals survive
// a flush.
//
// From the cache to home. The table's entry of a return address on a page at home is that
// address; there is no call entry. A call or jump from the cache, direct or not, leaves
// the guest and goes on at home; its return faults. Of a page that is visited often the
// cache gets translations instead, and stays there with all that it calls (stayAfter).
//
// Functions that reach from one page into another in the other tier, indirect calls from
// home to the cache: a page that calls so more often than once in crossingTime is
// withdrawn (withdrawAfter), or the one that a jump must have come from; if none can be
// found, the whole tier ends (giveUpAfter). All this is counted by page, and not by
// address: so no program spends more than some percent of its time on crossings, nor
// more than some of them for each page of its text, however many functions it calls.
//
// Withdrawn, with all threads stopped, are also: pages that the guest unmaps, maps over
// or protects, and the one before; a page of which a branch into the middle of an
// instruction becomes known; and all of them, for good, when a thread moves its %fs base.
// A forked process begins with none: its snapshot has the guest's text. Pages of mapped
// files, and whatever is writable, never qualify.
//
// Strategies that change the length of code (indirect) have no home tier; nor have hosts on
// which a fault destroys what lies below the guest's rsp (packed). What watches
// translations, a debugger or a counter of blocks, needs the cache; a sampler does not.
//
// # Wild jumps at home
//
// A branch at home is the CPU's. To what is not mapped or not executable it gives what the
// cache gives (TestHomeWildBranches). This is about mistakes of programs: a hostile one
// can write the host's memory in either tier. A wrong one may hit executable memory of the
// host:
//
//   - The code cache, at addresses that a program's garbage may well be. Its first page and
//     all that is not filled have no access (host.Space.Execute), so most of it faults. In
//     the middle of a translation the guest goes on there, as in the middle of its own code.
//   - The stubs. The way in refuses a thread that is in the guest, before it would destroy
//     the way back; exits that nobody meant are told by Block.Exit, which serve resets,
//     and by the kick that is missing (TestHomeStrays).
//   - Go's text and the host's vDSO: at random high addresses in a position-independent
//     build. A fault there, whatever it is, is the guest's (Block.State), and ends it with
//     SIGSEGV and a report of where it was found. A loop there ends so within strayTime
//     (home_watch.go). A function that returns goes on in the guest (TestHomeHost).
//   - The miss regions: a jump to MissBase + pc goes on at pc.
//
// What remains is the limit of the tier: a jump to the middle of an instruction runs what
// the CPU finds there, which may be an access to the host's thread-local storage
// (TestHomeMiddle); and one into Go's text may make a system call, or call Go's runtime,
// with the guest's registers, which may end the process without a report. Syscall User
// Dispatch would catch the former; but then every system call of the process goes through
// the kernel's slow path, and the signal handlers, which make some in the guest's name,
// lie elsewhere than Go's. It was not built.
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
// # Watching
//
// A Watcher (watch.go) is told of every translation, link, miss and drop, with Engine.mu held. Without one nothing is
// noted.
//
// Blocks that are executed are watched by translating one at a time (blocks.go), and counted by code at their beginnings.
//
// # Debugging
//
// A thread with a Debugger (debug.go) tells it of every fault before that ends it, and of
// every kick, and goes on when and as the debugger says. Breakpoints end translations
// (TrapDebug), and guest memory stays as it is. A single step is what trace.go does for
// the guest's own trap flag, with a call through the vDSO as one instruction. Behind an
// access to watched memory the host sends a signal; an instruction whose translation it
// finds half done is executed once more, unwatched.
//
// # Guest state
//
// While a thread is outside the guest, the exact guest state is in its Block:
// general registers, RIP and flags in the fields, the rest in the XSAVE area
// (after a vDSO call: only what survives a C call). The area is complete, but the stubs
// move no more of it than the guest uses and Go could change (codegen's stubs_extended.go). A fault or a kick inside a
// rewritten sequence is taken back, or forward, to an instruction boundary by
// the source map (state.go).
//
// # What the guest may not rely on
//
// Two things are taken from the ABI, unless Strict gives them back: r11 may change at
// a return and between an indirect call and the first instruction of its target, and the
// flags of arithmetic at a return (a continuation or callee that is seen to read what it
// finds there is translated so that it does not change, and a first indirect call gets the
// r11 of its caller if that changes r11 anywhere: one that does not has nothing in it); and the bytes below rsp may
// change at a call or return. A jump to the continuation of a call finds r11 as a return
// would. Where the code at a jump's target is sure to replace r11 before it reads it
// (landing.go), the guest cannot tell, but a fault report or a debugger in between sees
// another value.
//
// # What is emulated
//
// Instructions that must not run on the host as they are, and that no rewriting makes
// harmless, leave the guest and are carried out here (emulate*.go, string.go) as a
// process on a 64-bit kernel sees them:
//
//   - rdfsbase, wrfsbase, rdgsbase, wrgsbase are allowed, as on every kernel since 2020,
//     although those of CloudABI's time have them disabled (#UD): a program that uses
//     them asks for more than the ABI gives, and there is no harm in giving it.
//   - Loads of %fs and %gs take null selectors and those of segments that a process may
//     read, all others are #GP; the base becomes 0. The guest reads back what it has
//     loaded. swapgs is #GP.
//   - Far jumps, calls and returns, and iret, may lead to the segment that a process
//     runs in; others are #GP. One for 32-bit code there is ends the guest, with a note.
//   - popf and iret change every flag that a process may change, but TF, AC and NT,
//     which stay clear: on the host they would trap in the emulator. TF ends the guest
//     with SIGTRAP behind the next instruction, as it would (trace.go); a guest that
//     asks for alignment checks gets none, as with a kernel that keeps CR0.AM clear.
//   - 66 before a near branch cuts the instruction pointer to 16 bits on AMD's CPUs,
//     and is ignored on all others: the host's rule is the guest's (vendor.go).
//   - xbegin always aborts.
//   - String instructions and xlat in a segment with a base, and gathers and scatters
//     there with 32-bit addresses, are carried out element by element, as far as the
//     first fault (string.go, gather.go).
//
// # What a guest could see
//
// These differ from a process of the host that executes the guest as it is, and stay so,
// each for the reason given:
//
//   - The instruction and data pointers in what fnstenv, fnsave, fxsave and xsave store
//     are those of the translation: an address in the code cache, and for an operand in
//     a segment with a base the linear address. Guest addresses would take an exit at
//     each of these instructions, which mathematical libraries use to read the status;
//     and today's CPUs store the pointers behind an unmasked exception only.
//   - mov and push show the host's selectors in %cs, %ds, %es and %ss, as they do
//     to a process of the host; only %fs and %gs are the guest's own. Another system
//     has others, and nothing may depend on them.
//   - wrpkru ends the guest: protection keys are given by the kernel, CloudABI has no
//     call for them, and those of the emulator's memory would change, too.
//   - So does a far transfer to 32-bit code: nothing here decodes that.
//   - Alignment checks, nested tasks and transactions there are none (AC, NT, xbegin).
//   - rdtsc, cpuid and the like tell the truth about the host.
//
// The trap flag holds a trap back for one instruction behind each mov to %ss, and not
// behind lss, as the CPU does.
//
// # Exceptions
//
// The signals are those of Linux, on every host; a FreeBSD kernel sends SIGBUS for #GP.
//
//	exception          raised by                                               signal
//	#DE, #MF, #XM      division, x87 and vector arithmetic                     SIGFPE
//	#DB, #BP           int1, int3, int $3, TF: behind the instruction          SIGTRAP
//	#OF                int $4: behind the instruction                          SIGSEGV
//	#UD                ud0 to ud2, no instruction, sysenter, instructions of   SIGILL
//	                   features that a process has not: hypercalls, VMX, SGX
//	#GP                privileged instructions, hlt, in, out, int n, iret and  SIGSEGV
//	                   far transfers to a wrong selector, swapgs, addresses
//	                   that are not canonical, misaligned vectors
//	#SS                such addresses by rsp and rbp                           SIGBUS
//	#PF                no access; SIGBUS for a file that has ended             SIGSEGV
//	none               wrpkru, far transfers to 32-bit code, with a note       SIGILL
//
// The package imports decode, rewrite, codegen, host, memory and kernel, and
// must never import the command or the public API.
package engine
