/* redis/redis_words.c - from values to the words of a command: see redis.h.
 *
 * A word carries its length, so nothing in it can end a command or begin another.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "redis.h"

void
words_drop(struct words *w)
{
    for (unsigned i = 0; i < w->n; i++)
        host->unref(&w->held[i]);
    free(w->texts);
    *w = (struct words){ 0 };
}

/* Room for N words, in one piece. */
static void
make_room(struct words *w, size_t n)
{
    w->texts = zeroed(n + 1, sizeof *w->texts + sizeof(void *) + sizeof *w->numbers);
    w->held = (const struct weir_value **)(void *)(w->texts + n);
    w->numbers = (char(*)[sizeof *w->numbers])(void *)(w->held + n);
    w->n = (unsigned)n;
}

/* The value V as word I. */
static uint32_t
take(struct words *w, unsigned i, const struct weir_value *v, struct weir_error *err)
{
    int64_t integer;
    bool truth = false;
    switch (host->type(v)) {
    case WEIR_NULL:
        err->status = 422;
        return refuse(err, WEIR_INVALID,
                      "null is no argument: write a fallback, such as ${ x ?? '' }");
    case WEIR_STREAM:
        err->status = 422;
        return refuse(err, WEIR_INVALID, "a stream can't be an argument");
    case WEIR_STRING:
    case WEIR_BYTES:
        w->held[i] = host->ref(v);
        break;
    case WEIR_BOOL:
        (void)host->get_bool(v, &truth);
        w->texts[i] = truth ? WEIR_TEXT("true") : WEIR_TEXT("false");
        return WEIR_OK;
    default:
        if (host->get_int(v, &integer)) { /* 5.0 too is 5 for Redis */
            int len = snprintf(w->numbers[i], sizeof w->numbers[i], "%" PRId64, integer);
            w->texts[i] = (struct weir_text){ w->numbers[i], (size_t)len };
            return WEIR_OK;
        }
        if (host->json_write(v, &w->held[i], err) != WEIR_OK)
            return err->code;
    }
    (void)host->get_text(w->held[i], &w->texts[i]);
    return WEIR_OK;
}

uint32_t
words_make(const struct weir_value *const lists[2], const char *const places[2],
           struct words *ret, struct weir_error *err)
{
    size_t n[2] = { 0 };
    *ret = (struct words){ 0 };
    for (unsigned k = 0; k < 2; k++) {
        if (lists[k] == NULL)
            continue;
        n[k] = host->len(lists[k]);
        if (host->type(lists[k]) != WEIR_LIST || n[k] > MAX_WORDS) {
            err->status = 422;
            return refuse(err, WEIR_INVALID, "%s must be a list of at most %u values",
                          places[k], MAX_WORDS);
        }
    }
    make_room(ret, n[0] + n[1]);
    ret->n_first = (unsigned)n[0];
    ret->bytes = ORDER_AROUND;
    for (unsigned i = 0; i < ret->n; i++) {
        unsigned k = i < n[0] ? 0 : 1;
        size_t at = k == 0 ? i : i - n[0];
        if (take(ret, i, host->at(lists[k], at), err) != WEIR_OK)
            return refuse_in(err, "%s/%zu", places[k], at);
        ret->bytes += ret->texts[i].len + WORD_AROUND;
    }
    return WEIR_OK;
}
