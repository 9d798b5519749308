/* redis/redis.h - what the files of this plugin share.
 *
 * A node has orders: the commands that it sends, or one script. Every shard has one connection
 * to a server, which all nodes share, so that what would hold it up or change it is refused
 * before anything is sent.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef REDIS_REDIS_H
#define REDIS_REDIS_H

#include "piece.h"
#include "plugin.h"

#define MAX_WORDS 10000u      /* of a command; keys and arguments of a script */
#define MAX_ORDERS 1000u      /* commands of a node */
#define MAX_NAME 40u          /* bytes of a command's name */
#define MAX_BYTES (16u << 20) /* of all that a node sends; what a connection may hold */
#define WORD_AROUND 24u       /* bytes that go with a word */
#define ORDER_AROUND 120u     /* bytes that go with a command */

/* How texts in replies are read. */
enum parse { PARSE_TEXT, PARSE_JSON, PARSE_BYTES };

/* One command. */
struct order {
    struct piece words;      /* its name, then its arguments */
    char name[MAX_NAME + 1]; /* as the author wrote it */
    bool pairs;              /* the reply is names and values, in turn: it becomes a map */
};

/* One configured node. */
struct redis_node {
    struct weir_redis *server;
    struct order *orders; /* owned; n_orders; none: the script */
    unsigned n_orders;
    bool many; /* 'commands': the output is a list */
    bool atomic;
    bool keeps_errors;
    enum parse parse;
    uint32_t timeout_ms;
    const struct weir_value *script; /* owned; NULL: orders */
    struct piece keys;
    struct piece args;
};

/* Puts a place in front of ERR's text; returns its code. */
uint32_t refuse_in(struct weir_error *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* -- redis_open.c -- */

uint32_t node_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
                   struct weir_error *err);
void node_close(void *conf);

/* What running a node of this configuration twice means. */
uint32_t node_effect_of(const struct weir_value *config);

/* -- redis_call.c -- */

void node_run(struct weir_call *call, void *state);
void node_cancel(struct weir_call *call, void *state);

/* -- redis_names.c -- */

/* Whether TEXT may be the name of a command. */
bool name_valid(struct weir_text text);

/* Whether TEXT is NAME (lower case), in either case. */
bool name_is(struct weir_text text, const char *name);

/* Why a command of these words may not be sent; NULL: it may. */
const char *refused_why(const struct weir_text *words, unsigned n);

/* What running the command in LIST, as it is configured, twice means (enum weir_effect). */
uint32_t command_effect(const struct weir_value *list);

/* -- redis_words.c -- */

/* Words as they are sent. */
struct words {
    struct weir_text *texts;        /* owned; n */
    const struct weir_value **held; /* owned; n of them or NULL: what TEXTS point into */
    char (*numbers)[24];            /* the texts of integers */
    unsigned n;
    unsigned n_first; /* those of the first list */
    size_t bytes;     /* that they take when they are sent, at most */
};

/* Makes the items of FIRST and SECOND (lists; NULL: none) to words; PLACES are what errors call
 * them: "/command". words_drop lets go of them, in any case. */
uint32_t words_make(const struct weir_value *const lists[2], const char *const places[2],
                    struct words *ret, struct weir_error *err);
void words_drop(struct words *w);

/* -- redis_reply.c -- */

/* The reply V as the node's output has it; *ret is owned by the caller. PAIRS: see struct
 * order. */
uint32_t reply_shape(const struct weir_value *v, enum parse parse, bool pairs,
                     const struct weir_value **ret, struct weir_error *err);

/* The text of a reply that is an error; bytes NULL if it is none. */
struct weir_text reply_error(const struct weir_value *v);

/* What Redis says, without the arguments that it quotes. */
struct weir_text reply_said(struct weir_text text);

#endif
