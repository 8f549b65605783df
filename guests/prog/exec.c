// exec: a process becomes another program. Started by a person it forks; the child
// becomes this program again, with other arguments and descriptors, and says so.
//
//   stdout   where the report goes
//   self     this executable, as a descriptor
//   rounds   how often to fork and become the program, timed (10)
//
// The second start is told by `role`, a string: `check` compares what it got, `stage`
// is part of a pipeline, any other ends at once with exit code 7.
#include "guest.h"
#include "process.h"

// The argument data of the second start: a map, in binary form.
struct data {
  u8 b[256];
  size_t n;
};

static void append(struct data *d, const void *p, size_t n) {
  CHECK(d->n + n <= sizeof d->b);
  memcpy(d->b + d->n, p, n);
  d->n += n;
}

static void field(struct data *d, u8 type, const void *p, size_t n) {
  u8 head[2] = {0x80 | (n + 1), type};
  append(d, head, 2);
  append(d, p, n);
}

static void put_str(struct data *d, const char *key, const char *s) {
  field(d, TYPE_STR, key, length(key) + 1);
  field(d, TYPE_STR, s, length(s) + 1);
}

static void put_fd(struct data *d, const char *key, u32 fd) {
  u8 big[4] = {fd >> 24, fd >> 16, fd >> 8, fd};
  field(d, TYPE_STR, key, length(key) + 1);
  field(d, TYPE_FD, big, 4);
}

struct plan {
  u32 self, out, a, b;
  const char *role;
};

static u32 become(void *argument) {
  struct plan *p = argument;
  struct data d = {.n = 0};
  u8 map = TYPE_MAP;
  append(&d, &map, 1);
  put_fd(&d, "stdout", 0);
  put_fd(&d, "socket", 2);
  put_fd(&d, "again", 1);
  put_str(&d, "role", p->role);
  u32 fds[] = {p->out, p->b, p->b, p->self};
  CHECK_ERRNO(sys_proc_exec(p->self, d.b, d.n, fds, 4), 0);
  fail("proc_exec has returned");
}

static void test_errors(u32 self) {
  u32 memory, fd;
  CHECK_ERRNO(sys_fd_create1(FILETYPE_SHARED_MEMORY, &memory), 0);
  CHECK_ERRNO(sys_proc_exec(99, 0, 0, 0, 0), EBADF);
  CHECK_ERRNO(sys_proc_exec(memory, 0, 0, 0, 0), ENOTCAPABLE);
  CHECK_ERRNO(sys_fd_dup(self, &fd), 0);
  struct fdstat st;
  CHECK_ERRNO(sys_fd_stat_get(fd, &st), 0);
  st.rights_base &= ~RIGHT_PROC_EXEC;
  CHECK_ERRNO(sys_fd_stat_put(fd, &st, FDSTAT_RIGHTS), 0);
  CHECK_ERRNO(sys_proc_exec(fd, 0, 0, 0, 0), ENOTCAPABLE);
  u32 fds[] = {0, 99};
  CHECK_ERRNO(sys_proc_exec(self, 0, 0, fds, 2), EBADF);
  CHECK_ERRNO(sys_proc_exec(self, (void *)64, 1, 0, 0), EFAULT);
  CHECK_ERRNO(sys_proc_exec(self, 0, 0, (u32 *)64, 1), EFAULT);
  CHECK_ERRNO(sys_proc_exec(self, fds, 1ull << 62, 0, 0), E2BIG);
  CHECK_ERRNO(sys_proc_exec(self, fds, 0, fds, 1ull << 62), EMFILE);
  CHECK_ERRNO(sys_fd_close(fd), 0);
  CHECK_ERRNO(sys_fd_close(memory), 0);
  print("errors ok\n");
}

static void spin(void *argument) {
  for (;;) sys_thread_yield();
}

static u32 become_with_threads(void *argument) {
  struct thread t[3];
  for (int i = 0; i < 3; i++) CHECK_ERRNO(thread_start(&t[i], spin, 0), 0);
  return become(argument);
}

static void test_exec(struct plan *p, u32 (*how)(void *)) {
  CHECK_ERRNO(sys_fd_create2(FILETYPE_SOCKET_STREAM, &p->a, &p->b), 0);
  p->role = "check";
  u32 child = proc_spawn(how, p);
  CHECK_ERRNO(sys_fd_close(p->b), 0);
  u8 text[8];
  struct iovec v = {text, sizeof text};
  size_t n;
  CHECK_ERRNO(sys_fd_read(p->a, &v, 1, &n), 0);
  CHECK(n == 4 && memcmp(text, "here", 4) == 0);
  EXPECT_END(child, 0, 42);
  CHECK_ERRNO(sys_fd_read(p->a, &v, 1, &n), 0);
  CHECK(n == 0);
  CHECK_ERRNO(sys_fd_close(p->a), 0);
}

