/* ws/names.h - from names to things, and lists whose links stand inside of the members.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WS_NAMES_H
#define WS_NAMES_H

#include <weir.h>

struct link {
    struct link *next;
    struct link *prev;
};

#define link_entry(at, type, member) ((type *)(void *)((char *)(at)-offsetof(type, member)))

/* Makes an empty head, or a link that is in no list. */
static inline void
link_init(struct link *l)
{
    l->next = l->prev = l;
}

static inline bool
link_alone(const struct link *l)
{
    return l->next == l;
}

/* Adds AT at the end of the list of HEAD. */
static inline void
link_push(struct link *head, struct link *at)
{
    at->prev = head->prev;
    at->next = head;
    head->prev->next = at;
    head->prev = at;
}

/* Takes AT out of its list, if it is in one. */
static inline void
link_remove(struct link *at)
{
    at->prev->next = at->next;
    at->next->prev = at->prev;
    link_init(at);
}

struct name;

/* A table of chains with keyed hashes, since names come from outside. */
struct names {
    struct name **chains; /* owned; NULL: it is empty */
    uint32_t n_chains;
    uint32_t n;
};

void *names_get(const struct names *t, struct weir_text name);

/* Sets a name that is not there yet. */
void names_add(struct names *t, struct weir_text name, void *thing);
void names_remove(struct names *t, struct weir_text name);

/* Calls FN for each thing; it may remove that one. */
void names_each(struct names *t, void (*fn)(void *thing, void *arg), void *arg);

/* Frees the table; the things are their owner's. */
void names_fini(struct names *t);

#endif
