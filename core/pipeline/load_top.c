/* pipeline/load_top.c - the keys at the top of a pipeline file.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "expr/template.h"
#include "pipeline/config.h"
#include "pipeline/owned.h"

#define CONCURRENCY_MAX 1000000
#define HOURS_24 86400000u

typedef void top_fn(struct loading *l, const struct yaml_node *key, const struct yaml_node *n);

static void
top_name(struct loading *l, const struct yaml_node *key, const struct yaml_node *n)
{
    struct weir_text name;
    (void)key;
    if (!load_text(l, n, "name", &name))
        return;
    if (!pipeline_name_valid(name))
        load_say(l, n, DIAG_PIPELINE_NAME, NULL,
                 "a pipeline's name is a lower-case letter, then letters, digits, _ and -, at "
                 "most 64 in all");
    l->p->name = own_text(l->p, name);
}

static void
top_description(struct loading *l, const struct yaml_node *key, const struct yaml_node *n)
{
    struct weir_text text;
    (void)key;
    if (load_text(l, n, "description", &text))
        l->p->description = own_text(l->p, text);
}

/* Says that KEY needs a store, if there is none. */
static void
needs_store(struct loading *l, const struct yaml_node *key)
{
    if (!l->options->have_store)
        load_say(l, key, DIAG_NEEDS_STORE, NULL, "'%.*s' needs a store, and none is configured",
                 CLIP(key->text));
}

static void
top_respond(struct loading *l, const struct yaml_node *key, const struct yaml_node *n)
{
    unsigned choice = 0;
    if (!load_choice(l, n, "respond", "result|accepted", &choice))
        return;
    l->p->respond = choice == 1 ? RESPOND_ACCEPTED : RESPOND_RESULT;
    if (choice == 1)
        needs_store(l, key);
    if (choice == 1 && l->p->durable == DURABLE_NO)
        l->p->durable = DURABLE_YES;
}

static void
top_durable(struct loading *l, const struct yaml_node *key, const struct yaml_node *n)
{
    unsigned choice = 0;
    if (!load_choice(l, n, "durable", "false|true|steps", &choice))
        return;
    enum durable asked = (enum durable)choice;
    if (asked > l->p->durable)
        l->p->durable = asked;
    if (asked != DURABLE_NO)
        needs_store(l, key);
}

static void
top_keep_failed(struct loading *l, const struct yaml_node *key, const struct yaml_node *n)
{
    (void)key;
    (void)load_bool(l, n, "keep_failed", &l->p->keep_failed);
}

/* A key that the event gives: an expression, or a map with it under key:. */
static struct part *
load_key(struct loading *l, const struct yaml_node *n, const char *what)
{
    l->sites = &l->run_sites;
    if (!yaml_is_string(n) || config_text(n->text) != TEXT_DYNAMIC) {
        load_say(l, n, DIAG_EXPR_NEEDED, NULL, "the key of '%s' must be an expression in ${ }",
                 what);
        return NULL;
    }
    return load_expression(l, n);
}

static void
top_concurrency(struct loading *l, const struct yaml_node *key, const struct yaml_node *n)
{
    if (n->kind == YAML_SCALAR) {
        (void)load_count(l, n, "concurrency", CONCURRENCY_MAX, &l->p->concurrency);
        return;
    }
    if (!load_map(l, n, "concurrency", "limit|key|when_full"))
        return;
    const struct yaml_node *at = yaml_get(n, "limit");
    if (at == NULL)
        load_say(l, key, DIAG_KEY_MISSING, NULL, "'concurrency' needs a 'limit'");
    else
        (void)load_count(l, at, "limit", CONCURRENCY_MAX, &l->p->concurrency);
    if ((at = yaml_get(n, "key")) != NULL)
        l->p->concurrency_key = load_key(l, at, "concurrency");
    unsigned choice = 0;
    if ((at = yaml_get(n, "when_full")) != NULL &&
        load_choice(l, at, "when_full", "queue|reject", &choice))
        l->p->when_full = choice == 1 ? WHEN_FULL_REJECT : WHEN_FULL_QUEUE;
}

static void
top_order_by(struct loading *l, const struct yaml_node *key, const struct yaml_node *n)
{
    needs_store(l, key);
    if (n->kind == YAML_SCALAR) {
        l->p->order_by = load_key(l, n, "order_by");
        return;
    }
    if (!load_map(l, n, "order_by", "key|on_dead"))
        return;
    const struct yaml_node *at = yaml_get(n, "key");
    if (at == NULL)
        load_say(l, key, DIAG_KEY_MISSING, NULL, "'order_by' needs a 'key'");
    else
        l->p->order_by = load_key(l, at, "order_by");
    unsigned choice = 0;
    if ((at = yaml_get(n, "on_dead")) != NULL &&
        load_choice(l, at, "on_dead", "next|hold", &choice))
        l->p->order_hold = choice == 1;
}

static void
top_timeout(struct loading *l, const struct yaml_node *key, const struct yaml_node *n)
{
    (void)key;
    (void)load_duration(l, n, "timeout", &l->p->timeout_ms);
}

