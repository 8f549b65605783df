// System calls by the raw `syscall` instruction (generations 0 to 2), with the
// numbers of the 2016-08 text.
//
// rax holds the number, rdi rsi rdx r10 r8 r9 the arguments. Carry set means
// failure with the errno in rax; carry clear means results in rax and rdx.
#include "calls.h"

static inline u16 raw(u64 number, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f, u64 *result) {
  register u64 r10 __asm__("r10") = d;
  register u64 r8 __asm__("r8") = e;
  register u64 r9 __asm__("r9") = f;
  u64 rax = number;
  u8 failed;
  __asm__ volatile("syscall"
                   : "+a"(rax), "+d"(c), "+r"(r10), "+r"(r8), "+r"(r9), "=@ccc"(failed)
                   : "D"(a), "S"(b)
                   : "rcx", "r11", "memory");
  if (failed) return rax;
  *result = rax;
  return 0;
}

// raw0 is for calls without results: those answer rax = 0.
static inline u16 raw0(u64 number, u64 a, u64 b, u64 c, u64 d) {
  u64 result;
  return raw(number, a, b, c, d, 0, 0, &result);
}

#define P(pointer) ((u64)(pointer))

// with1 makes a call whose one result has the type *out points to.
#define with1(out, number, a, b, c, d, e, f)                  \
  do {                                                        \
    u64 result;                                               \
    u16 error = raw(number, a, b, c, d, e, f, &result);       \
    if (error == 0) *(out) = (__typeof__(*(out)))result;      \
    return error;                                             \
  } while (0)

// with2 is for calls with one argument and two results.
#define with2(out, out2, number, a)                                                     \
  do {                                                                                  \
    u64 rax = number, rdx = 0;                                                          \
    u8 failed;                                                                          \
    __asm__ volatile("syscall"                                                          \
                     : "+a"(rax), "+d"(rdx), "=@ccc"(failed)                            \
                     : "D"((u64)(a))                                                    \
                     : "rcx", "r8", "r9", "r10", "r11", "memory");                      \
    if (failed) return rax;                                                             \
    *(out) = rax;                                                                       \
    *(out2) = rdx;                                                                      \
    return 0;                                                                           \
  } while (0)

u16 sys_clock_res_get(u32 clock, u64 *res) { with1(res, 0, clock, 0, 0, 0, 0, 0); }
u16 sys_clock_time_get(u32 clock, u64 precision, u64 *time) { with1(time, 1, clock, precision, 0, 0, 0, 0); }
u16 sys_condvar_signal(u32 *condvar, u8 scope, u32 n) { return raw0(2, P(condvar), scope, n, 0); }
u16 sys_fd_close(u32 fd) { return raw0(3, fd, 0, 0, 0); }
u16 sys_fd_create1(u8 type, u32 *fd) { with1(fd, 4, type, 0, 0, 0, 0, 0); }
u16 sys_fd_create2(u8 type, u32 *a, u32 *b) { with2(a, b, 5, type); }
u16 sys_fd_dup(u32 from, u32 *fd) { with1(fd, 7, from, 0, 0, 0, 0, 0); }
u16 sys_fd_pread(u32 fd, const struct iovec *iov, size_t n, u64 off, size_t *got) {
  with1(got, 8, fd, P(iov), n, off, 0, 0);
}
u16 sys_fd_pwrite(u32 fd, const struct iovec *iov, size_t n, u64 off, size_t *put) {
  with1(put, 9, fd, P(iov), n, off, 0, 0);
}
u16 sys_fd_read(u32 fd, const struct iovec *iov, size_t n, size_t *got) { with1(got, 10, fd, P(iov), n, 0, 0, 0); }
u16 sys_fd_replace(u32 from, u32 to) { return raw0(11, from, to, 0, 0); }
u16 sys_fd_seek(u32 fd, s64 off, u8 whence, u64 *pos) { with1(pos, 12, fd, (u64)off, whence, 0, 0, 0); }
u16 sys_fd_stat_get(u32 fd, struct fdstat *buf) { return raw0(13, fd, P(buf), 0, 0); }
u16 sys_fd_stat_put(u32 fd, const struct fdstat *buf, u16 flags) { return raw0(14, fd, P(buf), flags, 0); }
u16 sys_fd_write(u32 fd, const struct iovec *iov, size_t n, size_t *put) { with1(put, 16, fd, P(iov), n, 0, 0, 0); }
u16 sys_file_stat_fget(u32 fd, struct filestat *buf) { return raw0(25, fd, P(buf), 0, 0); }
u16 sys_file_stat_fput(u32 fd, const struct filestat *buf, u16 flags) { return raw0(26, fd, P(buf), flags, 0); }
u16 sys_lock_unlock(u32 *lock, u8 scope) { return raw0(31, P(lock), scope, 0, 0); }
u16 sys_mem_advise(void *p, size_t n, u8 advice) { return raw0(32, P(p), n, advice, 0); }
u16 sys_mem_map(void *p, size_t n, u8 prot, u8 flags, u32 fd, u64 off, void **mem) {
  with1(mem, 34, P(p), n, prot, flags, fd, off);
}
u16 sys_mem_protect(void *p, size_t n, u8 prot) { return raw0(35, P(p), n, prot, 0); }
u16 sys_mem_sync(void *p, size_t n, u8 flags) { return raw0(36, P(p), n, flags, 0); }
u16 sys_mem_unmap(void *p, size_t n) { return raw0(38, P(p), n, 0, 0); }
u16 sys_poll(const struct subscription *in, struct event *out, size_t n, size_t *events) {
  with1(events, 39, P(in), P(out), n, 0, 0, 0);
}
u16 sys_proc_exec(u32 fd, const void *data, size_t n, const u32 *fds, size_t nfds) {
  u64 result;
  return raw(40, fd, P(data), n, P(fds), nfds, 0, &result);
}
u16 sys_proc_exit(u32 code) { return raw0(41, code, 0, 0, 0); }
u16 sys_proc_fork(u32 *fd, u32 *tid) { with2(fd, tid, 42, 0); }
u16 sys_proc_raise(u8 sig) { return raw0(43, sig, 0, 0, 0); }
u16 sys_random_get(void *p, size_t n) { return raw0(44, P(p), n, 0, 0); }
u16 sys_thread_create(struct threadattr *attr, u32 *tid) { with1(tid, 53, P(attr), 0, 0, 0, 0, 0); }
u16 sys_thread_exit(u32 *lock, u8 scope) { return raw0(54, P(lock), scope, 0, 0); }
u16 sys_thread_yield(void) { return raw0(56, 0, 0, 0, 0); }

// raw_thread_tcb_set makes the %fs base the address of word (generations 0
// and 1 only).
u16 raw_thread_tcb_set(void **word) { return raw0(55, P(word), 0, 0, 0); }

void link_calls(const void *vdso) { (void)vdso; }
