// The system calls these guests use, one row each:
//
//   CALL(name, prototype, arguments)
//
// Prototypes are those of the 2020-09 text: every call answers an errno and
// stores its results through the trailing pointers. The vDSO symbol is
// cloudabi_sys_<name>.
#ifndef GUEST_CALLS_H
#define GUEST_CALLS_H

#include "abi.h"

// clang-format off
#define GUEST_CALLS(CALL) \
  CALL(clock_res_get, (u32 clock, u64 *res), (clock, res)) \
  CALL(clock_time_get, (u32 clock, u64 precision, u64 *time), (clock, precision, time)) \
  CALL(condvar_signal, (u32 *condvar, u8 scope, u32 n), (condvar, scope, n)) \
  CALL(fd_close, (u32 fd), (fd)) \
  CALL(fd_create1, (u8 type, u32 *fd), (type, fd)) \
  CALL(fd_create2, (u8 type, u32 *a, u32 *b), (type, a, b)) \
  CALL(fd_dup, (u32 from, u32 *fd), (from, fd)) \
  CALL(fd_pread, (u32 fd, const struct iovec *iov, size_t n, u64 off, size_t *got), (fd, iov, n, off, got)) \
  CALL(fd_pwrite, (u32 fd, const struct iovec *iov, size_t n, u64 off, size_t *put), (fd, iov, n, off, put)) \
  CALL(fd_read, (u32 fd, const struct iovec *iov, size_t n, size_t *got), (fd, iov, n, got)) \
  CALL(fd_replace, (u32 from, u32 to), (from, to)) \
  CALL(fd_seek, (u32 fd, s64 off, u8 whence, u64 *pos), (fd, off, whence, pos)) \
  CALL(fd_stat_get, (u32 fd, struct fdstat *buf), (fd, buf)) \
  CALL(fd_stat_put, (u32 fd, const struct fdstat *buf, u16 flags), (fd, buf, flags)) \
  CALL(fd_write, (u32 fd, const struct iovec *iov, size_t n, size_t *put), (fd, iov, n, put)) \
  CALL(file_stat_fget, (u32 fd, struct filestat *buf), (fd, buf)) \
  CALL(file_stat_fput, (u32 fd, const struct filestat *buf, u16 flags), (fd, buf, flags)) \
  CALL(lock_unlock, (u32 *lock, u8 scope), (lock, scope)) \
  CALL(mem_advise, (void *p, size_t n, u8 advice), (p, n, advice)) \
  CALL(mem_map, (void *p, size_t n, u8 prot, u8 flags, u32 fd, u64 off, void **mem), (p, n, prot, flags, fd, off, mem)) \
  CALL(mem_protect, (void *p, size_t n, u8 prot), (p, n, prot)) \
  CALL(mem_sync, (void *p, size_t n, u8 flags), (p, n, flags)) \
  CALL(mem_unmap, (void *p, size_t n), (p, n)) \
  CALL(poll, (const struct subscription *in, struct event *out, size_t n, size_t *events), (in, out, n, events)) \
  CALL(proc_exec, (u32 fd, const void *data, size_t n, const u32 *fds, size_t nfds), (fd, data, n, fds, nfds)) \
  CALL(proc_exit, (u32 code), (code)) \
  CALL(proc_fork, (u32 *fd, u32 *tid), (fd, tid)) \
  CALL(proc_raise, (u8 sig), (sig)) \
  CALL(random_get, (void *p, size_t n), (p, n)) \
  CALL(thread_create, (struct threadattr *attr, u32 *tid), (attr, tid)) \
  CALL(thread_exit, (u32 *lock, u8 scope), (lock, scope)) \
  CALL(thread_yield, (void), ())
// clang-format on

#define CALL(name, params, args) u16 sys_##name params;
GUEST_CALLS(CALL)
#undef CALL

// link_calls finds the system calls in the vDSO image; it does nothing in
// generations that use the raw instruction. It must run after relocation.
void link_calls(const void *vdso);

#endif
