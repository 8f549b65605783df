#include "process.h"

#include "guest.h"

u32 proc_spawn(u32 (*run)(void *), void *argument) {
  u32 fd, tid;
  CHECK_ERRNO(sys_proc_fork(&fd, &tid), 0);
  if (fd != FD_PROCESS_CHILD) return fd;
  CHECK(tid != 0 && tid >> 30 == 0);
  self_tid = tid;
  sys_proc_exit(run(argument));
  fail("proc_exit has returned");
}

int proc_wait(u32 fd, u64 ns, struct proc_end *end) {
  struct subscription in[2] = {
      {.userdata = 77, .type = EVENT_PROC_TERMINATE, .proc_terminate = {.fd = fd}},
      {.userdata = 78, .type = EVENT_CLOCK, .clock = {.clock_id = CLOCK_MONOTONIC, .timeout = ns}},
  };
  struct event out[2];
  size_t n = 0;
  CHECK_ERRNO(sys_poll(in, out, 2, &n), 0);
  for (size_t i = 0; i < n; i++) {
    CHECK(out[i].error == 0);
    if (out[i].type != EVENT_PROC_TERMINATE) continue;
    CHECK(out[i].userdata == 77);
    *end = (struct proc_end){out[i].proc_terminate.signal, out[i].proc_terminate.exitcode};
    return 1;
  }
  return 0;
}
