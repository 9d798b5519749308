/* engine/hide.c - what mask: of a pipeline hides while it runs. See run.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/run.h"

#include <string.h>

#include "net/body.h"

/* What the pipeline of R marks today, if R runs as it was before; NULL: nothing, or R is of today. */
static const struct marks *
todays_marks(const struct run *r)
{
    const struct generation_part *now = r->engine->current;
    if (now == NULL || now == r->part)
        return NULL;
    const char *name = r->flow->pipeline->name;
    const struct flow *f = map_get(&now->generation->by_name, name, strlen(name));
    return f ? f->pipeline->marks : NULL;
}

static void
gather_pairs(const struct marks *m, enum mark_root root, const struct weir_header *pairs, unsigned n, struct hidden *h)
{
    for (unsigned i = 0; marks_below(m, root) && i < n; i++)
        marks_gather_pair(m, root, pairs[i].name, pairs[i].value, h);
}

/* Of V, which M leads into. */
static void
gather_value(const struct marks *m, enum mark_root root, const struct weir_value *v, struct hidden *h)
{
    const struct weir_value *seen = marks_hide(m, root, NULL, 0, v, h);
    value_unref(&seen);
}

static void
gather(const struct marks *m, struct run *r, struct hidden *h)
{
    const struct weir_event *e = r->event;
    const struct weir_value *body;
    struct weir_error err = { 0 };
    if (m == NULL)
        return;
    gather_pairs(m, MARK_HEADERS, e->headers, e->n_headers, h);
    gather_pairs(m, MARK_PARAMS, e->params, e->n_params, h);
    marks_gather_query(m, e->query, h);
    if (e->auth)
        gather_value(m, MARK_AUTH, e->auth, h);
    if (!marks_below(m, MARK_BODY))
        return;
    if (e->raw)
        marks_gather_raw(m, event_header(e, TEXT("content-type")), value_as_text(e->raw), h);
    if (request_body(r, &body, &err) != WEIR_OK)
        hidden_add_text(h, value_as_text(e->raw)); /* it may be somewhere in it */
    else
        gather_value(m, MARK_BODY, body, h);
    value_unref(&err.detail);
}

/* Whether R, or a run that it was called by, has marks. */
static bool
has_marks(const struct run *r)
{
    for (; r; r = r->caller ? r->caller->run : NULL)
        if (r->flow->pipeline->marks || todays_marks(r))
            return true;
    return false;
}

const struct hidden *
run_hidden(struct run *r)
{
    if (r->hidden || !pthread_equal(pthread_self(), r->engine->shard->thread))
        return r->hidden; /* of a node on a worker it was asked for before: blocking.c */
    bool usual = r->flow->pipeline->marks == NULL && r->caller == NULL && r->part == r->engine->current;
    if (usual || !has_marks(r))
        return NULL;
    struct hidden *h = hidden_new();
    for (struct run *at = r; at; at = at->caller ? at->caller->run : NULL) {
        gather(at->flow->pipeline->marks, at, h);
        gather(todays_marks(at), at, h);
    }
    hidden_end(h);
    r->hidden = h;
    return h;
}

bool
engine_hides_path(const struct trigger_unit *t)
{
    return t->hides_path;
}

bool
engine_hides_auth(const struct trigger_unit *t)
{
    return t->hides_auth;
}

bool
run_hides_path(const struct run *r)
{
    return marks_below(r->flow->pipeline->marks, MARK_PARAMS) || marks_below(todays_marks(r), MARK_PARAMS);
}

void
run_hide_text(struct run *r, struct buf *b)
{
    secrets_mask_cut(r->part->generation->secrets, b);
    const struct hidden *h = run_hidden(r);
    if (hidden_any(h))
        hidden_mask_cut(h, b);
}

void
run_hide_error(struct run *r, struct weir_error *err)
{
    struct buf b;
    if (!hidden_any(run_hidden(r)))
        return;
    buf_init(&b, sizeof err->text * 2);
    (void)buf_add(&b, err->text, strnlen(err->text, sizeof err->text - 1), NULL);
    run_hide_text(r, &b);
    size_t len = b.len < sizeof err->text - 1 ? b.len : sizeof err->text - 1;
    memcpy(err->text, b.bytes, len);
    err->text[len] = '\0';
    buf_fini(&b);
    if (err->detail == NULL)
        return;
    const struct weir_value *open = err->detail;
    err->detail = run_hide_value(r, open);
    value_unref(&open);
}

const struct weir_value *
run_hide_value(struct run *r, const struct weir_value *v)
{
    const struct hidden *h = run_hidden(r);
    return hidden_any(h) ? hidden_masked(h, v) : value_ref(v);
}
