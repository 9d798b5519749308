/* base/list.h - doubly linked lists whose links stand inside the members.
 *
 * The head is a link as well, so that adding and removing have no special case.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next;
    struct list *prev;
};

/* The struct of TYPE whose link MEMBER is LINK. */
#define list_entry(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

/* Walks over all members; the one at hand may be removed. */
#define list_each(at, next_, head)                                                           \
    for (struct list *at = (head)->next, *next_ = at->next; at != (head);                    \
         at = next_, next_ = at->next)

/* Makes an empty head, or an unlinked link. */
static inline void
list_init(struct list *l)
{
    l->next = l->prev = l;
}

/* Whether a head has no members, or a link is in no list. */
static inline bool
list_empty(const struct list *l)
{
    return l->next == l;
}

/* Adds LINK at the end (the front) of the list of HEAD. */
static inline void
list_push(struct list *head, struct list *link)
{
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}

static inline void
list_unshift(struct list *head, struct list *link)
{
    list_push(head->next, link);
}

/* Takes LINK out of its list, if it is in one; it may be added again. */
static inline void
list_remove(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

/* Takes the first link out; NULL if the list is empty. */
static inline struct list *
list_shift(struct list *head)
{
    if (list_empty(head))
        return NULL;
    struct list *first = head->next;
    list_remove(first);
    return first;
}

#endif