enum { STAGES = 5, BYTES = 200000 };

// A stage of a pipeline is a program that adds 1 to each byte on its way.
static int stage(void) {
  static u8 b[4096];
  for (;;) {
    struct iovec v = {b, sizeof b};
    size_t n, done;
    CHECK_ERRNO(sys_fd_read(1, &v, 1, &n), 0);
    if (n == 0) return 0;
    for (size_t i = 0; i < n; i++) b[i]++;
    for (size_t at = 0; at < n; at += done) {
      v = (struct iovec){b + at, n - at};
      CHECK_ERRNO(sys_fd_write(2, &v, 1, &done), 0);
    }
  }
}

static u32 become_stage(void *argument) {
  struct plan *p = argument;
  struct data d = {.n = 0};
  u8 map = TYPE_MAP;
  append(&d, &map, 1);
  put_fd(&d, "stdout", 0);
  put_str(&d, "role", "stage");
  u32 fds[] = {p->out, p->a, p->b};
  CHECK_ERRNO(sys_proc_exec(p->self, d.b, d.n, fds, 3), 0);
  fail("proc_exec has returned");
}

static void test_pipeline(struct plan *p) {
  static u8 b[4096];
  u32 stages[STAGES], first, last;
  CHECK_ERRNO(sys_fd_create2(FILETYPE_SOCKET_STREAM, &last, &first), 0);
  for (int i = 0; i < STAGES; i++) {
    u32 next;
    p->a = last;
    CHECK_ERRNO(sys_fd_create2(FILETYPE_SOCKET_STREAM, &next, &p->b), 0);
    stages[i] = proc_spawn(become_stage, p);
    CHECK_ERRNO(sys_fd_close(p->a), 0);
    CHECK_ERRNO(sys_fd_close(p->b), 0);
    last = next;
  }
  u64 sent = 0, got = 0;
  for (u8 value = 0; got < BYTES;) {
    struct iovec v = {b, sizeof b};
    size_t n;
    if (sent < BYTES) {
      for (size_t i = 0; i < sizeof b; i++) b[i] = sent + i;
      CHECK_ERRNO(sys_fd_write(first, &v, 1, &n), 0);
      sent += n;
      if (sent >= BYTES) CHECK_ERRNO(sys_fd_close(first), 0);
    }
    if (sent < 3 * sizeof b) continue; // several are on their way
    CHECK_ERRNO(sys_fd_read(last, &v, 1, &n), 0);
    CHECK(n != 0);
    for (size_t i = 0; i < n; i++) CHECK(b[i] == (u8)(value++ + STAGES));
    got += n;
    if (sent >= BYTES && got >= sent) break;
  }
  for (int i = 0; i < STAGES; i++) EXPECT_END(stages[i], 0, 0);
  CHECK_ERRNO(sys_fd_close(last), 0);
  print("pipeline ok\n");
}

// second is this program's second start.
static int second(const struct value *args, const char *role) {
  if (equal(role, "stage")) return stage();
  if (!equal(role, "check")) return 7;
  u32 socket, again;
  CHECK(arg_fd(args, "socket", &socket) && arg_fd(args, "again", &again) && socket == 2 && again == 1);
  struct fdstat st;
  CHECK_ERRNO(sys_fd_stat_get(1, &st), 0);
  CHECK(st.filetype == FILETYPE_SOCKET_STREAM);
  CHECK_ERRNO(sys_fd_stat_get(3, &st), 0);
  CHECK(st.filetype == FILETYPE_REGULAR);
  CHECK_ERRNO(sys_fd_stat_get(4, &st), EBADF);
  struct iovec v = {"here", 4};
  size_t n;
  CHECK_ERRNO(sys_fd_write(socket, &v, 1, &n), 0);
  return 42;
}

int guest_main(const struct value *args) {
  const char *role = arg_str(args, "role", "");
  if (!equal(role, "")) return second(args, role);
  struct plan p = {.role = "end"};
  CHECK(arg_fd(args, "self", &p.self) && arg_fd(args, "stdout", &p.out));
  test_errors(p.self);
  test_exec(&p, become);
  print("exec ok\n");
  test_exec(&p, become_with_threads);
  print("exec with threads ok\n");
  test_pipeline(&p);
  u64 rounds = arg_u64(args, "rounds", 10), begin = now();
  p.role = "end";
  p.b = p.out;
  for (u64 i = 0; i < rounds; i++) EXPECT_END(proc_spawn(become, &p), 0, 7);
  print("fork and exec ns=%lu\n", (now() - begin) / (rounds != 0 ? rounds : 1));
  return 0;
}
