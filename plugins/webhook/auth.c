/* webhook/auth.c - the ways in, one after another; see auth.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHALLENGES_MAX 1024

struct guard {
    struct weir_shard *shard;
    const struct webhook *webhook;
    const struct auth *auth;
    auth_then_fn *then;
};

/* What is told of a refusal. */
struct refusal {
    enum verdict verdict;
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

static enum verdict
try_way(const struct auth_way *way, struct inspection *i)
{
    i->challenge[0] = '\0';
    return api_keys_check(way->keys, i);
}

static void
note(struct refusal *r, const struct inspection *i, enum verdict verdict)
{
    size_t used = strlen(r->challenges);
    if (verdict > r->verdict) {
        r->verdict = verdict;
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
    bool known = r->verdict == VERDICT_PLACE || r->verdict == VERDICT_SCOPE;
    struct weir_error err = { .code = known ? WEIR_FORBIDDEN : WEIR_UNAUTHORIZED };
    const struct weir_text labels[] = { text_of(g->webhook->pipeline), WEIR_TEXT("auth") };
    snprintf(err.text, sizeof err.text, "%s", r->text);
    if (r->challenges[0] != '\0' && r->verdict != VERDICT_PLACE)
        host->event_header_set(e, WEIR_TEXT("WWW-Authenticate"), text_of(r->challenges));
    host->shard_measure(g->shard, g->webhook->rejected, labels, 1);
    host->refuse(e, &err);
}

/* The credentials of every way: what was not asked after is not shown either. */
static void
hide_all(const struct auth *a, struct weir_event *e)
{
    for (uint32_t i = 0; i < a->n; i++)
        if (a->ways[i].keys != NULL)
            api_keys_hide(a->ways[i].keys, e);
}

void
guard_check(struct guard *g, struct weir_event *e)
{
    struct inspection i = { .guard = g, .event = e };
    struct refusal r = { .verdict = VERDICT_IN };
    for (uint32_t k = 0; k < g->auth->n; k++) {
        enum verdict verdict = try_way(&g->auth->ways[k], &i);
        if (verdict == VERDICT_IN) {
            host->event_auth_set(e, &i.found);
            hide_all(g->auth, e);
            g->then(g->webhook, e);
            return;
        }
        note(&r, &i, verdict);
    }
    turn_out(g, e, &r);
}

struct guard *
guard_new(struct weir_shard *s, const struct webhook *w, auth_then_fn *then)
{
    struct guard *g = calloc(1, sizeof *g);
    if (g == NULL)
        abort();
    *g = (struct guard){ .shard = s, .webhook = w, .auth = w->auth, .then = then };
    return g;
}

void
guard_free(struct guard **g)
{
    free(*g);
    *g = NULL;
}
