// pass: descriptors that processes send to one another through local sockets. One line for
// each part that held.
//
//   stdout   where the report goes
//   self     a file, which is sent
//   rounds   how often a child sends to its parent in the last part (20)
#include "callnames.h"
#include "guest.h"
#include "process.h"

static u32 file;
static vdso_function sock_send, sock_recv;

struct message {
  const struct iovec *data;
  size_t data_len;
  u32 *fds;
  size_t fds_len;
  u16 flags;
};

struct received {
  size_t data_len, fds_len;
  u64 rest[6];
};

static void pair(u32 *a, u32 *b) { CHECK_ERRNO(sys_fd_create2(FILETYPE_SOCKET_STREAM, a, b), 0); }

// give sends a text with n descriptors, which this process then closes.
static void give(u32 to, const char *text, u32 *fds, size_t n) {
  struct iovec v = {text, length(text)};
  struct message m = {&v, 1, fds, n, 0};
  size_t sent = 0;
  CHECK_ERRNO(sock_send(to, (u64)&m, (u64)&sent, 0, 0, 0, 0, 0), 0);
  CHECK(sent == v.len);
  for (size_t i = 0; i < n; i++) CHECK_ERRNO(sys_fd_close(fds[i]), 0);
}

// take receives what give has sent.
static void take(u32 from, const char *text, u32 *fds, size_t n) {
  char b[100];
  struct iovec v = {b, sizeof(b)};
  struct message m = {&v, 1, fds, n, 0};
  struct received r = {0};
  CHECK_ERRNO(sock_recv(from, (u64)&m, (u64)&r, 0, 0, 0, 0, 0), 0);
  CHECK(r.data_len == length(text) && memcmp(b, text, r.data_len) == 0 && r.fds_len == n);
}

static size_t get(u32 fd, void *p, size_t n) {
  struct iovec v = {p, n};
  size_t done = 0;
  CHECK_ERRNO(sys_fd_read(fd, &v, 1, &done), 0);
  return done;
}

static u32 dup(u32 fd) {
  u32 copy;
  CHECK_ERRNO(sys_fd_dup(fd, &copy), 0);
  return copy;
}

static void close_all(const u32 *fds, size_t n) {
  for (size_t i = 0; i < n; i++) CHECK_ERRNO(sys_fd_close(fds[i]), 0);
}

// A waiter ends with 7 once it is told to by a byte.
static u32 wait_for_byte(void *argument) {
  u8 b;
  return get(*(u32 *)argument, &b, 1) == 1 && b == '!' ? 7 : 1;
}

// three makes a file, a socket's end and a process that waits for a byte at another.
static void three(u32 *fds, u32 *far) {
  u32 mine;
  pair(far, &mine);
  fds[0] = dup(file);
  fds[1] = dup(*far);
  fds[2] = proc_spawn(wait_for_byte, &mine);
  CHECK_ERRNO(sys_fd_close(mine), 0);
}

// check uses what three has made.
static void check(u32 *fds) {
  u8 b[4];
  struct iovec v = {b, 4};
  size_t n = 0;
  CHECK_ERRNO(sys_fd_pread(fds[0], &v, 1, 0, &n), 0);
  CHECK(n == 4 && memcmp(b, "\177ELF", 4) == 0);
  struct proc_end end;
  CHECK(!proc_wait(fds[2], 1000000, &end));
  struct iovec told = {"!", 1};
  CHECK_ERRNO(sys_fd_write(fds[1], &told, 1, &n), 0);
  EXPECT_END(fds[2], 0, 7);
  close_all(fds, 2);
}

struct ends {
  u32 mine, yours;
};

static u32 send_three(void *argument) {
  struct ends *e = argument;
  u32 fds[3], far;
  three(fds, &far);
  give(e->yours, "from the child", fds, 3);
  return 5;
}

static u32 receive_three(void *argument) {
  struct ends *e = argument;
  CHECK_ERRNO(sys_fd_close(e->mine), 0);
  u32 fds[3];
  take(e->yours, "from the parent", fds, 3);
  check(fds);
  return 6;
}

