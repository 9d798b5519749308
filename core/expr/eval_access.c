/* expr/eval_access.c - following chains of accesses, see eval.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "base/units.h"
#include "expr/eval.h"

/* A chain that is being followed. */
struct walk {
    struct eval *ev;
    const struct term *term;
    const struct chain *chain;
    struct weir_value *room;
    const struct weir_value *at; /* NULL: not known, the environment has it */
    bool hidden;                 /* the key is a secret, and not shown      */
};

/* Whether part I, the name if it is -1, may be absent. */
static bool
may_be_absent(const struct chain *c, int i)
{
    return c->absent_ok || (i >= 0 && c->parts[i].optional) ||
           (i + 1 < (int)c->n_parts && c->parts[i + 1].optional);
}

/* The source of what part I is a part of. */
static struct weir_text
holder_text(const struct walk *w, int i)
{
    return term_text_between(w->ev->expr, w->term->place.offset, w->chain->parts[i].holder_end);
}

enum { SUGGEST_MOST = 100, KEY_SHOWN = 60 };

/* The key of HOLDER that KEY was probably meant to be; empty if there is none. */
static struct weir_text
near_key(const struct weir_value *holder, struct weir_text key)
{
    struct weir_text keys[SUGGEST_MOST];
    size_t n = 0;
    const struct weir_value *member;
    while (n < SUGGEST_MOST && value_member(holder, n, &keys[n], &member))
        n++;
    int i = nearest(key, keys, n);
    return i >= 0 ? keys[i] : (struct weir_text){ "", 0 };
}

/* Asks the environment for what the first N parts of the path lead to, for a hint. */
static const struct weir_value *
look_up(struct walk *w, unsigned n)
{
    struct expr_env *env = w->ev->env;
    struct weir_error err = { 0 };
    unsigned used = 0;
    struct expr_path path = { .keys = w->chain->path.keys, .n = n };
    enum weir_code code = env->find(env, &path, w->room, &used, &err);
    value_unref(&err.detail);
    return code == WEIR_OK && used == n ? w->room : &value_null;
}

static int
shown(struct weir_text key)
{
    size_t len = key.len < KEY_SHOWN ? key.len : KEY_SHOWN;
    while (len < key.len && len > 0 && (key.bytes[len] & 0xc0) == 0x80)
        len--;
    return (int)len;
}

/* There is no KEY, part I, in what W has come to. */
static enum weir_code
no_field(struct walk *w, int i, struct weir_text key)
{
    if (may_be_absent(w->chain, i))
        return WEIR_NOT_FOUND;
    struct weir_error *err = w->ev->err;
    if (w->hidden)
        key = TEXT("***");
    if (i < 0)
        return err_set(err, WEIR_SCRIPT, "there is no '%.*s' here", shown(key), key.bytes);

    struct weir_text holder = holder_text(w, i);
    const struct weir_value *at = w->at != NULL ? w->at : look_up(w, (unsigned)i + 1);
    struct weir_text near = near_key(at, key);
    return err_set(err, WEIR_SCRIPT, "%.*s has no field '%.*s'%s%.*s%s", (int)holder.len,
                   holder.bytes, shown(key), key.bytes, near.len > 0 ? "; did you mean '" : "",
                   shown(near), near.bytes, near.len > 0 ? "'?" : "");
}

/* W has come to null, so there is no part I. */
static enum weir_code
in_null(struct walk *w, int i)
{
    if (may_be_absent(w->chain, i))
        return WEIR_NOT_FOUND;
    struct weir_text holder = holder_text(w, i);
    return err_set(w->ev->err, WEIR_SCRIPT, "%.*s is null and has no parts; ?. allows for that",
                   (int)holder.len, holder.bytes);
}

static enum weir_code
follow_key(struct walk *w, int i, struct weir_text key)
{
    const struct weir_value *v = w->at;
    if (v->type == WEIR_MAP) {
        const struct weir_value *member = value_get(v, key.bytes, key.len);
        if (member == NULL)
            return no_field(w, i, key);
        w->at = member;
        return WEIR_OK;
    }
    if (v->type == WEIR_NULL)
        return in_null(w, i);
    struct weir_text holder = holder_text(w, i);
    if (w->hidden)
        key = TEXT("***");
    return err_set(w->ev->err, WEIR_SCRIPT, "%.*s is %s and has no field '%.*s'%s",
                   (int)holder.len, holder.bytes, eval_a(v), shown(key), key.bytes,
                   v->type == WEIR_LIST ? "; its items are reached by [0]" : "");
}

