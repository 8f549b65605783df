// jit: code that the program writes itself, changes and moves. Prints one line
// for each part that held.
//
// Memory is never writable and executable at once, so code changes either by
// protecting it back and forth or through a second mapping of the same object.
// A processor may run old bytes until it does something serialising; a thread
// that wants to see new code runs cpuid first, as on real hardware.
#include "guest.h"

enum { SIZE = 4096, THREADS = 4 };

static void serialise(void) {
  u32 a = 0, c = 0, b, d;
  __asm__ volatile("cpuid" : "+a"(a), "+c"(c), "=b"(b), "=d"(d) : : "memory");
}

// write_code writes: mov $value, %eax; ret. The value is 4 bytes at offset 4,
// aligned, so that it can be changed by one store.
static void write_code(u8 *at, u32 value) {
  static const u8 code[] = {0x0f, 0x1f, 0x00, 0xb8, 0, 0, 0, 0, 0xc3};
  memcpy(at, code, sizeof(code));
  *(u32 *)(at + 4) = value;
}

static u32 run(const void *code) { return ((u32(*)(void))code)(); }

static void *map(void *at, u8 prot, u8 flags, u32 fd) {
  void *p = 0;
  CHECK_ERRNO(sys_mem_map(at, SIZE, prot, flags | (at != 0 ? MAP_FIXED : 0), fd, 0, &p), 0);
  CHECK(at == 0 || p == at);
  return p;
}

static void expect(const char *what, u32 got, u32 want) {
  if (got != want) fail("%s: the code answered %u, not %u", what, got, want);
}

// --- Anonymous memory, protected back and forth.

static void test_protect(void) {
  u8 *p = map(0, PROT_READ | PROT_WRITE, MAP_ANON | MAP_PRIVATE, MAP_ANON_FD);
  for (u32 i = 1; i <= 100; i++) {
    CHECK_ERRNO(sys_mem_protect(p, SIZE, PROT_READ | PROT_WRITE), 0);
    write_code(p, i * 1000);
    CHECK_ERRNO(sys_mem_protect(p, SIZE, PROT_READ | PROT_EXEC), 0);
    expect("after mem_protect", run(p), i * 1000);
    expect("after mem_protect, again", run(p), i * 1000);
  }
  CHECK_ERRNO(sys_mem_protect(p, SIZE, PROT_READ | PROT_WRITE | PROT_EXEC), ENOTSUP);
  expect("after a refused mem_protect", run(p), 100000);
  CHECK_ERRNO(sys_mem_unmap(p, SIZE), 0);
  print("protect ok\n");
}

// --- Code that is unmapped, and other code mapped in its place.

static void test_remap(void) {
  u8 *p = map(0, PROT_READ | PROT_WRITE, MAP_ANON | MAP_PRIVATE, MAP_ANON_FD);
  for (u32 i = 1; i <= 50; i++) {
    write_code(p, i);
    CHECK_ERRNO(sys_mem_protect(p, SIZE, PROT_EXEC | PROT_READ), 0);
    expect("after mem_map", run(p), i);
    if (i % 2 == 0) CHECK_ERRNO(sys_mem_unmap(p, SIZE), 0);
    map(p, PROT_READ | PROT_WRITE, MAP_ANON | MAP_PRIVATE, MAP_ANON_FD);
    CHECK(*p == 0);
  }
  CHECK_ERRNO(sys_mem_unmap(p, SIZE), 0);
  print("remap ok\n");
}

// --- Two mappings of one object: written here, executed there.

static u8 *writable, *executable;

