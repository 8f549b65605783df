// calls: makes the system calls that a script tells it to, and checks what they
// answer. Package runtime/internal/calltest writes scripts and reads reports.
//
// Arguments: report, a descriptor for records; script, binary. A script is an
// array of 64-bit words: the number of cases, then each case:
//
//   id, words in its body, first granted descriptor, how many; body
//
// A body is a list of steps; the low byte of a step's first word is its
// operation, the other bytes are called b1 to b7 below. An operand is two words:
// a register and what is added to it.
//
//   CALL    b1 flags, b2 nargs, b3 nresults, b4 b5 registers for results,
//           b6 register for the errno; number; errnos allowed (two words of bits);
//           operands. A call through the vDSO gets pointers to two words of the
//           interpreter's behind its operands, one for each result.
//   POKE    length; address; bytes, filled up to a word
//   CMP     the same: memory must hold these bytes
//   STORE   b1 size; address; value
//   LOAD    b1 size, b2 register; address
//   SET     b1 register; value
//   CHECK   b1 relation; two operands for which it must hold
//   SPIN    b1 relation, b2 size; address; value: waits until it holds for memory
//   THREAD  b1 number; words in the body of that thread, which follows
//   WAIT    b1 number: joins the thread
//   FORGET  b1 number: nobody will join the thread
//   JUMP    b1 relation; place in the case's body; two operands
//
// What fails ends the process, after a record that says where and what came.
#include "callnames.h"
#include "callscript.h"
#include "guest.h"

typedef u64 __attribute__((aligned(1), may_alias)) word;

struct frame {
  const word *body; // of the case
  u32 id, thread, tid;
  u64 own[REGISTERS - REG_OWN];
};

static u32 report_fd;
static volatile u64 reg[REGISTERS];
static struct thread thread[THREADS];
static struct frame thread_frame[THREADS];
static const word *thread_begin[THREADS], *thread_end[THREADS];
static u8 thread_live[THREADS];

static void record(u32 kind, u32 id, u32 who, u64 step, u64 a, u64 b, u64 c) {
  u64 r[6] = {kind | (u64)id << 32, who, step, a, b, c};
  struct iovec v = {r, sizeof(r)};
  size_t put;
  if (sys_fd_write(report_fd, &v, 1, &put) != 0 || put != sizeof(r)) sys_proc_exit(EXIT_NO_REPORT);
}

static _Noreturn void bad(struct frame *f, const word *step, u64 a, u64 b, u64 c) {
  record(RECORD_FAIL, f->id, f->thread, step - f->body, a, b, c);
  sys_proc_exit(EXIT_FAIL);
  __builtin_trap();
}

static volatile u64 *place(struct frame *f, u64 r) {
  r %= REGISTERS;
  return r >= REG_OWN ? &f->own[r - REG_OWN] : &reg[r];
}

static u64 value(struct frame *f, const word *operand) {
  switch (operand[0]) {
    case REG_TID: return f->tid + operand[1];
    case REG_STACK: return (u64)__builtin_frame_address(0) + operand[1];
    default: return *place(f, operand[0]) + operand[1];
  }
}

static int holds(u8 relation, u64 a, u64 b) {
  switch (relation) {
    case REL_EQ: return a == b;
    case REL_NE: return a != b;
    case REL_BELOW: return a < b;
    case REL_ATMOST: return a <= b;
    case REL_ALLBITS: return (a & b) == b;
    case REL_NOBITS: return (a & b) == 0;
    default: return 0;
  }
}

static u64 load(u8 size, u64 at) {
  switch (size) {
    case 1: return __atomic_load_n((u8 *)at, __ATOMIC_ACQUIRE);
    case 2: return __atomic_load_n((u16 *)at, __ATOMIC_ACQUIRE);
    case 4: return __atomic_load_n((u32 *)at, __ATOMIC_ACQUIRE);
    default: return __atomic_load_n((u64 *)at, __ATOMIC_ACQUIRE);
  }
}

static void store(u8 size, u64 at, u64 v) {
  switch (size) {
    case 1: __atomic_store_n((u8 *)at, v, __ATOMIC_RELEASE); break;
    case 2: __atomic_store_n((u16 *)at, v, __ATOMIC_RELEASE); break;
    case 4: __atomic_store_n((u32 *)at, v, __ATOMIC_RELEASE); break;
    default: __atomic_store_n((u64 *)at, v, __ATOMIC_RELEASE);
  }
}

