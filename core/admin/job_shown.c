/* admin/job_shown.c - a job as operators may see it: what stands for a secret is not shown.
 *
 * The store has the event as it came, for the replay: with the credentials of who sent it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "admin/parts.h"
#include "base/encode.h"
#include "engine/job_trace.h"
#include "admin/seer.h"
#include "pipeline/secrets.h"

#define SHOWN_MAX (64u << 20)

/* [[name, value] ...] with the credentials in it hidden. */
static const struct weir_value *
pairs_shown(const struct weir_value *pairs)
{
    struct weir_builder *list = builder_list();
    const struct weir_value *pair;
    for (size_t i = 0; (pair = value_at(pairs, i)) != NULL; i++) {
        const struct weir_value *name = value_at(pair, 0), *value = value_at(pair, 1);
        struct weir_builder *b = builder_list();
        const struct weir_value *v = name ? value_ref(name) : value_ref(&value_null);
        bool hidden = name && is_credential(value_as_text(name));
        builder_add(b, &v);
        v = hidden || value == NULL ? value_text("***") : value_ref(value);
        builder_add(b, &v);
        v = builder_end(&b);
        builder_add(list, &v);
    }
    return builder_end(&list);
}

static bool
hides(void *arg, struct weir_text name, struct weir_text value)
{
    (void)arg;
    (void)value;
    return is_credential(name);
}

/* The bytes of a body are shown as the text that they mostly are. */
static void
put_raw(struct weir_builder *b, const struct weir_value *raw)
{
    const char *key = utf8_valid(value_as_text(raw)) ? "raw" : "raw_base64";
    const struct weir_value *v = value_ref(raw);
    builder_set(b, key, strlen(key), &v);
}

static const struct weir_value *
event_shown(const struct weir_value *event)
{
    struct weir_builder *b = builder_map();
    struct weir_text key;
    const struct weir_value *v;
    for (size_t i = 0; value_member(event, i, &key, &v); i++) {
        const struct weir_value *shown;
        if (text_is(key, "raw")) {
            put_raw(b, v);
            continue;
        }
        if (text_is(key, "headers") || text_is(key, "params"))
            shown = pairs_shown(v);
        else if (text_is(key, "query"))
            shown = form_hidden(value_as_text(v), hides, NULL); /* "a=1&token=***" */
        else
            shown = value_ref(v);
        builder_set(b, key.bytes, key.len, &shown);
    }
    return builder_end(&b);
}

/* RECORD of a step, with the idempotency key that it has sent. ROOT: the first job with the event. */
static const struct weir_value *
record_shown(const struct weir_value *record, const char *root)
{
    const struct weir_value *effect = value_field(record, "effect"), *path = value_field(record, "path");
    if (effect == NULL || path == NULL || !text_is(value_as_text(effect), "idempotent"))
        return value_ref(record);
    struct weir_text t = value_as_text(path), key;
    struct weir_builder *b = builder_map();
    const struct weir_value *v;
    struct buf plain; /* without the numbers of attempts, since all have one key */
    char text[JOB_KEY];
    buf_init(&plain, t.len + 1);
    for (size_t i = 0; i < t.len; i++) {
        if (t.bytes[i] == '~')
            while (i + 1 < t.len && t.bytes[i + 1] >= '0' && t.bytes[i + 1] <= '9')
                i++;
        else
            (void)buf_putc(&plain, t.bytes[i]);
    }
    job_step_key(root, buf_content(&plain), text);
    buf_fini(&plain);
    for (size_t i = 0; value_member(record, i, &key, &v); i++) {
        const struct weir_value *same = value_ref(v);
        builder_set(b, key.bytes, key.len, &same);
    }
    v = value_text(text);
    builder_set(b, "key", 3, &v);
    return builder_end(&b);
}

static const struct weir_value *
steps_shown(const struct weir_value *steps, const struct weir_value *root)
{
    struct weir_builder *list = builder_list();
    struct weir_text text = root ? value_as_text(root) : TEXT("");
    char name[ID_UUID];
    const struct weir_value *one;
    (void)snprintf(name, sizeof name, "%.*s", (int)text.len, text.bytes);
    for (size_t i = 0; (one = value_at(steps, i)) != NULL; i++) {
        const struct weir_value *shown = record_shown(one, name);
        builder_add(list, &shown);
    }
    return builder_end(&list);
}