static void make_alias(void) {
  u32 fd;
  CHECK_ERRNO(sys_fd_create1(FILETYPE_SHARED_MEMORY, &fd), 0);
  struct filestat st = {.size = SIZE};
  CHECK_ERRNO(sys_file_stat_fput(fd, &st, FILESTAT_SIZE), 0);
  writable = map(0, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
  executable = map(0, PROT_READ | PROT_EXEC, MAP_SHARED, fd);
  CHECK_ERRNO(sys_fd_close(fd), 0);
}

static void test_alias(void) {
  for (u32 i = 1; i <= 200; i++) {
    write_code(writable, i);
    serialise();
    expect("through another mapping", run(executable), i);
    *(u32 *)(writable + 4) = i + 1000000;
    serialise();
    expect("patched through another mapping", run(executable), i + 1000000);
  }
  print("alias ok\n");
}

// --- The same while other threads run the code: each sees values in the order
// they were written, never one before it was, and after it has serialised none
// older than it knew to be written.

static u32 begun, written, stop;
static struct thread threads[THREADS];

static void call_repeatedly(void *argument) {
  u64 *calls = argument;
  for (u32 last = 0; !__atomic_load_n(&stop, __ATOMIC_ACQUIRE);) {
    u32 known = __atomic_load_n(&written, __ATOMIC_ACQUIRE);
    serialise();
    u32 got = run(executable);
    u32 newest = __atomic_load_n(&begun, __ATOMIC_ACQUIRE);
    if (got < known || got < last || got > newest)
      fail("the code answered %u: %u was written, %u seen before, %u the newest", got, known, last, newest);
    last = got;
    __atomic_fetch_add(calls, 1, __ATOMIC_RELAXED);
  }
}

static void patch(u32 i) {
  __atomic_store_n(&begun, i, __ATOMIC_SEQ_CST);
  __atomic_store_n((u32 *)(writable + 4), i, __ATOMIC_SEQ_CST);
  __atomic_store_n(&written, i, __ATOMIC_SEQ_CST);
}

static void test_threads(u64 patches) {
  static u64 calls[THREADS];
  write_code(writable, 0);
  serialise();
  for (int i = 0; i < THREADS; i++) CHECK_ERRNO(thread_start(&threads[i], call_repeatedly, &calls[i]), 0);
  for (int i = 0; i < THREADS; i++)
    while (__atomic_load_n(&calls[i], __ATOMIC_RELAXED) == 0) sys_thread_yield();
  for (u32 i = 1; i <= patches; i++) {
    patch(i);
    if (i % 8 == 0) sys_thread_yield();
  }
  sleep_ns(1000000);
  __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
  u64 total = 0;
  for (int i = 0; i < THREADS; i++) {
    thread_join(&threads[i]);
    total += calls[i];
  }
  serialise();
  expect("after all patches", run(executable), (u32)patches);
  CHECK(total > 0);
  print("threads ok patches=%lu calls=%lu\n", patches, total);
}

// --- A mapping to execute from a descriptor that may not be.

static void test_rights(void) {
  u32 fd;
  void *p;
  CHECK_ERRNO(sys_fd_create1(FILETYPE_SHARED_MEMORY, &fd), 0);
  struct filestat size = {.size = SIZE};
  CHECK_ERRNO(sys_file_stat_fput(fd, &size, FILESTAT_SIZE), 0);
  CHECK_ERRNO(sys_mem_map(0, SIZE, PROT_WRITE | PROT_EXEC, MAP_SHARED, fd, 0, &p), ENOTSUP);
  struct fdstat st;
  CHECK_ERRNO(sys_fd_stat_get(fd, &st), 0);
  st.rights_base &= ~RIGHT_MEM_MAP_EXEC;
  CHECK_ERRNO(sys_fd_stat_put(fd, &st, FDSTAT_RIGHTS), 0);
  CHECK_ERRNO(sys_mem_map(0, SIZE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0, &p), ENOTCAPABLE);
  CHECK_ERRNO(sys_mem_map(0, SIZE, PROT_READ, MAP_SHARED, fd, 0, &p), 0);
  CHECK_ERRNO(sys_mem_unmap(p, SIZE), 0);
  CHECK_ERRNO(sys_fd_close(fd), 0);
  print("rights ok\n");
}

int guest_main(const struct value *args) {
  u64 patches = arg_u64(args, "patches", 1000);
  test_protect();
  test_remap();
  make_alias();
  test_alias();
  test_threads(patches);
  test_rights();
  print("jit ok\n");
  return 0;
}
