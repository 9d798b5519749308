/* postgres/postgres_library.c - see postgres_library.h. SPDX-License-Identifier: Apache-2.0 */
#include "postgres_library.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>

struct pq pq;

static const struct {
    const char *name;
    size_t offset;
} functions[] = {
#define X(name) { #name, offsetof(struct pq, name) },
    PQ_FUNCTIONS(X)
#undef X
};

bool
pq_load(char *why, size_t size)
{
    static bool loaded;
    if (loaded)
        return true;
    /* NODELETE: connections of any thread may be in it until the end of the process. */
    void *object = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (object == NULL) {
        snprintf(why, size, "libpq.so.5 is not installed: apt install libpq5");
        return false;
    }
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *f = dlsym(object, functions[i].name);
        if (f == NULL) {
            snprintf(why, size, "libpq.so.5 is too old, it has no %s: 14 or later is needed",
                     functions[i].name);
            dlclose(object);
            return false;
        }
        *(void **)((char *)&pq + functions[i].offset) = f;
    }
    dlclose(object); /* the handle only */
    loaded = true;
    return true;
}
