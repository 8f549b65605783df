// fds: reading, writing, seeking, duplicating, replacing, closing and examining
// descriptors, with the errno of each refusal. It uses what the arguments grant:
//
//   stdout   where the report goes; examined, duplicated and replaced
//   read     a regular file opened for reading; must not be empty
//   write    a regular file opened for reading and writing; is overwritten
//   stream   a pipe's or socket's end for reading, at its end of file
//
// and prints one line for each part that held; a part without its descriptor is
// skipped and says so.
#include "guest.h"

enum { BAD = 12345 };

static u8 buffer[256];

static u16 read_some(u32 fd, size_t n, size_t *got) {
  struct iovec v = {buffer, n};
  return sys_fd_read(fd, &v, 1, got);
}

static u16 pread_some(u32 fd, size_t n, u64 off, size_t *got) {
  struct iovec v = {buffer, n};
  return sys_fd_pread(fd, &v, 1, off, got);
}

static u16 write_text(u32 fd, const char *text, size_t *put) {
  struct iovec v = {text, length(text)};
  return sys_fd_write(fd, &v, 1, put);
}

static u16 restrict_to(u32 fd, u64 rights) {
  struct fdstat st;
  u16 error = sys_fd_stat_get(fd, &st);
  if (error != 0) return error;
  st.rights_base &= rights;
  return sys_fd_stat_put(fd, &st, FDSTAT_RIGHTS);
}

static void test_bad(u32 bad) {
  struct iovec v = {buffer, 1};
  struct fdstat st = {0};
  struct filestat fst;
  size_t n;
  u64 pos;
  u32 fd;
  CHECK_ERRNO(sys_fd_read(bad, &v, 1, &n), EBADF);
  CHECK_ERRNO(sys_fd_write(bad, &v, 1, &n), EBADF);
  CHECK_ERRNO(sys_fd_pread(bad, &v, 1, 0, &n), EBADF);
  CHECK_ERRNO(sys_fd_pwrite(bad, &v, 1, 0, &n), EBADF);
  CHECK_ERRNO(sys_fd_seek(bad, 0, WHENCE_SET, &pos), EBADF);
  CHECK_ERRNO(sys_fd_dup(bad, &fd), EBADF);
  CHECK_ERRNO(sys_fd_close(bad), EBADF);
  CHECK_ERRNO(sys_fd_stat_get(bad, &st), EBADF);
  CHECK_ERRNO(sys_fd_stat_put(bad, &st, FDSTAT_RIGHTS), EBADF);
  CHECK_ERRNO(sys_file_stat_fget(bad, &fst), EBADF);
}

static void test_descriptors(u32 out) {
  test_bad(BAD);
  test_bad(0xffffffff);
  u32 a, b;
  size_t n;
  CHECK_ERRNO(sys_fd_dup(out, &a), 0);
  CHECK_ERRNO(sys_fd_dup(out, &b), 0);
  CHECK(a != b && a != out && b != out);
  CHECK_ERRNO(sys_fd_replace(BAD, a), EBADF);
  CHECK_ERRNO(sys_fd_replace(a, BAD), EBADF); // both must be open
  CHECK_ERRNO(sys_fd_close(a), 0);
  test_bad(a);
  CHECK_ERRNO(sys_fd_replace(a, b), EBADF);
  CHECK_ERRNO(write_text(b, "written to a duplicate\n", &n), 0);
  CHECK(n == 23);
  CHECK_ERRNO(sys_fd_close(b), 0);

  // An object that cannot be written takes the place of one that can.
  u32 memory;
  CHECK_ERRNO(sys_fd_create1(FILETYPE_SHARED_MEMORY, &memory), 0);
  CHECK_ERRNO(sys_fd_dup(out, &a), 0);
  CHECK_ERRNO(sys_fd_replace(memory, a), 0);
  struct fdstat st;
  CHECK_ERRNO(sys_fd_stat_get(a, &st), 0);
  CHECK(st.filetype == FILETYPE_SHARED_MEMORY);
  CHECK_ERRNO(sys_fd_replace(a, a), 0);
  CHECK_ERRNO(sys_fd_close(memory), 0);
  CHECK_ERRNO(sys_fd_close(a), 0);
  CHECK_ERRNO(sys_fd_create1(FILETYPE_REGULAR, &a), EINVAL);
  CHECK_ERRNO(write_text(out, "", &n), 0);
  CHECK(n == 0);
  print("descriptors ok\n");
}

