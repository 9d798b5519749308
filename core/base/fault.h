/* base/fault.h - faults that tests switch on; compiled out of release builds.
 *
 * Read as if (fault(POOL_CONNECT)) ...; the table is sorted by name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#define FAULTS(X)                                                                            \
    X(ACCEPT_EMFILE, "accept finds no free descriptor")                                      \
    X(MAILBOX_FULL, "a mailbox takes no message")                                            \
    X(POOL_CONNECT, "a connect to an upstream fails at once")                                \
    X(QUESTION_LATE, "a question to the store takes too long")                               \
    X(READ_ONE_BYTE, "each read from a socket returns one byte")                             \
    X(WRITE_ONE_BYTE, "each write to a socket takes one byte")

enum fault {
#define X(name, text) FAULT_##name,
    FAULTS(X)
#undef X
    FAULT_COUNT
};

#ifdef WEIR_FAULTS
/* Whether the fault is to happen now; counts one down where a count was given. Any thread. */
bool fault_now(enum fault);
/* Switches a fault on for TIMES occasions (UINT32_MAX: always; 0: off). False: no such name. */
bool fault_set(const char *name, uint32_t times);
/* Switches on what the environment variable WEIR_FAULT names: "READ_ONE_BYTE,MAILBOX_FULL=3". */
void fault_from_environment(void);
#define fault(name) fault_now(FAULT_##name)
#else
#define fault(name) false
#endif

#endif
