// The CloudABI types, numbers and structures that these guests need.
//
// Field names follow the ABI text; layouts are those of x86-64. Numbers of the
// raw system calls are those of the 2016-08 text, prototypes those of 2020-09.
#ifndef GUEST_ABI_H
#define GUEST_ABI_H

#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

// Auxiliary vector. AT_PHNUM is 4 here, not 5 as on Linux.
enum {
  AT_NULL = 0,
  AT_PHDR = 3,
  AT_PHNUM = 4,
  AT_PAGESZ = 6,
  AT_BASE = 7,
  AT_ARGDATA = 256,
  AT_ARGDATALEN = 257,
  AT_CANARY = 258,
  AT_CANARYLEN = 259,
  AT_NCPUS = 260,
  AT_TID = 261,
  AT_SYSINFO_EHDR = 262,
  AT_PID = 263,
};

struct auxv {
  u32 type;
  u64 value;
};

// errno values used by the checks.
enum {
  ENONE = 0,
  E2BIG = 1,
  EACCES = 2,
  EAGAIN = 6,
  EBADF = 8,
  EFAULT = 21,
  EINVAL = 28,
  EMFILE = 33,
  ENOEXEC = 45,
  ENOMEM = 48,
  ENOSYS = 52,
  ENOTSUP = 58,
  ESPIPE = 70,
  ENOTCAPABLE = 76,
};

enum { CLOCK_MONOTONIC = 1, CLOCK_PROCESS = 2, CLOCK_REALTIME = 3, CLOCK_THREAD = 4 };

enum { PROT_EXEC = 1, PROT_WRITE = 2, PROT_READ = 4 };
enum { MAP_ANON = 1, MAP_FIXED = 2, MAP_PRIVATE = 4, MAP_SHARED = 8 };
#define MAP_ANON_FD 0xffffffffu
enum { MS_ASYNC = 1, MS_INVALIDATE = 2, MS_SYNC = 4 };
enum { ADVICE_DONTNEED = 1, ADVICE_NORMAL = 3, ADVICE_RANDOM = 4, ADVICE_SEQUENTIAL = 5, ADVICE_WILLNEED = 6 };

enum { SCOPE_PRIVATE = 4, SCOPE_SHARED = 8 };
#define LOCK_UNLOCKED 0u
#define LOCK_WRLOCKED 0x40000000u
#define LOCK_KERNEL_MANAGED 0x80000000u
#define LOCK_BOGUS 0x80000000u
#define CONDVAR_NO_WAITERS 0u

enum { WHENCE_CUR = 1, WHENCE_END = 2, WHENCE_SET = 3 };
enum { FILETYPE_PROCESS = 0x50, FILETYPE_REGULAR = 0x60, FILETYPE_SHARED_MEMORY = 0x70, FILETYPE_SOCKET_STREAM = 0x82 };
enum { FILESTAT_SIZE = 0x10 };
enum { FDSTAT_FLAGS = 1, FDSTAT_RIGHTS = 2 };
#define RIGHT_FD_READ 0x02u
#define RIGHT_FD_SEEK 0x04u
#define RIGHT_FD_TELL 0x20u
#define RIGHT_FD_WRITE 0x40u
#define RIGHT_FILE_STAT_FPUT_SIZE 0x100000u
#define RIGHT_MEM_MAP 0x4000000u
#define RIGHT_MEM_MAP_EXEC 0x8000000u
#define RIGHT_PROC_EXEC 0x100000000ull

enum { SIGABRT = 1, SIGCHLD = 4, SIGILL = 8, SIGKILL = 10, SIGSEGV = 13, SIGTERM = 16, SIGTRAP = 17 };

// What proc_fork gives the child instead of a descriptor.
#define FD_PROCESS_CHILD 0xffffffffu

enum {
  EVENT_CLOCK = 1,
  EVENT_CONDVAR = 2,
  EVENT_FD_READ = 3,
  EVENT_FD_WRITE = 4,
  EVENT_LOCK_RDLOCK = 5,
  EVENT_LOCK_WRLOCK = 6,
  EVENT_PROC_TERMINATE = 7,
};

struct iovec {
  const void *buf;
  size_t len;
};

struct fdstat {
  u8 filetype;
  u16 flags;
  u64 rights_base;
  u64 rights_inheriting;
};

struct filestat {
  u64 dev;
  u64 ino;
  u8 filetype;
  u32 nlink;
  u64 size;
  u64 atim;
  u64 mtim;
  u64 ctim;
};

struct subscription {
  u64 userdata;
  u16 flags;
  u8 type;
  union {
    struct {
      u64 identifier;
      u32 clock_id;
      u64 timeout;
      u64 precision;
      u16 flags;
    } clock;
    struct {
      u32 *condvar;
      u32 *lock;
      u8 condvar_scope;
      u8 lock_scope;
    } condvar;
    struct {
      u32 fd;
      u16 flags;
    } fd_readwrite;
    struct {
      u32 *lock;
      u8 lock_scope;
    } lock;
    struct {
      u32 fd;
    } proc_terminate;
  };
};

struct event {
  u64 userdata;
  u16 error;
  u8 type;
  union {
    struct {
      u64 nbytes;
      u8 unused[4];
      u16 flags;
    } fd_readwrite;
    struct {
      u8 unused[4];
      u8 signal;
      u32 exitcode;
    } proc_terminate;
    u8 room[16];
  };
};

struct threadattr {
  void (*entry_point)(u32 tid, void *argument);
  void *stack;
  size_t stack_len;
  void *argument;
};

_Static_assert(sizeof(struct auxv) == 16, "auxv");
_Static_assert(sizeof(struct fdstat) == 24, "fdstat");
_Static_assert(sizeof(struct filestat) == 56, "filestat");
_Static_assert(sizeof(struct subscription) == 56, "subscription");
_Static_assert(sizeof(struct event) == 32, "event");
_Static_assert(sizeof(struct threadattr) == 32, "threadattr");

#endif
