/* cli/listening.c - see listening.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/listening.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/serve.h"
#include "guard/activation.h"
#include "guard/worker.h"

/* Who was killed a moment ago may still be on its way out, with its sockets. */
#define OPEN_ROUNDS 50
#define OPEN_NAP_NS 20000000l

/* The settings that name addresses, in the order in which a side has them; NAME is that of a
 * socket of systemd's which takes their place. */
static const struct {
    enum handover_side side;
    const char *key;
    const char *name;
    enum edge_kind kind;
} places[] = {
    { HANDOVER_EDGE, "edge.listen", "edge", EDGE_PLAIN },
    { HANDOVER_EDGE, "edge.tls.listen", "tls", EDGE_TLS },
    { HANDOVER_EDGE, "edge.redirect_listen", "redirect", EDGE_REDIRECT },
    { HANDOVER_ADMIN, "admin.listen", "admin", EDGE_PLAIN },
};
#define PLACES (sizeof places / sizeof *places)

_Static_assert(PLACES <= HANDOVER_SETTINGS, "each setting has a place");
_Static_assert(HANDOVER_SHARDS >= SHARDS_MAX, "each shard has a place for its socket");
_Static_assert(ORDER_PATH == sizeof(((struct sockaddr_un *)0)->sun_path), "each path has room");
_Static_assert(HANDOVER_ADDRESSES >= EDGE_ADDRESSES, "each address has a place");

/* Reads a mode such as 0660. */
static enum weir_code
read_mode(const struct settings *t, const char *key, unsigned *ret, struct weir_error *err)
{
    const char *text = settings_text(t, key);
    char *end;
    unsigned long mode = strtoul(text, &end, 8);
    size_t len = strlen(text);
    if (len < 3 || len > 4 || *end != '\0' || text[0] < '0' || text[0] > '7' || mode > 0777)
        return err_set(err, WEIR_INVALID, "%s: '%.20s' is no mode such as 0660", key, text);
    *ret = (unsigned)mode;
    return WEIR_OK;
}

