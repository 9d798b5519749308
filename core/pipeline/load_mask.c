/* pipeline/load_mask.c - mask: of a pipeline, and what it may not be used for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "pipeline/loading.h"
#include "pipeline/owned.h"

/* One mark; a diagnostic points at the byte that is wrong. */
static void
load_mark(struct loading *l, const struct yaml_node *n)
{
    struct weir_text text;
    struct weir_error err;
    size_t at;
    if (!load_text(l, n, "mask", &text))
        return;
    enum weir_code code = marks_add(l->p->marks, text, &at, &err);
    if (code == WEIR_OK)
        return;
    size_t from = at < text.len ? at : 0;
    load_say_at(l, yaml_place(l->yaml, n, from, text.len - from), DIAG_MARK_FORM,
                code == WEIR_TOO_LARGE ? NULL : "as in body.card.number, body.users.*.password, headers.x-my-token",
                "'%.*s': %s", CLIP(text), err.text);
}

void
load_mask(struct loading *l, const struct yaml_node *key, const struct yaml_node *n)
{
    (void)key;
    bool one = n->kind == YAML_SCALAR;
    if (n->kind == YAML_MAP || (one && !yaml_is_string(n))) {
        load_say(l, n, DIAG_WRONG_TYPE, NULL, "'mask' must be a list of places in the event, not %s", yaml_kind_name(n));
        return;
    }
    l->p->marks = marks_new();
    if (one)
        load_mark(l, n);
    for (unsigned i = 0; !one && i < n->n; i++)
        load_mark(l, n->items[i]);
    if (l->p->marks->n == 0) {
        marks_free(&l->p->marks);
        return;
    }
    const struct weir_value *list = yaml_value(n);
    if (one) {
        struct weir_builder *b = builder_list();
        builder_add(b, &list);
        list = builder_end(&b);
    }
    l->p->mask = own_value(l->p, list);
}

/* Whether an expression reads what is marked. */
struct reads {
    const struct marks *marks;
    struct expr_place place; /* of the first that it reads */
    size_t len;
    bool found;
};

static void
on_access(void *arg, const struct expr_access *a)
{
    static const struct {
        struct weir_text name;
        enum mark_root root;
    } parts[] = {
#define X(name, word) { WORD(word), MARK_##name },
        MARK_ROOTS(X)
#undef X
        { WORD("query_all"), MARK_QUERY },
    };
    struct reads *r = arg;
    if (r->found || a->washed || a->n < 2 || !text_is(a->path[0], "request"))
        return;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (text_equal(a->path[1], parts[i].name) && marks_touch(r->marks, parts[i].root, a->path + 2, a->n - 2)) {
            r->found = true;
            r->place = a->places[0];
            r->len = a->places[a->n - 1].offset + a->places[a->n - 1].len - a->places[0].offset;
        }
}

void
mask_advise(struct loading *l)
{
    const struct pipeline *p = l->p;
    for (const struct site *s = l->run_sites.first; s && p->marks; s = s->next) {
        if (s->part->kind != PART_TEMPLATE || (s->part != p->concurrency_key && s->part != p->order_by))
            continue;
        struct reads r = { .marks = p->marks };
        template_each_access(s->part->template, on_access, &r);
        if (r.found)
            load_say_at(l, yaml_place(l->yaml, s->yaml, r.place.offset, r.len), DIAG_KEY_MARKED,
                        "hex.encode(sha256(...)) of it tells keys apart as well",
                        "'%s' is shown with each job, and 'mask' hides what it is made of",
                        s->part == p->order_by ? "order_by" : "concurrency");
    }
}
