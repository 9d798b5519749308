/* engine/stand_in_call.h - what calls ask of a stand-in: see stand_in.h. The shard's thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_STAND_IN_CALL_H
#define ENGINE_STAND_IN_CALL_H

#include "engine/run.h"
#include "engine/stand_in.h"

/* Answers C in place of its plugin, now or later; false: nobody does. */
bool stand_in_answers(struct weir_call *c);

/* Answers the request of C: FN is called later, once, unless stand_in_drop comes first. *RET, in C's
 * memory, is for that. */
struct standing *stand_in_http(struct weir_call *c, const struct weir_http_request *r, weir_http_fn *fn, void *arg);
void stand_in_drop(struct standing *s);

/* An attempt of F's node at hand is over. */
void stand_in_ended(const struct frame *f, const struct unit *u, const struct weir_value *output,
                    const struct failure *failure);

#endif
