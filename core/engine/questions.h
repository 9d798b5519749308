/* engine/questions.h - what an operator asks of a plugin's collection: the port for who brings it.
 *
 * A question is made by the admin, handed to the collection's ask, and answered there exactly
 * once, now or later, on the shard's thread. It stays alive until then, whatever becomes of who
 * asked.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_QUESTIONS_H
#define ENGINE_QUESTIONS_H

#include "value/value.h"

struct weir_question;

/* How the bringer is told; one of them is called, once, and the question may be gone after it. */
struct question_ops {
    void (*answer)(struct weir_question *q, const struct weir_value *v); /* V is lent */
    void (*fail)(struct weir_question *q, const struct weir_error *err);
};

struct weir_question {
    const struct question_ops *ops;
    struct weir_shard *shard;
    struct weir_text item;          /* decoded; empty: all */
    struct weir_text verb;          /* empty: to look */
    const struct weir_value *query; /* a map from names to texts */
    const struct weir_value *body;  /* never NULL */
    void *data;                     /* the plugin's */
};

#endif
