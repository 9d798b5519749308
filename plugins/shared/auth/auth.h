/* auth.h - who may enter: auth: of a trigger. It is linked into each plugin that has such triggers,
 * and knows of the world only <weir.h>.
 *
 * Ways are tried in their order, and the first that lets a request in names who sent it. A way is
 * one credential (API key, password, token, certificate), a list of addresses, or both. What a way
 * knows is made at load and does not change; what it fetches belongs to a shard.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AUTH_H
#define AUTH_H

#include "texts.h"

struct auth;  /* of a trigger */
struct guard; /* of a trigger on a shard */

/* Who is told of a request. Each is called once for one, on the shard's thread. */
struct auth_door {
    /* E may enter; request.auth is set, and the credentials are still there: auth_hide. */
    void (*enter)(void *arg, struct weir_event *e);
    /* E may not: to be refused with ERR (401, 403, 503), and counted for REASON. */
    void (*turn_away)(void *arg, struct weir_event *e, const struct weir_error *err, const char *reason);
};

/* Reads what the trigger has under auth, with what stands in env and secrets filled in; in its open.
 * *ret is owned by the caller; NULL: everybody may enter. */
uint32_t auth_open(struct weir_open *open, struct auth **ret, struct weir_error *err);
/* Frees it; NULL is accepted and left. Main thread. */
void auth_free(struct auth **a);

/* Takes out of E the credentials of every way, unless they are forwarded: what was not asked after is not shown
 * either. For an event that may enter, before its run. NULL is accepted. */
void auth_hide(const struct auth *a, struct weir_event *e);

/* What is needed on shard S for A, which outlives it; DOOR is kept. A guard ends every check that is still open
 * when it leaves. NULL if A is NULL. */
struct guard *guard_new(struct weir_shard *s, const struct auth *a, const struct auth_door *door, void *arg);
void guard_free(struct guard **g);

/* Looks at E before its body is here. True: it may not enter, as the door was told; false: it may, and
 * request.auth is set, or that can't be said at once: guard_check does, later. */
bool guard_screen(struct guard *g, struct weir_event *e);

/* Finds out who sent E, at once or later, and tells the door. */
void guard_check(struct guard *g, struct weir_event *e);

#endif
