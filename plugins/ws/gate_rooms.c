/* ws/gate_rooms.c - where a connection is from its start, and how many there may be; see ws.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ws.h"

#include <string.h>

/* The value of a parameter of the path; empty if there is none. */
static struct weir_text
param(const struct conn *c, struct weir_text name)
{
    for (uint32_t i = 0; i < c->n_params; i++)
        if (text_same(c->params[i].name, name))
            return c->params[i].value;
    return (struct weir_text){ "", 0 };
}

/* Writes PATTERN with {name} replaced; 0: it is too long. */
static size_t
room_name(const struct conn *c, struct weir_text pattern, char room[ROOM_NAME])
{
    size_t len = 0;
    for (size_t i = 0; i < pattern.len;) {
        struct weir_text part = { pattern.bytes + i, 1 };
        const char *end = pattern.bytes[i] == '{' ? memchr(pattern.bytes + i, '}', pattern.len - i) : NULL;
        if (end != NULL) {
            part = param(c, (struct weir_text){ pattern.bytes + i + 1, (size_t)(end - pattern.bytes) - i - 1 });
            i = (size_t)(end - pattern.bytes) + 1;
        } else {
            i++;
        }
        if (part.len > ROOM_NAME - len)
            return 0;
        memcpy(room + len, part.bytes, part.len);
        len += part.len;
    }
    return len;
}

/* The name that the expression of RULE gives for E, in ROOM; SIZE_MAX and ERR: it fails. 0: there is no good one. */
static size_t
room_told(const struct room_rule *rule, struct weir_event *e, char room[ROOM_NAME], struct weir_error *err)
{
    const struct weir_value *v = NULL;
    struct weir_text name = { "", 0 };
    uint32_t code = host->event_eval(e, rule->slot, &v, err);
    if (code == WEIR_NOT_FOUND) /* the request lacks what the name is made of */
        (void)refuse(err, WEIR_INVALID, "the room %.*s has no name", (int)rule->pattern.len, rule->pattern.bytes);
    if (code != WEIR_OK)
        return SIZE_MAX;
    size_t len = host->get_text(v, &name) && name.len <= ROOM_NAME ? name.len : 0;
    memcpy(room, name.bytes, len);
    host->unref(&v);
    return len;
}

bool
gate_join(struct conn *c, const struct trigger *t, struct weir_event *e, struct weir_error *err)
{
    for (uint32_t i = 0; i < t->n_rooms; i++) {
        const struct room_rule *rule = &t->rooms[i];
        char name[ROOM_NAME];
        size_t len = rule->slot != 0 ? room_told(rule, e, name, err) : room_name(c, rule->pattern, name);
        if (len == SIZE_MAX)
            return false;
        if (!room_join(c, (struct weir_text){ name, len })) {
            (void)refuse(err, WEIR_INVALID, "the name of a room has to have 1 to %u bytes", ROOM_NAME);
            return false;
        }
    }
    return true;
}

/* -- places -- */

static uint32_t
take(void *entry, bool fresh, void *arg)
{
    (void)fresh;
    uint64_t *n = entry;
    bool room = *n < *(const uint64_t *)arg;
    *n += room;
    return room;
}

static uint32_t
give_back(void *entry, bool fresh, void *arg)
{
    (void)fresh;
    (void)arg;
    uint64_t *n = entry;
    *n -= *n > 0;
    return 0;
}

static uint32_t
is_unused(void *entry, bool fresh, void *arg)
{
    (void)fresh;
    (void)arg;
    return *(uint64_t *)entry == 0;
}

bool
place_take(struct conn *c, const struct trigger *t)
{
    uint64_t most = t->max_connections;
    uint32_t taken = 0;
    if (most == 0)
        return true;
    struct weir_text line = text_of(t->line);
    if (!host->table_entry(t->places, line, true, take, &most, &taken)) {
        host->table_sweep(t->places, is_unused, NULL); /* of lines that former generations had */
        (void)host->table_entry(t->places, line, true, take, &most, &taken);
    }
    c->places = taken ? t->places : NULL;
    return taken != 0;
}

void
place_give(struct conn *c)
{
    uint32_t ignored;
    if (c->places != NULL)
        (void)host->table_entry(c->places, text_of(c->line->name), false, give_back, NULL, &ignored);
    c->places = NULL;
}