/* Where keys are kept: a text, or an expression of what is known at load. */
static struct part *
load_store(struct loading *l, const struct yaml_node *n)
{
    l->sites = &l->trigger_sites;
    if (yaml_is_string(n))
        return load_expression(l, n);
    load_say(l, n, DIAG_WRONG_TYPE, NULL, "the 'store' of 'idempotency' must be memory, or the URL of a Redis");
    return NULL;
}

static void
top_idempotency(struct loading *l, const struct yaml_node *key, const struct yaml_node *n)
{
    if (n->kind == YAML_SCALAR) {
        l->p->idempotency = load_key(l, n, "idempotency");
        return;
    }
    if (!load_map(l, n, "idempotency", "key|while_running|ttl|store|on_store_error"))
        return;
    const struct yaml_node *at = yaml_get(n, "key");
    if (at == NULL)
        load_say(l, key, DIAG_KEY_MISSING, NULL, "'idempotency' needs a 'key'");
    else
        l->p->idempotency = load_key(l, at, "idempotency");
    unsigned choice = 0;
    if ((at = yaml_get(n, "while_running")) != NULL &&
        load_choice(l, at, "while_running", "wait|refuse", &choice))
        l->p->idempotency_refuse = choice == 1;
    if ((at = yaml_get(n, "ttl")) != NULL)
        (void)load_duration(l, at, "ttl", &l->p->idempotency_ttl_ms);
    if ((at = yaml_get(n, "store")) != NULL)
        l->p->idempotency_store = load_store(l, at);
    if ((at = yaml_get(n, "on_store_error")) != NULL &&
        load_choice(l, at, "on_store_error", "open|closed", &choice))
        l->p->idempotency_closed = choice == 1;
}

static void
top_retry(struct loading *l, const struct yaml_node *key, const struct yaml_node *n)
{
    struct job_retry *retry = own_alloc(l->p, sizeof *retry);
    needs_store(l, key);
    if (!load_retry(l, n, true, &retry->policy))
        return;
    l->p->job_retry = retry;
    const struct yaml_node *pauses = n->kind == YAML_MAP ? yaml_get(n, "schedule") : NULL;
    if (pauses == NULL)
        return;
    retry->schedule_ms = own_alloc(l->p, pauses->n * sizeof *retry->schedule_ms);
    for (unsigned i = 0; i < pauses->n; i++)
        (void)load_duration(l, pauses->items[i], "schedule", &retry->schedule_ms[i]);
    retry->n_schedule = pauses->n;
    if (yaml_get(n, "attempts") == NULL)
        retry->policy.attempts = pauses->n + 1;
}

static void
top_retention(struct loading *l, const struct yaml_node *key, const struct yaml_node *n)
{
    struct retention_times *r = &l->p->retention;
    const struct {
        const char *name;
        uint64_t *ms;
    } times[] = { { "completed", &r->completed_ms },
                  { "cancelled", &r->cancelled_ms },
                  { "dead", &r->dead_ms },
                  { "payloads", &r->payloads_ms } };
    (void)key;
    if (!load_map(l, n, "retention", "completed|cancelled|dead|payloads"))
        return;
    for (unsigned i = 0; i < sizeof times / sizeof *times; i++) {
        const struct yaml_node *at = yaml_get(n, times[i].name);
        if (at != NULL)
            (void)load_duration(l, at, times[i].name, times[i].ms);
    }
}

/* Constants, so that any thread may read them without evaluating. */
static void
refuse_expressions(struct loading *l, const struct yaml_node *n)
{
    if (yaml_is_string(n) && config_text(n->text) == TEXT_DYNAMIC)
        load_say(l, n, DIAG_EXPR_FORBIDDEN, "write it where the value is used",
                 "'vars' holds constants only");
    for (unsigned i = 0; i < n->n; i++)
        refuse_expressions(l, n->items[i]);
}

static void
top_vars(struct loading *l, const struct yaml_node *key, const struct yaml_node *n)
{
    (void)key;
    if (n->kind != YAML_MAP) {
        load_say(l, n, DIAG_WRONG_TYPE, NULL, "'vars' must be a map, not %s",
                 yaml_kind_name(n));
        return;
    }
    refuse_expressions(l, n);
    l->p->vars = own_value(l->p, yaml_value(n));
}

static void
top_tags(struct loading *l, const struct yaml_node *key, const struct yaml_node *n)
{
    (void)key;
    if (n->kind != YAML_LIST) {
        load_say(l, n, DIAG_WRONG_TYPE, NULL, "'tags' must be a list of strings, not %s",
                 yaml_kind_name(n));
        return;
    }
    l->p->tags = own_alloc(l->p, (n->n + 1) * sizeof *l->p->tags);
    struct weir_text tag;
    for (unsigned i = 0; i < n->n; i++)
        if (load_text(l, n->items[i], "tags", &tag))
            l->p->tags[l->p->n_tags++] = own_text(l->p, tag);
}

