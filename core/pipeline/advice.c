/* pipeline/advice.c - what is legal but unwise, and what only certain types can't do.
 *
 * The one file of the loader that knows types by name: webhook, websocket, sse, switch, breaker, foreach and
 * reply. Where such a type lacks the option or block that an advice is about, it is silent.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "pipeline/loading.h"
#include "pipeline/sight.h"
#include "pipeline/spec.h"

static bool
is_type(const struct node *n, const char *name)
{
    return strcmp(n->type->abi.name, name) == 0;
}

static bool
has_property(const struct weir_value *schema_doc, const char *name)
{
    return value_field(spec_properties(spec_of(schema_doc)), name) != NULL;
}

static bool
has_child(const struct node *n, const char *path)
{
    for (unsigned i = 0; i < n->n_children; i++)
        if (strcmp(n->children[i].path, path) == 0)
            return true;
    return false;
}

static bool
type_has_block(const struct node *n, const char *path)
{
    for (unsigned i = 0; i < n->type->abi.n_blocks; i++)
        if (strcmp(n->type->abi.blocks[i].path, path) == 0)
            return true;
    return false;
}

static void
advise_missing_block(struct loading *l, const struct node *n, const char *type,
                     const char *path, enum diag_code code)
{
    if (is_type(n, type) && type_has_block(n, path) && !has_child(n, path))
        load_say_at(l, n->mark, code, NULL, "%s '%s' has no '%s'", type, n->id, path);
}

/* An environment in which nothing can be found: only constants can be evaluated. */
struct constant_env {
    struct expr_env env;
    bool varies; /* it asked for something that is not the same every time */
};

static enum weir_code
find_nothing(struct expr_env *env, const struct expr_path *path, struct weir_value *ret,
             unsigned *ret_used, struct weir_error *err)
{
    (void)path;
    (void)ret;
    struct constant_env *c = env->arg;
    c->varies = true;
    *ret_used = 1;
    return err_set(err, WEIR_NOT_FOUND, "not a constant");
}

static uint64_t
no_time(struct expr_env *env)
{
    struct constant_env *c = env->arg;
    c->varies = true;
    return 0;
}

static void
no_uuid(struct expr_env *env, char ret[ID_UUID])
{
    struct constant_env *c = env->arg;
    c->varies = true;
    memset(ret, '0', ID_UUID - 1);
    ret[ID_UUID - 1] = '\0';
}

static struct constant_env *
constant_env_init(struct constant_env *c)
{
    *c = (struct constant_env){
        .env = { .find = find_nothing, .now_ms = no_time, .uuid = no_uuid, .arg = c },
    };
    return c;
}

/* Whether a part is the same bool every time; which in *ret. */
static bool
constant_bool(const struct part *p, bool *ret)
{
    struct constant_env c;
    struct weir_error err = { 0 };
    const struct weir_value *v = NULL;
    enum weir_code code = part_eval(p, &constant_env_init(&c)->env, &v, &err);
    value_unref(&err.detail);
    bool is = code == WEIR_OK && !c.varies && value_type(v) == WEIR_BOOL;
    if (is)
        *ret = v->boolean;
    value_unref(&v);
    return is;
}

static void
advise_condition(struct loading *l, const struct node *n)
{
    struct constant_env c;
    struct weir_error err = { 0 };
    bool runs = true;
    enum weir_code code =
        expr_eval_bool(n->condition, &constant_env_init(&c)->env, &runs, &err);
    value_unref(&err.detail);
    if (code == WEIR_OK && !c.varies && !runs)
        load_say_at(l, n->mark, DIAG_NODE_NEVER, NULL,
                    "node '%s' never runs: its 'if' is always false", n->id);
}

/* The text of the expression in a when, for comparing; empty if there is none. */
static struct weir_text
when_text(const struct draft *d, const struct part *when)
{
    for (const struct site *s = d->sites.first; s != NULL; s = s->next)
        if (s->part == when)
            return s->yaml->text;
    return (struct weir_text){ "", 0 };
}

