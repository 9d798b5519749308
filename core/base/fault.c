/* base/fault.c - see fault.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/fault.h"

#ifdef WEIR_FAULTS

#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
#define X(name, text) #name,
    FAULTS(X)
#undef X
};

static _Atomic uint32_t left[FAULT_COUNT]; /* occasions; UINT32_MAX: without end */

bool
fault_now(enum fault fault)
{
    uint32_t n = atomic_load_explicit(&left[fault], memory_order_relaxed);
    while (n > 0 && n < UINT32_MAX)
        if (atomic_compare_exchange_weak(&left[fault], &n, n - 1))
            return true;
    return n > 0;
}

/* Sets the fault whose name is the first LEN characters of NAME. */
static bool
set(const char *name, size_t len, uint32_t times)
{
    for (unsigned i = 0; i < FAULT_COUNT; i++)
        if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0) {
            atomic_store(&left[i], times);
            return true;
        }
    return false;
}

bool
fault_set(const char *name, uint32_t times)
{
    return set(name, strlen(name), times);
}

void
fault_from_environment(void)
{
    const char *at = getenv("WEIR_FAULT");
    while (at != NULL && *at != '\0') {
        size_t len = strcspn(at, ",");
        size_t name = strcspn(at, "=,");
        uint32_t times = UINT32_MAX;
        if (name < len)
            times = (uint32_t)strtoul(at + name + 1, NULL, 10);
        if (name > 0 && !set(at, name, times)) {
            /* A test that means another fault must not pass by accident. */
            fprintf(stderr, "WEIR_FAULT: there is no fault %.*s\n", (int)name, at);
            abort();
        }
        at += len;
        if (*at == ',')
            at++;
    }
}

#endif