static void
top_block(struct loading *l, const struct yaml_node *key, const struct yaml_node *n)
{
    struct block *b = load_block(l, NULL, NULL, key);
    struct block **to = text_is(key->text, "steps")   ? &l->p->steps
                        : text_is(key->text, "catch") ? &l->p->catch
                                                      : &l->p->finally;
    *to = b;
    char place[16];
    (void)snprintf(place, sizeof place, "%.*s", CLIP(key->text));
    load_nodes(l, b, key, n, place);
}

static const struct {
    struct weir_text key;
    top_fn *load;
} keys[] = {
    { WORD("name"), top_name },
    { WORD("description"), top_description },
    { WORD("trigger"), load_triggers },
    { WORD("respond"), top_respond },
    { WORD("durable"), top_durable },
    { WORD("keep_failed"), top_keep_failed },
    { WORD("concurrency"), top_concurrency },
    { WORD("order_by"), top_order_by },
    { WORD("timeout"), top_timeout },
    { WORD("idempotency"), top_idempotency },
    { WORD("retry"), top_retry },
    { WORD("retention"), top_retention },
    { WORD("mask"), load_mask },
    { WORD("vars"), top_vars },
    { WORD("steps"), top_block },
    { WORD("catch"), top_block },
    { WORD("finally"), top_block },
    { WORD("tags"), top_tags },
};
enum { N_KEYS = sizeof keys / sizeof *keys };

static void
refuse_key(struct loading *l, const struct yaml_node *key)
{
    struct weir_text names[N_KEYS];
    for (unsigned i = 0; i < N_KEYS; i++)
        names[i] = keys[i].key;
    char hint[128];
    hint_nearest(key->text, names, N_KEYS, hint, sizeof hint);
    if (registry_node(l->options->registry, key->text) != NULL)
        (void)snprintf(hint, sizeof hint,
                       "'%.*s' is a node: it belongs in the list under 'steps:'",
                       CLIP(key->text));
    else if (registry_trigger(l->options->registry, key->text) != NULL)
        (void)snprintf(hint, sizeof hint, "'%.*s' belongs under 'trigger:'", CLIP(key->text));
    else if (hint[0] == '\0' && is_common_key(key->text))
        (void)snprintf(hint, sizeof hint, "'%.*s' belongs to a node", CLIP(key->text));
    load_say(l, key, DIAG_KEY_UNKNOWN, hint[0] != '\0' ? hint : NULL,
             "unknown key '%.*s' at the top of the file", CLIP(key->text));
}

static void
load_key_at(struct loading *l, const struct yaml_node *key, const struct yaml_node *n)
{
    for (unsigned i = 0; i < N_KEYS; i++)
        if (text_equal(keys[i].key, key->text)) {
            keys[i].load(l, key, n);
            return;
        }
    refuse_key(l, key);
}

/* The file's name without folders and ending. */
static void
name_of_file(struct loading *l)
{
    const char *base = strrchr(l->p->file, '/');
    base = base != NULL ? base + 1 : l->p->file;
    size_t len = strlen(base);
    const char *dot = strrchr(base, '.');
    if (dot != NULL && dot != base)
        len = (size_t)(dot - base);
    struct weir_text name = { base, len };
    if (!pipeline_name_valid(name))
        load_say_at(l, (struct mark){ 0 }, DIAG_PIPELINE_NAME, "add a 'name:'",
                    "the file's name can't be the pipeline's: '%.*s'", CLIP(name));
    l->p->name = own_text(l->p, name);
}

void
load_top(struct loading *l)
{
    const struct yaml_node *root = l->yaml->root;
    l->p->keep_failed = true;
    l->p->idempotency_ttl_ms = HOURS_24;
    if (root == NULL || root->kind != YAML_MAP) {
        load_say_at(l, root != NULL ? root->mark : (struct mark){ 0 }, DIAG_WRONG_TYPE, NULL,
                    "a pipeline must be a map with 'steps', not %s",
                    root != NULL ? yaml_kind_name(root) : "an empty file");
        return;
    }
    for (unsigned i = 0; i < root->n; i++)
        load_key_at(l, root->keys[i], root->items[i]);
    const struct yaml_node *durable = yaml_get(root, "durable");
    if (durable != NULL && text_is(durable->text, "false") && l->p->respond == RESPOND_ACCEPTED)
        load_say(l, durable, DIAG_BAD_VALUE, NULL, "'respond: accepted' needs 'durable: true'");
    const struct yaml_node *order = yaml_key(root, "order_by");
    if (order != NULL && l->p->durable == DURABLE_NO)
        load_say(l, order, DIAG_BAD_VALUE, "add 'durable: true'", "'order_by' needs a durable pipeline");
    const struct yaml_node *retry = yaml_key(root, "retry");
    if (retry != NULL && l->p->durable == DURABLE_NO)
        load_say(l, retry, DIAG_BAD_VALUE, "add 'durable: true', or give the 'retry' to a step",
                 "'retry' of a pipeline needs a durable one: nothing else outlives the attempt");
    if (l->p->name == NULL)
        name_of_file(l);
    if (l->p->vars == NULL)
        l->p->vars = value_ref(&value_empty_map);
    if (yaml_key(root, "steps") == NULL)
        load_say(l, root, DIAG_KEY_MISSING, NULL, "a pipeline needs 'steps'");
}
