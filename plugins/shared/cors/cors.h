/* cors.h - calls from the pages of other sites (WHATWG Fetch, CORS protocol): cors: of a trigger. It is
 * linked into each plugin that has such triggers, and knows of the world only <weir.h>.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CORS_H
#define CORS_H

#include "texts.h"

/* How other sites may call a trigger from a browser. */
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

/* Reads CONFIG, what stands under cors; NULL: *ret stays NULL. METHODS are those of the trigger. *ret is
 * owned by the caller. In open. */
uint32_t cors_new(const struct weir_value *config, const struct texts *methods, struct cors **ret,
                  struct weir_error *err);
/* Frees it; NULL is accepted. Main thread. */
void cors_free(struct cors *c);

/* Whether ORIGIN is one of SITES, in which a * stands for names below a domain, or for all. */
bool cors_fits(const struct texts *sites, struct weir_text origin);

/* Whether pages of ORIGIN may call. */
bool cors_allows(const struct cors *c, struct weir_text origin);

enum cors_step {
    CORS_GO_ON,    /* it is no preflight */
    CORS_ANSWERED, /* it was one, and has its answer */
    CORS_REFUSED   /* it was one of an origin that may not call: to be refused with ERR */
};

/* Answers E if it is a preflight. On the shard's thread. */
enum cors_step cors_preflight(const struct cors *c, struct weir_event *e, struct weir_error *err);

/* Whether E is an OPTIONS that is none of METHODS, of which cors: has a part: it came by the route that
 * preflights need. */
bool cors_is_stray(const struct weir_event *e, const struct texts *methods);

/* Adds what a browser wants to see on the reply to E. On the shard's thread. */
void cors_allow(const struct cors *c, struct weir_event *e);

/* The methods of the route of a trigger with METHODS: with C not NULL those of preflights, too. *ret_n is
 * how many; owned by the caller. */
struct weir_text *cors_methods(const struct cors *c, const struct texts *methods, uint32_t *ret_n);

#endif
