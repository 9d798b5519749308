/* ws/order.c - what one shard asks of another; see ws.h.
 *
 * An order is published on the shard that it is for, as a map { order, id, value, code } or
 * { room, except, value }, both with event and event_id if there are such.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ws.h"

#include <stdatomic.h>

/* How often it is said that messages are lost. */
#define LOST_MS 1000u

/* No trigger can listen to it: authors' topics have no blank. */
#define TOPIC WEIR_TEXT("ws order")

/* The shard that a connection lives on; UINT32_MAX: the id is none. */
static uint32_t
shard_of(struct weir_text id)
{
    uint32_t shard = 0;
    if (id.len != ID_TEXT)
        return UINT32_MAX;
    for (size_t i = 0; i < 2; i++) {
        char c = id.bytes[i];
        if (c >= '0' && c <= '9')
            shard = shard * 16 + (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            shard = shard * 16 + (uint32_t)(c - 'a') + 10;
        else
            return UINT32_MAX;
    }
    return shard < 64 ? shard : UINT32_MAX;
}

static bool
carry_out(struct conn *c, enum order what, struct message *m, uint32_t code)
{
    struct weir_text text = { "", 0 };
    (void)host->get_text(m->value, &text);
    switch (what) {
    case ORDER_SEND:
        return conn_send(c, m);
    case ORDER_JOIN:
        return room_join(c, text);
    case ORDER_LEAVE:
        room_leave(c, text);
        return true;
    case ORDER_CLOSE:
        host->socket_close(c->socket, code, text);
        return true;
    }
    return false;
}

static void
set(struct weir_builder *map, struct weir_text key, const struct weir_value *v)
{
    map_take(map, key, host->ref(v));
}

static void
set_text(struct weir_builder *map, struct weir_text key, struct weir_text text)
{
    map_take(map, key, host->bytes(text));
}

static void
set_int(struct weir_builder *map, struct weir_text key, int64_t i)
{
    map_take(map, key, host->integer(i));
}

static void
set_message(struct weir_builder *map, const struct message *m)
{
    set(map, WEIR_TEXT("value"), m->value);
    if (m->event.len > 0)
        set_text(map, WEIR_TEXT("event"), m->event);
    if (m->id.len > 0)
        set_text(map, WEIR_TEXT("event_id"), m->id);
}

bool
order_do(struct hub *h, enum order what, struct weir_text id, struct message *m, uint32_t code)
{
    uint32_t shard = shard_of(id);
    bool ours = far_is_ours(id);
    if (shard == UINT32_MAX)
        return false;
    if (ours && shard == h->index) {
        struct conn *c = names_get(&h->conns, id);
        return c != NULL && carry_out(c, what, m, code);
    }
    struct weir_builder *map = host->map_new();
    set_int(map, WEIR_TEXT("order"), what);
    set_int(map, WEIR_TEXT("code"), code);
    set_text(map, WEIR_TEXT("id"), id);
    set_message(map, m);
    const struct weir_value *order = host->build(&map);
    bool sent = ours ? host->publish_to(h->shard, UINT64_C(1) << shard, TOPIC, order) : h->ear != NULL;
    if (!ours)
        far_send(h, order);
    host->unref(&order);
    return sent;
}

/* One line for all that is lost in a while, on whichever shard: who floods a room is not to flood the log. */
static void
say_lost(uint64_t now_ms)
{
    static _Atomic uint64_t said_ms, lost;
    uint64_t before_ms = atomic_load(&said_ms);
    (void)atomic_fetch_add(&lost, 1);
    bool due = before_ms == 0 || now_ms >= before_ms + LOST_MS;
    if (!due || !atomic_compare_exchange_strong(&said_ms, &before_ms, now_ms))
        return;
    const struct weir_value *v = host->integer((int64_t)atomic_exchange(&lost, 0));
    struct weir_builder *fields = host->map_new();
    host->map_set(fields, WEIR_TEXT("lost"), &v);
    v = host->build(&fields);
    host->say(WEIR_WARN, WEIR_TEXT("ws: messages for a room are lost: a shard has too much to do"), v);
    host->unref(&v);
}

void
order_room(struct hub *h, struct weir_text name, struct weir_text except, struct message *m)
{
    (void)room_send(h, name, except, m);
    uint64_t others = room_shards(h, name);
    if (others == 0 && h->ear == NULL)
        return;
    struct weir_builder *map = host->map_new();
    set_text(map, WEIR_TEXT("room"), name);
    set_text(map, WEIR_TEXT("except"), except);
    set_message(map, m);
    const struct weir_value *order = host->build(&map);
    far_send(h, order);
    if (!host->publish_to(h->shard, others, TOPIC, order))
        say_lost(host->now_ms(h->shard));
    host->unref(&order);
}

void
order_take(struct hub *h, const struct weir_value *order)
{
    struct weir_text name = { "", 0 };
    struct weir_text id = { "", 0 };
    struct message m = { .value = host->get(order, WEIR_TEXT("value")) };
    (void)host->get_text(host->get(order, WEIR_TEXT("event")), &m.event);
    (void)host->get_text(host->get(order, WEIR_TEXT("event_id")), &m.id);
    if (host->get_text(host->get(order, WEIR_TEXT("room")), &name)) {
        (void)host->get_text(host->get(order, WEIR_TEXT("except")), &id);
        (void)room_send(h, name, id, &m);
        host->unref(&m.lines);
        return;
    }
    int64_t what = 0;
    int64_t code = 0;
    (void)host->get_int(host->get(order, WEIR_TEXT("order")), &what);
    (void)host->get_int(host->get(order, WEIR_TEXT("code")), &code);
    (void)host->get_text(host->get(order, WEIR_TEXT("id")), &id);
    struct conn *c = names_get(&h->conns, id);
    if (c != NULL)
        (void)carry_out(c, (enum order)what, &m, (uint32_t)code);
    host->unref(&m.lines);
}

static void
on_order(void *arg, struct weir_text topic, const struct weir_value *order)
{
    (void)topic;
    order_take(arg, order);
}

void
order_listen(struct hub *h)
{
    h->orders = host->subscribe(h->shard, TOPIC, on_order, h);
}