// The sender has ended before its descriptors are received, so that nobody else holds them.
static void test_to_parent(void) {
  struct ends e;
  pair(&e.mine, &e.yours);
  EXPECT_END(proc_spawn(send_three, &e), 0, 5);
  u32 fds[3];
  take(e.mine, "from the child", fds, 3);
  check(fds);
  close_all(&e.mine, 2);
  print("to the parent ok\n");
}

static void test_to_child(void) {
  for (int before = 0; before < 2; before++) {
    struct ends e;
    u32 fds[3], far, child = 0;
    pair(&e.mine, &e.yours);
    if (!before) child = proc_spawn(receive_three, &e);
    three(fds, &far);
    give(e.mine, "from the parent", fds, 3);
    if (before) child = proc_spawn(receive_three, &e);
    close_all(&e.mine, 2);
    EXPECT_END(child, 0, 6);
    CHECK_ERRNO(sys_fd_close(far), 0);
  }
  print("to the child ok\n");
}

struct unaware {
  struct ends e;
  u32 go;
};

// An unaware child has an end, but takes nothing from it.
static u32 be_unaware(void *argument) {
  struct unaware *u = argument;
  CHECK_ERRNO(sys_fd_close(u->e.mine), 0);
  return wait_for_byte(&u->go);
}

// What nobody can receive any more is closed: with the end, here or by the end of a process.
static void test_lost(void) {
  for (int here = 0; here < 2; here++) {
    struct unaware u;
    u32 a, b, go;
    pair(&u.e.mine, &u.e.yours);
    pair(&a, &b);
    pair(&go, &u.go);
    u32 child = proc_spawn(be_unaware, &u);
    if (!here) CHECK_ERRNO(sys_fd_close(u.e.yours), 0);
    give(u.e.mine, "lost", &b, 1);
    struct iovec told = {"!", 1};
    size_t n;
    CHECK_ERRNO(sys_fd_write(go, &told, 1, &n), 0);
    EXPECT_END(child, 0, 7);
    if (here) CHECK_ERRNO(sys_fd_close(u.e.yours), 0);
    u8 c;
    CHECK(get(a, &c, 1) == 0);
    close_all((u32[]){a, u.e.mine, go, u.go}, 4);
  }
  print("lost ok\n");
}

static u32 send_many(void *argument) {
  struct ends *e = argument;
  u32 n = *(volatile u32 *)&e->mine;
  for (u32 i = 0; i < n; i++) {
    u32 fd = dup(file);
    give(e->yours, "many", &fd, 1);
  }
  return 0;
}

static void test_many(u32 rounds) {
  u32 mine;
  struct ends e = {.mine = rounds};
  pair(&mine, &e.yours);
  u32 child = proc_spawn(send_many, &e);
  u64 begin = now();
  for (u32 i = 0; i < rounds; i++) {
    u32 fd;
    char b[4];
    struct iovec v = {b, 4};
    struct message m = {&v, 1, &fd, 1, 0};
    struct received r = {0};
    CHECK_ERRNO(sock_recv(mine, (u64)&m, (u64)&r, 0, 0, 0, 0, 0), 0);
    CHECK(r.data_len == 4 && r.fds_len == 1);
    CHECK_ERRNO(sys_fd_close(fd), 0);
  }
  u64 took = now() - begin;
  EXPECT_END(child, 0, 0);
  close_all((u32[]){mine, e.yours}, 2);
  print("many ok ns=%lu\n", took / (rounds != 0 ? rounds : 1));
}

int guest_main(const struct value *args) {
  vdso_lookup();
  for (u64 n = 0; n < NUMBERS; n++) {
    if (equal(call_names[n], "sock_send")) sock_send = vdso_call(n);
    if (equal(call_names[n], "sock_recv")) sock_recv = vdso_call(n);
  }
  if (!arg_fd(args, "self", &file) || sock_send == 0 || sock_recv == 0) return 2;
  test_to_parent();
  test_to_child();
  test_lost();
  test_many(arg_u64(args, "rounds", 20));
  print("pass ok\n");
  return 0;
}
