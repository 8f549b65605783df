// crash: ends in a fault of the kind that the argument `how` names, three calls
// deep: crash_outer, crash_middle, crash_inner. The fault is in crash_inner, or
// at what it jumps to, but for `stack`, which calls itself until the stack is
// used up. README.md lists the kinds and the signals to expect.
#include "guest.h"

static u64 data[8];
static const u64 constants[8] = {1, 2, 3, 4, 5, 6, 7, 8};
static u8 bytes[64] ALIGNED(16);
static volatile u64 zero;

// where is the target of the jumps through memory.
static void *where;

NOINLINE static void harmless(void) { print("an alias of a function ran as if it were the function\n"); }

NOINLINE static u64 endless(volatile u64 *previous) {
  volatile u64 room[512];
  if (zero != 0) return 0; // it never is
  room[0] = *previous + 1;
  return endless(room) + room[0];
}

// alias is a valid function's address plus k * 2^61: what a table lookup scaled
// by 8 cannot tell from the function itself.
static void *alias(u64 k) { return (void *)((u64)harmless + (k << 61)); }

enum kind {
#define KINDS(KIND)                                                              \
  KIND(segv, "segv") KIND(segv_write, "segv-write") KIND(segv_exec, "segv-exec") \
  KIND(ud2, "ud2") KIND(int3, "int3") KIND(privileged, "privileged")             \
  KIND(division, "division") KIND(sse, "sse") KIND(ro, "ro")                     \
  KIND(stack, "stack") KIND(wild, "wild") KIND(noncanonical, "noncanonical")     \
  KIND(alias_jmp, "alias-jmp") KIND(alias_call, "alias-call")                    \
  KIND(alias_mem, "alias-mem") KIND(alias_ret, "alias-ret")
#define KIND(name, text) name,
  KINDS(KIND)
#undef KIND
};

static const char *const names[] = {
#define KIND(name, text) text,
    KINDS(KIND)
#undef KIND
};

enum { NKINDS = sizeof(names) / sizeof(names[0]) };

NOINLINE static void crash_inner(enum kind kind, u64 k) {
  switch (kind) {
    case segv: __asm__ volatile("mov 0x10, %%eax" : : : "eax"); break;
    case segv_write: __asm__ volatile("movl $1, 0x18"); break;
    case segv_exec: __asm__ volatile("call *%0" : : "r"(data) : "memory"); break;
    case ud2: __asm__ volatile("ud2"); break;
    case int3: __asm__ volatile("int3"); break;
    case privileged: __asm__ volatile("hlt"); break;
    case division: __asm__ volatile("div %0" : : "r"(zero), "a"(1), "d"(0)); break;
    case sse: __asm__ volatile("movaps %0, %%xmm0" : : "m"(bytes[4]) : "xmm0"); break;
    case ro: *(volatile u64 *)&constants[2] = 5; break;
    case stack: data[0] = endless(&data[1]); break;
    case wild: __asm__ volatile("jmp *%0" : : "r"(0x123450000ull)); break;
    case noncanonical: __asm__ volatile("jmp *%0" : : "r"(0x8000123456789abcull)); break;
    case alias_jmp: __asm__ volatile("jmp *%0" : : "r"(alias(k)) : "memory"); break;
    case alias_call: __asm__ volatile("call *%0" : : "r"(alias(k)) : "memory"); break;
    case alias_mem:
      where = alias(k);
      __asm__ volatile("jmp *%0" : : "m"(where) : "memory");
      break;
    case alias_ret: __asm__ volatile("push %0\n\tret" : : "r"(alias(k)) : "memory"); break;
  }
}

// The work after each call keeps it from becoming a jump, so that the frame
// stays on the stack.
NOINLINE static void crash_middle(enum kind kind, u64 k) {
  crash_inner(kind, k);
  data[3]++;
}

NOINLINE static void crash_outer(enum kind kind, u64 k) {
  crash_middle(kind, k);
  data[4]++;
}

int guest_main(const struct value *args) {
  const char *how = arg_str(args, "how", "segv");
  u64 k = arg_u64(args, "k", 1);
  if (k < 1 || k > 7) fail("k must be 1 to 7, not %lu", k);
  for (int i = 0; i < NKINDS; i++) {
    if (!equal(how, names[i])) continue;
    crash_outer((enum kind)i, k);
    fail("%s did not end the program", how);
  }
  print("how is %s; it must be one of:", how);
  for (int i = 0; i < NKINDS; i++) print(" %s", names[i]);
  print("\n");
  return 2;
}