/* Cases in a list are tried in order: what stands behind one that is always true, and a
 * second one with the same condition, is never reached. */
static void
check_cases(struct loading *l, const struct draft *d)
{
    const struct node *n = d->node;
    const struct child *always = NULL;
    struct map seen;
    map_init(&seen);
    for (unsigned i = 0; i < n->n_children; i++) {
        const struct child *c = &n->children[i];
        if (c->n_keys == 0 || strcmp(c->keys[0], "when") != 0 || c->parts[0] == NULL)
            continue;
        const struct part *when = c->parts[0];
        struct weir_text text = when_text(d, when);
        bool yes = true;
        bool fixed = constant_bool(when, &yes);
        if (always != NULL)
            load_say_at(l, when->mark, DIAG_CASE_UNREACHABLE, NULL,
                        "this case is never reached: the one in line %u is always true",
                        always->parts[0]->mark.line);
        else if (fixed && !yes)
            load_say_at(l, when->mark, DIAG_CASE_UNREACHABLE, NULL,
                        "this case is never reached: its 'when' is always false");
        else if (text.len > 0 && map_set(&seen, text.bytes, text.len, (void *)when) != NULL)
            load_say_at(l, when->mark, DIAG_CASE_UNREACHABLE, NULL,
                        "this case is never reached: one above has the same 'when'");
        if (fixed && yes && always == NULL)
            always = c;
    }
    map_fini(&seen);
}

/* A switch over a fixed value takes one case, the same every time. */
static void
check_fixed_switch(struct loading *l, const struct node *n)
{
    const struct weir_value *v =
        n->type->shorthand != NULL ? value_field(n->config_value, n->type->shorthand) : NULL;
    if (!is_type(n, "switch") || v == NULL || value_type(v) != WEIR_STRING ||
        (v->flags & VALUE_DYNAMIC))
        return;
    load_say_at(l, n->mark, DIAG_CASE_UNREACHABLE, "write it in ${ } if it is an expression",
                "switch '%s' chooses by a fixed text: '%.*s'", n->id, CLIP(value_as_text(v)));
}

static void
advise_retry(struct loading *l, const struct draft *d)
{
    const struct node *n = d->node;
    /* a type may rely on its configuration being a good one */
    if (l->d->errors > l->errors || n->retry.attempts < 2 || node_effect(n) != WEIR_EFFECT_UNSAFE)
        return;
    const struct yaml_node *key = yaml_key(d->yaml, "retry");
    load_say_at(l, key != NULL ? key->mark : n->mark, DIAG_UNSAFE_RETRY,
                "say 'effect: idempotent' if running it twice does no harm",
                "node '%s' is unsafe to run twice, and has a retry", n->id);
}

/* A deadline that a type has in its own configuration, as a breaker does. */
static uint64_t
config_timeout(const struct node *n)
{
    const struct weir_value *property =
        value_field(spec_properties(spec_of(n->type->schema_doc)), "timeout");
    const struct weir_value *v = value_field(n->config_value, "timeout");
    bool duration = property != NULL &&
                    text_is(spec_text((struct spec){ n->type->schema_doc, property }, "format"),
                            "duration");
    return duration && v != NULL && value_type(v) == WEIR_INT && v->integer > 0
               ? (uint64_t)v->integer
               : 0;
}