enum weir_code
listening_addresses(const struct settings *s, enum handover_side side, struct edge_addresses *ret,
                    struct weir_error *err)
{
    *ret = (struct edge_addresses){ .n = 0 };
    const char *mode = side == HANDOVER_EDGE ? "edge.socket_mode" : "admin.socket_mode";
    if (read_mode(s, mode, &ret->mode, err) != WEIR_OK)
        return WEIR_INVALID;
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

/* What was opened here, for its files to be removed. */
static struct edge_addresses opened[HANDOVER_SIDES];

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

/* What systemd has opened. */
struct activated {
    struct activation items[ACTIVATION_MAX];
    struct edge_address addresses[ACTIVATION_MAX];
    bool used[ACTIVATION_MAX];
    unsigned n;
};

static void
take_activated(struct activated *ret)
{
    unsigned n = activation_take(ret->items);
    ret->n = 0;
    for (unsigned i = 0; i < n; i++) {
        if (edge_address_of(ret->items[i].fd, &ret->addresses[ret->n])) {
            ret->items[ret->n++] = ret->items[i];
            continue;
        }
        log_say(WEIR_WARN, "systemd gave '%s', which is no socket that callers connect to: it is left",
                ret->items[i].name);
        close(ret->items[i].fd);
    }
}

/* The addresses of the sockets with that name, as a setting has them; "": there are none. */
static void
named_addresses(const struct activated *all, const char *name, char ret[HANDOVER_TEXT])
{
    size_t len = 0;
    ret[0] = '\0';
    for (unsigned i = 0; i < all->n; i++) {
        char one[128];
        if (strcmp(all->items[i].name, name) == 0 && edge_address_text(&all->addresses[i], one, sizeof one) &&
            len + strlen(one) + 2 < HANDOVER_TEXT)
            len += (size_t)snprintf(ret + len, HANDOVER_TEXT - len, "%s%s", len > 0 ? "," : "", one);
    }
}

/* Gives address number INDEX of L the sockets that are bound to it; they stand behind the others. */
static void
match(struct activated *all, struct edge_address *a, unsigned index, struct handover *h,
      struct handover_listen *l)
{
    l->first[index] = h->n_fds;
    for (unsigned i = 0; i < all->n; i++) {
        if (all->used[i] || !edge_address_same(&all->addresses[i], a) || h->n_fds == HANDOVER_FDS)
            continue;
        all->used[i] = true;
        h->fds[h->n_fds++] = all->items[i].fd;
        l->count[index]++;
    }
    a->given = h->fds + l->first[index];
    a->n_given = l->count[index];
}

static void
open_side(const struct settings *s, enum handover_side side, struct activated *all, struct handover *h)
{
    struct edge_addresses *a = &opened[side];
    struct weir_error err;
    struct handover_listen *l = &h->listen[side];
    if (listening_addresses(s, side, a, &err) != WEIR_OK)
        return;
    for (unsigned i = 0; i < a->n; i++)
        match(all, &a->items[i], i, h, l);
    l->n = a->n;
    if (a->n * h->n_shards > HANDOVER_FDS - h->n_fds ||
        open_patiently(a, h->n_shards, h->fds + h->n_fds) != WEIR_OK)
        return; /* what systemd gave is taken all the same */
    for (unsigned i = 0; i < a->n; i++) {
        if (l->count[i] > 0)
            continue;
        l->first[i] = h->n_fds + i * h->n_shards;
        l->count[i] = a->items[i].one ? 1 : h->n_shards;
    }
    h->n_fds += a->n * h->n_shards;
}

/* Notes the setting, or what sockets with its name say instead. */
static bool
note_setting(struct settings *s, size_t place, const struct activated *all, struct handover *h)
{
    struct handover_setting *to = &h->settings[h->n_settings];
    struct weir_error err;
    named_addresses(all, places[place].name, to->text);
    to->activated = to->text[0] != '\0';
    if (to->activated && settings_set(s, places[place].key, to->text, &err) != WEIR_OK)
        return false;
    const char *text = settings_text(s, places[place].key);
    if (strlen(text) >= sizeof to->text)
        return false; /* too many addresses: that is said by who listens */
    memcpy(to->key, places[place].key, strlen(places[place].key) + 1);
    memmove(to->text, text, strlen(text) + 1);
    h->n_settings++;
    return true;
}

void
listening_open(struct settings *s, struct handover *h)
{
    static struct activated all;
    h->n_shards = listening_shards(s);
    take_activated(&all);
    for (size_t i = 0; i < PLACES; i++)
        if (!note_setting(s, i, &all, h))
            return;
    open_side(s, HANDOVER_EDGE, &all, h);
    open_side(s, HANDOVER_ADMIN, &all, h);
    for (unsigned i = 0; i < all.n; i++) {
        char text[128] = "";
        if (all.used[i])
            continue;
        (void)edge_address_text(&all.addresses[i], text, sizeof text);
        log_say(WEIR_WARN, "systemd gave the socket '%s' (%s), which no setting names: it is left. Name it edge, tls or "
                           "admin (FileDescriptorName=), or let a setting name its address",
                all.items[i].name, text);
        close(all.items[i].fd);
    }
}

unsigned
listening_files(struct order_file *ret)
{
    unsigned n = 0;
    for (unsigned i = 0; i < HANDOVER_SIDES; i++) {
        for (unsigned j = 0; j < opened[i].n; j++) {
            const struct edge_address *a = &opened[i].items[j];
            if (a->inode == 0)
                continue;
            struct order_file *to = &ret[n++];
            to->device = a->device;
            to->inode = a->inode;
            memcpy(to->path, ((const struct sockaddr_un *)(const void *)&a->address)->sun_path, sizeof to->path);
        }
    }
    return n;
}

void
listening_end(void)
{
    for (unsigned i = 0; i < HANDOVER_SIDES; i++)
        edge_addresses_remove(&opened[i]);
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
