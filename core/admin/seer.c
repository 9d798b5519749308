/* admin/seer.c - what who asks may not see of jobs: secrets, and what mask: hides of their events.
 *
 * What is marked is what the pipeline marked when the event came (it stands in the event) and what it marks
 * today. The texts that are hidden of an event, and those of its credentials, are hidden wherever else they
 * stand: in outputs, inputs, messages.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "admin/seer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/encode.h"
#include "value/json.h"

#define SHOWN_MAX (64u << 20)
#define CREDENTIAL_MIN 8u /* bytes of one that is looked for elsewhere: its name is a guess, not a mark */

/* { pipeline: [marks] } of today's pipelines; NULL: none has any. */
static const struct weir_value *
todays_marks(const struct generation *g)
{
    const struct pipelines *all = generation_pipelines(g);
    struct weir_builder *b = NULL;
    for (unsigned i = 0; i < all->n; i++) {
        if (all->items[i]->mask == NULL)
            continue;
        b = b ? b : builder_map();
        builder_put(b, all->items[i]->name, all->items[i]->mask);
    }
    return b ? builder_end(&b) : NULL;
}

struct seer *
seer_new(const struct generation *g)
{
    struct seer *s = calloc(1, sizeof *s);
    if (s == NULL)
        abort();
    const struct secrets *secrets = g ? generation_secrets(g) : NULL;
    s->secrets = secrets ? secrets_ref((struct secrets *)(uintptr_t)secrets) : NULL;
    s->marks = g ? todays_marks(g) : NULL;
    return s;
}

void
seer_free(struct seer **s)
{
    if (*s == NULL)
        return;
    secrets_unref(&(*s)->secrets);
    value_unref(&(*s)->marks);
    free(*s);
    *s = NULL;
}

struct marks *
seer_marks(const struct seer *s, const struct weir_value *job)
{
    const struct weir_value *name = value_field(job, "pipeline"), *event = value_field(job, "event");
    struct weir_text pipeline = name ? value_as_text(name) : TEXT("");
    const struct weir_value *then = event ? value_field(event, "mask") : NULL;
    const struct weir_value *now = s->marks ? value_get(s->marks, pipeline.bytes, pipeline.len) : NULL;
    if (then == NULL && now == NULL)
        return NULL;
    struct marks *m = marks_new();
    marks_add_list(m, now);
    if (then && (now == NULL || !value_equal(then, now)))
        marks_add_list(m, then);
    return m;
}

static bool
holds(struct weir_text name, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= name.len; i++)
        if (strncasecmp(name.bytes + i, word, len) == 0)
            return true;
    return false;
}

bool
is_credential(struct weir_text name)
{
    static const char *const whole[] = { "authorization", "proxy-authorization", "cookie", "x-api-key" };
    static const char *const words[] = { "token",   "secret",  "signature", "password",
                                         "api-key", "api_key", "apikey" };
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (name.len == strlen(whole[i]) && holds(name, whole[i]))
            return true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (holds(name, words[i]))
            return true;
    return false;
}

/* The text of a credential, and what stands behind the name of its scheme ("Bearer ..."). */
static bool
gather_credential(void *arg, struct weir_text name, struct weir_text value)
{
    if (!is_credential(name))
        return false;
    if (value.len >= CREDENTIAL_MIN)
        hidden_add_text(arg, value);
    const char *blank = value.len > 0 ? memchr(value.bytes, ' ', value.len) : NULL;
    size_t skip = blank ? (size_t)(blank - value.bytes) + 1 : value.len;
    if (value.len - skip >= CREDENTIAL_MIN)
        hidden_add_text(arg, (struct weir_text){ value.bytes + skip, value.len - skip });
    return true;
}

void
seer_gather(const struct weir_value *event, struct hidden *h)
{
    static const char *const lists[] = { "headers", "params" };
    const struct weir_value *pair, *query = value_field(event, "query");
    for (unsigned k = 0; k < 2; k++)
        for (size_t i = 0; (pair = value_at(value_field(event, lists[k]), i)) != NULL; i++)
            if (value_at(pair, 0) && value_at(pair, 1))
                (void)gather_credential(h, value_as_text(value_at(pair, 0)), value_as_text(value_at(pair, 1)));
    if (query == NULL)
        return;
    const struct weir_value *v = form_hidden(value_as_text(query), gather_credential, h);
    value_unref(&v);
}

