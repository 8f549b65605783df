#include "guest.h"

int value_type(const struct value *v) { return v->len == 0 ? TYPE_NULL : v->data[0]; }

struct value payload(const struct value *v) {
  if (v->len == 0) return *v;
  return (struct value){v->data + 1, v->len - 1};
}

int next_field(struct value *rest, struct value *field) {
  if (rest->len == 0) return 0;
  if (rest->data[0] == 0) return -1;
  u64 n = 0;
  size_t i = 0;
  for (int last = 0; !last;) {
    if (i == rest->len || n >> 57 != 0) return -1;
    u8 digit = rest->data[i++];
    last = digit >> 7;
    n = n << 7 | (digit & 0x7f);
  }
  if (n > rest->len - i) return -1;
  *field = (struct value){rest->data + i, n};
  *rest = (struct value){rest->data + i + n, rest->len - i - n};
  return 1;
}

int get_u64(const struct value *v, u64 *n) {
  struct value p = payload(v);
  if (value_type(v) != TYPE_INT) return 0;
  if (p.len > 0 && p.data[0] >= 0x80) return 0;
  if (p.len > 9 || (p.len == 9 && p.data[0] != 0)) return 0;
  u64 result = 0;
  for (size_t i = 0; i < p.len; i++) result = result << 8 | p.data[i];
  *n = result;
  return 1;
}

int get_s64(const struct value *v, s64 *n) {
  struct value p = payload(v);
  if (value_type(v) != TYPE_INT || p.len > 8) return 0;
  u64 result = p.len > 0 && p.data[0] >= 0x80 ? ~0ull : 0;
  for (size_t i = 0; i < p.len; i++) result = result << 8 | p.data[i];
  *n = (s64)result;
  return 1;
}

int get_fd(const struct value *v, u32 *fd) {
  struct value p = payload(v);
  if (value_type(v) != TYPE_FD || p.len != 4) return 0;
  *fd = (u32)p.data[0] << 24 | (u32)p.data[1] << 16 | (u32)p.data[2] << 8 | p.data[3];
  return 1;
}

int get_str(const struct value *v, const char **s) {
  struct value p = payload(v);
  if (value_type(v) != TYPE_STR || p.len == 0 || p.data[p.len - 1] != 0) return 0;
  *s = (const char *)p.data;
  return 1;
}

int arg_get(const struct value *map, const char *key, struct value *v) {
  if (value_type(map) != TYPE_MAP) return 0;
  struct value rest = payload(map), k;
  const char *s;
  while (next_field(&rest, &k) > 0 && next_field(&rest, v) > 0)
    if (get_str(&k, &s) && equal(s, key)) return 1;
  return 0;
}

int arg_fd(const struct value *map, const char *key, u32 *fd) {
  struct value v;
  return arg_get(map, key, &v) && get_fd(&v, fd);
}

u64 arg_u64(const struct value *map, const char *key, u64 otherwise) {
  struct value v;
  if (!arg_get(map, key, &v)) return otherwise;
  if (!get_u64(&v, &otherwise)) fail("argument %s is not an unsigned 64-bit integer", key);
  return otherwise;
}

const char *arg_str(const struct value *map, const char *key, const char *otherwise) {
  struct value v;
  if (!arg_get(map, key, &v)) return otherwise;
  if (!get_str(&v, &otherwise)) fail("argument %s is not a string", key);
  return otherwise;
}
