/* cache/store.c - see store.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store.h"

#include "line.h"
#include "tagged.h"

#define KEY_ROOM (sizeof "weir:cache::" + NAME_MAX_LEN + 2 * ID_LEN)
#define MEMORY_DEPTH 100u

unsigned
store_epoch(const struct store *s, const uint8_t id[ID_LEN])
{
    return atomic_load(&s->named->epochs[id[0]]);
}

void
store_epoch_next(const struct store *s, const uint8_t id[ID_LEN])
{
    atomic_fetch_add(&s->named->epochs[id[0]], 1);
}

static struct weir_text
id_text(const uint8_t id[ID_LEN])
{
    return (struct weir_text){ (const char *)id, ID_LEN };
}

/* Why E is too much for a store that takes DEPTH levels. */
static const char *
hindrance(const struct store *s, const struct entry *e, unsigned depth)
{
    return entry_hindrance(e->value ? e->value : e->failure, s->max_entry, depth);
}

bool
memory_get(const struct store *s, const uint8_t id[ID_LEN], struct entry *ret)
{
    const struct weir_value *v = NULL;
    uint64_t mark;
    if (!host->lru_get(s->lru, id_text(id), &v, &mark))
        return false;
    bool good = entry_unpack(v, ret);
    host->unref(&v);
    return good;
}

const char *
memory_set(const struct store *s, const uint8_t id[ID_LEN], const struct entry *e)
{
    const char *why = hindrance(s, e, MEMORY_DEPTH);
    if (why != NULL)
        return why;
    const struct weir_value *v = entry_pack(e);
    if (!host->lru_set(s->lru, id_text(id), v, e->fresh_ms))
        why = "large";
    host->unref(&v);
    return why;
}

bool
memory_drop(const struct store *s, const uint8_t id[ID_LEN])
{
    return host->lru_drop(s->lru, id_text(id));
}

/* "weir:cache:NAME:HEX", which all processes agree on, and nobody can make two keys have. */
static struct weir_text
redis_key(const struct store *s, struct weir_text key, char ret[KEY_ROOM])
{
    uint8_t hash[64];
    (void)host->digest(WEIR_SHA256, key, hash);
    struct line l = { .bytes = ret, .room = KEY_ROOM };
    line_text(&l, "weir:cache:");
    line_text(&l, s->named->name);
    line_text(&l, ":");
    line_hex(&l, hash, ID_LEN);
    return line_done(&l);
}

static struct weir_command *
send(struct weir_shard *shard, const struct store *s, const struct weir_text *args, uint32_t n,
     weir_redis_fn *fn, void *arg)
{
    const struct weir_redis_request request = {
        .size = sizeof request,
        .timeout_ms = LOOKUP_MS,
        .args = args,
        .n_args = n,
    };
    return host->redis_send(shard, s->redis, &request, fn, arg);
}

struct weir_command *
redis_get(struct weir_shard *shard, const struct store *s, struct weir_text key,
          weir_redis_fn *fn, void *arg)
{
    char room[KEY_ROOM];
    const struct weir_text args[] = { WEIR_TEXT("GET"), redis_key(s, key, room) };
    return send(shard, s, args, 2, fn, arg);
}

bool
redis_entry(const struct weir_value *reply, struct entry *ret)
{
    struct weir_text json;
    return host->type(reply) == WEIR_STRING && host->get_text(reply, &json) &&
           entry_read(json, ret);
}

struct weir_command *
redis_set(struct weir_shard *shard, const struct store *s, struct weir_text key,
          const struct entry *e, weir_redis_fn *fn, void *arg, const char **ret_why)
{
    char room[KEY_ROOM], digits[20];
    struct weir_text text = { "", 0 };
    *ret_why = hindrance(s, e, TAGGED_DEPTH - 1);
    if (*ret_why != NULL)
        return NULL;
    const struct weir_value *json = entry_write(e);
    (void)(json && host->get_text(json, &text));
    if (text.len == 0 || text.len > s->max_entry) {
        host->unref(&json);
        *ret_why = "large";
        return NULL;
    }
    struct line left = { .bytes = digits, .room = sizeof digits };
    line_number(&left, e->keep_ms - e->set_ms, 1);
    const struct weir_text args[] = { WEIR_TEXT("SET"), redis_key(s, key, room), text, WEIR_TEXT("PX"),
                                      line_done(&left) };
    struct weir_command *sent = send(shard, s, args, 5, fn, arg);
    host->unref(&json);
    return sent;
}

struct weir_command *
redis_drop(struct weir_shard *shard, const struct store *s, struct weir_text key,
           weir_redis_fn *fn, void *arg)
{
    char room[KEY_ROOM];
    const struct weir_text args[] = { WEIR_TEXT("DEL"), redis_key(s, key, room) };
    return send(shard, s, args, 2, fn, arg);
}