static u16 call_raw(u64 number, const u64 *a, u64 *result) {
  register u64 r10 __asm__("r10") = a[3];
  register u64 r8 __asm__("r8") = a[4];
  register u64 r9 __asm__("r9") = a[5];
  u64 rax = number, rdx = a[2];
  u8 failed;
  __asm__ volatile("syscall"
                   : "+a"(rax), "+d"(rdx), "+r"(r10), "+r"(r8), "+r"(r9), "=@ccc"(failed)
                   : "D"(a[0]), "S"(a[1])
                   : "rcx", "r11", "memory");
  if (failed) return rax;
  result[0] = rax;
  result[1] = rdx;
  return 0;
}

static u16 call_vdso(u64 number, const u64 *a) {
  vdso_function entry = vdso_call(number);
  if (entry == 0) return ENOSYS;
  return entry(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]);
}

#define POISON 0xa5a5a5a5a5a5a5a5ull

static const word *do_call(struct frame *f, const word *w) {
  u8 flags = w[0] >> 8, nargs = w[0] >> 16, nresults = w[0] >> 24, errno_reg = w[0] >> 48;
  u8 to[2] = {(u8)(w[0] >> 32), (u8)(w[0] >> 40)};
  // The words between and around the results must stay as they are.
  u64 slot[5] = {POISON, POISON, POISON, POISON, POISON};
  u64 a[8] = {0};
  for (u8 i = 0; i < nargs && i < 8; i++) a[i] = value(f, w + 4 + 2 * i);
  u16 error;
  if (flags & CALL_RAW) {
    u64 result[2];
    error = call_raw(w[1], a, result);
    if (error == 0 && nresults == 0 && result[0] != 0) bad(f, w, WHAT_RAX, result[0], 0);
    for (u8 i = 0; error == 0 && i < nresults; i++) slot[1 + 2 * i] = result[i];
  } else {
    for (u8 i = 0; i < nresults && nargs + i < 8; i++) a[nargs + i] = (u64)&slot[1 + 2 * i];
    error = call_vdso(w[1], a);
  }
  if (error >= 128 || !(w[2 + error / 64] >> error % 64 & 1)) bad(f, w, WHAT_ERRNO, error, slot[1]);
  if (errno_reg != 0) *place(f, errno_reg) = error;
  for (u8 i = 0; i < 2; i++) {
    u64 got = slot[1 + 2 * i];
    if (slot[2 * i] != POISON || slot[2 * i + 2] != POISON) bad(f, w, WHAT_OVERRUN, slot[2 * i], slot[2 * i + 2]);
    if (error != 0 || i >= nresults) continue;
    if (flags & (CALL_NARROW << i)) {
      // What lies above a narrow result: nothing by vDSO, zero in a register.
      u64 above = flags & CALL_RAW ? 0 : POISON;
      if (got >> 32 != above >> 32) bad(f, w, WHAT_OVERRUN, got, i);
      got = (u32)got;
    }
    if (to[i] != 0) *place(f, to[i]) = got;
  }
  return w + 4 + 2 * nargs;
}

static const word *do_cmp(struct frame *f, const word *w) {
  const u8 *want = (const u8 *)(w + 4), *got = (const u8 *)value(f, w + 2);
  for (u64 i = 0; i < w[1]; i++)
    if (got[i] != want[i]) bad(f, w, i, got[i], want[i]);
  return w + 4 + (w[1] + 7) / 8;
}

enum { PATIENCE = 20 }; // seconds

static const word *do_spin(struct frame *f, const word *w) {
  u64 at = value(f, w + 1), want = value(f, w + 3), got, start = now();
  while (!holds(w[0] >> 8, got = load(w[0] >> 16, at), want)) {
    if (now() - start > PATIENCE * 1000000000ull) bad(f, w, WHAT_PATIENCE, got, want);
    sys_thread_yield();
  }
  return w + 5;
}

static void run(struct frame *f, const word *w, const word *end);

static void run_thread(void *argument) {
  u64 k = (u64)argument;
  thread_frame[k].tid = self_tid;
  run(&thread_frame[k], thread_begin[k], thread_end[k]);
}

static const word *do_thread(struct frame *f, const word *w) {
  u64 k = (u8)(w[0] >> 8) % THREADS;
  thread_begin[k] = w + 2;
  thread_end[k] = w + 2 + w[1];
  thread_frame[k] = (struct frame){.body = f->body, .id = f->id, .thread = k + 1};
  thread_live[k] = 1;
  u16 error = thread_start(&thread[k], run_thread, (void *)k);
  if (error != 0) bad(f, w, WHAT_ERRNO, error, 0);
  reg[REG_TIDS + k] = thread[k].tid;
  return thread_end[k];
}

