package abi

import "strconv"

// PageSize is the page size of the x86-64 ABI in bytes, the value of AT_PAGESZ.
const PageSize = 4096

// PointerSize is the size in bytes of a guest pointer and of size_t.
const PointerSize = 8

// ELF identification of an x86-64 CloudABI executable.
const (
	ELFOSABI   = 17 // ELFOSABI_CLOUDABI, e_ident[7]
	ELFMachine = 62 // EM_X86_64
)

// FD is a descriptor number of the guest. Any number below 2^31 may be used; none is reserved for a purpose.
type FD uint32

// FDMapAnon must be passed to mem_map together with MapAnon. FDProcessChild is what proc_fork gives the child instead of a
// process descriptor. Both are the same number.
const (
	FDMapAnon      FD = 0xffffffff
	FDProcessChild FD = 0xffffffff
)

// String gives the number in decimal, or "-1" for FDMapAnon and FDProcessChild.
func (v FD) String() string { return strconv.FormatInt(int64(int32(v)), 10) }

// Tid identifies a thread: non-zero, and below 2^30 because it shares a word with the lock bits.
type Tid uint32

// TidMax is the largest thread identifier that fits a lock word.
const TidMax Tid = 1<<30 - 1

// Lock is the word of a readers-writer lock in guest memory.
type Lock uint32

// States of a lock word. Without LockWrlocked the low 30 bits count readers; with it they are the owner's Tid.
// LockKernelManaged means that threads sleep on the lock, and that it must be unlocked by lock_unlock.
const (
	LockUnlocked      Lock = 0
	LockWrlocked      Lock = 0x40000000
	LockKernelManaged Lock = 0x80000000
	LockBogus         Lock = 0x80000000 // never a valid state: managed, but held by nobody
	LockCountMask     Lock = 0x3fffffff // readers, or the owner's Tid
)

// Owner returns the identifier of the thread that holds the lock for writing; false when nobody does.
func (l Lock) Owner() (Tid, bool) { return Tid(l & LockCountMask), l&LockWrlocked != 0 }

// Condvar is the word of a condition variable in guest memory.
type Condvar uint32

// CondvarHasNoWaiters is the state in which condvar_signal need not be called; every other value means that it must be.
const CondvarHasNoWaiters Condvar = 0

// Dircookie is a position in a directory.
type Dircookie uint64

// DircookieStart is the position of the first entry.
const DircookieStart Dircookie = 0

// Plain numbers of the ABI.
type (
	Device    uint64 // file system; with Inode it identifies a file
	Inode     uint64 // file serial number
	Linkcount uint32 // hard links to a file
	Filesize  uint64 // bytes
	Filedelta int64  // bytes, signed
	Timestamp uint64 // nanoseconds; since 1970-01-01T00:00:00Z for ClockRealtime
	Userdata  uint64 // opaque to the system
	Exitcode  uint32 // all 32 bits are kept
	Nthreads  uint32 // number of threads to wake
	Backlog   uint32 // queue length of sock_listen (2016-08 only)
)
