// Reader of binary argument data.
//
// A value is a type byte and a payload; no bytes at all are null. Inside maps
// and sequences each value is preceded by its length in base 128, most
// significant digit first, the last digit marked by its top bit.
#ifndef GUEST_ARGUMENT_H
#define GUEST_ARGUMENT_H

#include "abi.h"

struct value {
  const u8 *data;
  size_t len;
};

enum {
  TYPE_NULL = 0,
  TYPE_BINARY = 1,
  TYPE_BOOL = 2,
  TYPE_FD = 3,
  TYPE_FLOAT = 4,
  TYPE_INT = 5,
  TYPE_MAP = 6,
  TYPE_SEQ = 7,
  TYPE_STR = 8,
  TYPE_TIMESTAMP = 9,
};

int value_type(const struct value *v);

// payload is what follows the type byte.
struct value payload(const struct value *v);

// next_field takes the first field off rest; 0 if rest is empty, -1 if what
// is there is no field.
int next_field(struct value *rest, struct value *field);

// Each get_ answers whether v has its type, a valid form and a fitting value.
int get_u64(const struct value *v, u64 *n);
int get_s64(const struct value *v, s64 *n);
int get_fd(const struct value *v, u32 *fd);
int get_str(const struct value *v, const char **s);

// The arg_ functions look a string key up in a map.
int arg_get(const struct value *map, const char *key, struct value *v);
int arg_fd(const struct value *map, const char *key, u32 *fd);
u64 arg_u64(const struct value *map, const char *key, u64 otherwise);
const char *arg_str(const struct value *map, const char *key, const char *otherwise);

#endif
