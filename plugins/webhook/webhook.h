/* webhook/webhook.h - what the files of this plugin share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WEBHOOK_WEBHOOK_H
#define WEBHOOK_WEBHOOK_H

#include <weir.h>

extern const struct weir_host *host;

/* A list of texts of the configuration, which the owner of the list keeps. */
struct texts {
    struct weir_text *items; /* owned */
    uint32_t n;
};

/* How other sites may call it from a browser (WHATWG fetch, CORS protocol). */
struct cors {
    struct texts origins;
    bool any; /* every origin */
    bool credentials;
    bool echo_headers; /* every request header is allowed */
    char *methods;     /* "POST, PUT"; owned, as the others */
    char *headers;     /* NULL: none */
    char *expose;      /* NULL: none */
    char max_age[24];  /* seconds */
};

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

/* The list of strings V; empty if it is NULL. */
struct texts texts_of(const struct weir_value *v);

/* The texts with ", " between them, owned by the caller; NULL if there is none. */
char *texts_joined(const struct texts *t);

/* Whether TEXT is PATTERN, in which * stands for any characters; in any case of letters. */
bool text_fits(struct weir_text text, struct weir_text pattern);

/* Whether A and B are the same bytes. */
bool text_same(struct weir_text a, struct weir_text b);

/* A text from a C string. */
struct weir_text text_of(const char *s);

/* Fills ERR and returns its code. */
uint32_t refuse(struct weir_error *err, uint32_t code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Reads cors:. *ret is owned by the caller. */
uint32_t cors_new(const struct weir_value *config, const struct webhook *w, struct cors **ret,
                  struct weir_error *err);
void cors_free(struct cors *c);

/* Answers E if it is a preflight of a webhook that has cors; false if it is none. */
bool cors_preflight(const struct webhook *w, struct weir_event *e);

/* Adds what a browser wants to see on the reply to E. */
void cors_allow(const struct cors *c, struct weir_event *e);

#endif
