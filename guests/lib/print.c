#include <stdarg.h>

#include "guest.h"

enum { NO_FD = 0xffffffff };
static u32 out_fd = NO_FD, err_fd = NO_FD;

void print_to(u32 fd) { out_fd = fd; }

void print_setup(const struct value *args) {
  arg_fd(args, "stdout", &out_fd);
  if (!arg_fd(args, "stderr", &err_fd)) err_fd = out_fd;
}

struct text {
  u32 fd;
  size_t n;
  char buffer[1000];
};

static void flush(struct text *t) {
  struct iovec v = {t->buffer, t->n};
  t->n = 0;
  if (t->fd == NO_FD) return;
  while (v.len > 0) {
    size_t put = 0;
    u16 error = sys_fd_write(t->fd, &v, 1, &put);
    if (error == EAGAIN) continue;
    if (error != 0 || put > v.len) sys_proc_exit(121);
    v.buf = (const char *)v.buf + put;
    v.len -= put;
  }
}

static void put(struct text *t, char c) {
  if (t->n == sizeof(t->buffer)) flush(t);
  t->buffer[t->n++] = c;
}

static void put_number(struct text *t, u64 value, u32 base, int width) {
  char digits[20];
  int n = 0;
  do {
    digits[n++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value != 0);
  while (width-- > n) put(t, '0');
  while (n > 0) put(t, digits[--n]);
}

static void format_to(struct text *t, const char *f, va_list ap) {
  for (; *f != 0; f++) {
    if (*f != '%') {
      put(t, *f);
      continue;
    }
    int width = 0, wide = 0;
    for (f++; *f >= '0' && *f <= '9'; f++) width = width * 10 + (*f - '0');
    for (; *f == 'l'; f++) wide = 1;
    switch (*f) {
      case 's':
        for (const char *s = va_arg(ap, const char *); *s != 0; s++) put(t, *s);
        break;
      case 'c': put(t, (char)va_arg(ap, int)); break;
      case 'd': {
        s64 v = wide ? va_arg(ap, s64) : va_arg(ap, s32);
        if (v < 0) put(t, '-');
        put_number(t, v < 0 ? -(u64)v : (u64)v, 10, width);
        break;
      }
      case 'u': put_number(t, wide ? va_arg(ap, u64) : va_arg(ap, u32), 10, width); break;
      case 'x': put_number(t, wide ? va_arg(ap, u64) : va_arg(ap, u32), 16, width); break;
      default: put(t, *f);
    }
  }
}

void print(const char *format, ...) {
  struct text t;
  t.fd = out_fd;
  t.n = 0;
  va_list ap;
  va_start(ap, format);
  format_to(&t, format, ap);
  va_end(ap);
  flush(&t);
}

_Noreturn void fail(const char *format, ...) {
  struct text t;
  t.fd = err_fd;
  t.n = 0;
  for (const char *s = "FAIL: "; *s != 0; s++) put(&t, *s);
  va_list ap;
  va_start(ap, format);
  format_to(&t, format, ap);
  va_end(ap);
  put(&t, '\n');
  flush(&t);
  sys_proc_exit(1);
  __builtin_trap();
}
