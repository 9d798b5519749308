/* engine/host_tools.c - the host table for schemas, regular expressions, digests, caches, and for
 * what is logged or measured outside of a call. See host.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/host.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/ed25519.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/random.h"
#include "base/sip.h"
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

static size_t
hmac_parts(uint32_t algorithm, struct weir_text key, const struct weir_text *parts, uint32_t n, uint8_t ret[64])
{
    return digest_hmac_parts(algorithm, key, parts, n, ret);
}

static bool
verify_ed25519(struct weir_text key, const struct weir_text *parts, uint32_t n, struct weir_text signature)
{
    return ed25519_verify(key, parts, n, signature);
}

static bool
sign_ed25519(struct weir_text key, const struct weir_text *parts, uint32_t n, uint8_t ret[64])
{
    return ed25519_sign(key, parts, n, ret);
}

/* B, if it is GOOD and no more than ROOM, goes to RET. */
static size_t
handed_out(struct buf *b, bool good, void *ret, size_t room)
{
    size_t len = good && b->len <= room ? b->len : SIZE_MAX;
    if (len != SIZE_MAX && len > 0)
        memcpy(ret, b->bytes, len);
    buf_fini(b);
    return len;
}

static size_t
base64_write(struct weir_text bytes, char *ret, size_t room)
{
    struct buf b;
    buf_init(&b, SIZE_MAX / 2);
    bool good = base64_encode(&b, bytes, false);
    return handed_out(&b, good, ret, room);
}

static size_t
base64_read(struct weir_text text, uint8_t *ret, size_t room)
{
    struct buf b;
    struct weir_error err;
    buf_init(&b, SIZE_MAX / 2);
    bool good = text.len % 4 == 0; /* base64_decode takes less, and the other alphabet */
    for (size_t i = 0; i < text.len && good; i++)
        good = text.bytes[i] != '-' && text.bytes[i] != '_';
    good = good && base64_decode(&b, text, &err) == WEIR_OK;
    return handed_out(&b, good, ret, room);
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
    if (m->kind == WEIR_HISTOGRAM) { /* struct weir_sink takes single values */
        err_set(err, WEIR_INVALID, "a histogram can't be worked out when it is read");
        return 0;
    }
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
    h->digest_local = sip_local;
    h->hmac = digest_hmac;
    h->equal_secret = digest_equal;
    h->random = random_bytes;
    h->hmac_parts = hmac_parts;
    h->ed25519_verify = verify_ed25519;
    h->ed25519_sign = sign_ed25519;
    h->base64_write = base64_write;
    h->base64_read = base64_read;
    h->lru_get = lru_get;
    h->lru_set = lru_set;
    h->lru_drop = lru_drop;
    h->say = say;
    h->metric_collect = collect_metric;
    h->sample = sample;
}
