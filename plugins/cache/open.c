/* cache/open.c - from the configuration to a node: see README.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"

#define TTL_MAX_MS (UINT64_C(366) * 24 * 3600 * 1000)
#define MAX_BYTES (UINT64_C(64) << 20) /* where nobody says more */
#define MAX_ENTRY (UINT64_C(1) << 20)

static struct weir_text
text_at(const struct weir_value *config, struct weir_text key)
{
    struct weir_text text = WEIR_TEXT("");
    (void)host->get_text(host->get(config, key), &text);
    return text;
}

static uint64_t
number_at(const struct weir_value *config, struct weir_text key, uint64_t otherwise)
{
    int64_t n;
    return host->get_int(host->get(config, key), &n) && n >= 0 ? (uint64_t)n : otherwise;
}

static bool
flag_at(const struct weir_value *config, struct weir_text key)
{
    bool flag = false;
    (void)host->get_bool(host->get(config, key), &flag);
    return flag;
}

/* What the author calls it, or PIPELINE/STEP. */
static uint32_t
take_name(struct weir_open *open, const struct weir_value *config, struct store *s,
          struct weir_error *err)
{
    char own[2 * NAME_MAX_LEN];
    struct weir_text name = text_at(config, WEIR_TEXT("name"));
    struct weir_text pipeline = host->pipeline_name(open);
    struct weir_text node = host->node_id(open);
    if (name.len == 0) {
        int len = snprintf(own, sizeof own, "%.*s/%.*s", (int)pipeline.len, pipeline.bytes,
                           (int)node.len, node.bytes);
        name = (struct weir_text){ own, (size_t)len };
    }
    if (name.len > NAME_MAX_LEN)
        return refuse(err, WEIR_INVALID,
                      "the cache needs a 'name': %.*s/%.*s is too long for one",
                      (int)pipeline.len, pipeline.bytes, (int)node.len, node.bytes);
    s->named = named_open(name);
    return WEIR_OK;
}

/* The memory of the name. Nodes that say no figure take what others have said. */
static void
take_memory(struct weir_open *open, const struct weir_value *config, struct store *s)
{
    char name[sizeof "cache:" + NAME_MAX_LEN];
    uint64_t said = number_at(config, WEIR_TEXT("max_bytes"), s->named->max_bytes);
    s->named->max_bytes = said > 0 ? said : MAX_BYTES;
    snprintf(name, sizeof name, "cache:%s", s->named->name);
    s->lru = host->lru(open, name, s->named->max_bytes);
}

static uint32_t
take_store(struct weir_open *open, const struct weir_value *config, struct store *s,
           struct weir_error *err)
{
    const struct weir_value *v = NULL;
    struct weir_text store = WEIR_TEXT("memory");
    uint32_t slot = host->slot(open, "/store");
    uint32_t code = slot == 0 ? WEIR_OK : host->constant(open, slot, &v, err);
    if (code != WEIR_OK)
        return code;
    (void)host->get_text(v, &store);
    s->max_entry = number_at(config, WEIR_TEXT("max_entry"), MAX_ENTRY);
    if (store.len == 0 || (store.len == 6 && memcmp(store.bytes, "memory", 6) == 0))
        take_memory(open, config, s);
    else if ((s->redis = host->redis(open, store, err)) == NULL)
        code = err->code;
    host->unref(&v);
    return code;
}

static uint32_t
take_metrics(struct weir_open *open, struct store *s, struct weir_error *err)
{
    static const struct weir_metric requests = {
        .size = sizeof requests,
        .kind = WEIR_COUNTER,
        .name = "weir_cache_requests_total",
        .help =
            "What was asked of caches: hit, miss, stale, negative (it is known that there is "
            "nothing), wait (for a call that ran) or error (the store was away).",
        .labels = "cache result",
    };
    static const struct weir_metric skipped = {
        .size = sizeof skipped,
        .kind = WEIR_COUNTER,
        .name = "weir_cache_skipped_total",
        .help =
            "Values that were not kept: large, deep, stream, status (400 and above), changed "
            "(in the meantime) or store (it was away).",
        .labels = "cache reason",
    };
    s->requests = host->metric(open, &requests, err);
    s->skipped = s->requests > 0 ? host->metric(open, &skipped, err) : 0;
    return s->skipped > 0 ? WEIR_OK : err->code;
}

/* A duration, which may be an expression where *RET_SLOT is wanted. */
static uint32_t
take_duration(struct weir_open *open, const struct weir_value *config, const char *pointer,
              uint64_t otherwise, uint32_t *ret_slot, uint64_t *ret_ms, struct weir_error *err)
{
    uint32_t slot = host->slot(open, pointer);
    struct weir_text key = { pointer + 1, strlen(pointer) - 1 };
    bool fixed = slot == 0 || host->slot_flags(open, slot) & WEIR_SLOT_CONSTANT;
    *ret_ms = otherwise;
    if (ret_slot != NULL && !fixed) {
        *ret_slot = slot;
        return WEIR_OK;
    }
    *ret_ms = number_at(config, key, otherwise);
    if (*ret_ms > TTL_MAX_MS)
        return refuse(err, WEIR_INVALID, "'%s' must be 366d at most", pointer + 1);
    return WEIR_OK;
}

/* What all types have. */
static uint32_t
take_common(struct weir_open *open, const struct weir_value *config, struct node *n,
            struct weir_error *err)
{
    n->key = host->slot(open, "/key");
    if (take_metrics(open, &n->store, err) != WEIR_OK ||
        take_name(open, config, &n->store, err) != WEIR_OK)
        return err->code;
    return take_store(open, config, &n->store, err);
}

static struct node *
node_new(void)
{
    struct node *n = zeroed(1, sizeof *n);
    return n;
}

static uint32_t
finish(struct node *n, uint32_t code, void **ret_conf)
{
    if (code == WEIR_OK)
        *ret_conf = n;
    else
        node_close(n);
    return code;
}

uint32_t
cache_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
           struct weir_error *err)
{
    struct node *n = node_new();
    n->block = host->block_find(open, "do");
    uint32_t code = take_common(open, config, n, err);
    if (code == WEIR_OK)
        code = take_duration(open, config, "/ttl", 60000, NULL, &n->ttl_ms, err);
    if (code == WEIR_OK)
        code = take_duration(open, config, "/stale_if_error", 0, NULL, &n->keep_ms, err);
    if (code == WEIR_OK)
        code = take_duration(open, config, "/negative_ttl", 0, NULL, &n->negative_ms, err);
    if (code == WEIR_OK && n->ttl_ms == 0)
        code = refuse(err, WEIR_INVALID, "'ttl' must be longer than 0s");
    return finish(n, code, ret_conf);
}

uint32_t
access_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
            struct weir_error *err)
{
    struct node *n = node_new();
    n->value = host->slot(open, "/value");
    n->stale = flag_at(config, WEIR_TEXT("stale"));
    n->required = flag_at(config, WEIR_TEXT("required"));
    uint32_t code = take_common(open, config, n, err);
    if (code == WEIR_OK)
        code = take_duration(open, config, "/ttl", 60000, &n->ttl, &n->ttl_ms, err);
    if (code == WEIR_OK)
        code = take_duration(open, config, "/keep", 0, &n->keep, &n->keep_ms, err);
    if (code == WEIR_OK)
        code = take_duration(open, config, "/refresh", 0, NULL, &n->refresh_ms, err);
    return finish(n, code, ret_conf);
}

void
node_close(void *conf)
{
    struct node *n = conf;
    if (n->store.named)
        named_close(n->store.named);
    free(n);
}