/* -- what is hidden of an event, in the rest of what is told of its job -- */

static bool
is_one_of(struct weir_text key, const char *const *names)
{
    for (; *names; names++)
        if (text_is(key, *names))
            return true;
    return false;
}

/* A body that is JSON stays such, whatever is hidden in it. */
static const struct weir_value *
raw_without(const struct hidden *h, const struct weir_value *v)
{
    struct weir_error err;
    struct buf b;
    const struct weir_value *json = NULL, *seen = NULL;
    if (!hidden_stands_in(h, value_as_text(v)))
        return value_ref(v);
    if (json_read(value_as_text(v), NULL, NULL, &json, &err) != WEIR_OK)
        return hidden_masked(h, v);
    const struct weir_value *masked = hidden_masked(h, json);
    buf_init(&b, SHOWN_MAX);
    if (json_write(&b, masked, &err) == WEIR_OK)
        seen = value_string(b.bytes, b.len);
    buf_fini(&b);
    value_unref(&masked);
    value_unref(&json);
    return seen ? seen : value_text("***");
}

static const struct weir_value *
event_without(const struct hidden *h, const struct weir_value *event)
{
    static const char *const told[] = { "path", "query", "headers", "params", "auth", "body", "connection", NULL };
    struct weir_builder *b = builder_map();
    struct weir_text key;
    const struct weir_value *v;
    for (size_t i = 0; value_member(event, i, &key, &v); i++) {
        const struct weir_value *seen = text_is(key, "raw") || text_is(key, "raw_base64") ? raw_without(h, v)
                                        : is_one_of(key, told)                           ? hidden_masked(h, v)
                                                                                          : value_ref(v);
        builder_set(b, key.bytes, key.len, &seen);
    }
    return builder_end(&b);
}

/* What tells of the job and its steps by words of weir and of the pipeline's author. */
static const char *const plain[] = { "id",     "job",         "pipeline",  "revision",      "root",   "state",
                                     "reason", "code",        "node",      "path",          "step",   "effect",
                                     "known",  "fingerprint", "replay_of", "superseded_by", "given",  NULL };
/* What may be any value. */
static const char *const values[] = { "result", "output", "input", "unknown", NULL };

/* Options of a step: what has the name of a credential is one, wherever it came from. */
static const struct weir_value *
without_credentials(const struct weir_value *v)
{
    struct weir_builder *b;
    struct weir_text key;
    const struct weir_value *member, *seen;
    if (v->type != WEIR_LIST && v->type != WEIR_MAP)
        return value_ref(v);
    b = v->type == WEIR_LIST ? builder_list() : builder_map();
    for (size_t i = 0; (member = value_at(v, i)) != NULL; i++) {
        seen = without_credentials(member);
        builder_add(b, &seen);
    }
    for (size_t i = 0; value_member(v, i, &key, &member); i++) {
        bool hides = is_credential(key) && member->type == WEIR_STRING;
        seen = hides ? value_text("***") : without_credentials(member);
        builder_set(b, key.bytes, key.len, &seen);
    }
    return builder_end(&b);
}

static const struct weir_value *
options_without(const struct hidden *h, const struct weir_value *v)
{
    const struct weir_value *open = without_credentials(v), *seen = hidden_masked(h, open);
    value_unref(&open);
    return seen;
}

const struct weir_value *
seer_without(const struct hidden *h, const struct weir_value *told)
{
    struct weir_builder *b;
    struct weir_text key;
    const struct weir_value *v, *seen;
    if (told->type == WEIR_STRING)
        return hidden_masked(h, told);
    if (told->type != WEIR_LIST && told->type != WEIR_MAP)
        return value_ref(told);
    b = told->type == WEIR_LIST ? builder_list() : builder_map();
    for (size_t i = 0; (v = value_at(told, i)) != NULL; i++) {
        seen = seer_without(h, v);
        builder_add(b, &seen);
    }
    for (size_t i = 0; value_member(told, i, &key, &v); i++) {
        seen = is_one_of(key, plain)    ? value_ref(v)
               : text_is(key, "event")  ? event_without(h, v)
               : text_is(key, "config") ? options_without(h, v)
               : is_one_of(key, values) ? hidden_masked(h, v)
                                        : seer_without(h, v);
        builder_set(b, key.bytes, key.len, &seen);
    }
    return builder_end(&b);
}
