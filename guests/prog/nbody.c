// nbody: scalar floating point. kernel(n) makes n steps of a system of five
// bodies and answers the bits of its energy.
#include <emmintrin.h>

#include "guest.h"
#include "kernel.h"

enum { BODIES = 5 };

struct body {
  double x, y, z, vx, vy, vz, mass;
};

static double root(double x) {
  __m128d v = _mm_set_sd(x);
  return _mm_cvtsd_f64(_mm_sqrt_sd(v, v));
}

// between answers a number of [lo, hi).
static double between(u64 *seed, double lo, double hi) {
  return lo + (hi - lo) * ((double)(s64)(random64(seed) >> 11) * 0x1p-53);
}

// place puts a heavy body into the centre and light ones on wide orbits.
static void place(struct body *b) {
  u64 seed = 2016;
  for (int i = 0; i < BODIES; i++) {
    double r = 10.0 * i;
    b[i] = (struct body){.x = r, .z = between(&seed, -1, 1), .mass = i == 0 ? 1000 : between(&seed, 0.1, 1)};
    if (i > 0) b[i].vy = root(1000 / r);
  }
}

NOINLINE static void step(struct body *b, double dt) {
  for (int i = 0; i < BODIES; i++) {
    for (int j = i + 1; j < BODIES; j++) {
      double dx = b[i].x - b[j].x, dy = b[i].y - b[j].y, dz = b[i].z - b[j].z;
      double d2 = dx * dx + dy * dy + dz * dz;
      double f = dt / (d2 * root(d2));
      double fi = f * b[j].mass, fj = f * b[i].mass;
      b[i].vx -= dx * fi, b[i].vy -= dy * fi, b[i].vz -= dz * fi;
      b[j].vx += dx * fj, b[j].vy += dy * fj, b[j].vz += dz * fj;
    }
  }
  for (int i = 0; i < BODIES; i++) b[i].x += dt * b[i].vx, b[i].y += dt * b[i].vy, b[i].z += dt * b[i].vz;
}

static double energy(const struct body *b) {
  double e = 0;
  for (int i = 0; i < BODIES; i++) {
    e += b[i].mass * (b[i].vx * b[i].vx + b[i].vy * b[i].vy + b[i].vz * b[i].vz) / 2;
    for (int j = i + 1; j < BODIES; j++) {
      double dx = b[i].x - b[j].x, dy = b[i].y - b[j].y, dz = b[i].z - b[j].z;
      e -= b[i].mass * b[j].mass / root(dx * dx + dy * dy + dz * dz);
    }
  }
  return e;
}

u64 kernel(u64 n) {
  struct body b[BODIES];
  place(b);
  for (u64 i = 0; i < n; i++) step(b, 0.001);
  union {
    double d;
    u64 bits;
  } e = {energy(b)};
  return e.bits;
}

int guest_main(const struct value *args) { return kernel_main(args, "nbody", 1000000, 5, kernel); }
