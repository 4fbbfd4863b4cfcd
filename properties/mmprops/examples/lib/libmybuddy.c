/*
 * The same client as a shared library: it exports int mmspec_call(const char *request, char *reply, size_t size), which
 * reads one JSON request, writes its reply, NUL-terminated, and returns the reply's length, or -1.
 *
 *     gcc -O2 -shared -fPIC -o libmybuddy.so libmybuddy.c && mmspec conform buddy --client lib:./libmybuddy.so
 */
#define MMSPEC_LIBRARY
#include "../c/mybuddy.c"
