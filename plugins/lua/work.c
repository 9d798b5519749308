/* lua/work.c - see script.h: work that goes over a large text at once, on another thread.
 *
 * What the engine reads or digests can't be left in the middle. So it is done by a worker, with a
 * copy of the text, while the strand waits as it waits for a lent node.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "script.h"

/* What is shorter is done at once: to hand it over would take longer. */
#define LARGE 32768u

struct work {
    struct strand *strand; /* NULL: nobody waits for it any more */
    uint64_t weight;       /* bytes that its result may take, counted in advance */
    uint64_t read;         /* that it takes */
    uint64_t spent_ns;     /* that the worker computed for it */
    uint32_t algorithm;    /* of a digest; 0: it is JSON that is read */
    bool keyed;
    char *text; /* the key, then the text */
    size_t key_len;
    size_t len; /* without the key's */
    const struct weir_value *result; /* owned */
    struct weir_error err;
};

/* -- on the worker's thread -- */

static void
compute(struct work *w)
{
    uint8_t hash[64];
    struct weir_text key = { w->text, w->key_len };
    struct weir_text text = { w->text + w->key_len, w->len };
    if (w->algorithm == 0) {
        if (host->json_read(text, &w->result, &w->err) == WEIR_OK)
            w->read = value_weight(w->result, UINT64_MAX);
        return;
    }
    size_t len = w->keyed ? host->hmac(w->algorithm, key, text, hash)
                          : host->digest(w->algorithm, text, hash);
    w->result = host->bytes((struct weir_text){ (const char *)hash, len });
}

static uint64_t
thread_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void
run(void *arg)
{
    struct work *w = arg;
    uint64_t before = thread_ns();
    compute(w);
    w->spent_ns = thread_ns() - before;
}

/* -- on the shard's -- */

static void
work_free(struct work *w)
{
    host->unref(&w->result);
    host->unref(&w->err.detail);
    free(w->text);
    free(w);
}

void
work_forget(struct strand *s)
{
    struct work *w = s->work;
    if (w == NULL)
        return;
    s->call->vm->heap.outside -= w->weight;
    s->work = NULL;
    s->asked = false;
    w->strand = NULL;
}

static void
worked(void *arg, bool dropped)
{
    struct work *w = arg;
    struct strand *s = w->strand;
    if (dropped)
        refuse(&w->err, WEIR_UNAVAILABLE, "weir ends");
    if (s != NULL) {
        /* It is computing of the call, wherever that is done; to wait for a worker is not. */
        struct budget *b = &s->call->budget;
        b->time_ns -= w->spent_ns < b->time_ns ? w->spent_ns : b->time_ns;
        s->weight = w->read;
        work_forget(s);
        strand_answer(s, w->result, &w->err);
    }
    work_free(w);
}

static struct work *
work_new(struct weir_text key, struct weir_text text)
{
    struct work *w = calloc(1, sizeof *w);
    if (w == NULL || (w->text = malloc(key.len + text.len + 1)) == NULL)
        abort();
    if (key.len > 0)
        memcpy(w->text, key.bytes, key.len);
    memcpy(w->text + key.len, text.bytes, text.len);
    w->key_len = key.len;
    w->len = text.len;
    return w;
}

/* Has W done for the strand that runs, and goes on in THEN with its answer. */
static int
begin(lua_State *L, struct work *w, lua_KFunction then)
{
    struct strand *s = vm_of(L)->strand;
    host->unref(&s->answer);
    s->error = (struct weir_error){ 0 };
    if (!s->call->world->work(s, run, worked, w)) { /* there is no worker */
        compute(w);
        s->weight = w->read;
        s->answer = w->result;
        s->error = w->err;
        w->result = NULL;
        w->err.detail = NULL;
        work_free(w);
        return then(L, LUA_OK, 0);
    }
    w->strand = s;
    s->call->vm->heap.outside += w->weight;
    s->work = w;
    s->state = STRAND_WAITING;
    return lua_yieldk(L, 0, 0, then);
}

bool
work_is_large(lua_State *L, size_t len)
{
    return len > LARGE && vm_of(L)->strand != NULL && lua_isyieldable(L);
}

int
work_json(lua_State *L, struct weir_text text, uint64_t weight, lua_KFunction then)
{
    struct work *w = work_new((struct weir_text){ "", 0 }, text);
    w->weight = weight;
    return begin(L, w, then);
}

static int
digested(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    struct strand *s = vm_of(L)->strand;
    struct weir_text t = { "", 0 };
    if (s->answer == NULL)
        return luaL_error(L, "%s", s->error.text);
    (void)host->get_text(s->answer, &t);
    lua_pushlstring(L, t.bytes, t.len);
    host->unref(&s->answer);
    return 1;
}

int
work_digest(lua_State *L, uint32_t algorithm, const struct weir_text *key, struct weir_text text)
{
    struct work *w = work_new(key ? *key : (struct weir_text){ "", 0 }, text);
    w->algorithm = algorithm;
    w->keyed = key != NULL;
    return begin(L, w, digested);
}