/* JOB as it may be seen; ID: its member that is its own id. */
static const struct weir_value *
shown(const struct weir_value *job, const char *id)
{
    struct weir_builder *b = builder_map();
    struct weir_text key;
    const struct weir_value *v, *root = value_field(job, "root");
    for (size_t i = 0; value_member(job, i, &key, &v); i++) {
        const struct weir_value *one;
        if (text_is(key, "event") && value_type(v) == WEIR_MAP)
            one = event_shown(v);
        else if (text_is(key, "steps"))
            one = steps_shown(v, root ? root : value_field(job, id));
        else
            one = value_ref(v);
        builder_set(b, key.bytes, key.len, &one);
    }
    return builder_end(&b);
}

/* JOB, or a step of one, with its event's credentials and what is marked in it hidden wherever they stand. */
static const struct weir_value *
open_shown(const struct seer *seer, const struct weir_value *job, const char *id)
{
    const struct weir_value *event = value_field(job, "event");
    struct marks *m = seer_marks(seer, job);
    struct hidden *h = hidden_new();
    struct weir_builder *b = builder_map();
    struct weir_text key;
    const struct weir_value *v, *open, *seen;
    if (event && value_type(event) == WEIR_MAP)
        seer_gather(event, h);
    for (size_t i = 0; value_member(job, i, &key, &v); i++) {
        bool marked = m && text_is(key, "event") && value_type(v) == WEIR_MAP;
        v = marked ? marks_hide_event(m, v, h) : value_ref(v);
        builder_set(b, key.bytes, key.len, &v);
    }
    hidden_end(h);
    v = builder_end(&b);
    open = shown(v, id);
    seen = seer_without(h, open);
    value_unref(&open);
    value_unref(&v);
    hidden_free(&h);
    marks_free(&m);
    return seen;
}

const struct weir_value *
job_shown(const struct seer *seer, const struct weir_value *job)
{
    return open_shown(seer, job, "id");
}

const struct weir_value *
step_shown(const struct seer *seer, const struct weir_value *step)
{
    return open_shown(seer, step, "job");
}

const struct weir_value *
jobs_shown(const struct seer *seer, const struct weir_value *page)
{
    struct weir_builder *b = builder_map(), *list = builder_list();
    const struct weir_value *jobs = value_field(page, "jobs"), *next = value_field(page, "next");
    const struct weir_value *job, *v;
    for (size_t i = 0; (job = value_at(jobs, i)) != NULL; i++) {
        v = job_shown(seer, job);
        builder_add(list, &v);
    }
    v = builder_end(&list);
    builder_set(b, "jobs", 4, &v);
    if (next != NULL)
        builder_put(b, "next", next);
    return builder_end(&b);
}

/* A text or bytes: without the secrets, and as a text if they are one. JSON has bytes as
 * base64, which would hide a secret from who looks for it and from nobody else. */
static const struct weir_value *
text_masked(const struct secrets *secrets, const struct weir_value *v)
{
    struct buf b;
    buf_init(&b, SHOWN_MAX);
    if (!buf_text(&b, value_as_text(v))) {
        buf_fini(&b);
        return value_text("(larger than is shown)");
    }
    if (secrets != NULL)
        secrets_mask(secrets, &b);
    struct weir_text t = buf_content(&b);
    const struct weir_value *masked =
        utf8_valid(t) ? value_string(t.bytes, t.len) : value_bytes(t.bytes, t.len);
    buf_fini(&b);
    return masked;
}

/* V with text_masked of all that is in it. Values of the store are at most VALUE_DEPTH deep. */
static const struct weir_value *
all_masked(const struct secrets *secrets, const struct weir_value *v)
{
    struct weir_builder *b;
    struct weir_text key;
    const struct weir_value *member;
    if (v->type == WEIR_STRING || v->type == WEIR_BYTES)
        return text_masked(secrets, v);
    if (v->type != WEIR_LIST && v->type != WEIR_MAP)
        return value_ref(v);
    b = v->type == WEIR_LIST ? builder_list() : builder_map();
    for (size_t i = 0; (member = value_at(v, i)) != NULL; i++) {
        const struct weir_value *masked = all_masked(secrets, member);
        builder_add(b, &masked);
    }
    for (size_t i = 0; value_member(v, i, &key, &member); i++) {
        const struct weir_value *masked = all_masked(secrets, member);
        builder_set(b, key.bytes, key.len, &masked);
    }
    return builder_end(&b);
}

const struct weir_value *
job_seen(void *arg, const struct weir_value *job)
{
    const struct seer *seer = arg;
    const struct weir_value *open = job_shown(seer, job), *seen = all_masked(seer->secrets, open);
    value_unref(&open);
    return seen;
}

void
answer_unmarked(const struct admin *a, struct weir_event *e, unsigned status,
                const struct weir_value *take_v)
{
    const struct generation *g = engine_generation(a->shard);
    answer_json(e, status, all_masked(g ? generation_secrets(g) : NULL, take_v));
    value_unref(&take_v);
}