static void test_memory_object(void) {
  u32 fd;
  struct filestat st = {.size = 10000};
  CHECK_ERRNO(sys_fd_create1(FILETYPE_SHARED_MEMORY, &fd), 0);
  CHECK_ERRNO(sys_file_stat_fput(fd, &st, FILESTAT_SIZE), 0);
  st.size = 0;
  CHECK_ERRNO(sys_file_stat_fget(fd, &st), 0);
  CHECK(st.size == 10000 && st.filetype == FILETYPE_SHARED_MEMORY);
  CHECK_ERRNO(restrict_to(fd, ~(u64)RIGHT_FILE_STAT_FPUT_SIZE), 0);
  st.size = 5;
  CHECK_ERRNO(sys_file_stat_fput(fd, &st, FILESTAT_SIZE), ENOTCAPABLE);
  CHECK_ERRNO(sys_file_stat_fput(fd, &st, 0), EINVAL);
  CHECK_ERRNO(sys_fd_close(fd), 0);
  print("memory object ok\n");
}

// Rights only ever shrink, and each one missing is noticed.
static void test_rights(u32 out) {
  u32 fd;
  size_t n;
  struct fdstat st;
  CHECK_ERRNO(sys_fd_dup(out, &fd), 0);
  CHECK_ERRNO(restrict_to(fd, 0), 0);
  CHECK_ERRNO(sys_fd_stat_get(fd, &st), 0);
  CHECK(st.rights_base == 0);
  CHECK_ERRNO(write_text(fd, "must not appear\n", &n), ENOTCAPABLE);
  CHECK_ERRNO(read_some(fd, 1, &n), ENOTCAPABLE);
  st.rights_base = RIGHT_FD_WRITE;
  CHECK_ERRNO(sys_fd_stat_put(fd, &st, FDSTAT_RIGHTS), ENOTCAPABLE);
  CHECK_ERRNO(write_text(fd, "must not appear\n", &n), ENOTCAPABLE);
  CHECK_ERRNO(sys_fd_close(fd), 0);
  CHECK_ERRNO(sys_fd_stat_get(out, &st), 0); // a duplicate has rights of its own
  CHECK((st.rights_base & RIGHT_FD_WRITE) != 0);
  print("rights ok\n");
}

static void test_addresses(u32 out) {
  size_t n;
  struct iovec v[3] = {{(void *)16, 10}, {"ab", 2}, {"c\n", 2}};
  CHECK_ERRNO(sys_fd_write(out, v, 1, &n), EFAULT);
  CHECK_ERRNO(sys_fd_write(out, (struct iovec *)32, 1, &n), EFAULT);
  CHECK_ERRNO(sys_fd_stat_get(out, (struct fdstat *)48), EFAULT);
  v[0] = (struct iovec){"several buffers: ", 17};
  CHECK_ERRNO(sys_fd_write(out, v, 3, &n), 0);
  CHECK(n == 21);
  v[0] = (struct iovec){"x", (size_t)1 << 63};
  CHECK_ERRNO(sys_fd_write(out, v, 3, &n), EINVAL);
  CHECK_ERRNO(sys_fd_write(out, v, 1 << 20, &n), EINVAL);
  print("addresses ok\n");
}

static void test_read(u32 fd) {
  struct filestat st;
  struct fdstat fdst;
  u64 pos;
  size_t n, m;
  CHECK_ERRNO(sys_file_stat_fget(fd, &st), 0);
  CHECK_ERRNO(sys_fd_stat_get(fd, &fdst), 0);
  CHECK(st.filetype == FILETYPE_REGULAR && fdst.filetype == FILETYPE_REGULAR && st.size > 0);
  CHECK_ERRNO(sys_fd_seek(fd, 0, WHENCE_END, &pos), 0);
  CHECK(pos == st.size);
  CHECK_ERRNO(read_some(fd, 1, &n), 0);
  CHECK(n == 0);
  CHECK_ERRNO(sys_fd_seek(fd, -1, WHENCE_CUR, &pos), 0);
  CHECK(pos == st.size - 1);
  CHECK_ERRNO(read_some(fd, sizeof(buffer), &n), 0);
  CHECK(n == 1);
  u8 last = buffer[0];
  CHECK_ERRNO(pread_some(fd, 1, st.size - 1, &n), 0);
  CHECK(n == 1 && buffer[0] == last);
  CHECK_ERRNO(pread_some(fd, 1, st.size, &n), 0);
  CHECK(n == 0);
  CHECK_ERRNO(sys_fd_seek(fd, 0, WHENCE_SET, &pos), 0);
  CHECK(pos == 0);
  CHECK_ERRNO(pread_some(fd, sizeof(buffer), 0, &n), 0);
  CHECK_ERRNO(sys_fd_seek(fd, 0, WHENCE_CUR, &pos), 0);
  CHECK(pos == 0); // pread leaves the offset alone
  CHECK_ERRNO(read_some(fd, sizeof(buffer), &m), 0);
  CHECK(n == m);
  CHECK_ERRNO(sys_fd_seek(fd, -1, WHENCE_SET, &pos), EINVAL);
  CHECK_ERRNO(sys_fd_seek(fd, 0, 77, &pos), EINVAL);
  CHECK_ERRNO(pread_some(fd, 1, ~0ull, &n), EINVAL);

  u32 tell;
  CHECK_ERRNO(sys_fd_dup(fd, &tell), 0);
  CHECK_ERRNO(restrict_to(tell, RIGHT_FD_TELL), 0);
  CHECK_ERRNO(sys_fd_seek(tell, 0, WHENCE_CUR, &pos), 0);
  CHECK(pos == m); // duplicates share the offset
  CHECK_ERRNO(sys_fd_seek(tell, 0, WHENCE_SET, &pos), ENOTCAPABLE);
  CHECK_ERRNO(read_some(tell, 1, &n), ENOTCAPABLE);
  CHECK_ERRNO(pread_some(tell, 1, 0, &n), ENOTCAPABLE);
  CHECK_ERRNO(sys_fd_close(tell), 0);
  print("read ok\n");
}

