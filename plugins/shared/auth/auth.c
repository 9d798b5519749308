/* auth.c - the ways in, one after another; see auth.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHALLENGES_MAX 1024
#define PENDING_MAX 1000 /* events of a guard that wait */
#define ROUNDS_MAX 16    /* that one of them waits: each way may fetch keys */
#define AWAY_RETRY_MS 2000

/* What is told of a refusal. */
struct refusal {
    enum verdict verdict;
    bool guessed; /* some way was shown what is not good there */
    uint64_t retry_ms; /* of VERDICT_LIMITED */
    char text[200];
    char challenges[CHALLENGES_MAX]; /* of all ways, each once; separated by ", " */
};

enum verdict
judge(struct inspection *i, enum verdict verdict, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(i->text, sizeof i->text, fmt, args);
    va_end(args);
    return verdict;
}

/* Whether nobody looks at the credential of a request from there. What a worker has looked at already is told. */
static bool
is_limited(struct inspection *i)
{
    i->retry_ms = i->waited_for == NULL ? host->event_auth_blocked(i->event) : 0;
    return i->retry_ms > 0;
}

static enum verdict
try_way(const struct auth_way *way, struct inspection *i)
{
    i->challenge[0] = '\0';
    i->known = false;
    if (way->places != NULL && !places_allow(way->places, host->event_client_ip(i->event)))
        return judge(i, VERDICT_PLACE, "requests from this address are not taken");
    if (way->peers != NULL) {
        enum verdict verdict = peers_check(way->peers, i);
        bool alone = way->keys == NULL && way->basic == NULL && way->jwt == NULL;
        if (verdict != VERDICT_IN || alone)
            return verdict;
        host->unref(&i->found); /* the credential says who it is */
    }
    if ((way->keys != NULL || way->basic != NULL || way->jwt != NULL) && is_limited(i))
        return judge(i, VERDICT_LIMITED, "too many credentials from this address were not good: try again later");
    if (way->keys != NULL)
        return api_keys_check(way->keys, i);
    if (way->basic != NULL)
        return basic_check(way->basic, i);
    if (way->jwt != NULL)
        return jwt_auth_check(way->jwt, i);
    i->found = identity_new("ip", (struct weir_text){ NULL, 0 }, NULL, NULL);
    return VERDICT_IN;
}

static void
note(struct refusal *r, const struct inspection *i, enum verdict verdict)
{
    size_t used = strlen(r->challenges);
    r->guessed = r->guessed || (verdict == VERDICT_WRONG && !i->known);
    if (verdict > r->verdict) {
        r->verdict = verdict;
        r->retry_ms = i->retry_ms;
        memcpy(r->text, i->text, sizeof r->text);
    }
    if (i->challenge[0] == '\0' || strstr(r->challenges, i->challenge) != NULL ||
        used + strlen(i->challenge) + 3 > sizeof r->challenges)
        return;
    snprintf(r->challenges + used, sizeof r->challenges - used, "%s%s", used > 0 ? ", " : "",
             i->challenge);
}

static void
turn_out(struct guard *g, struct weir_event *e, const struct refusal *r)
{
    static const uint32_t codes[] = {
        [VERDICT_PLACE] = WEIR_FORBIDDEN,    [VERDICT_MISSING] = WEIR_UNAUTHORIZED,
        [VERDICT_WRONG] = WEIR_UNAUTHORIZED, [VERDICT_SCOPE] = WEIR_FORBIDDEN,
        [VERDICT_AWAY] = WEIR_UNAVAILABLE,   [VERDICT_LIMITED] = WEIR_LIMITED,
    };
    struct weir_error err = { .code = codes[r->verdict] };
    bool away = r->verdict == VERDICT_AWAY, limited = r->verdict == VERDICT_LIMITED;
    snprintf(err.text, sizeof err.text, "%s", r->text);
    if (r->guessed)
        host->event_auth_failed(e);
    if (away)
        err.retry_after_ms = AWAY_RETRY_MS;
    else if (limited)
        err.retry_after_ms = (uint32_t)r->retry_ms;
    else if (r->challenges[0] != '\0' && r->verdict != VERDICT_PLACE)
        host->event_header_set(e, WEIR_TEXT("WWW-Authenticate"), text_of(r->challenges));
    g->door->turn_away(g->arg, e, &err, away ? "unavailable" : limited ? "auth_limited" : "auth");
}

void
auth_hide(const struct auth *a, struct weir_event *e)
{
    for (uint32_t i = 0; a != NULL && i < a->n; i++) {
        if (a->ways[i].keys != NULL)
            api_keys_hide(a->ways[i].keys, e);
        if (a->ways[i].basic != NULL)
            basic_hide(a->ways[i].basic, e);
        if (a->ways[i].jwt != NULL)
            jwt_auth_hide(a->ways[i].jwt, e);
    }
}

/* -- events that wait -- */

static void
unlink_pending(struct pending *p)
{
    *p->at = p->next;
    if (p->next != NULL)
        p->next->at = p->at;
    p->guard->n_pending--;
}

