/* ws/hub.c - what belongs to one shard; see ws.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ws.h"

#include <stdlib.h>
#include <string.h>

#define SHARDS 64u
#define SEATS_BYTES (64u << 20)

/* Each is used by the thread of its shard alone. */
static struct hub *hubs[SHARDS];

struct weir_table *
hub_seats(struct weir_open *open, struct weir_error *err)
{
    if (far_open(open, err) != WEIR_OK)
        return NULL;
    return host->table(open, "ws/rooms", sizeof(uint64_t), SEATS_BYTES);
}

struct hub *
hub_get(struct weir_shard *s, struct weir_table *seats)
{
    uint32_t index = host->shard_index(s);
    struct hub **at = &hubs[index % SHARDS];
    if (*at == NULL) {
        struct hub *h = zeroed(1, sizeof *h);
        h->shard = s;
        h->index = index;
        h->seats = seats;
        order_listen(h);
        far_listen(h);
        *at = h;
    }
    (*at)->users++;
    return *at;
}

void
hub_leave(struct hub *h)
{
    if (--h->users > 0)
        return;
    hubs[h->index % SHARDS] = NULL;
    host->timer_stop(&h->timer);
    host->unsubscribe(&h->orders);
    host->redis_listen_end(&h->ear);
    names_fini(&h->conns);
    names_fini(&h->rooms);
    names_fini(&h->lines);
    free(h);
}

/* -- lines -- */

struct line *
line_get(struct hub *h, const char *name)
{
    struct line *l = names_get(&h->lines, text_of(name));
    if (l == NULL) {
        l = calloc(1, sizeof *l);
        if (l == NULL || (l->name = strdup(name)) == NULL)
            abort();
        names_add(&h->lines, text_of(name), l);
    }
    l->n++;
    return l;
}

void
line_leave(struct hub *h, struct line **line)
{
    struct line *l = *line;
    *line = NULL;
    if (l == NULL || --l->n > 0)
        return;
    names_remove(&h->lines, text_of(l->name));
    free(l->name);
    free(l);
}

static void
close_deserted(void *thing, void *arg)
{
    (void)arg;
    struct conn *c = thing;
    if (c->line->gate == NULL && c->socket != NULL)
        host->socket_close(c->socket, 1001, WEIR_TEXT("this is not served any more"));
}

static void
on_look(void *arg)
{
    struct hub *h = arg;
    host->timer_stop(&h->timer);
    names_each(&h->conns, close_deserted, NULL);
}

void
line_look(struct hub *h)
{
    if (h->timer == NULL)
        h->timer = host->timer_start(h->shard, 0, on_look, h);
}
