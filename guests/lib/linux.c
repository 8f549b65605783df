// A kernel as a program of Linux: start-up, arguments and the few calls it makes.
//
// The command line has the arguments, as key=value, for example n=30. Nothing else
// than what kernel_main and print need is here.
#include "elf.h"
#include "guest.h"
#include "tls.h"

enum { LINUX_WRITE = 1, LINUX_ARCH_PRCTL = 158, LINUX_CLOCK_GETTIME = 228, LINUX_EXIT_GROUP = 231 };
enum { LINUX_ARCH_SET_FS = 0x1002, LINUX_CLOCK_MONOTONIC = 1, LINUX_CLOCK_THREAD_CPUTIME_ID = 3 };

extern const u8 __ehdr_start[] __attribute__((visibility("hidden")));

static char **arguments;

static u64 host(u64 number, u64 a, u64 b, u64 c) {
  u64 result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}

// value_of answers what follows "key=" on the command line, or 0.
static const char *value_of(const char *key) {
  for (char **a = arguments; *a != 0; a++) {
    const char *s = *a, *k = key;
    while (*k != 0 && *s == *k) s++, k++;
    if (*k == 0 && *s == '=') return s + 1;
  }
  return 0;
}

u64 arg_u64(const struct value *map, const char *key, u64 otherwise) {
  const char *s = value_of(key);
  if (s == 0) return otherwise;
  u64 n = 0;
  for (; *s >= '0' && *s <= '9'; s++) n = n * 10 + (u64)(*s - '0');
  if (*s != 0) fail("the argument %s is no number", key);
  return n;
}

const char *arg_str(const struct value *map, const char *key, const char *otherwise) {
  const char *s = value_of(key);
  return s == 0 ? otherwise : s;
}

int arg_fd(const struct value *map, const char *key, u32 *fd) {
  *fd = equal(key, "stderr") ? 2 : 1;
  return 1;
}

static u64 read_clock(u64 clock) {
  u64 time[2];
  host(LINUX_CLOCK_GETTIME, clock, (u64)time, 0);
  return time[0] * 1000000000 + time[1];
}

u64 now(void) { return read_clock(LINUX_CLOCK_MONOTONIC); }

u64 cpu_time(void) { return read_clock(LINUX_CLOCK_THREAD_CPUTIME_ID); }

u16 sys_fd_write(u32 fd, const struct iovec *iov, size_t n, size_t *put) {
  *put = 0;
  for (size_t i = 0; i < n; i++) {
    s64 got = (s64)host(LINUX_WRITE, fd, (u64)iov[i].buf, iov[i].len);
    if (got < 0) return EBADF;
    *put += (size_t)got;
  }
  return 0;
}

u16 sys_proc_exit(u32 code) {
  host(LINUX_EXIT_GROUP, code, 0, 0);
  __builtin_trap();
}

static u8 thread_area[4096] ALIGNED(64);

// enter_tls makes %fs lead to the thread-local variables, as Linux programs have it:
// the word at the thread pointer is the thread pointer.
static void enter_tls(void) {
  const struct elf_ehdr *ehdr = (const struct elf_ehdr *)__ehdr_start;
  const struct elf_phdr *phdr = (const struct elf_phdr *)(__ehdr_start + ehdr->phoff);
  const struct elf_phdr *found = 0;
  for (u16 i = 0; i < ehdr->phnum; i++)
    if (phdr[i].type == PT_TLS) found = &phdr[i];
  // Addresses in the file are those in memory.
  tls_describe(found, 0);
  if (tls_room() > sizeof(thread_area)) sys_proc_exit(124);
  void **pointer = tls_fill(thread_area);
  *pointer = pointer;
  host(LINUX_ARCH_PRCTL, LINUX_ARCH_SET_FS, (u64)pointer, 0);
}

__attribute__((used)) static void begin(u64 *stack) {
  arguments = (char **)(stack + 2); // behind their count and the program's name
  if (stack[0] == 0) arguments = (char **)(stack + 1);
  enter_tls();
  struct value none = {0, 0};
  print_setup(&none);
  sys_proc_exit((u32)guest_main(&none));
}

// The stack is a multiple of 16 here, and must be so before a call.
__asm__(".globl _start\n_start:\n  mov %rsp, %rdi\n  call begin\n  ud2\n");
