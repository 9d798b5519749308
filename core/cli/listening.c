/* cli/listening.c - see listening.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/listening.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/serve.h"
#include "guard/worker.h"

/* Who was killed a moment ago may still be on its way out, with its sockets. */
#define OPEN_ROUNDS 50
#define OPEN_NAP_NS 20000000l

/* The settings that name addresses, in the order in which a side has them. */
static const struct {
    enum handover_side side;
    const char *key;
    enum edge_kind kind;
} places[] = {
    { HANDOVER_EDGE, "edge.listen", EDGE_PLAIN },
    { HANDOVER_EDGE, "edge.tls.listen", EDGE_TLS },
    { HANDOVER_ADMIN, "admin.listen", EDGE_PLAIN },
};
#define PLACES (sizeof places / sizeof *places)

_Static_assert(PLACES <= HANDOVER_SETTINGS, "each setting has a place");
_Static_assert(HANDOVER_SHARDS >= SHARDS_MAX, "each shard has a place for its socket");
_Static_assert(HANDOVER_ADDRESSES >= EDGE_ADDRESSES, "each address has a place");

enum weir_code
listening_addresses(const struct settings *s, enum handover_side side, struct edge_addresses *ret,
                    struct weir_error *err)
{
    *ret = (struct edge_addresses){ .n = 0 };
    for (size_t i = 0; i < PLACES; i++) {
        if (places[i].side != side)
            continue;
        struct weir_text text = text_of(settings_text(s, places[i].key));
        if (edge_addresses_add(text, places[i].kind, ret, err) != WEIR_OK)
            return err_in(err, "%s", places[i].key);
    }
    return WEIR_OK;
}

unsigned
listening_shards(const struct settings *s)
{
    const struct handover *h = worker_handover();
    uint64_t shards = h ? h->n_shards : settings_number(s, "shards");
    if (shards == 0)
        shards = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);
    return shards > SHARDS_MAX ? SHARDS_MAX : (unsigned)shards;
}

static enum weir_code
open_patiently(struct edge_addresses *a, unsigned n_shards, int *fds)
{
    struct weir_error err;
    enum weir_code code = edge_addresses_open(a, n_shards, fds, &err);
    for (unsigned i = 0; i < OPEN_ROUNDS && code == WEIR_CONFLICT; i++) {
        (void)nanosleep(&(struct timespec){ .tv_nsec = OPEN_NAP_NS }, NULL);
        code = edge_addresses_open(a, n_shards, fds, &err);
    }
    return code;
}

static void
open_side(const struct settings *s, enum handover_side side, struct handover *h)
{
    struct edge_addresses a;
    struct weir_error err;
    struct handover_listen *l = &h->listen[side];
    if (listening_addresses(s, side, &a, &err) != WEIR_OK ||
        open_patiently(&a, h->n_shards, h->fds + h->n_fds) != WEIR_OK)
        return;
    for (unsigned i = 0; i < a.n; i++) {
        l->first[i] = h->n_fds;
        l->count[i] = h->n_shards;
        h->n_fds += h->n_shards;
    }
    l->n = a.n;
}

void
listening_open(const struct settings *s, struct handover *h)
{
    h->n_shards = listening_shards(s);
    for (size_t i = 0; i < PLACES; i++) {
        const char *text = settings_text(s, places[i].key);
        struct handover_setting *to = &h->settings[h->n_settings];
        if (strlen(text) >= sizeof to->text)
            return; /* too many addresses: that is said by who listens */
        memcpy(to->key, places[i].key, strlen(places[i].key) + 1);
        memcpy(to->text, text, strlen(text) + 1);
        h->n_settings++;
    }
    open_side(s, HANDOVER_EDGE, h);
    open_side(s, HANDOVER_ADMIN, h);
}

void
listening_given(enum handover_side side, struct edge_addresses *a)
{
    const struct handover *h = worker_handover();
    if (h == NULL || h->listen[side].n != a->n)
        return;
    const struct handover_listen *l = &h->listen[side];
    for (unsigned i = 0; i < a->n; i++) {
        struct edge_address there;
        const int *given = h->fds + l->first[i];
        if (l->count[i] == 0 || !edge_address_of(given[0], &there))
            continue;
        a->items[i].address = there.address;
        a->items[i].len = there.len;
        a->items[i].given = given;
        a->items[i].n_given = l->count[i];
    }
}

void
listening_settings(struct settings *s, bool activated)
{
    const struct handover *h = worker_handover();
    struct weir_error err;
    for (uint32_t i = 0; h && i < h->n_settings; i++) {
        const struct handover_setting *from = &h->settings[i];
        if (from->activated != activated || strcmp(from->text, settings_text(s, from->key)) == 0)
            continue;
        if (settings_set(s, from->key, from->text, &err) == WEIR_OK && !activated)
            log_say(WEIR_WARN, "the setting %s has changed: it takes effect when weir is started anew", from->key);
    }
}
