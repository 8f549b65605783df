// mandelbrot: a tight floating-point loop with an unpredictable end. kernel(n)
// adds up the iterations of the points of an n by n grid.
#include "guest.h"
#include "kernel.h"

enum { LIMIT = 100 };

static u64 iterations(double cx, double cy) {
  double x = 0, y = 0;
  u64 i = 0;
  for (; i < LIMIT && x * x + y * y <= 4; i++) {
    double next = x * x - y * y + cx;
    y = 2 * x * y + cy;
    x = next;
  }
  return i;
}

u64 kernel(u64 n) {
  u64 sum = 0;
  for (u64 row = 0; row < n; row++)
    for (u64 column = 0; column < n; column++)
      sum += iterations(3.0 * (double)(s64)column / (double)(s64)n - 2, 3.0 * (double)(s64)row / (double)(s64)n - 1.5);
  return sum;
}

int guest_main(const struct value *args) { return kernel_main(args, "mandelbrot", 900, 5, kernel); }