static enum weir_code
follow_index(struct walk *w, int i, int64_t index)
{
    const struct weir_value *v = w->at;
    if (v->type == WEIR_NULL)
        return in_null(w, i);
    if (v->type == WEIR_LIST && index >= 0 && index < v->len) {
        w->at = value_at(v, (size_t)index);
        return WEIR_OK;
    }
    struct weir_text holder = holder_text(w, i);
    if (v->type != WEIR_LIST)
        return err_set(w->ev->err, WEIR_SCRIPT, "%.*s is %s and has no items%s",
                       (int)holder.len, holder.bytes, eval_a(v),
                       v->type == WEIR_MAP ? "; its fields are reached by [\"key\"]" : "");
    if (index < 0)
        return err_set(w->ev->err, WEIR_SCRIPT, "%.*s: an index can't be negative",
                       (int)holder.len, holder.bytes);
    if (may_be_absent(w->chain, i))
        return WEIR_NOT_FOUND;
    return err_set(w->ev->err, WEIR_SCRIPT, "%.*s has no item %lld, only %u", (int)holder.len,
                   holder.bytes, (long long)index, v->len);
}

/* Follows part I, whose index is evaluated now. */
static enum weir_code
follow_term(struct walk *w, int i)
{
    const struct term *t = w->chain->parts[i].index;
    struct weir_value room;
    const struct weir_value *index;
    enum weir_code code = eval_present(w->ev, t, &room, &index);
    if (code != WEIR_OK)
        return code;
    unsigned taint = index->flags & VALUE_SECRET;
    w->hidden = taint != 0;
    if (index->type == WEIR_STRING)
        code = follow_key(w, i, value_as_text(index));
    else if (index->type == WEIR_INT)
        code = follow_index(w, i, index->integer);
    else if (index->type == WEIR_DOUBLE && index->number == rint(index->number) &&
             fabs(index->number) < 0x1p53)
        code = follow_index(w, i, (int64_t)index->number);
    else
        return eval_fail(w->ev, t, "an index is an int or a string, and this is %s",
                         eval_a(index));
    w->hidden = false;
    if (code == WEIR_OK)
        eval_taint(w->ev, taint, w->room, &w->at);
    return code;
}

static enum weir_code
follow(struct walk *w, unsigned from)
{
    for (unsigned i = from; i < w->chain->n_parts; i++) {
        const struct part *part = &w->chain->parts[i];
        enum weir_code code =
            part->index != NULL ? follow_term(w, (int)i) : follow_key(w, (int)i, part->key);
        if (code != WEIR_OK)
            return code;
    }
    return WEIR_OK;
}

/* Follows T on from AT, what comes before part FROM. */
static enum weir_code
follow_on(struct eval *ev, const struct term *t, const struct weir_value *at, unsigned from,
          struct weir_value *room, const struct weir_value **ret)
{
    struct walk w = { .ev = ev, .term = t, .chain = t->chain, .room = room, .at = at };
    enum weir_code code = follow(&w, from);
    *ret = w.at;
    return code;
}

/* There is no key number I in the environment. */
static enum weir_code
not_found(struct eval *ev, const struct term *t, unsigned i, struct weir_value *room)
{
    struct walk w = { .ev = ev, .term = t, .chain = t->chain, .room = room };
    return no_field(&w, (int)i - 1, t->chain->path.keys[i]);
}

/* A chain that starts with a name of the environment, which mostly finds all of it. */
static enum weir_code
named_chain(struct eval *ev, const struct term *t, struct weir_value *room,
            const struct weir_value **ret)
{
    const struct chain *c = t->chain;
    unsigned used = 0;
    enum weir_code code = ev->env->find(ev->env, &c->path, room, &used, ev->err);
    if (code == WEIR_NOT_FOUND)
        return not_found(ev, t, used - 1, room);
    if (code != WEIR_OK)
        return code;
    assert(used >= 1 && used <= c->path.n);
    room->flags &= (uint8_t)~VALUE_HOME; /* it is a copy */
    if (room->len == 0 && (room->type == WEIR_STRING || room->type == WEIR_BYTES))
        room->bytes = "";
    *ret = room;
    return used == c->n_parts + 1 ? WEIR_OK : follow_on(ev, t, room, used - 1, room, ret);
}

enum weir_code
eval_chain(struct eval *ev, const struct term *t, struct weir_value *room,
           const struct weir_value **ret)
{
    const struct chain *c = t->chain;
    enum weir_code code = eval_spend(ev, t, c->n_parts);
    if (code != WEIR_OK)
        return code;
    if (!c->bound)
        return named_chain(ev, t, room, ret);
    if (c->base == NULL) {
        *ret = ev->variables[c->variable];
        return c->n_parts == 0 ? WEIR_OK : follow_on(ev, t, *ret, 0, room, ret);
    }
    const struct weir_value *base;
    code = eval_term(ev, c->base, room, &base);
    return code == WEIR_OK ? follow_on(ev, t, base, 0, room, ret) : code;
}

enum weir_code
eval_has(struct eval *ev, const struct term *t, struct weir_value *room,
         const struct weir_value **ret)
{
    const struct weir_value *v;
    enum weir_code code = eval_term(ev, t->operands[0], room, &v);
    if (code != WEIR_OK && code != WEIR_NOT_FOUND)
        return code;
    return give_bool(code == WEIR_OK, ret);
}
