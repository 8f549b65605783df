// memtest: mem_map, mem_unmap, mem_protect, mem_advise and mem_sync on private,
// shared, fixed and object mappings, with the errno of each refusal. Prints one
// line for each part that held. A mapping of the argument `file`, if given,
// must show what fd_pread reads.
#include "guest.h"

#define PAGE process.pagesz
enum { RW = PROT_READ | PROT_WRITE, ANON = MAP_ANON | MAP_PRIVATE };

static u16 map_at(void *at, size_t n, u8 prot, u8 flags, u32 fd, u64 off, u8 **p) {
  void *mem = 0;
  u16 error = sys_mem_map(at, n, prot, flags, fd, off, &mem);
  *p = mem;
  return error;
}

static u8 *map(size_t n, u8 prot, u8 flags) {
  u8 *p;
  CHECK_ERRNO(map_at(0, n, prot, flags, MAP_ANON_FD, 0, &p), 0);
  CHECK(p != 0 && (u64)p % PAGE == 0);
  return p;
}

static int all(const u8 *p, size_t n, u8 value) {
  while (n > 0 && *p == value) p++, n--;
  return n == 0;
}

// mapped asks the kernel and leaves the page readable and writable.
static int mapped(void *p) {
  u16 error = sys_mem_protect(p, PAGE, RW);
  CHECK(error == 0 || error == ENOMEM);
  return error == 0;
}

static void test_anonymous(void) {
  u8 *p = map(10 * PAGE, RW, ANON), *q = map(10 * PAGE, RW, MAP_ANON | MAP_SHARED);
  CHECK(q + 10 * PAGE <= p || p + 10 * PAGE <= q);
  CHECK(all(p, 10 * PAGE, 0) && all(q, 10 * PAGE, 0));
  memset(p, 1, 10 * PAGE);
  memset(q, 2, 10 * PAGE);
  CHECK(all(p, 10 * PAGE, 1) && all(q, 10 * PAGE, 2));
  CHECK_ERRNO(sys_mem_unmap(q, 10 * PAGE), 0);
  CHECK_ERRNO(sys_mem_unmap(p + 3 * PAGE, 4 * PAGE), 0);
  CHECK(mapped(p + 2 * PAGE) && !mapped(p + 3 * PAGE) && !mapped(p + 6 * PAGE) && mapped(p + 7 * PAGE));
  CHECK(all(p, 3 * PAGE, 1) && all(p + 7 * PAGE, 3 * PAGE, 1));
  CHECK_ERRNO(sys_mem_unmap(p, 10 * PAGE), 0); // the hole does not matter
  CHECK(!mapped(p) && !mapped(p + 9 * PAGE));
  p = map(1, RW, ANON); // a length is rounded up
  memset(p, 3, PAGE);
  CHECK_ERRNO(sys_mem_unmap(p, 1), 0);
  CHECK(!mapped(p));
  print("anonymous ok\n");
}

static void test_fixed(void) {
  u8 *p = map(8 * PAGE, RW, ANON), *q;
  memset(p, 5, 8 * PAGE);
  CHECK_ERRNO(map_at(p + 2 * PAGE, 3 * PAGE, RW, ANON | MAP_FIXED, MAP_ANON_FD, 0, &q), 0);
  CHECK(q == p + 2 * PAGE && all(q, 3 * PAGE, 0));
  CHECK(all(p, 2 * PAGE, 5) && all(p + 5 * PAGE, 3 * PAGE, 5));
  CHECK_ERRNO(map_at(p + 1, PAGE, RW, ANON | MAP_FIXED, MAP_ANON_FD, 0, &q), EINVAL);
  CHECK(all(p, 2 * PAGE, 5)); // a refused call changes nothing
  CHECK_ERRNO(sys_mem_unmap(p, 8 * PAGE), 0);
  CHECK_ERRNO(map_at(p, PAGE, RW, ANON | MAP_FIXED, MAP_ANON_FD, 0, &q), 0);
  CHECK(q == p && all(q, PAGE, 0));
  CHECK_ERRNO(sys_mem_unmap(p, PAGE), 0);
  print("fixed ok\n");
}

