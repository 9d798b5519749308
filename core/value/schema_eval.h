/* value/schema_eval.h - inside the room: a check that is going on.
 *
 * A check runs quietly first and stops at the first violation. Only if there is one, and
 * somebody wants to hear of it, it runs again and tells. What a stranger can make long has a
 * budget of steps, the nesting of nodes has a limit, and notes of what was evaluated lie on the
 * stack; if one of them is used up the check stops, and the value does not conform.
 *
 * An expression of a configuration conforms to all that some value would conform to. A part
 * that conforms because of one is only maybe right: what "not", "oneOf" and "if" conclude from
 * it is in the author's favour.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VALUE_SCHEMA_EVAL_H
#define VALUE_SCHEMA_EVAL_H

#include "base/buf.h"
#include "value/members.h"
#include "value/schema_form.h"

enum {
    SCRATCH_WORDS = 4096, /* on the stack: 32 KiB                              */
    HEAP_WORDS = 1 << 20, /* beyond that, for values of many thousand members  */
    MAX_TOLD = 100,
    KNOWN_NAMES = 256,
};

enum check_mode {
    MODE_QUIET, /* the first violation ends it                 */
    MODE_COUNT, /* violations are weighed, to find a branch    */
    MODE_TELL,  /* violations are told                         */
};

/* What kind of violation, for its weight. */
enum violation {
    VIOLATION_TYPE,
    VIOLATION_CHOICE,
    VIOLATION_MISSING,
    VIOLATION_UNKNOWN,
    VIOLATION_OTHER
};

/* A step into the value: a member or an item. */
struct place {
    const struct place *up; /* NULL: in the whole value                */
    struct weir_text key;   /* bytes NULL: the item INDEX              */
    uint32_t index;
    bool name; /* the key itself is checked, not the member's value */
};

/* A schema resource that was entered. */
struct scope {
    const struct scope *up;
    uint32_t resource;
};

/* Which members or items of one value were evaluated. */
struct seen {
    uint64_t *bits; /* NULL: there are none */
    uint32_t words;
    uint32_t prefix; /* so many first items */
    bool all;
    bool blurred; /* a branch failed, whose notes are missing */
};

struct check {
    const struct schema *schema;
    const struct schema_node *node; /* whose rules are evaluated */
    const struct place *place;
    const struct scope *scope;
    uint64_t work;     /* steps that are left                         */
    uint64_t matching; /* steps of regular expressions that are left  */
    uint64_t maybe;    /* how many expressions were taken for what was wanted */
    unsigned depth;    /* nodes that are open    */
    unsigned level;    /* places that are entered */
    enum check_mode mode;
    bool stopped;

    uint64_t *scratch; /* SCRATCH_WORDS */
    uint32_t scratch_used;
    uint32_t heap_used;

    schema_report_fn *report; /* NULL: nobody listens */
    void *report_arg;
    unsigned told;

    unsigned base;   /* in MODE_COUNT: the level of the branch       */
    unsigned weight; /* of its violations                            */
    bool mismatch;   /* the value itself is of another kind than its */
};

/* A rule's function: whether V conforms. SEEN: notes about V; NULL: nobody needs them. */
typedef bool check_fn(struct check *c, const struct schema_rule *r, const struct weir_value *v,
                      struct seen *seen);

#define X(name, function, types) check_fn schema_rule_##function;
SCHEMA_RULES(X)
#undef X

/* -- schema_check.c -- */

/* Whether V conforms to a node. SEEN as above. */
bool schema_eval(struct check *c, uint32_t node, const struct weir_value *v, struct seen *seen);

/* The same for a member and for an item of the value at hand. */
bool schema_eval_member(struct check *c, uint32_t node, const struct value_member *m);
bool schema_eval_item(struct check *c, uint32_t node, const struct weir_value *list,
                      uint32_t index);

/* Takes N steps from the budget; false, and the check stops, if they are not there. */
bool schema_spend(struct check *c, uint64_t n);

/* Whether to go on after a violation. */
static inline bool
schema_goes_on(const struct check *c)
{
    return c->mode != MODE_QUIET && !c->stopped && c->told < MAX_TOLD;
}

/* -- schema_seen.c -- */

/* N zeroed words, to be given back in reverse order; NULL, and the check stops, if too many. */
uint64_t *schema_words(struct check *c, size_t n);
void schema_words_give(struct check *c, uint64_t *words, size_t n);

/* Begins notes about V; false if the check stops. */
bool seen_open(struct check *c, struct seen *s, const struct weir_value *v);
void seen_close(struct check *c, struct seen *s);

/* Adds what FROM has to INTO. */
void seen_merge(struct seen *into, const struct seen *from);

static inline void
seen_add(struct seen *s, uint32_t i)
{
    s->bits[i / 64] |= (uint64_t)1 << i % 64;
}

static inline bool
seen_has(const struct seen *s, uint32_t i)
{
    return s->all || i < s->prefix || (s->bits != NULL && s->bits[i / 64] >> i % 64 & 1);
}

/* -- schema_report.c -- each returns false -- */

/* Ends the check: the value at hand does not conform, whatever stands around it. */
bool schema_stop(struct check *c, const char *fmt, ...) PRINTF(2, 3) COLD;

/* A violation at the place at hand. */
bool schema_fail(struct check *c, enum violation kind, const char *fmt, ...) PRINTF(3, 4) COLD;

/* "must be at least 5": BEFORE, then a value of the schema. */
bool schema_fail_value(struct check *c, enum violation kind, const char *before,
                       const struct weir_value *v);

/* A violation at the member KEY of the value at hand. */
bool schema_fail_at(struct check *c, struct weir_text key, enum violation kind, const char *fmt,
                    ...) PRINTF(4, 5) COLD;

/* Tells a detail that is made up already. */
void schema_tell(struct check *c, const char *detail);

/* -- schema_words.c: what is told in more words -- each returns false -- */

/* None of the JSON types that are allowed. */
bool schema_fail_types(struct check *c, unsigned types);

/* V is not in LIST. */
bool schema_fail_enum(struct check *c, const struct weir_value *list,
                      const struct weir_value *v);

/* A property that is not among those that the node at hand knows. */
bool schema_fail_unknown(struct check *c, struct weir_text key);

/* -- schema_branch.c -- returns false -- */

/* None of the branches of R took V: tells what is wrong with the one that comes closest. */
bool schema_fail_branches(struct check *c, const struct schema_rule *r,
                          const struct weir_value *v);

/* -- for messages -- */

/* Appends a value of the schema as people read it: 'text', 5, true. */
void schema_put_value(struct buf *b, const struct weir_value *v);

/* Appends "a string, null or an integer". */
void schema_put_types(struct buf *b, unsigned types);

/* A text in quotes, cut if it is long, for "%s"; lives as long as the statement's block. */
struct schema_quoted {
    char text[80];
};
struct schema_quoted schema_quote(struct weir_text text);

#endif
