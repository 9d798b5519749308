/* engine/host_tools.c - the host table for schemas, regular expressions, digests, caches, and for
 * what is logged or measured outside of a call. See host.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/host.h"

#include <stdlib.h>

#include "base/digest.h"
#include "base/log.h"
#include "base/random.h"
#include "engine/lru.h"
#include "engine/metrics.h"
#include "value/json.h"
#include "value/regex.h"
#include "value/schema.h"

static void *
new_schema(const struct weir_value *doc, struct weir_error *err)
{
    struct schema *s = NULL;
    return schema_new(doc, NULL, NULL, &s, err) == WEIR_OK ? s : NULL;
}

static void
free_schema(void **schema)
{
    struct schema *s = *schema;
    schema_free(&s);
    *schema = NULL;
}

static uint32_t
check_schema(const void *schema, const struct weir_value *v, struct weir_error *err)
{
    return schema_verify(schema, v, err);
}

static void *
new_regex(struct weir_text pattern, struct weir_error *err)
{
    struct regex *re = NULL;
    return regex_new(pattern, false, &re, err) == WEIR_OK ? re : NULL;
}

static void
free_regex(void **regex)
{
    struct regex *re = *regex;
    regex_free(&re);
    *regex = NULL;
}

static bool
match_regex(const void *regex, struct weir_text text)
{
    return regex_match(regex, text) == REGEX_YES;
}

static void
say(uint32_t level, struct weir_text text, const struct weir_value *fields)
{
    if (level > WEIR_ERROR || !log_wanted((enum weir_level)level))
        return;
    struct buf message, json;
    struct weir_error err;
    buf_init(&message, 8192);
    buf_init(&json, 8192);
    (void)buf_add(&message, text.bytes, text.len < 8000 ? text.len : 8000, NULL);
    const struct weir_value *shown = fields ? value_masked(fields) : NULL;
    if (shown && json_write(&json, shown, &err) != WEIR_OK)
        buf_reset(&json);
    struct log_field field = LOG_J("fields", buf_content(&json));
    log_line((enum weir_level)level, message.bytes, &field, json.len > 0);
    value_unref(&shown);
    buf_fini(&message);
    buf_fini(&json);
}

/* What a plugin sees as struct weir_sink is the exposition's own. */
struct collected {
    weir_collect_fn *fn;
    void *arg;
};

static void
collect(void *arg, struct metric_sink *sink)
{
    const struct collected *c = arg;
    c->fn(c->arg, (struct weir_sink *)(void *)sink);
}

static void
sample(struct weir_sink *sink, const struct weir_text *labels, double v)
{
    metric_sample((struct metric_sink *)(void *)sink, labels, v);
}

static uint32_t
collect_metric(const struct weir_metric *m, weir_collect_fn *fn, void *arg, struct weir_error *err)
{
    struct collected *c = malloc(sizeof *c); /* as long as the process, as the family is */
    if (c == NULL)
        abort();
    *c = (struct collected){ fn, arg };
    if (metric_collect(m, collect, c, err))
        return 1;
    free(c);
    return 0;
}

void
host_fill_tools(struct weir_host *h)
{
    h->schema_new = new_schema;
    h->schema_free = free_schema;
    h->schema_check = check_schema;
    h->regex_new = new_regex;
    h->regex_free = free_regex;
    h->regex_match = match_regex;
    h->digest = digest;
    h->hmac = digest_hmac;
    h->equal_secret = digest_equal;
    h->random = random_bytes;
    h->lru_get = lru_get;
    h->lru_set = lru_set;
    h->lru_drop = lru_drop;
    h->say = say;
    h->metric_collect = collect_metric;
    h->sample = sample;
}
