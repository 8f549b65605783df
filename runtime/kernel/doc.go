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
// A page that shows code, in another mapping of its object, is write-protected on
// the host while translations of that code exist. The check before a host call
// ends that; a thread that translates the code while the call sleeps brings it
// back, and the host answers EFAULT. Such a call is made again (transfer): pipes,
// stream sockets and files keep what could not be stored. Sockets of messages drop
// it, so a message for pages that can become write-protected (memory.Aliased: shared
// ones of an object) is received into a buffer of ours and copied (receiveCopy).
//
// # Descriptors
//
// A slot of the table holds an immutable entry: object, base rights, inheriting
// rights. Look-ups take no lock; changes replace the entry under fdTable.mu, which
// is how fd_replace is atomic. An object lives as long as a slot or a call in
// progress refers to it.
//
// A call that blocks in a descriptor hears of its end (blocked.go): closing it, or
// putting another object in its place, kicks the threads that block in it. A kicked
// call that has moved bytes returns them; any other is made again, and finds EBADF
// (poll: an event with EBADF), or goes on with the new object. Upstream's kernels go
// on with the old one, which nobody can reach any more: a thread asleep in it could
// only be woken by its peer. That the new object is used is what the caller would
// see had it called a moment later.
//
// # Sockets
//
// sock_send and sock_recv are sendmsg and recvmsg of the host, with EPIPE and never
// SIGPIPE (sys_sock.go, recv.go). What a guest is told, and Linux would not do:
//
//   - A read of a local stream, by any call, ends before a message that carries
//     descriptors, as on FreeBSD: merged with the bytes before it, it would not be
//     known what they belong to, and fd_read would lose them unseen. Behind such a
//     message it ends too, unless it has no use for descriptors: then it goes on with
//     what is there. Linux stops behind such a message only. So such a read looks first (MSG_PEEK, as much as
//     fits), and takes what it has seen; only if there are descriptors in the queue,
//     host.Unattached finds out how far they are. Cost: a second host call and copy.
//     Two threads that read one stream at the same time may still get such a message
//     together with bytes of before; nothing is lost by that.
//   - sock_recv with waitall goes on after a kick, with what has arrived counted.
//     It ends early at the end of the stream, before a message with descriptors and
//     behind one.
//   - fds_truncated is set only if there was room for a descriptor. As many as fit
//     are delivered, the others closed; without room all are. So they are when the
//     guest's table is full, or the host's.
//   - No connection is ENOTCONN, for shutdown too; a stream without a byte of data
//     takes no descriptors (EMSGSIZE), nor does an internet socket (EINVAL), where
//     Linux would drop them. Polling event queues cannot be sent (ENOTSUP).
//
// A received host descriptor becomes what its type and access mode make of it
// (classify.go, as for grants); one that the ABI has no type for, such as an event
// counter, has no rights: it can be closed and passed on. Sending takes no right to
// the descriptors that are sent, on FreeBSD and upstream neither.
//
// Rights must not grow on the way. FreeBSD's kernel keeps them in the descriptor it
// hands over; a host descriptor has none. Upstream's emulator forgets them. Here, a
// message with a descriptor whose type or rights are not those that a receiver would
// give it by itself carries one more host descriptor behind the others: the manifest,
// a sealed memory object that lists type and rights of each (pass.go). The receiver
// takes it off, and gives each descriptor no more than the list says:
//
//	guest ─ entries ─ pack: host descriptors [+ manifest] ─ socket ─ adopt: class ∩ list ─ entries ─ guest
//
// It can only take rights away, so whoever forges one gains nothing, and nobody can
// leave it out but a native program, which has all the host gives anyway. It comes
// last: if the host cuts a message off for want of descriptors, the list may be
// among the lost, and so all of that message are closed; the same if the list's
// length is not theirs. A native receiver sees the manifest: a descriptor named
// memfd:cabitrans-rights too many, or MSG_CTRUNC if it has room for exactly those it
// expects. It should ignore it, or hand it on with the others, in the same place.
// To send a native program descriptors alone, do not restrict them.
//
// sock_bind and sock_connect resolve their path as every other call does; Linux is
// then given the place by way of /proc/self/fd. There, a socket's name has at most
// about 85 bytes. Accepted sockets have the rights of a socket as far as the
// listener's inheriting rights contain them.
//
// Programs of the time between 2016-04 and 2017-08 call through the vDSO and mean
// 2016-08: Config.Of2016. All others see through the vDSO no rights that 2020-09 does
// not know (Thread.raw).
//
// # Files and directories
//
// A path begins at a directory's descriptor and never leads out of what lies below
// it: what would is ENOTCAPABLE. Package host resolves it (host.Place); this package
// copies it in, once (path: ENAMETOOLONG from 4096 bytes on, EILSEQ for a zero byte),
// and checks rights:
//
//	file_open        file_open, with creat file_create_file; to be inherited must be
//	                 all rights asked for, with trunc file_stat_fput_size, to write
//	                 elsewhere than at the end fd_seek, with dsync fd_datasync or
//	                 fd_sync, with sync or rsync fd_sync
//	link, rename     one right for each of the two directories
//	every other one  the right of its name
//
// The rights asked for choose how the host opens the file, and are then reduced to
// those that mean something for what was found (rights.go). Files and directories
// are created with all permissions that the umask of this process leaves.
//
// Where POSIX and the host differ, the guest gets POSIX: unlink of a directory is
// EPERM, moving "." is EINVAL. A socket cannot be opened: ENOTSUP, as upstream. A
// FIFO is a stream socket for programs after 2016-08, which know no FIFOs, and has
// its own type for those before.
//
// The cookies of file_readdir are positions of the host's file system. Each
// directory object reads through a host descriptor of its own (sys_dir.go), so they
// mean the same to every descriptor and process, whoever else reads; what another
// call has read ahead is used only if the cookie is where that began. Reading asks
// for the host's permission anew, when it begins.
//
// # Polling
//
// poll reads its subscriptions in batches, once (poll_copy.go), asks the host about
// all descriptors in one call (poll_wait.go), and stores the events in the order of
// their subscriptions: all that have occurred, clocks too. A subscription that
// cannot be served, for want of a descriptor, a right or a meaning, is an event with
// an errno, at once. A lock or a condition variable is waited for alone or with a
// clock (pollLock); with others it is such an event, with ENOSYS.
//
//	the host says      the event says
//	ready              nbytes: what can be read at once; 0 for fd_write
//	POLLHUP            hangup, in both directions, and nbytes
//	POLLERR            EPIPE for the writer of a pipe, else EIO
//
// Regular files are always ready for callers of the vDSO. In 2016-08, and so for raw
// calls, reading at the end is so only with a flag; whether the file has grown is
// looked up each filePoll. 2020-09 ignores the flag ("flags uint16 subrwflags").
//
// # Polling event queues
//
// poll_fd (57, raw only) works on the objects that fd_create1 makes for the type
// poll (queue.go, sys_queue.go): one host descriptor of epoll, and a note for each
// subscription. Where the text of 2016-08 asks itself what it means, FreeBSD's
// kqueue answers:
//
//   - Two subscriptions are the same if type and descriptor, or clock identifier,
//     are. add makes one or changes its user data; delete, enable and disable want
//     one that is there (ENOENT). enable counts more than disable.
//   - A note is reported as long as it is ready; with clear, once each time something
//     comes; with oneshot, once, and then it is gone. Both are settled by the add.
//   - Changes are carried out in order. One that fails is an event with the error, and
//     the call then does not wait; without room for it the call fails with it.
//   - A subscription goes when the number of its descriptor is closed or replaced by
//     another.
//   - A relative clock goes off again and again, an absolute one once. CPU time is
//     ENOTSUP. Adding one that is there starts it anew.
//   - A regular file is not ready for reading at its end, as in a raw poll.
//   - Locks and condition variables are for poll only (ENOSYS here, as in a poll with
//     others); queues cannot be polled themselves, since none has the right.
//   - nout of 0 never waits. At most maxEvents are reported at once.
//   - proc_fork leaves queues behind; proc_exec refuses them (EINVAL).
//
// # Threads
//
// A guest thread's identifier is its host thread's, which no other thread of the
// host has at the time: lock words hold the identifiers of their owners, and
// processes may share locks. So an identifier is known when the host thread runs,
// and thread_create waits for that. Go gives host threads to other goroutines when
// they are free: a thread leaves the process (Leave) before it gives its own up.
//
// # Locks and condition variables of scope private
//
// They are words in guest memory that the C library changes by itself as long as
// nobody waits. The kernel parks waiters in queues hashed by address (futex.go);
// a word without waiters has no trace here.
//
//   - kernel-managed is set in the word of a held lock while somebody is queued for
//     it; the owner's release then comes here. One gap is open: from a waiter's
//     wake-up until it has tried, others may be queued without the mark. Its try
//     sets it, so the gap ends with no wake-up lost.
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
// The word of a lock, by who holds it and who waits (w: wrlocked, k:
// kernel-managed):
//
//	0           free                          the only state that has no owner
//	w|tid       held for writing              the owner may unlock it by itself
//	n           held by n readers             so may each reader
//	w|k|tid     held for writing, waited for  the owner calls lock_unlock
//	k|n         read, a writer waits          the last reader takes it for writing, and calls
//	k           no lock at all (bogus)        EINVAL; the C library fills unused words with it
//
// A call for a lock that the word says is free marks it k in taking it when others
// are still queued: they were woken to compete, lost, and rely on the next unlock.
//
// The one wait for a condition variable has two ends, the signal and the timeout,
// which take the waiter off under its bucket: who comes first counts, and the
// event that poll reports is that one, however long the lock then takes.
//
// The protocol of scope shared, below, would serve here, too. The queues know more,
// and it shows: a writer that starves is handed the lock, a signal moves a waiter to
// the lock instead of waking it to wait again. Package bench has the numbers.
//
// # Locks of scope shared
//
// Any process may map the word, so no process knows all that wait: they sleep in
// the host's futex of the word (sharedlock.go), as writers or as readers, which the
// bits of a futex's mask tell apart. The word has the states of the table above,
// changed by the same fast paths; what differs is who sets the mark k, and when:
//
//	word     | a writer comes        | a reader comes             | the owner unlocks
//	0        | takes it: w|tid       | takes it: 1                |
//	w|tid    | w|k|tid, sleeps       | w|k|tid, sleeps            | 0
//	w|k|tid  | sleeps                | sleeps                     | 0, then wakes the oldest writer or else
//	         |                       |                            | all readers
//	n        | k|n, sleeps           | n+1                        | n-1
//	k|n      | sleeps                | sleeps; k|n+1 when woken;  | k|n-1; the last first makes it w|k|tid
//	         |                       | n+1 and wakes everyone     |
//	         |                       | after its patience         |
//
// A writer that was woken takes a free lock as w|k|tid, for it was woken in the
// place of others who may sleep. What holds at every moment:
//
//	If somebody sleeps on the word, then (a) the word has k and an owner, or (b) a
//	thread that was woken alone has not tried since, or (c) somebody who took k
//	away has not yet called the host to wake.
//
// So nobody sleeps for ever on a lock that is let go. To fall asleep the word must
// be what it was with k and an owner, which the host checks while it queues: (a).
// From (a) only two steps lead away, an unlock and the taking away of k: both are
// (c). An unlock's wake ends in (b) when it finds a writer; if it finds none and
// wakes the readers, nobody is left who was asleep before, and whoever has fallen
// asleep since did so under (a). Who takes k away wakes everyone, with the same
// result. A thread of (b) does one of four things: it takes the lock with k, or
// sets k: (a); or it gets the lock, or an error, and wakes everyone (c). It cannot
// do less: the host reports a wake before a timeout or a signal, and only a sleep
// notices a kick. Threads that come by and take a free lock without k do not touch
// (b) or (c). A mark too many costs one system call when the lock is released.
//
// Writers go first, so two rules keep others from waiting for ever. A reader that
// has waited for fairAfter sleeps as a writer does, takes its turn among them, and
// lets all readers in with it. And a reader that finds k|n waits for the writer
// only as long as its patience (100 ms), then takes k away: the writer may be gone
// with its process, or the reader may be one that reads already and does not say
// so. If a writer does wait it sets k again. A writer whose time is up, or whose
// process ends, takes its k off a read lock at once.
//
// A process that is killed leaves its locks held: the ABI knows no robust locks.
// If a thread dies in (b), between the wake and its try, the others sleep until
// somebody who must wait comes by and unlocks.
//
// # Condition variables of scope shared
//
// The word is 0 when nobody waits. A waiter gives a 0 a value that the word has not
// had (the clock tells one), remembers what the word is, releases the lock, and
// sleeps while the word is still that. A signal has the host count those who sleep.
// If there are more than it is for, it wakes as many as it should. If not, others may
// have entered who do not sleep yet: the word becomes 0, which they find when they
// want to; and then everyone is woken, whoever has fallen asleep between the count
// and that among them. To wake all begins with the 0. A waiter whose time is up does
// as a signal to nobody. So the word is 0 when nobody waits, as the ABI has it, and
// before the last of them is awake: it may destroy the condition variable.
//
//	Who has entered and sleeps, does so on a word that is not 0 or is about to be
//	woken; who has entered and does not sleep yet, will not if anything became of a
//	signal that did not find enough sleepers.
//
// So no signal is lost. One may wake a thread too many, as POSIX allows: who had
// entered at the time, or entered during the signal. Those woken compete for the
// lock, of either scope. A value has 32 bits: a waiter is misled if its value comes
// again between its reading and its sleep.
//
// # Kicks
//
// A thread that blocks does so in one of two places: a host call made by
// host.Thread.Syscall (read, write, recvmsg, sendmsg, accept, connect, ppoll,
// getrandom, fsync, mlock, paths, locks and condition variables of scope shared), or host.Thread.Park (those of scope
// private, plain sleeps). A kick ends both
// early; the handler then returns errRestart with its state in the Thread (a poll
// keeps its place in the queues and its deadlines, and looks its descriptors up
// again; poll_fd has made its changes), the engine sees to the kick and calls again. A host call that has moved bytes returns them instead, so
// nothing is read or written twice. Once the end of the process is decided,
// errRestart becomes ActionExitProcess. mem_sync, fd_close and file_stat_fput wait for
// storage: a kick ends them where the host lets a signal do so (a network file system,
// say), unless it comes just before the host call. A descriptor is closed then all
// the same.
//
// # Processes
//
// proc_fork asks the Engine for a copy of the process and waits until it says that
// it runs; its descriptor is the holder's end of a socket pair (package host), which
// shows the end of the process to poll, wherever it is sent, and kills the process
// when the last duplicate is closed. The copy has the caller's thread alone, the same
// descriptors with the same rights (Describe, Adopt), and shares what two
// descriptors of one open file share. Locks that other threads held stay held, as
// on any system; nobody waits for anything.
//
// proc_exec makes the table of the next program (Table) from the list it is given,
// so that nothing else passes on, and ends this Process in favour of another.
//
// # Calls
//
// testdata/calls.golden lists all 58, and what is known about each.
//
// # Locks of this package, in order
//
// A condition variable's bucket, a lock's bucket, Process.mu; apart from them,
// fdTable.mu, then queue.mu. A look-up in the table takes none, so it may be made
// with queue.mu held: a descriptor that is closed at the same time is either not
// found, or found by whoever closes it and then waits for queue.mu. No lock is held
// while blocking, but directory.mu, which keeps two threads from reading one
// directory object at a time. Package memory's locks are taken under all of them, and
// nothing is called back from there.
//
// Per-thread state (Thread, its scratch buffers) belongs to the thread itself,
// except for the counters and waiter.state, which are atomic, and the links of a
// waiter, which belong to the bucket it is queued in.
//
// The package imports abi, host and memory, and must never import the engine,
// which calls it, or the loader.
package kernel