/* The earlier of two deadlines, of which 0 is none. */
static uint64_t
earlier(uint64_t a, uint64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* The earliest deadline of all that encloses N. */
static uint64_t
outer_timeout(const struct loading *l, const struct node *n)
{
    uint64_t ms = in_finally(l->p, n->in) ? 0 : l->p->timeout_ms;
    for (const struct node *o = n->in->owner; o != NULL; o = o->in->owner)
        ms = earlier(ms, earlier(o->timeout_ms, config_timeout(o)));
    return ms;
}

static void
say_timeout(struct loading *l, const struct node *n, const char *what, uint64_t ms,
            uint64_t outer)
{
    if (ms == 0 || outer == 0 || ms <= outer)
        return;
    char is[32], around[32];
    duration_text(ms, is, sizeof is);
    duration_text(outer, around, sizeof around);
    load_say_at(l, n->mark, DIAG_TIMEOUT_INNER, NULL,
                "the %s of node '%s' is %s, what encloses it ends after %s", what, n->id, is,
                around);
}

static void
advise_timeouts(struct loading *l, const struct node *n)
{
    uint64_t outer = outer_timeout(l, n);
    say_timeout(l, n, "timeout", n->timeout_ms, outer);
    outer = earlier(outer, n->timeout_ms);
    say_timeout(l, n, "retry.timeout", n->retry.timeout_ms, outer);
    outer = earlier(outer, n->retry.timeout_ms);
    char what[80];
    (void)snprintf(what, sizeof what, "%.60s.timeout", n->type->abi.name);
    say_timeout(l, n, what, config_timeout(n), outer);
}

static void
advise_foreach(struct loading *l, const struct node *n)
{
    static const char *const bounds[] = { "max_items", "max", "limit" };
    for (unsigned i = 0; is_type(n, "foreach") && i < sizeof bounds / sizeof *bounds; i++) {
        if (!has_property(n->type->schema_doc, bounds[i]))
            continue;
        if (value_field(n->config_value, bounds[i]) == NULL && n->config->reads_event)
            load_say_at(l, n->mark, DIAG_FOREACH_UNBOUNDED, NULL, "foreach '%s' has no '%s'",
                        n->id, bounds[i]);
        return;
    }
}

static void
check_reply(struct loading *l, const struct node *n)
{
    if (is_type(n, "reply") && in_finally(l->p, n->in))
        load_say_at(l, n->mark, DIAG_REPLY_IN_FINALLY, NULL,
                    "finally runs after the reply was sent");
}

/* Whether N is in the catch or the finally of its pipeline. */
static bool
is_late(const struct pipeline *p, const struct node *n)
{
    const struct block *b = n->in;
    while (b->outer != NULL)
        b = b->outer;
    return b == p->catch || in_finally(p, n->in);
}

/* Whether N is lent to a node, or inside what is. */
static bool
is_lent(const struct node *n)
{
    for (const struct block *b = n->in; b != NULL && b->owner != NULL; b = b->owner->in)
        for (unsigned i = 0; i < b->owner->n_children; i++)
            if (b->owner->children[i].block == b && b->type == NULL)
                return true;
    return false;
}

static void
check_wait(struct loading *l, const struct node *n)
{
    if (!(n->type->abi.flags & WEIR_WAITS))
        return;
    if (l->p->durable == DURABLE_NO)
        load_say_at(l, n->mark, DIAG_WAIT_PLACE, "add 'durable: true'",
                    "%s needs a durable pipeline", n->type->abi.name);
    else if (is_lent(n))
        load_say_at(l, n->mark, DIAG_WAIT_PLACE, NULL, "%s can't be lent", n->type->abi.name);
    else if (is_late(l->p, n))
        load_say_at(l, n->mark, DIAG_WAIT_PLACE, NULL, "%s can't stand in catch or finally",
                    n->type->abi.name);
}

static void
check_durable_stream(struct loading *l, const struct node *n)
{
    const struct weir_value *stream = value_field(n->config_value, "stream");
    if (pipeline_records(l->p) && stream != NULL && value_type(stream) == WEIR_BOOL &&
        stream->boolean)
        load_say_at(l, n->mark, DIAG_STREAM_USE, NULL,
                    "a stream can't be kept: each step of this pipeline is recorded");
}

static void
advise_node(struct loading *l, const struct draft *d)
{
    const struct node *n = d->node;
    advise_missing_block(l, n, "switch", "default", DIAG_SWITCH_WITHOUT_DEFAULT);
    advise_missing_block(l, n, "breaker", "fallback", DIAG_BREAKER_WITHOUT_FALLBACK);
    if (n->condition != NULL)
        advise_condition(l, n);
    check_cases(l, d);
    check_fixed_switch(l, n);
    advise_retry(l, d);
    advise_timeouts(l, n);
    advise_foreach(l, n);
    check_reply(l, n);
    check_durable_stream(l, n);
    check_wait(l, n);
}

/* Whether LIST, of texts, has TEXT; NULL has none. */
static bool
has_text(const struct weir_value *list, const char *text)
{
    const struct weir_value *v;
    for (size_t i = 0; list != NULL && (v = value_at(list, i)) != NULL; i++)
        if (value_type(v) == WEIR_STRING && text_is(value_as_text(v), text))
            return true;
    return false;
}

/* One way in: its tokens should come to an end. */
static void
advise_way(struct loading *l, const struct trigger *t, const struct weir_value *way)
{
    const struct weir_value *jwt = value_type(way) == WEIR_MAP ? value_field(way, "jwt") : NULL;
    const struct weir_value *required = jwt && value_type(jwt) == WEIR_MAP ? value_field(jwt, "required") : NULL;
    if (required && value_type(required) == WEIR_LIST && !has_text(required, "exp"))
        load_say_at(l, t->mark, DIAG_TOKEN_FOREVER, NULL,
                    "'exp' is not one of the claims that 'jwt' requires: a token may be good for ever");
}

static void
advise_tokens(struct loading *l, const struct trigger *t)
{
    const struct weir_value *auth = value_field(t->config_value, "auth"), *way;
    if (auth == NULL || !has_property(t->type->schema_doc, "auth"))
        return;
    advise_way(l, t, auth);
    for (size_t i = 0; value_type(auth) == WEIR_LIST && (way = value_at(auth, i)) != NULL; i++)
        advise_way(l, t, way);
}

/* That nobody is asked who he is where others can call. */
static void
advise_trigger(struct loading *l, const struct trigger *t)
{
    bool has = false;
    bool says = false;
    static const char *const ways[] = { "verify", "auth" };
    for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++) {
        has |= has_property(t->type->schema_doc, ways[i]);
        says |= value_field(t->config_value, ways[i]) != NULL;
    }
    if (!has || says || !l->options->edge_public)
        return;
    const char *name = t->type->abi.name;
    if (strcmp(name, "webhook") == 0)
        load_say_at(l, t->mark, DIAG_WEBHOOK_OPEN, NULL,
                    "anybody can call this webhook: it has neither 'auth' nor 'verify'");
    else if ((strcmp(name, "websocket") == 0 || strcmp(name, "sse") == 0) &&
             !has_text(value_field(t->config_value, "on"), "open")) /* a run that could refuse */
        load_say_at(l, t->mark, DIAG_WEBHOOK_OPEN, NULL,
                    "anybody can open this %s: it has no 'auth', and no run on 'open' that could refuse", name);
}

void
advice_check(struct loading *l)
{
    mask_advise(l);
    for (unsigned i = 0; i < l->p->n_triggers; i++)
        advise_trigger(l, l->p->triggers[i]);
    for (unsigned i = 0; i < l->p->n_triggers; i++)
        advise_tokens(l, l->p->triggers[i]);
    for (unsigned i = 0; i < l->p->n_nodes; i++)
        l->p->waits |= (l->p->nodes[i]->type->abi.flags & WEIR_WAITS) != 0;
    for (unsigned i = 0; i < l->p->n_nodes && !l->d->full; i++)
        advise_node(l, l->drafts[i]);
    const struct yaml_node *key = yaml_key(l->yaml->root, "idempotency");
    if (key != NULL && l->p->durable == DURABLE_NO && l->p->idempotency_store == NULL)
        load_say(l, key, DIAG_IDEMPOTENCY_MEMORY, NULL,
                 "without 'durable: true' the keys are kept in the memory of this process only: "
                 "a restart forgets them");
}
