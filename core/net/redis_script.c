/* net/redis_script.c - scripts that a connection knows, by content; see redis_parts.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/encode.h"
#include "net/redis_parts.h"

static struct redis_script *
find(struct redis_conn *c, struct weir_text text)
{
    list_each(link, next, &c->scripts)
    {
        struct redis_script *s = list_entry(link, struct redis_script, link);
        if (s->len == text.len && memcmp(s->text, text.bytes, text.len) == 0)
            return s;
    }
    return NULL;
}

/* Frees the script that was used the longest ago and is in use no more. */
static bool
make_room(struct redis_conn *c)
{
    for (struct list *link = c->scripts.prev; link != &c->scripts; link = link->prev) {
        struct redis_script *s = list_entry(link, struct redis_script, link);
        if (s->users > 0)
            continue;
        list_remove(link);
        c->n_scripts--;
        free(s);
        return true;
    }
    return false;
}

static struct redis_script *
make(struct redis_conn *c, struct weir_text text)
{
    if (c->n_scripts >= REDIS_SCRIPTS_MAX && !make_room(c))
        return NULL;
    struct redis_script *s = calloc(1, sizeof *s + text.len);
    if (s == NULL)
        abort();
    s->len = text.len;
    memcpy(s->text, text.bytes, text.len);
    list_init(&s->link);

    uint8_t sum[DIGEST_MAX];
    size_t len = digest(WEIR_SHA1, text, sum);
    static const char hex[] = "0123456789abcdef";
    assert(len * 2 == sizeof s->sha);
    for (size_t i = 0; i < len; i++) {
        s->sha[2 * i] = hex[sum[i] >> 4];
        s->sha[2 * i + 1] = hex[sum[i] & 15];
    }
    c->n_scripts++;
    return s;
}

struct redis_script *
redis_script_use(struct redis_conn *c, struct weir_text text)
{
    struct redis_script *s = find(c, text);
    if (s == NULL)
        s = make(c, text);
    if (s == NULL)
        return NULL;
    s->users++;
    list_remove(&s->link);
    list_unshift(&c->scripts, &s->link);
    return s;
}

void
redis_script_leave(struct redis_script **s)
{
    if (*s == NULL)
        return;
    assert((*s)->users > 0);
    (*s)->users--;
    *s = NULL;
}

void
redis_scripts_free(struct redis_conn *c)
{
    for (struct list *link; (link = list_shift(&c->scripts)) != NULL;) {
        assert(list_entry(link, struct redis_script, link)->users == 0);
        free(list_entry(link, struct redis_script, link));
    }
    c->n_scripts = 0;
}
