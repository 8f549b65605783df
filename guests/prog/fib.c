// fib: calls and returns. kernel(n) is the n-th Fibonacci number, by recursion.
#include "guest.h"
#include "kernel.h"

NOINLINE static u64 fib(u64 n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

u64 kernel(u64 n) { return fib(n); }

int guest_main(const struct value *args) { return kernel_main(args, "fib", 37, 5, kernel); }
