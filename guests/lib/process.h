// Child processes.
#ifndef GUEST_PROCESS_H
#define GUEST_PROCESS_H

#include "abi.h"

// proc_spawn forks, and answers the process descriptor in the parent. The child
// calls run(argument) and exits with its result.
u32 proc_spawn(u32 (*run)(void *), void *argument);

struct proc_end {
  u8 signal; // 0: it exited
  u32 code;
};

// proc_wait waits for the end of a process; 0 if none came within ns nanoseconds.
int proc_wait(u32 fd, u64 ns, struct proc_end *end);

// EXPECT_END waits for a process, compares its end and closes the descriptor.
#define EXPECT_END(fd, sig, exitcode)                                                       \
  do {                                                                                      \
    u32 fd_ = (fd);                                                                         \
    struct proc_end end_ = {0, 0};                                                          \
    if (!proc_wait(fd_, 60000000000ull, &end_))                                             \
      fail("%s:%d: the process did not end", __FILE_NAME__, __LINE__);                      \
    if (end_.signal != (sig) || end_.code != (u32)(exitcode))                               \
      fail("%s:%d: the process ended with signal %d, code %u, not signal %d, code %u",      \
           __FILE_NAME__, __LINE__, end_.signal, end_.code, (int)(sig), (u32)(exitcode));   \
    CHECK_ERRNO(sys_fd_close(fd_), 0);                                                      \
  } while (0)

#endif
