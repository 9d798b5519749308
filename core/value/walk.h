/* value/walk.h - inside the room: going through all of a value in order, without recursion.
 *
 *   struct walk w;
 *   walk_start(&w, v);
 *   for (enum walk_step s; (s = walk_next(&w)) != WALK_END;) ...
 *   walk_stop(&w);
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VALUE_WALK_H
#define VALUE_WALK_H

#include "value/members.h"
#include "value/value.h"

enum walk_step {
    WALK_SCALAR, /* V holds nothing                       */
    WALK_OPEN,   /* V is a list or map; its children come */
    WALK_CLOSE,  /* they have come                        */
    WALK_END,    /* that was all                          */
};

struct walk_frame {
    const struct weir_value *v;
    uint32_t next;  /* the child that comes next */
    uint32_t place; /* of V in its parent       */
};

enum { WALK_FIRST = 24 };

struct walk {
    const struct weir_value *v;
    const struct value_member *member; /* V's in its map; NULL: it is in none   */
    uint32_t place;                    /* of V in its parent; 0 for the first   */
    unsigned level;                    /* lists and maps that are open          */
    unsigned room;
    struct walk_frame *frames;
    struct walk_frame first[WALK_FIRST];
};

/* Begins at V, which is borrowed until the end. */
static inline void
walk_start(struct walk *w, const struct weir_value *v)
{
    w->v = v;
    w->member = NULL;
    w->place = 0;
    w->level = 0;
    w->room = 0; /* 0: not begun */
    w->frames = w->first;
}

/* Frees what the walk took. */
void walk_stop(struct walk *w);

/* Makes room for more frames. */
void walk_grow(struct walk *w);

static inline enum walk_step
walk_into(struct walk *w, const struct weir_value *v)
{
    w->v = v;
    if (v->type != WEIR_LIST && v->type != WEIR_MAP)
        return WALK_SCALAR;
    if (w->level == w->room)
        walk_grow(w);
    w->frames[w->level++] = (struct walk_frame){ v, 0, w->place };
    return WALK_OPEN;
}

/* The next step; V, MEMBER, PLACE and LEVEL say where. */
static inline enum walk_step
walk_next(struct walk *w)
{
    if (w->room == 0) {
        w->room = WALK_FIRST;
        return walk_into(w, w->v);
    }
    if (w->level == 0)
        return WALK_END;

    struct walk_frame *top = &w->frames[w->level - 1];
    const struct weir_value *parent = top->v;
    w->member = NULL;
    if (top->next < parent->len) {
        w->place = top->next++;
        if (parent->type == WEIR_LIST)
            return walk_into(w, &parent->items[w->place]);
        w->member = &parent->members->at[w->place];
        return walk_into(w, &w->member->value);
    }

    w->level--;
    w->v = parent;
    w->place = top->place;
    if (w->level > 0 && w->frames[w->level - 1].v->type == WEIR_MAP)
        w->member = &w->frames[w->level - 1].v->members->at[w->place];
    return WALK_CLOSE;
}

/* After WALK_OPEN: leaves out the children and the WALK_CLOSE. */
static inline void
walk_skip(struct walk *w)
{
    w->level--;
}

#endif