/* P is the event's earlier wait, or NULL. False if it may not wait any longer. */
static bool
pend(struct guard *g, struct weir_event *e, struct pending *p, const void *what)
{
    if (g->n_pending >= PENDING_MAX || g->left)
        return false;
    if (p == NULL) {
        p = host->event_alloc(e, sizeof *p);
        *p = (struct pending){ .guard = g, .event = e };
    }
    if (p->rounds++ == ROUNDS_MAX)
        return false;
    p->waits_for = what;
    p->next = g->pending;
    p->at = &g->pending;
    if (p->next != NULL)
        p->next->at = &p->next;
    g->pending = p;
    g->n_pending++;
    return true;
}

/* Tries the ways in their order. VERDICT_IN: request.auth is set; VERDICT_WAIT: for WAITS_FOR of I; else R says
 * why not. */
static enum verdict
try_all(struct inspection *i, struct refusal *r)
{
    const struct auth *auth = i->guard->auth;
    const void *waits_for = NULL;
    bool waits = false;
    for (; i->way < auth->n; i->way++) {
        enum verdict verdict = try_way(&auth->ways[i->way], i);
        if (verdict == VERDICT_IN) {
            host->event_auth_set(i->event, &i->found);
            return VERDICT_IN;
        }
        if (verdict == VERDICT_WAIT)
            waits_for = i->waits_for;
        else
            note(r, i, verdict);
        waits = waits || verdict == VERDICT_WAIT;
    }
    i->waits_for = waits_for;
    return waits ? VERDICT_WAIT : r->verdict;
}

/* Looks at E; P and WORK are of an earlier look, or NULL. */
static void
look(struct guard *g, struct weir_event *e, struct pending *p, const struct basic_work *work)
{
    struct inspection i = { .guard = g, .event = e, .work = work, .waited_for = p != NULL ? p->waits_for : NULL };
    struct refusal r = { .verdict = VERDICT_IN };
    enum verdict verdict = try_all(&i, &r);
    if (verdict == VERDICT_IN) {
        g->door->enter(g->arg, e);
        return;
    }
    if (verdict == VERDICT_WAIT && pend(g, e, p, i.waits_for))
        return;
    if (verdict == VERDICT_WAIT) {
        (void)judge(&i, VERDICT_AWAY, "too many requests wait to be let in");
        note(&r, &i, VERDICT_AWAY);
    }
    turn_out(g, e, &r);
}

bool
guard_screen(struct guard *g, struct weir_event *e)
{
    struct inspection i = { .guard = g, .event = e, .early = true };
    struct refusal r = { .verdict = VERDICT_IN };
    enum verdict verdict = host->event_auth(e) != NULL ? VERDICT_IN : try_all(&i, &r);
    if (verdict == VERDICT_IN || verdict == VERDICT_WAIT)
        return false;
    turn_out(g, e, &r);
    return true;
}

void
guard_check(struct guard *g, struct weir_event *e)
{
    if (host->event_auth(e) != NULL) /* a test says who it is */
        g->door->enter(g->arg, e);
    else
        look(g, e, NULL, NULL);
}

void
guard_resume(struct guard *g, const void *what, const struct basic_work *work)
{
    struct pending *all = NULL, *next;
    for (struct pending *p = g->pending; p != NULL; p = next) {
        next = p->next;
        if (p->waits_for != what)
            continue;
        unlink_pending(p);
        p->next = all; /* turns them around: the first comes first again */
        all = p;
    }
    g->works++; /* whoever goes may be the last: G stays until all have gone */
    for (; all != NULL; all = next) {
        next = all->next;
        look(g, all->event, all, work);
    }
    if (--g->works == 0 && g->left)
        guard_free(&g);
}

struct guard *
guard_new(struct weir_shard *s, const struct auth *a, const struct auth_door *door, void *arg)
{
    bool dear = false;
    if (a == NULL)
        return NULL;
    struct guard *g = zeroed(1, sizeof *g);
    *g = (struct guard){ .shard = s, .auth = a, .door = door, .arg = arg };
    g->sets = zeroed(a->n, sizeof(struct jwks *));
    for (uint32_t i = 0; i < a->n; i++) {
        const struct auth_way *way = &a->ways[i];
        if (way->jwt != NULL && jwt_auth_source(way->jwt) != NULL)
            g->sets[i] = jwks_new(g, jwt_auth_source(way->jwt));
        dear = dear || (way->basic != NULL && basic_is_dear(way->basic));
    }
    g->seen = dear ? basic_seen_new() : NULL;
    g->n_ways = a->n;
    return g;
}

void
guard_free(struct guard **g)
{
    struct guard *own = *g;
    *g = NULL;
    if (own == NULL)
        return;
    own->left = true;
    for (uint32_t i = 0; own->sets != NULL && i < own->n_ways; i++)
        jwks_free(&own->sets[i]);
    free(own->sets);
    own->sets = NULL;
    basic_seen_free(&own->seen);
    if (own->works == 0)
        free(own);
}
