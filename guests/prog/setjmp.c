// setjmp: leaves nested calls by a non-local jump, which no return predictor
// expects. kernel(n) does it n times, from depths of 0 to 15.
#include "guest.h"
#include "kernel.h"

struct saved {
  u64 rbx, rbp, r12, r13, r14, r15, rsp, rip;
};

// save answers 0, and once more what is given to restore. It stores its return
// address and the stack pointer after its return.
__attribute__((returns_twice)) int save(struct saved *s);
_Noreturn void restore(struct saved *s, int value);

__asm__(
    ".text\n"
    ".type save, @function\n"
    "save:\n"
    "  mov %rbx, (%rdi)\n"
    "  mov %rbp, 8(%rdi)\n"
    "  mov %r12, 16(%rdi)\n"
    "  mov %r13, 24(%rdi)\n"
    "  mov %r14, 32(%rdi)\n"
    "  mov %r15, 40(%rdi)\n"
    "  lea 8(%rsp), %rax\n"
    "  mov %rax, 48(%rdi)\n"
    "  mov (%rsp), %rax\n"
    "  mov %rax, 56(%rdi)\n"
    "  xor %eax, %eax\n"
    "  ret\n"
    ".size save, . - save\n"
    ".type restore, @function\n"
    "restore:\n"
    "  mov (%rdi), %rbx\n"
    "  mov 8(%rdi), %rbp\n"
    "  mov 16(%rdi), %r12\n"
    "  mov 24(%rdi), %r13\n"
    "  mov 32(%rdi), %r14\n"
    "  mov 40(%rdi), %r15\n"
    "  mov 48(%rdi), %rsp\n"
    "  mov %esi, %eax\n"
    "  jmp *56(%rdi)\n"
    ".size restore, . - restore\n");

static struct saved here;

NOINLINE static u64 descend(u64 depth, int value) {
  if (depth == 0) restore(&here, value);
  volatile u64 frame = depth; // keeps the recursion from becoming a loop
  return descend(depth - 1, value + 1) + frame;
}

u64 kernel(u64 n) {
  volatile u64 i = 0, sum = 0;
  u64 limit = n;
  int value = save(&here);
  if (value != 0) sum = sum * 5 + (u64)value;
  if (i < limit) {
    u64 depth = i % 16;
    i = i + 1;
    sum += descend(depth, 1);
  }
  return sum;
}

int guest_main(const struct value *args) { return kernel_main(args, "setjmp", 5000000, 5, kernel); }
