/* webhook/webhook.h - what the files of this plugin share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WEBHOOK_WEBHOOK_H
#define WEBHOOK_WEBHOOK_H

#include "cors.h"
#include "texts.h"

struct auth;
struct guard;
struct verify;

struct webhook {
    const struct weir_value *config; /* owned; all texts are in it */
    struct texts methods;
    struct texts types;          /* media types; may hold * */
    char *allow;                 /* the methods as a header; owned */
    char *accept;                /* the types as a header; owned */
    struct weir_header *headers; /* of every reply; owned */
    uint32_t n_headers;
    const struct weir_value *strict; /* owned: the strict set, if a setting asks for it; else NULL */
    struct cors *cors; /* owned; NULL: none */
    struct auth *auth; /* owned; NULL: everybody may enter */
    struct verify *verify; /* owned; NULL: whoever comes is let in */
    char *pipeline;    /* its name; owned */
    uint32_t rejected; /* the metric */
};

/* A webhook on a shard. */
struct desk {
    const struct webhook *webhook;
    struct guard *guard; /* owned; NULL: everybody may enter */
};

/* Refuses E, and counts that. */
void turn_away(const struct webhook *w, struct weir_event *e, const struct weir_error *err);

/* The same under another REASON than that of the code. */
void turn_away_for(const struct webhook *w, struct weir_event *e, const struct weir_error *err, const char *reason);

#endif
