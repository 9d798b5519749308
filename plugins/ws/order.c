/* ws/order.c - what one shard asks of another; see ws.h.
 *
 * An order is published on the shard that it is for, as a map { order, id, value, code } or
 * { room, except, value }.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ws.h"

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
carry_out(struct conn *c, enum order what, const struct weir_value *value, uint32_t code)
{
    struct weir_text text = { "", 0 };
    (void)host->get_text(value, &text);
    switch (what) {
    case ORDER_SEND:
        return host->socket_send(c->socket, value);
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
    const struct weir_value *mine = host->ref(v);
    host->map_set(map, key, &mine);
}

static void
set_text(struct weir_builder *map, struct weir_text key, struct weir_text text)
{
    const struct weir_value *v = host->bytes(text);
    host->map_set(map, key, &v);
}

static void
set_int(struct weir_builder *map, struct weir_text key, int64_t i)
{
    const struct weir_value *v = host->integer(i);
    host->map_set(map, key, &v);
}

bool
order_do(struct hub *h, enum order what, struct weir_text id, const struct weir_value *value, uint32_t code)
{
    uint32_t shard = shard_of(id);
    bool ours = far_is_ours(id);
    if (shard == UINT32_MAX)
        return false;
    if (ours && shard == h->index) {
        struct conn *c = names_get(&h->conns, id);
        return c != NULL && carry_out(c, what, value, code);
    }
    struct weir_builder *map = host->map_new();
    set_int(map, WEIR_TEXT("order"), what);
    set_int(map, WEIR_TEXT("code"), code);
    set_text(map, WEIR_TEXT("id"), id);
    set(map, WEIR_TEXT("value"), value);
    const struct weir_value *order = host->build(&map);
    bool sent = ours ? host->publish_to(h->shard, UINT64_C(1) << shard, TOPIC, order) : h->ear != NULL;
    if (!ours)
        far_send(h, order);
    host->unref(&order);
    return sent;
}

void
order_room(struct hub *h, struct weir_text name, struct weir_text except, const struct weir_value *message)
{
    (void)room_send(h, name, except, message);
    uint64_t others = room_shards(h, name);
    if (others == 0 && h->ear == NULL)
        return;
    struct weir_builder *map = host->map_new();
    set_text(map, WEIR_TEXT("room"), name);
    set_text(map, WEIR_TEXT("except"), except);
    set(map, WEIR_TEXT("value"), message);
    const struct weir_value *order = host->build(&map);
    far_send(h, order);
    if (!host->publish_to(h->shard, others, TOPIC, order))
        host->say(WEIR_WARN, WEIR_TEXT("ws: a message for a room is lost: a shard has too much to do"), NULL);
    host->unref(&order);
}

void
order_take(struct hub *h, const struct weir_value *order)
{
    struct weir_text name = { "", 0 };
    struct weir_text id = { "", 0 };
    const struct weir_value *value = host->get(order, WEIR_TEXT("value"));
    if (host->get_text(host->get(order, WEIR_TEXT("room")), &name)) {
        (void)host->get_text(host->get(order, WEIR_TEXT("except")), &id);
        (void)room_send(h, name, id, value);
        return;
    }
    int64_t what = 0;
    int64_t code = 0;
    (void)host->get_int(host->get(order, WEIR_TEXT("order")), &what);
    (void)host->get_int(host->get(order, WEIR_TEXT("code")), &code);
    (void)host->get_text(host->get(order, WEIR_TEXT("id")), &id);
    struct conn *c = names_get(&h->conns, id);
    if (c != NULL)
        (void)carry_out(c, (enum order)what, value, (uint32_t)code);
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
