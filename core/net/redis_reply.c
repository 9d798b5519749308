/* net/redis_reply.c - replies of Redis (RESP2) as values; see redis_parts.h.
 *
 * The grammar is hiredis' reader's; its callbacks build values straight from its buffer. What
 * one reply may take is bounded here: in bytes, in values, and in the length of a line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <hiredis/read.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "net/redis_parts.h"

#define LINE_MAX (64u << 10) /* of a status or an error */
#define LENGTH_MAX 32u       /* of a line that is a number */

/* Adds V, which is taken, where the reply stands, and ends the arrays that are whole by it. */
static void *
put(struct redis_reader *r, const struct weir_value *v)
{
    while (r->depth > 0) {
        builder_add(r->levels[r->depth - 1].builder, &v);
        if (--r->levels[r->depth - 1].left > 0)
            return r;
        v = builder_end(&r->levels[--r->depth].builder);
    }
    assert(r->value == NULL);
    r->value = v;
    return r;
}

/* Counts one more value; false: there are too many. */
static bool
count(struct redis_reader *r)
{
    r->too_large = ++r->items > REDIS_ITEMS_MAX;
    return !r->too_large;
}

void
redis_clean(struct weir_text text, char *ret, size_t room)
{
    size_t len = 0;
    for (size_t at = 0; at < text.len;) {
        size_t from = at;
        uint32_t point = utf8_next(text, &at);
        bool good = point != UINT32_MAX && point >= ' ' && (point < 0x7f || point > 0x9f);
        size_t need = good ? at - from : 1;
        if (len + need >= room)
            break;
        if (good)
            memcpy(ret + len, text.bytes + from, need);
        else
            ret[len] = '?';
        len += need;
    }
    ret[len] = '\0';
}

/* An error inside an array. */
static const struct weir_value *
error_value(struct weir_text text)
{
    char clean[400];
    redis_clean(text, clean, sizeof clean);
    const struct weir_value *v = value_text(clean);
    struct weir_builder *b = builder_map();
    builder_set(b, "error", 5, &v);
    return builder_end(&b);
}

static void *
create_string(const redisReadTask *task, char *bytes, size_t len)
{
    struct redis_reader *r = task->privdata;
    if (!count(r))
        return NULL;
    struct weir_text text = { bytes, len };
    bool error = task->type == REDIS_REPLY_ERROR;
    if (error && task->parent != NULL)
        return put(r, error_value(text));
    r->error = error;
    return put(r, utf8_valid(text) ? value_string(bytes, len) : value_bytes(bytes, len));
}

static void *
create_array(const redisReadTask *task, int n)
{
    struct redis_reader *r = task->privdata;
    if (!count(r) || (unsigned)n > REDIS_ITEMS_MAX) {
        r->too_large = true;
        return NULL;
    }
    if (n == 0)
        return put(r, &value_empty_list);
    assert(r->depth < REDIS_DEPTH);
    r->levels[r->depth].builder = builder_list();
    r->levels[r->depth++].left = (unsigned)n;
    return r;
}

static void *
create_integer(const redisReadTask *task, long long i)
{
    struct redis_reader *r = task->privdata;
    return count(r) ? put(r, value_int(i)) : NULL;
}

static void *
create_nil(const redisReadTask *task)
{
    struct redis_reader *r = task->privdata;
    return count(r) ? put(r, &value_null) : NULL;
}

/* What there is of a reply is the reader's, not hiredis'. */
static void
free_object(void *object)
{
    (void)object;
}

static redisReplyObjectFunctions functions = { create_string, create_array, create_integer,
                                               create_nil, free_object };

void
redis_reader_init(struct redis_reader *r)
{
    *r = (struct redis_reader){ 0 };
}

void
redis_reader_fini(struct redis_reader *r)
{
    while (r->depth > 0)
        builder_free(&r->levels[--r->depth].builder);
    value_unref(&r->value);
    if (r->hiredis != NULL)
        redisReaderFree(r->hiredis);
    *r = (struct redis_reader){ 0 };
}

void
redis_reader_feed(struct redis_reader *r, const char *bytes, size_t len)
{
    if (r->hiredis == NULL) {
        r->hiredis = redisReaderCreateWithFunctions(&functions);
        if (r->hiredis == NULL)
            abort();
        r->hiredis->privdata = r;
    }
    r->bytes += len;
    if (len > 0 && redisReaderFeed(r->hiredis, bytes, len) != REDIS_OK && r->hiredis->err == REDIS_ERR_OOM)
        abort();
}

/* Whether what waits for more bytes may become a reply that is not too large. HIREDIS looks for
 * the end of a line from its beginning at each new byte, so that lines have to be short. */
static bool
may_grow(const struct redis_reader *r)
{
    const redisReader *h = r->hiredis;
    size_t left = h->len - h->pos;
    if (r->bytes > REDIS_BYTES_MAX)
        return false;
    if (left <= LENGTH_MAX || h->ridx < 0)
        return true;
    int type = h->rstack[h->ridx].type;
    if (type == REDIS_REPLY_STATUS || type == REDIS_REPLY_ERROR)
        return left <= LINE_MAX;
    return memchr(h->buf + h->pos, '\n', LENGTH_MAX) != NULL;
}

enum weir_code
redis_reader_next(struct redis_reader *r, const struct weir_value **ret, bool *ret_error,
                  struct weir_error *err)
{
    void *object = NULL;
    *ret = NULL;
    if (r->hiredis == NULL)
        return WEIR_OK;
    bool good = redisReaderGetReply(r->hiredis, &object) == REDIS_OK;
    if (r->too_large || (good && r->value == NULL && !may_grow(r)))
        return err_set(err, WEIR_UPSTREAM, "sent a reply of more than %u MiB or %u values",
                       REDIS_BYTES_MAX >> 20, REDIS_ITEMS_MAX);
    if (!good)
        return err_set(err, WEIR_UPSTREAM, "sent what is no reply of Redis");
    if (r->value == NULL)
        return WEIR_OK;
    *ret = r->value;
    *ret_error = r->error;
    r->value = NULL;
    r->error = false;
    r->items = 0;
    r->bytes = r->hiredis->len - r->hiredis->pos;
    return WEIR_OK;
}

/* Errors that pass by: the server is there, and cannot do it now. */
static bool
is_later(struct weir_text word)
{
    static const char *const words[] = { "LOADING",  "BUSY",     "MASTERDOWN", "CLUSTERDOWN",
                                         "READONLY", "TRYAGAIN", "OOM",        "NOREPLICAS",
                                         "NOAUTH",   "WRONGPASS" };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (text_is(word, words[i]))
            return true;
    return false;
}

void
redis_reply_error(struct weir_text text, struct weir_error *err)
{
    const char *blank = text.len > 0 ? memchr(text.bytes, ' ', text.len) : NULL;
    struct weir_text word = { text.bytes, blank != NULL ? (size_t)(blank - text.bytes) : text.len };
    char clean[400];
    redis_clean(text, clean, sizeof clean);
    err_set(err, is_later(word) ? WEIR_UNAVAILABLE : WEIR_SCRIPT, "Redis: %s", clean);
    err->sent = 1;
}
