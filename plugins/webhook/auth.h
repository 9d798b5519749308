/* webhook/auth.h - who may enter: auth: of a webhook.
 *
 * Ways are tried in their order, and the first that lets a request in names who sent it. A way is
 * one credential (API key, password, token, certificate), a list of addresses, or both. What a way
 * knows is made at load and does not change; what it fetches belongs to a shard.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WEBHOOK_AUTH_H
#define WEBHOOK_AUTH_H

#include "webhook.h"

struct auth;  /* of a webhook */
struct guard; /* of a webhook on a shard */

/* Goes on with an event that may enter. */
typedef void auth_then_fn(const struct webhook *w, struct weir_event *e);

/* Reads auth:, CONFIG, with what stands in env and secrets filled in. *ret is owned by the caller.
 * In open. */
uint32_t auth_new(struct weir_open *open, const struct weir_value *config, struct auth **ret,
                  struct weir_error *err);
/* Frees it; NULL is accepted and left. Main thread. */
void auth_free(struct auth **a);

/* Takes out of E the credentials of every way, unless they are forwarded: what was not asked after is not shown
 * either. For an event that may enter, before its run. */
void auth_hide(const struct auth *a, struct weir_event *e);

/* What W needs on shard S; a guard ends every check that is still open when it leaves. */
struct guard *guard_new(struct weir_shard *s, const struct webhook *w, auth_then_fn *then);
void guard_free(struct guard **g);

/* Finds out who sent E, at once or later, and goes on with it; or turns it away with 401 or 403. */
void guard_check(struct guard *g, struct weir_event *e);

#endif
