// args: prints its argument data, one value a line, indented by depth. Text is
// quoted with every byte outside printable ASCII as \xNN; numbers are decimal,
// floats exact in C's hexadecimal form, binary data in hex, timestamps in
// seconds since 1970. What breaks the encoding's rules is printed as such.
#include "guest.h"

enum { MAX_DEPTH = 100 };

static void show(const struct value *v, int depth);

static void show_hex(const char *what, const struct value *p) {
  print("%s", what);
  for (size_t i = 0; i < p->len; i++) print("%02x", p->data[i]);
  print("\n");
}

static void show_text(const struct value *v) {
  const char *s;
  if (!get_str(v, &s)) {
    struct value p = payload(v);
    show_hex("malformed str ", &p);
    return;
  }
  print("str \"");
  for (size_t i = 0; i + 2 < v->len; i++) { // without the type and the closing zero
    u8 c = (u8)s[i];
    print(c < 0x20 || c > 0x7e ? "\\x%02x" : c == '"' || c == '\\' ? "\\%c" : "%c", c);
  }
  print("\"\n");
}

static void show_float(const struct value *p) {
  if (p->len != 8) {
    show_hex("malformed float ", p);
    return;
  }
  u64 bits = 0;
  for (int i = 0; i < 8; i++) bits = bits << 8 | p->data[i];
  u64 fraction = bits & 0xfffffffffffff;
  s64 exponent = bits >> 52 & 0x7ff;
  const char *sign = bits >> 63 ? "-" : "";
  if (exponent == 0x7ff)
    print("float %s%s\n", sign, fraction == 0 ? "inf" : "nan");
  else if (exponent == 0 && fraction == 0)
    print("float %s0x0p+0\n", sign);
  else if (exponent == 0)
    print("float %s0x0.%013lxp-1022\n", sign, fraction);
  else
    print("float %s0x1.%013lxp%s%ld\n", sign, fraction, exponent >= 1023 ? "+" : "", exponent - 1023);
}

static void show_integer(const struct value *v, const struct value *p) {
  s64 small;
  u64 large;
  if (get_s64(v, &small))
    print("int %ld\n", small);
  else if (get_u64(v, &large))
    print("int %lu\n", large);
  else
    show_hex("malformed int ", p);
}

static void show_timestamp(const struct value *p) {
  if (p->len > 8) { // beyond the year 2262
    show_hex("timestamp in hex ", p);
    return;
  }
  u64 bits = p->len > 0 && p->data[0] >= 0x80 ? ~0ull : 0;
  for (size_t i = 0; i < p->len; i++) bits = bits << 8 | p->data[i];
  s64 ns = (s64)bits, seconds = ns / 1000000000, rest = ns % 1000000000;
  print("timestamp %s%ld.%09ld\n", ns < 0 && seconds == 0 ? "-" : "", seconds, rest < 0 ? -rest : rest);
}

// show_fields prints the elements of a sequence, or keys and values in turn.
static void show_fields(const struct value *p, int depth) {
  struct value rest = *p, field;
  int got;
  while ((got = next_field(&rest, &field)) > 0) show(&field, depth + 1);
  if (got < 0) show_hex("malformed field ", &rest);
}

static void show(const struct value *v, int depth) {
  for (int i = 0; i < depth; i++) print("  ");
  struct value p = payload(v);
  u32 fd;
  if (depth == MAX_DEPTH) {
    print("more than %d levels\n", MAX_DEPTH);
    return;
  }
  switch (value_type(v)) {
    case TYPE_NULL: print("null\n"); break;
    case TYPE_BINARY: show_hex("binary ", &p); break;
    case TYPE_BOOL:
      if (p.len == 0 || (p.len == 1 && p.data[0] == 1))
        print("bool %s\n", p.len == 0 ? "false" : "true");
      else
        show_hex("malformed bool ", &p);
      break;
    case TYPE_FD:
      if (get_fd(v, &fd))
        print("fd %u\n", fd);
      else
        show_hex("malformed fd ", &p);
      break;
    case TYPE_FLOAT: show_float(&p); break;
    case TYPE_INT: show_integer(v, &p); break;
    case TYPE_MAP:
      print("map\n");
      show_fields(&p, depth);
      break;
    case TYPE_SEQ:
      print("seq\n");
      show_fields(&p, depth);
      break;
    case TYPE_STR: show_text(v); break;
    case TYPE_TIMESTAMP: show_timestamp(&p); break;
    default: show_hex("unknown type: ", v);
  }
}

int guest_main(const struct value *args) {
  show(args, 0);
  return 0;
}