static void test_protect(void) {
  u8 *p = map(4 * PAGE, RW, ANON);
  memset(p, 6, 4 * PAGE);
  CHECK_ERRNO(sys_mem_protect(p + PAGE, PAGE, PROT_READ), 0);
  CHECK(all(p, 4 * PAGE, 6));
  CHECK_ERRNO(sys_random_get(p + PAGE, 8), EFAULT); // the kernel may not write there either
  CHECK(all(p + PAGE, PAGE, 6));
  CHECK_ERRNO(sys_mem_protect(p + PAGE, PAGE, 0), 0);
  CHECK_ERRNO(sys_random_get(p + PAGE, 8), EFAULT);
  CHECK_ERRNO(sys_mem_protect(p + PAGE, PAGE, RW), 0);
  CHECK(all(p, 4 * PAGE, 6)); // the contents survive
  CHECK_ERRNO(sys_mem_protect(p, PAGE, PROT_WRITE | PROT_EXEC), ENOTSUP);
  CHECK_ERRNO(sys_mem_protect(p, PAGE, RW | PROT_EXEC), ENOTSUP);
  CHECK(sys_mem_protect(p, PAGE, 8) != 0);
  CHECK_ERRNO(sys_mem_protect(p + 1, PAGE, RW), EINVAL);
  *p = 7; // still writable
  CHECK_ERRNO(sys_mem_unmap(p + PAGE, PAGE), 0);
  CHECK_ERRNO(sys_mem_protect(p, 4 * PAGE, PROT_READ), ENOMEM);
  CHECK_ERRNO(sys_mem_unmap(p, 4 * PAGE), 0);
  print("protect ok\n");
}

static void test_refusals(void) {
  u8 *p;
  CHECK_ERRNO(map_at(0, 0, RW, ANON, MAP_ANON_FD, 0, &p), EINVAL);
  CHECK_ERRNO(map_at(0, PAGE, RW, MAP_ANON, MAP_ANON_FD, 0, &p), EINVAL);
  CHECK_ERRNO(map_at(0, PAGE, RW, MAP_ANON | MAP_PRIVATE | MAP_SHARED, MAP_ANON_FD, 0, &p), EINVAL);
  CHECK_ERRNO(map_at(0, PAGE, RW, ANON | 0x40, MAP_ANON_FD, 0, &p), EINVAL);
  CHECK_ERRNO(map_at(0, PAGE, RW, ANON, 0, 0, &p), EINVAL);
  CHECK_ERRNO(map_at(0, PAGE, RW, ANON, MAP_ANON_FD, PAGE, &p), EINVAL);
  CHECK_ERRNO(map_at(0, PAGE, RW | PROT_EXEC, ANON, MAP_ANON_FD, 0, &p), ENOTSUP);
  CHECK_ERRNO(map_at(0, PAGE, PROT_WRITE | PROT_EXEC, ANON, MAP_ANON_FD, 0, &p), ENOTSUP);
  CHECK(map_at(0, PAGE, 8, ANON, MAP_ANON_FD, 0, &p) != 0);
  CHECK_ERRNO(map_at(0, PAGE, PROT_READ, MAP_SHARED, 12345, 0, &p), EBADF);
  CHECK_ERRNO(map_at(0, (size_t)1 << 62, RW, ANON, MAP_ANON_FD, 0, &p), ENOMEM);
  CHECK_ERRNO(sys_mem_unmap((void *)1, PAGE), EINVAL);
  CHECK_ERRNO(sys_mem_unmap((void *)(u64)PAGE, 0), EINVAL);
  print("refusals ok\n");
}

