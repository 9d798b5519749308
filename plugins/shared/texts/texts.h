/* texts.h - lists and patterns of texts. Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TEXTS_H
#define TEXTS_H

#include "plugin.h"

/* A list of texts of the configuration, which the owner of the list keeps. */
struct texts {
    struct weir_text *items; /* owned */
    uint32_t n;
};

/* A text from a C string. */
struct weir_text text_of(const char *s);

/* Whether A and B are the same bytes. */
bool text_same(struct weir_text a, struct weir_text b);

/* Whether TEXT is PATTERN, in which * stands for any characters; in any case of letters. */
bool text_fits(struct weir_text text, struct weir_text pattern);

/* The list of strings V; empty if it is NULL. The caller frees its items. */
struct texts texts_of(const struct weir_value *v);

/* The texts with ", " between them, owned by the caller; NULL if there is none. */
char *texts_joined(const struct texts *t);

#endif
