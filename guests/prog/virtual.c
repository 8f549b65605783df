// virtual: calls through tables of function pointers, in an order that no
// predictor knows. kernel(n) makes n calls on objects of five types.
#include "guest.h"
#include "kernel.h"

struct shape;

struct methods {
  u64 (*area)(struct shape *);
  void (*grow)(struct shape *, u64);
};

struct shape {
  const struct methods *methods;
  u64 a, b;
};

enum { TYPES = 5, SHAPES = 1024 };
static struct methods methods[TYPES];
static struct shape shapes[SHAPES];

static u64 square_area(struct shape *s) { return s->a * s->a; }
static u64 rectangle_area(struct shape *s) { return s->a * s->b; }
static u64 triangle_area(struct shape *s) { return s->a * s->b / 2; }
static u64 circle_area(struct shape *s) { return s->a * s->a * 355 / 113; }
static u64 ring_area(struct shape *s) { return (s->a * s->a - s->b * s->b) * 355 / 113; }

static void grow_side(struct shape *s, u64 by) { s->a += by; }
static void grow_sides(struct shape *s, u64 by) { s->a += by, s->b += by; }
static void grow_other(struct shape *s, u64 by) { s->b ^= by; }

// The tables are filled here so that the image needs no relocations for them.
static void set_up(void) {
  methods[0] = (struct methods){square_area, grow_side};
  methods[1] = (struct methods){rectangle_area, grow_sides};
  methods[2] = (struct methods){triangle_area, grow_other};
  methods[3] = (struct methods){circle_area, grow_side};
  methods[4] = (struct methods){ring_area, grow_sides};
  u64 seed = 5;
  for (int i = 0; i < SHAPES; i++) {
    u64 r = random64(&seed);
    shapes[i] = (struct shape){&methods[r % TYPES], r >> 40 & 0xff, r >> 50 & 0xff};
  }
}

u64 kernel(u64 n) {
  set_up();
  u64 seed = 6, sum = 0;
  for (u64 i = 0; i < n; i += 2) {
    u64 r = random64(&seed);
    struct shape *s = &shapes[r % SHAPES];
    sum += s->methods->area(s);
    s = &shapes[r >> 32 & (SHAPES - 1)];
    s->methods->grow(s, r >> 60);
  }
  return sum;
}

int guest_main(const struct value *args) { return kernel_main(args, "virtual", 6000000, 5, kernel); }