static void test_write(u32 fd) {
  static const char text[] = "0123456789";
  struct filestat st = {.size = 0};
  struct iovec v[2] = {{text, 10}, {text, 5}};
  size_t n;
  u64 pos;
  CHECK_ERRNO(sys_file_stat_fput(fd, &st, FILESTAT_SIZE), 0);
  CHECK_ERRNO(sys_fd_seek(fd, 0, WHENCE_SET, &pos), 0);
  CHECK_ERRNO(sys_fd_write(fd, v, 2, &n), 0);
  CHECK(n == 15);
  CHECK_ERRNO(sys_fd_seek(fd, 0, WHENCE_CUR, &pos), 0);
  CHECK(pos == 15);
  CHECK_ERRNO(sys_fd_pwrite(fd, v, 1, 100, &n), 0);
  CHECK(n == 10);
  CHECK_ERRNO(sys_file_stat_fget(fd, &st), 0);
  CHECK(st.size == 110);
  CHECK_ERRNO(pread_some(fd, 120, 0, &n), 0);
  CHECK(n == 110 && memcmp(buffer, "012345678901234", 15) == 0 && buffer[15] == 0 && buffer[99] == 0);
  CHECK(memcmp(buffer + 100, text, 10) == 0);
  st.size = 3;
  CHECK_ERRNO(sys_file_stat_fput(fd, &st, FILESTAT_SIZE), 0);
  CHECK_ERRNO(pread_some(fd, 120, 0, &n), 0);
  CHECK(n == 3);

  u32 only;
  CHECK_ERRNO(sys_fd_dup(fd, &only), 0);
  CHECK_ERRNO(restrict_to(only, RIGHT_FD_READ | RIGHT_FD_SEEK), 0);
  CHECK_ERRNO(sys_fd_pwrite(only, v, 1, 0, &n), ENOTCAPABLE);
  CHECK_ERRNO(sys_file_stat_fget(only, &st), ENOTCAPABLE);
  CHECK_ERRNO(pread_some(only, 1, 0, &n), 0);
  CHECK_ERRNO(sys_fd_close(only), 0);
  print("write ok\n");
}

static void test_stream(u32 fd) {
  struct fdstat st;
  size_t n;
  u64 pos;
  CHECK_ERRNO(sys_fd_stat_get(fd, &st), 0);
  CHECK(st.filetype == FILETYPE_SOCKET_STREAM);
  u16 error = sys_fd_seek(fd, 0, WHENCE_SET, &pos);
  CHECK(error == ESPIPE || error == ENOTCAPABLE);
  error = pread_some(fd, 1, 0, &n);
  CHECK(error == ESPIPE || error == ENOTCAPABLE);
  CHECK_ERRNO(read_some(fd, 10, &n), 0);
  CHECK(n == 0);
  print("stream ok\n");
}

// with calls a part if the descriptor it needs is granted.
static void with(const struct value *args, const char *name, void (*test)(u32)) {
  u32 fd;
  if (arg_fd(args, name, &fd))
    test(fd);
  else
    print("%s skipped: not granted\n", name);
}

int guest_main(const struct value *args) {
  u32 out;
  if (!arg_fd(args, "stdout", &out)) return 2;
  test_descriptors(out);
  test_memory_object();
  test_rights(out);
  test_addresses(out);
  with(args, "read", test_read);
  with(args, "write", test_write);
  with(args, "stream", test_stream);
  print("fds ok\n");
  return 0;
}