static void wait_thread(u64 k) {
  if (thread_live[k]) thread_join(&thread[k]);
  thread_live[k] = 0;
}

static void run(struct frame *f, const word *w, const word *end) {
  while (w < end) {
    u8 b1 = w[0] >> 8, b2 = w[0] >> 16;
    switch ((u8)w[0]) {
      case OP_CALL: w = do_call(f, w); break;
      case OP_CMP: w = do_cmp(f, w); break;
      case OP_SPIN: w = do_spin(f, w); break;
      case OP_THREAD: w = do_thread(f, w); break;
      case OP_POKE: {
        u64 n = w[1];
        memcpy((void *)value(f, w + 2), (const void *)(w + 4), n);
        w += 4 + (n + 7) / 8;
        break;
      }
      case OP_STORE:
        store(b1, value(f, w + 1), value(f, w + 3));
        w += 5;
        break;
      case OP_LOAD:
        *place(f, b2) = load(b1, value(f, w + 1));
        w += 3;
        break;
      case OP_SET:
        *place(f, b1) = value(f, w + 1);
        w += 3;
        break;
      case OP_CHECK: {
        u64 a = value(f, w + 1), b = value(f, w + 3);
        if (!holds(b1, a, b)) bad(f, w, a, b, 0);
        w += 5;
        break;
      }
      case OP_WAIT:
        wait_thread(b1 % THREADS);
        w += 1;
        break;
      case OP_FORGET:
        thread_live[b1 % THREADS] = 0;
        w += 1;
        break;
      case OP_JUMP:
        w = holds(b1, value(f, w + 2), value(f, w + 4)) ? f->body + w[1] : w + 6;
        break;
      default: bad(f, w, WHAT_SCRIPT, w[0], 0);
    }
  }
}

// area gives a case its memory: what was there before is gone.
static void area(void) {
  static const struct {
    u64 at, n;
    u8 prot;
  } part[] = {
      {SCRATCH, SCRATCH_SIZE, PROT_READ | PROT_WRITE},
      {PAGE_READ, 4096, PROT_READ},
      {PAGE_NONE, 4096, 0},
      {PAGE_EXEC, 4096, PROT_EXEC},
  };
  CHECK_ERRNO(sys_mem_unmap((void *)SCRATCH, AREA_SIZE), 0);
  for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++) {
    void *got;
    CHECK_ERRNO(sys_mem_map((void *)part[i].at, part[i].n, part[i].prot, MAP_ANON | MAP_PRIVATE | MAP_FIXED,
                            MAP_ANON_FD, 0, &got), 0);
  }
}

// close_all closes what a case has left behind. It stops after many numbers
// without a descriptor.
static void close_all(void) {
  for (u32 fd = FIRST_FD, gap = 0; gap < 128; fd++) gap = sys_fd_close(fd) == 0 ? 0 : gap + 1;
}

static void run_case(const word *w) {
  u32 fd;
  for (int i = REG_TIDS; i < REGISTERS; i++) reg[i] = 0;
  record(RECORD_BEGIN, w[0], 0, 0, 0, 0, 0);
  area();
  for (u64 i = 0; i < w[3]; i++) {
    CHECK_ERRNO(sys_fd_dup(w[2] + i, &fd), 0);
    CHECK(fd == FIRST_FD + i);
    CHECK_ERRNO(sys_fd_replace(report_fd, w[2] + i), 0); // the case's is the only one
  }
  struct frame f = {.body = w + 4, .id = w[0], .tid = process.tid};
  run(&f, w + 4, w + 4 + w[1]);
  for (u64 k = 0; k < THREADS; k++) wait_thread(k);
  close_all();
}

int guest_main(const struct value *args) {
  struct value v;
  if (!arg_fd(args, "report", &report_fd) || !arg_get(args, "script", &v) || value_type(&v) != TYPE_BINARY)
    fail("the arguments report and script are missing");
  vdso_lookup();
  reg[REG_VDSO] = (u64)process.vdso;
  reg[REG_IMAGE] = (u64)process.base;
  reg[REG_EXIT] = (u64)vdso_call(NUMBER_THREAD_EXIT);
  // Every number below FIRST_FD is taken, so that a case's are always the same.
  for (u32 fd = 0; fd + 1 < FIRST_FD;) CHECK_ERRNO(sys_fd_dup(report_fd, &fd), 0);
  const word *w = (const word *)payload(&v).data;
  for (u64 n = *w++; n > 0; n--) {
    run_case(w);
    w += 4 + w[1];
  }
  record(RECORD_DONE, 0, 0, 0, 0, 0, 0);
  return 0;
}
