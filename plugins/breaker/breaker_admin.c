/* breaker/breaker_admin.c - breakers as operators see them and act on them: see README.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "breaker.h"

#define KNOWN_MAX 5u

/* What goes through the names for an answer. */
struct look {
    struct weir_builder *list;
    struct weir_text only;          /* empty: all of them */
    const struct weir_value *found; /* owned: the one that is ONLY */
    uint64_t now_ms;
    uint64_t wall_ms;
    unsigned n_known;
    char
        known[KNOWN_MAX * (BREAKER_NAME_MAX + 2) + 8]; /* names, for who asks for another one */
};

/* Both generations are there while a reload is under way: one place is named once. */
static bool
is_named_before(const struct node *users, const struct node *node)
{
    for (; users != node; users = users->next)
        if (strcmp(users->pipeline, node->pipeline) == 0 && strcmp(users->id, node->id) == 0)
            return true;
    return false;
}

/* used_by: ["pipeline/step"] */
static void
put_users(struct weir_builder *map, const struct named *n)
{
    struct weir_builder *list = host->list_new();
    for (const struct node *at = n->users; at != NULL; at = at->next) {
        char text[300];
        if (is_named_before(n->users, at))
            continue;
        int len = snprintf(text, sizeof text, "%s/%s", at->pipeline, at->id);
        size_t used = (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
        const struct weir_value *v = host->string((struct weir_text){ text, used });
        if (v != NULL)
            host->list_add(list, &v);
    }
    map_take(map, WEIR_TEXT("used_by"), host->build(&list));
}

/* The counts of the window. */
static void
put_window(struct weir_builder *map, const struct breaker_bucket *w)
{
    uint32_t failures = w->results[BREAKER_FAILURE] + w->results[BREAKER_TIMEOUT];
    breaker_put_int(map, WEIR_TEXT("calls"), w->calls);
    breaker_put_int(map, WEIR_TEXT("failures"), failures);
    breaker_put_double(map, WEIR_TEXT("error_rate"),
                       w->calls ? (double)failures / w->calls : 0);
    breaker_put_int(map, WEIR_TEXT("successes"),
                    w->results[BREAKER_SUCCESS] + w->results[BREAKER_IGNORED]);
    breaker_put_int(map, WEIR_TEXT("timeouts"), w->results[BREAKER_TIMEOUT]);
    breaker_put_int(map, WEIR_TEXT("ignored"), w->results[BREAKER_IGNORED]);
    breaker_put_int(map, WEIR_TEXT("rejected"), w->results[BREAKER_REJECTED]);
    breaker_put_int(map, WEIR_TEXT("full"), w->results[BREAKER_FULL]);
}

static void
put_settings(struct weir_builder *map, const struct breaker_settings *s)
{
    if (s->capacity > 0)
        breaker_put_int(map, WEIR_TEXT("capacity"), s->capacity);
    else
        breaker_put_text(map, WEIR_TEXT("capacity"), NULL);
    breaker_put_double(map, WEIR_TEXT("threshold"), s->threshold / 1e6);
    breaker_put_int(map, WEIR_TEXT("volume"), s->volume);
    breaker_put_int(map, WEIR_TEXT("window_ms"), s->window_ms);
    breaker_put_int(map, WEIR_TEXT("buckets"), s->buckets);
    breaker_put_int(map, WEIR_TEXT("reset_after_ms"), s->reset_ms);
}

/* One breaker as a map; owned by the caller. */
static const struct weir_value *
view_of(struct named *n, const struct look *l)
{
    struct breaker_view v;
    breaker_look(&n->breaker, l->now_ms, &v);
    struct weir_builder *map = host->map_new();
    static const char *const forced[] = { NULL, "open", "closed" };
    breaker_put_text(map, WEIR_TEXT("name"), n->name);
    breaker_put_text(map, WEIR_TEXT("state"), breaker_state_name(v.state));
    breaker_put_text(map, WEIR_TEXT("forced"), forced[v.forced]);
    put_window(map, &v.window);
    breaker_put_int(map, WEIR_TEXT("in_flight"), v.in_flight);
    put_settings(map, &v.settings);
    breaker_put_time(map, WEIR_TEXT("since"), l->wall_ms - (l->now_ms - v.since_ms));
    if (v.retry_in_ms > 0) {
        breaker_put_int(map, WEIR_TEXT("retry_in_ms"), v.retry_in_ms);
        breaker_put_time(map, WEIR_TEXT("opens_until"), l->wall_ms + v.retry_in_ms);
    } else {
        breaker_put_text(map, WEIR_TEXT("retry_in_ms"), NULL);
        breaker_put_text(map, WEIR_TEXT("opens_until"), NULL);
    }
    put_users(map, n);
    return host->build(&map);
}

static void
look_at(struct named *n, void *arg)
{
    struct look *l = arg;
    if (l->list != NULL) {
        const struct weir_value *v = view_of(n, l);
        host->list_add(l->list, &v);
    } else if (l->only.len == strlen(n->name) &&
               memcmp(l->only.bytes, n->name, l->only.len) == 0) {
        l->found = view_of(n, l);
    }
    if (l->n_known < KNOWN_MAX)
        snprintf(l->known + strlen(l->known), sizeof l->known - strlen(l->known), "%s%s",
                 l->n_known > 0 ? ", " : "", n->name);
    else if (l->n_known == KNOWN_MAX)
        strcat(l->known, ", ...");
    l->n_known++;
}

static struct look
look_begin(struct weir_question *q)
{
    return (struct look){
        .only = host->question_item(q),
        .now_ms = breaker_now_ms(),
        .wall_ms = host->wall_ms(host->question_shard(q)),
    };
}

/* Answers with all breakers. */
static void
answer_all(struct weir_question *q)
{
    struct look l = look_begin(q);
    l.list = host->list_new();
    breaker_names_each(look_at, &l);
    const struct weir_value *list = host->build(&l.list);
    host->answer(q, &list);
}

/* Answers with the one that was asked for, or the names of those that there are. */
static void
answer_one(struct weir_question *q)
{
    struct look l = look_begin(q);
    breaker_names_each(look_at, &l);
    if (l.found != NULL) {
        host->answer(q, &l.found);
        return;
    }
    struct weir_error err = { .code = WEIR_NOT_FOUND };
    snprintf(err.text, sizeof err.text, "there is no breaker '%.*s'; there %s%s",
             (int)(l.only.len < 64 ? l.only.len : 64), l.only.bytes,
             l.known[0] != '\0' ? "are: " : "are none", l.known);
    host->answer_fail(q, &err);
}

static void
act(struct weir_question *q, struct weir_text verb)
{
    struct weir_shard *shard = host->question_shard(q);
    struct breaker_change change;
    struct named *n = breaker_name_find(host->question_item(q));
    if (n == NULL)
        return;
    /* The host has refused all but open, close and auto. */
    enum breaker_forced forced = verb.bytes[0] == 'o'   ? BREAKER_FORCED_OPEN
                                 : verb.bytes[0] == 'c' ? BREAKER_FORCED_CLOSED
                                                        : BREAKER_AUTO;
    char text[128];
    int len = snprintf(text, sizeof text, "breaker '%s': %.*s, asked by an operator", n->name,
                       (int)verb.len, verb.bytes);
    host->say(WEIR_INFO, (struct weir_text){ text, (size_t)len }, NULL);
    breaker_force(&n->breaker, forced, breaker_now_ms(), &change);
    breaker_tell(shard, n, &change, NULL);
    breaker_name_close(n);
}

void
breaker_ask(struct weir_question *q)
{
    struct weir_text verb = host->question_verb(q);
    if (host->question_item(q).len == 0) {
        answer_all(q);
        return;
    }
    if (verb.len > 0)
        act(q, verb);
    answer_one(q);
}
