// callbench: the price of system calls through the vDSO, by the argument `call`.
// kernel(n) makes n rounds of it and answers how many succeeded.
//
//   clock    clock_time_get
//   random   random_get of 16 bytes
//   read     fd_read of a byte from `fd`
//   write    fd_write of a byte to `fd`
//   pipe     fd_write of 8 bytes to a pipe of its own, and fd_read of them
//   poll     poll of 1,000 duplicates of `fd` for writing
//   map      mem_map of 16 pages, and mem_unmap
//   open     file_open of "file" in `fd`, and fd_close
//   stat     file_stat_get of "file" in `fd`
#include "callnames.h"
#include "guest.h"
#include "kernel.h"

enum { SUBSCRIPTIONS = 1000, PAGES = 16 };
enum { NUMBER_OPEN = 21, NUMBER_STAT = 27 };

static u32 fd, ends[2];
static u8 bytes[16];
static struct subscription in[SUBSCRIPTIONS];
static struct event out[SUBSCRIPTIONS];
static vdso_function file_open, file_stat_get;

static int clock_once(void) {
  u64 time;
  return sys_clock_time_get(CLOCK_MONOTONIC, 0, &time) == 0;
}

static int random_once(void) { return sys_random_get(bytes, sizeof(bytes)) == 0; }

static int read_once(void) {
  struct iovec v = {bytes, 1};
  size_t n;
  return sys_fd_read(fd, &v, 1, &n) == 0 && n == 1;
}

static int write_once(void) {
  struct iovec v = {bytes, 1};
  size_t n;
  return sys_fd_write(fd, &v, 1, &n) == 0 && n == 1;
}

static int pipe_once(void) {
  struct iovec v = {bytes, 8};
  size_t n, m;
  return sys_fd_write(ends[0], &v, 1, &n) == 0 && sys_fd_read(ends[1], &v, 1, &m) == 0 && n == m;
}

static int poll_once(void) {
  size_t n;
  return sys_poll(in, out, SUBSCRIPTIONS, &n) == 0 && n == SUBSCRIPTIONS;
}

static int map_once(void) {
  void *p;
  u16 error = sys_mem_map(0, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_ANON | MAP_PRIVATE, MAP_ANON_FD, 0, &p);
  return error == 0 && sys_mem_unmap(p, PAGES * 4096) == 0;
}

static const char name[] = "file";

static int open_once(void) {
  struct fdstat rights = {.rights_base = RIGHT_FD_READ};
  u32 got;
  return file_open(fd, (u64)name, sizeof(name) - 1, 0, (u64)&rights, (u64)&got, 0, 0) == 0 && sys_fd_close(got) == 0;
}

static int stat_once(void) {
  struct filestat st;
  return file_stat_get(fd, (u64)name, sizeof(name) - 1, (u64)&st, 0, 0, 0, 0) == 0;
}

static const struct {
  const char *name;
  int (*once)(void);
} calls[] = {
    {"clock", clock_once}, {"random", random_once}, {"read", read_once}, {"write", write_once}, {"pipe", pipe_once},
    {"poll", poll_once},   {"map", map_once},       {"open", open_once}, {"stat", stat_once},
};

static int (*once)(void);

u64 kernel(u64 n) {
  u64 good = 0;
  for (u64 i = 0; i < n; i++) good += once();
  return good;
}

int guest_main(const struct value *args) {
  const char *call = arg_str(args, "call", "clock");
  for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
    if (equal(call, calls[i].name)) once = calls[i].once;
  if (once == 0) fail("there is no call %s", call);
  arg_fd(args, "fd", &fd);
  vdso_lookup();
  file_open = vdso_call(NUMBER_OPEN);
  file_stat_get = vdso_call(NUMBER_STAT);
  if (once == pipe_once) CHECK_ERRNO(sys_fd_create2(FILETYPE_SOCKET_STREAM, &ends[0], &ends[1]), 0);
  for (int i = 0; once == poll_once && i < SUBSCRIPTIONS; i++) {
    in[i].type = EVENT_FD_WRITE;
    CHECK_ERRNO(sys_fd_dup(fd, &in[i].fd_readwrite.fd), 0);
  }
  if (kernel(1) != 1) fail("the call %s fails", call);
  return kernel_main(args, "callbench", 1000, 5, kernel);
}
