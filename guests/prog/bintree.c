// bintree: pointer chasing and short functions. kernel(n) builds n trees of
// depth 14 out of a bump allocator, one after the other, and counts their nodes.
#include "guest.h"
#include "kernel.h"

enum { DEPTH = 14, NODES = 1 << (DEPTH + 1) };

struct node {
  struct node *left, *right;
};

static struct node pool[NODES];
static u64 used;

NOINLINE static struct node *build(int depth) {
  struct node *n = &pool[used++];
  n->left = depth > 0 ? build(depth - 1) : 0;
  n->right = depth > 0 ? build(depth - 1) : 0;
  return n;
}

NOINLINE static u64 count(const struct node *n) { return n == 0 ? 0 : 1 + count(n->left) + count(n->right); }

u64 kernel(u64 n) {
  u64 sum = 0;
  for (u64 i = 0; i < n; i++) {
    used = 0;
    sum = sum * 3 + count(build(DEPTH - (int)(i % 3)));
  }
  return sum;
}

int guest_main(const struct value *args) { return kernel_main(args, "bintree", 500, 5, kernel); }
