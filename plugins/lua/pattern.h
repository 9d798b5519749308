/* lua/pattern.h - the patterns of Lua's string library, matched with a bound.
 *
 * A pattern is compiled to a list of items; matching goes back over them when it has to, and
 * each comparison and each way back is a step. When the steps are used up the match ends as an
 * error, so no pattern runs for long. Nothing here knows of Lua itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LUA_PATTERN_H
#define LUA_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATTERN_ITEMS 512u
#define PATTERN_SETS 32u
#define PATTERN_CAPTURES 32u

enum pattern_kind {
    PATTERN_BYTE,
    PATTERN_ANY,
    PATTERN_SET,      /* a class, or a set in brackets */
    PATTERN_BALANCE,  /* %bxy */
    PATTERN_FRONTIER, /* %f[set] */
    PATTERN_BACK,     /* %1 */
    PATTERN_OPEN,
    PATTERN_CLOSE,
    PATTERN_POSITION, /* () */
    PATTERN_TAIL      /* $ */
};

struct pattern_item {
    uint8_t kind;   /* enum pattern_kind */
    uint8_t repeat; /* 0, or one of "*+-?" */
    uint8_t a;      /* the byte; the first of %bxy; the number of the capture */
    uint8_t b;
    uint16_t set;
};

struct pattern {
    struct pattern_item items[PATTERN_ITEMS];
    uint64_t sets[PATTERN_SETS][4]; /* a bit for each byte */
    unsigned n_items;
    unsigned n_sets;
    unsigned n_captures;
    bool anchored; /* ^ */
};

enum pattern_result { PATTERN_NO, PATTERN_YES, PATTERN_SPENT, PATTERN_PAUSED };

struct pattern_capture {
    const char *at;
    size_t len;
    bool position; /* the place of AT in the subject is meant, not text */
};

/* A way that was not taken: what a search goes back to. */
struct pattern_choice {
    uint32_t item;
    bool capture; /* no way, but a capture that has to be as it was */
    bool closed;
    const char *at;
    size_t n; /* how often the item was taken there */
    struct pattern_capture before;
};

struct pattern_match {
    const char *subject;
    const char *end; /* of the subject */
    const char *from;
    const char *to;
    uint64_t steps; /* that are left */
    uint64_t pause; /* steps until the search pauses; 0: it does not */
    struct pattern_capture captures[PATTERN_CAPTURES];

    /* of a search that pauses */
    const char *at;
    uint32_t item;
    uint32_t n_choices;
    bool closed[PATTERN_CAPTURES];
    struct pattern_choice choices[PATTERN_ITEMS]; /* one for an item at most */
};

/* Compiles a pattern. Not true: *ret_why is a sentence for a person. */
bool pattern_compile(struct pattern *p, const char *text, size_t len, const char **ret_why);

/* Looks for the first match at or behind START (which is in the subject of M). With PATTERN_YES
 * from, to and the captures of M are filled; the steps are taken off in any case.
 * PATTERN_PAUSED: pattern_go_on looks further. */
enum pattern_result pattern_find(const struct pattern *p, struct pattern_match *m,
                                 const char *start);
enum pattern_result pattern_go_on(const struct pattern *p, struct pattern_match *m);

#endif
