/* net/attempts.h - addresses that fail to prove who they are: how often, and for how long they are turned away.
 *
 * Who has failed so many times within a minute is blocked for a minute, whatever he shows then: guessing
 * stays slow, and a password that is dear to check is not checked. An IPv6 address counts as its /64, which is what one
 * customer has at least (RFC 6177). Kept is one process's table of a fixed size; where its places are taken,
 * those make room that have failed least.
 *
 * Webhooks and the admin are apart, so that nobody can lock the operator out from where he is with others.
 * Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NET_ATTEMPTS_H
#define NET_ATTEMPTS_H

#include <stdbool.h>

#include "base/err.h"

#define ATTEMPTS_WINDOW_MS 60000u
#define ATTEMPTS_PLACES 8192u /* for each of ATTEMPTS_AT; of 24 bytes */

/* Where somebody asks to be let in. */
#define ATTEMPTS_AT(X) X(EDGE, "edge") X(ADMIN, "admin")

enum attempts_at {
#define X(name, text) ATTEMPTS_##name,
    ATTEMPTS_AT(X)
#undef X
    ATTEMPTS_N_AT
};

/* "edge", "admin". */
const char *attempts_at_name(enum attempts_at at);

/* How many failures within a minute are too many; 0: nobody is blocked, and nothing is counted. */
void attempts_configure(unsigned max_failures);

/* For how many ms ADDRESS, the text of one, is blocked at NOW_MS (monotonic); 0: it is not. What is no IP
 * address (unix) never is. */
uint64_t attempts_blocked(enum attempts_at at, struct weir_text address, uint64_t now_ms);

/* ADDRESS has failed. True: it is blocked from now on. */
bool attempts_failed(enum attempts_at at, struct weir_text address, uint64_t now_ms);

/* For metrics. */
struct attempts_figures {
    uint64_t failures;
    uint64_t blocks;    /* addresses that were blocked */
    uint64_t forgotten; /* ... that made room before their time */
};
void attempts_figures(enum attempts_at at, struct attempts_figures *ret);

/* Forgets all. */
void attempts_reset(void);

#endif