static void test_advise_and_sync(void) {
  u8 *p = map(4 * PAGE, RW, ANON);
  memset(p, 8, 4 * PAGE);
  CHECK_ERRNO(sys_mem_advise(p, 4 * PAGE, ADVICE_NORMAL), 0);
  CHECK_ERRNO(sys_mem_advise(p, 4 * PAGE, ADVICE_RANDOM), 0);
  CHECK_ERRNO(sys_mem_advise(p, 4 * PAGE, ADVICE_SEQUENTIAL), 0);
  CHECK_ERRNO(sys_mem_advise(p, 4 * PAGE, ADVICE_WILLNEED), 0);
  CHECK(all(p, 4 * PAGE, 8));
  CHECK_ERRNO(sys_mem_advise(p, 4 * PAGE, 0), EINVAL);
  CHECK_ERRNO(sys_mem_advise(p, 4 * PAGE, 99), EINVAL);
  CHECK_ERRNO(sys_mem_advise(p + 1, PAGE, ADVICE_NORMAL), EINVAL);
  CHECK_ERRNO(sys_mem_sync(p, 4 * PAGE, MS_SYNC), 0);
  CHECK_ERRNO(sys_mem_sync(p, 4 * PAGE, MS_ASYNC), 0);
  CHECK_ERRNO(sys_mem_sync(p, 4 * PAGE, MS_SYNC | MS_INVALIDATE), 0);
  CHECK_ERRNO(sys_mem_sync(p, 4 * PAGE, MS_SYNC | MS_ASYNC), EINVAL);
  CHECK_ERRNO(sys_mem_sync(p, 4 * PAGE, 0x80), EINVAL);
  CHECK_ERRNO(sys_mem_sync(p + 1, PAGE, MS_SYNC), EINVAL);
  CHECK_ERRNO(sys_mem_unmap(p, 4 * PAGE), 0);
  CHECK_ERRNO(sys_mem_advise(p, 4 * PAGE, ADVICE_NORMAL), ENOMEM);
  CHECK_ERRNO(sys_mem_sync(p, 4 * PAGE, MS_SYNC), ENOMEM);
  print("advise and sync ok\n");
}

static void test_object(void) {
  u32 fd;
  CHECK_ERRNO(sys_fd_create1(FILETYPE_SHARED_MEMORY, &fd), 0);
  struct filestat st = {.size = 4 * PAGE};
  CHECK_ERRNO(sys_file_stat_fput(fd, &st, FILESTAT_SIZE), 0);
  u8 *p, *q, *own;
  CHECK_ERRNO(map_at(0, 4 * PAGE, RW, MAP_SHARED, fd, 0, &p), 0);
  CHECK_ERRNO(map_at(0, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 2 * PAGE, &q), 0);
  CHECK_ERRNO(map_at(0, PAGE, RW, MAP_PRIVATE, fd, 0, &own), 0);
  CHECK(all(p, 4 * PAGE, 0));
  memset(p + 2 * PAGE, 9, PAGE);
  CHECK(all(q, PAGE, 9) && all(q + PAGE, PAGE, 0));
  memset(own, 10, PAGE); // is seen here only
  CHECK(all(p, PAGE, 0) && all(own, PAGE, 10));
  CHECK_ERRNO(map_at(0, PAGE, PROT_READ, MAP_SHARED, fd, 1, &own), EINVAL);
  CHECK_ERRNO(sys_fd_close(fd), 0);
  memset(p, 11, 4 * PAGE); // mappings outlive the descriptor
  CHECK(all(q, 2 * PAGE, 11));
  CHECK_ERRNO(sys_mem_sync(p, 4 * PAGE, MS_SYNC), 0);
  CHECK_ERRNO(sys_mem_unmap(p, 4 * PAGE), 0);
  CHECK(all(q, 2 * PAGE, 11));
  CHECK_ERRNO(sys_mem_unmap(q, 2 * PAGE), 0);
  print("object ok\n");
}

static void test_file(u32 fd) {
  static u8 buffer[4096];
  u8 *p;
  CHECK_ERRNO(map_at(0, PAGE, PROT_READ, MAP_PRIVATE, fd, 0, &p), 0);
  struct iovec v = {buffer, sizeof(buffer)};
  size_t n;
  CHECK_ERRNO(sys_fd_pread(fd, &v, 1, 0, &n), 0);
  CHECK(n > 0 && memcmp(p, buffer, n) == 0);
  CHECK(all(p + n, PAGE - n, 0)); // zeros behind the end
  CHECK_ERRNO(sys_mem_unmap(p, PAGE), 0);
  print("file ok\n");
}

// A place used again and again: what was mapped there before must not show.
static void test_churn(void) {
  for (u32 i = 1; i <= 300; i++) {
    u8 *p = map((i % 7 + 1) * PAGE, RW, ANON);
    CHECK(all(p, (i % 7 + 1) * PAGE, 0));
    memset(p, (int)i, (i % 7 + 1) * PAGE);
    CHECK_ERRNO(sys_mem_unmap(p, (i % 7 + 1) * PAGE), 0);
  }
  print("churn ok\n");
}

int guest_main(const struct value *args) {
  u32 fd;
  test_anonymous();
  test_fixed();
  test_protect();
  test_refusals();
  test_advise_and_sync();
  test_object();
  if (arg_fd(args, "file", &fd)) test_file(fd);
  test_churn();
  print("memtest ok\n");
  return 0;
}
