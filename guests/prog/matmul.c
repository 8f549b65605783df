// matmul: vector floating point over memory. kernel(n) multiplies two n by n
// matrices, n at most 512, and answers the sum of the product's elements' bits.
#include "guest.h"
#include "kernel.h"

enum { MAX = 512 };
static double a[MAX][MAX], b[MAX][MAX], c[MAX][MAX];

static void fill(u64 n) {
  u64 seed = 7;
  for (u64 i = 0; i < n; i++)
    for (u64 j = 0; j < n; j++) {
      a[i][j] = (double)(s64)(random64(&seed) >> 44) * 0x1p-20;
      b[i][j] = (double)(s64)(random64(&seed) >> 44) * 0x1p-20;
      c[i][j] = 0;
    }
}

u64 kernel(u64 n) {
  if (n > MAX) n = MAX;
  fill(n);
  for (u64 i = 0; i < n; i++)
    for (u64 k = 0; k < n; k++) {
      double f = a[i][k];
      for (u64 j = 0; j < n; j++) c[i][j] += f * b[k][j];
    }
  u64 sum = 0;
  for (u64 i = 0; i < n; i++)
    for (u64 j = 0; j < n; j++) {
      union {
        double d;
        u64 bits;
      } e = {c[i][j]};
      sum = sum * 31 + e.bits;
    }
  return sum;
}

int guest_main(const struct value *args) { return kernel_main(args, "matmul", 512, 5, kernel); }
