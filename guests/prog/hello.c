// hello: prints its message and which generation of executable it is.
#include "guest.h"

static const char *const ways[] = {
    "fixed address, raw system calls, own TLS base",
    "relocatable, raw system calls, own TLS base",
    "relocatable, raw system calls, fixed TLS base",
    "relocatable, vDSO, fixed TLS base",
};

int guest_main(const struct value *args) {
  print("%s\n", arg_str(args, "message", "Hello, world!"));
  print("generation %d: %s\n", GENERATION, ways[GENERATION]);
  return 0;
}
