/* engine/given.c - see given.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/given.h"

#include <string.h>

#include "engine/job.h"
#include "pipeline/format.h"
#include "pipeline/spec.h"

#define PART_MAX (64u << 10) /* bytes of an input, or of options, that are kept */
#define SCRIPT_MIN 1000u     /* bytes of a literal text that need not be told once more */

/* -- options -- */

/* A walk through the options of a node. */
struct walk {
    struct given_scope *s;
    struct weir_builder *unknown;
};

/* A part that is described by SPEC; MAY: it may be a secret. */
struct at {
    struct spec spec;
    bool may;
};

static struct at
below(struct at at, struct spec spec)
{
    return (struct at){ spec, (at.may || spec_flag(spec, "writeOnly")) && !spec_flag(spec, "x-weir-shown") };
}

/* Whether V, as its author or the loader wrote it, is what it is without being said. */
static bool
is_default(struct spec spec, const struct weir_value *v)
{
    const struct weir_value *said = spec_word(spec, "default");
    const char *format = format_find(spec_text(spec, "format"));
    if (said == NULL || value_equal(said, v))
        return said != NULL;
    struct weir_error err;
    const struct weir_value *read = format && said->type == WEIR_STRING ? format_value(format, value_as_text(said), &err) : NULL;
    bool same = read && value_equal(read, v);
    value_unref(&read);
    return same;
}

static bool
is_script(struct spec spec, const struct weir_value *v)
{
    return spec_flag(spec, "x-weir-literal") && v->type == WEIR_STRING && v->len > SCRIPT_MIN;
}

/* V, taken, without who the caller is at the host of a URL. */
static const struct weir_value *
url_shown(const struct weir_value *take_v)
{
    struct weir_text t = take_v->type == WEIR_STRING ? value_as_text(take_v) : TEXT("");
    const char *scheme = t.len > 0 ? memmem(t.bytes, t.len, "://", 3) : NULL;
    const char *at = NULL, *end = t.bytes + t.len;
    for (const char *c = scheme ? scheme + 3 : end; c < end && *c != '/' && *c != '?' && *c != '#'; c++)
        at = *c == '@' ? c : at;
    if (at == NULL)
        return take_v;
    struct buf b;
    buf_init(&b, t.len + 4);
    (void)buf_add(&b, t.bytes, (size_t)(scheme + 3 - t.bytes), NULL);
    (void)buf_puts(&b, "***");
    (void)buf_add(&b, at, (size_t)(end - at), NULL);
    const struct weir_value *v = value_string(b.bytes, b.len);
    buf_fini(&b);
    value_unref(&take_v);
    return v;
}

static const struct weir_value *
constant_shown(struct at at, const struct weir_value *v)
{
    struct weir_text key;
    const struct weir_value *member, *shown;
    if (v->type != WEIR_LIST && v->type != WEIR_MAP)
        return at.may && v->type != WEIR_NULL ? value_text("***") : url_shown(value_masked(v));
    struct weir_builder *b = v->type == WEIR_LIST ? builder_list() : builder_map();
    for (size_t i = 0; (member = value_at(v, i)) != NULL; i++) {
        shown = constant_shown(below(at, spec_item(at.spec, (unsigned)i)), member);
        builder_add(b, &shown);
    }
    for (size_t i = 0; value_member(v, i, &key, &member); i++) {
        shown = constant_shown(below(at, spec_member(at.spec, key)), member);
        builder_set(b, key.bytes, key.len, &shown);
    }
    return builder_end(&b);
}

static void
not_known(struct walk *w, const struct part *p, const char *why)
{
    const struct weir_value *v = value_text(why);
    const char *at = p->pointer ? p->pointer : "";
    builder_set(w->unknown, at, strlen(at), &v);
}

/* NULL: it is absent, or not known. MAY: it may be a secret, though it bears no mark: that of an environment. */
static const struct weir_value *
template_shown(struct walk *w, bool may, const struct part *p)
{
    struct weir_error err = { 0 };
    const struct weir_value *v = NULL, *shown = NULL;
    w->s->why = NULL;
    enum weir_code code = part_eval(p, &w->s->scope.env, &v, &err);
    if (w->s->why)
        not_known(w, p, w->s->why);
    else if (code != WEIR_OK && code != WEIR_NOT_FOUND)
        not_known(w, p, err.text);
    else if (code == WEIR_OK && value_type(v) == WEIR_STREAM)
        not_known(w, p, "a stream is read once");
    else if (code == WEIR_OK)
        shown = may ? value_text("***") : url_shown(value_masked(v));
    value_unref(&v);
    value_unref(&err.detail);
    return shown;
}

static const struct weir_value *part_shown(struct walk *w, struct at at, const struct part *p);

static const struct weir_value *
list_shown(struct walk *w, struct at at, const struct part *p)
{
    struct weir_builder *b = builder_list();
    for (unsigned i = 0; i < p->n; i++) {
        const struct weir_value *v = part_shown(w, below(at, spec_item(at.spec, i)), p->items[i]);
        builder_add(b, &v); /* NULL counts as null */
    }
    return builder_end(&b);
}

