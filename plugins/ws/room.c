/* ws/room.c - rooms: who is in them, on this shard and on others; see ws.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ws.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* A room did not fit into the table of the process: from then on every shard is told of all. */
static atomic_bool crowded;

static uint32_t
set_bit(void *entry, bool fresh, void *arg)
{
    (void)fresh;
    const struct hub *h = arg;
    *(uint64_t *)entry |= UINT64_C(1) << h->index;
    return 0;
}

static uint32_t
clear_bit(void *entry, bool fresh, void *arg)
{
    (void)fresh;
    const struct hub *h = arg;
    *(uint64_t *)entry &= ~(UINT64_C(1) << h->index);
    return 0;
}

static uint32_t
is_empty(void *entry, bool fresh, void *arg)
{
    (void)fresh;
    (void)arg;
    return *(uint64_t *)entry == 0;
}

static uint32_t
read_bits(void *entry, bool fresh, void *arg)
{
    (void)fresh;
    *(uint64_t *)arg = *(uint64_t *)entry;
    return 0;
}

static struct weir_text
name_of(const struct room *r)
{
    return (struct weir_text){ r->name, r->len };
}

static struct room *
room_new(struct hub *h, struct weir_text name)
{
    struct room *r = zeroed(1, sizeof *r);
    link_init(&r->seats);
    memcpy(r->name, name.bytes, name.len);
    r->len = name.len;
    names_add(&h->rooms, name, r);
    uint32_t ignored;
    if (!host->table_entry(h->seats, name, true, set_bit, h, &ignored)) {
        host->table_sweep(h->seats, is_empty, NULL);
        if (!host->table_entry(h->seats, name, true, set_bit, h, &ignored))
            atomic_store(&crowded, true);
    }
    return r;
}

static void
room_free(struct hub *h, struct room *r)
{
    uint32_t ignored;
    (void)host->table_entry(h->seats, name_of(r), false, clear_bit, h, &ignored);
    names_remove(&h->rooms, name_of(r));
    free(r);
}

static struct seat *
find_seat(const struct conn *c, const struct room *r)
{
    for (struct link *at = c->seats.next; at != &c->seats; at = at->next) {
        struct seat *s = link_entry(at, struct seat, in_conn);
        if (s->room == r)
            return s;
    }
    return NULL;
}

static void
seat_free(struct seat *s)
{
    struct room *r = s->room;
    struct conn *c = s->conn;
    link_remove(&s->in_room);
    link_remove(&s->in_conn);
    c->n_seats--;
    free(s);
    if (--r->n == 0)
        room_free(c->hub, r);
}

bool
room_join(struct conn *c, struct weir_text name)
{
    struct hub *h = c->hub;
    struct room *r = names_get(&h->rooms, name);
    if (r != NULL && find_seat(c, r) != NULL)
        return true;
    if (c->n_seats >= c->max_rooms || name.len == 0 || name.len > ROOM_NAME)
        return false;
    if (r == NULL)
        r = room_new(h, name);
    struct seat *s = zeroed(1, sizeof *s);
    s->room = r;
    s->conn = c;
    link_push(&r->seats, &s->in_room);
    link_push(&c->seats, &s->in_conn);
    r->n++;
    c->n_seats++;
    return true;
}

void
room_leave(struct conn *c, struct weir_text name)
{
    struct room *r = names_get(&c->hub->rooms, name);
    struct seat *s = r != NULL ? find_seat(c, r) : NULL;
    if (s != NULL)
        seat_free(s);
}

void
room_leave_all(struct conn *c)
{
    while (!link_alone(&c->seats))
        seat_free(link_entry(c->seats.next, struct seat, in_conn));
}

uint32_t
room_send(struct hub *h, struct weir_text name, struct weir_text except, struct message *m)
{
    struct room *r = names_get(&h->rooms, name);
    uint32_t n = 0;
    if (r == NULL)
        return 0;
    for (struct link *at = r->seats.next; at != &r->seats; at = at->next) {
        struct conn *c = link_entry(at, struct seat, in_room)->conn;
        if (!text_same(except, (struct weir_text){ c->id, ID_TEXT }))
            n += conn_send(c, m);
    }
    return n;
}

uint64_t
room_shards(const struct hub *h, struct weir_text name)
{
    uint64_t bits = 0;
    uint32_t ignored;
    if (atomic_load_explicit(&crowded, memory_order_relaxed))
        bits = UINT64_MAX;
    else
        (void)host->table_entry(h->seats, name, false, read_bits, &bits, &ignored);
    return bits & ~(UINT64_C(1) << h->index);
}