static const struct weir_value *
map_shown(struct walk *w, struct at at, const struct part *p)
{
    struct weir_builder *b = builder_map();
    for (unsigned i = 0; i < p->n; i++) {
        struct spec spec = spec_member(at.spec, p->keys[i]);
        const struct part *item = p->items[i];
        if (item->kind == PART_CONSTANT && (is_default(spec, item->constant) || is_script(spec, item->constant)))
            continue;
        const struct weir_value *v = part_shown(w, below(at, spec), item);
        if (v)
            builder_set(b, p->keys[i].bytes, p->keys[i].len, &v);
    }
    return builder_end(&b);
}

static const struct weir_value *
part_shown(struct walk *w, struct at at, const struct part *p)
{
    switch (p->kind) {
    case PART_TEMPLATE:
        return template_shown(w, at.may && !p->reads_event, p);
    case PART_LIST:
        return list_shown(w, at, p);
    case PART_MAP:
        return map_shown(w, at, p);
    default:
        return p->n > 0 && p->constant->type == WEIR_MAP ? map_shown(w, at, p) : constant_shown(at, p->constant);
    }
}

const struct weir_value *
given_options(const struct node *n, struct given_scope *s, struct weir_builder *unknown)
{
    struct walk w = { .s = s, .unknown = unknown };
    struct spec spec = spec_of(n->type->schema_doc);
    if (n->config == NULL)
        return value_ref(&value_empty_map);
    const struct weir_value *v = part_shown(&w, (struct at){ spec, false }, n->config);
    return v ? v : value_ref(&value_empty_map);
}

/* -- taking it down -- */

static const char remade[] = "it is made of the time or of chance, and would be another one now";

/* A durable run has one answer for each: now() is kept, uuid() counts how often it was asked. */
static uint64_t
now_ms(struct expr_env *env)
{
    struct given_scope *s = (struct given_scope *)env->arg;
    if (s->scope.run->event->job)
        return job_step_now(s->scope.frame);
    s->why = remade;
    return expr_now_ms(env);
}

static void
uuid(struct expr_env *env, char ret[ID_UUID])
{
    ((struct given_scope *)env->arg)->why = remade;
    expr_uuid(env, ret);
}

bool
given_wanted(const struct run *r, uint32_t code)
{
    return r->engine->jobs && r->depth == 0 && (r->event->job || job_may_keep(r, code));
}

void
given_take(struct frame *f, const struct unit *u, struct failure *failure)
{
    struct given_scope s = { .why = NULL };
    struct weir_builder *unknown = builder_map();
    scope_init(&s.scope, f->run, f);
    s.scope.env.now_ms = now_ms;
    s.scope.env.uuid = uuid;
    given_free(failure);
    failure->options = given_options(u->node, &s, unknown);
    failure->unknown = builder_end(&unknown);
    for (const struct frame *at = f; at && failure->input == NULL; at = at->parent)
        failure->input = at->input ? value_ref(at->input) : NULL; /* else it is the body of the event, which is kept */
}

void
given_free(struct failure *f)
{
    value_unref(&f->options);
    value_unref(&f->unknown);
    value_unref(&f->input);
}

/* The node whose output V is; NULL: it is none's. */
static const struct node *
output_of(const struct run *r, const struct weir_value *v)
{
    for (unsigned i = 0; i < r->flow->pipeline->n_nodes; i++)
        if (r->outputs[i] == v)
            return r->flow->pipeline->nodes[i];
    return NULL;
}

static void
put(struct weir_builder *b, const char *key, const struct weir_value *take_v)
{
    builder_set(b, key, strlen(key), &take_v);
}

/* KEY, or of what is too large its size. */
static void
put_part(struct weir_builder *b, const struct run *r, const char *key, const char *bytes, const struct weir_value *v, size_t *left)
{
    size_t size = value_weight_all(v);
    if (value_type(v) == WEIR_STREAM || size > PART_MAX || size > *left) {
        put(b, bytes, value_int((int64_t)(size < INT64_MAX ? size : INT64_MAX)));
        return;
    }
    const struct weir_value *unmarked = value_masked(v);
    put(b, key, secrets_kept(r->part->generation->secrets, unmarked));
    value_unref(&unmarked);
    *left -= size;
}

void
given_put(struct weir_builder *b, const struct run *r, const struct failure *failure, size_t *left)
{
    if (failure->options == NULL)
        return;
    put_part(b, r, "config", "config_bytes", failure->options, left);
    const struct node *from = failure->input ? output_of(r, failure->input) : NULL;
    if (from)
        put(b, "input_of", value_text(from->id)); /* it stands there */
    else if (failure->input && value_type(failure->input) != WEIR_STREAM)
        put_part(b, r, "input", "input_bytes", failure->input, left);
    if (failure->unknown->len > 0)
        put_part(b, r, "unknown", "unknown_bytes", failure->unknown, left);
}
