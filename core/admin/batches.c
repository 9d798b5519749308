/* admin/batches.c - batches of replays and pauses of pipelines: /api/v1/batches,
 * /api/v1/pauses, /api/v1/pipelines/NAME/pause.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "admin/parts.h"
#include "base/encode.h"

#define BATCHES "/api/v1/batches"
#define PIPELINES "/api/v1/pipelines"
#define FILTER "state pipeline code node since key fingerprint where"
#define TEXT_MAX 4096u /* bytes of a text in a body */

void
show_batches(struct admin *a, struct weir_event *e)
{
    struct weir_text id, verb;
    if (!split_path(e->path, BATCHES, &id, &verb)) {
        answer_problem(e, WEIR_NOT_FOUND,
                       "there is " BATCHES ", " BATCHES "/plan, " BATCHES "/ID and " BATCHES
                       "/ID/VERB");
        return;
    }
    if (id.len == 0) {
        ask_query(a, e, "batches.list", "limit after");
        return;
    }
    if (verb.len > 0) {
        wrong_method(e, "POST",
                     "a batch is told something with POST; GET without the verb "
                     "looks at it");
        return;
    }
    if (text_is(id, "plan")) {
        ask_query(a, e, "batches.plan", FILTER " max");
        return;
    }
    const struct weir_value *query =
        is_id(e, id, "batch") && has_store(a, e) ? read_query(e, "state limit after") : NULL;
    if (query == NULL)
        return;
    struct weir_builder *b = builder_map();
    builder_put_all(b, query);
    value_unref(&query);
    builder_take(b, "id", value_string(id.bytes, id.len));
    ask_store(a, e, "batches.show", builder_end(&b));
}

enum weir_code
put_member(struct weir_builder *b, struct weir_text key, const struct weir_value *v,
           const char *texts, const char *numbers, struct weir_error *err)
{
    bool text = has_name(texts, key), number = has_name(numbers, key);
    if (!text && !number)
        return err_set(err, WEIR_INVALID, "there is no '%.*s' in the body; there are: %s %s",
                       (int)utf8_prefix(key, 60), key.bytes, texts, numbers);
    if (v->type != (text ? WEIR_STRING : WEIR_INT))
        return err_set(err, WEIR_INVALID, "'%.*s' is not a %s", (int)key.len, key.bytes,
                       text ? "string" : "whole number");
    if (text && v->len > TEXT_MAX)
        return err_set(err, WEIR_INVALID, "'%.*s' has more than %u bytes", (int)key.len,
                       key.bytes, TEXT_MAX);
    if (text && text_is(key, "since"))
        return put_parameter(b, key, value_as_text(v), err);
    const struct weir_value *copy = value_ref(v);
    builder_set(b, key.bytes, key.len, &copy);
    return WEIR_OK;
}

/* Asks WHAT with the body of E, and ID under NAME if it is not empty. */
static void
order(struct admin *a, struct weir_event *e, const char *what, const char *texts,
      const char *numbers, const char *name, struct weir_text id)
{
    struct weir_error err = { 0 };
    struct weir_text key;
    struct weir_builder *b = builder_map();
    const struct weir_value *body, *v;
    builder_take(b, "who", value_text("api"));
    enum weir_code code = body_map(e, &body, &err);
    for (size_t i = 0; code == WEIR_OK && body && value_member(body, i, &key, &v); i++)
        code = put_member(b, key, v, texts, numbers, &err);
    value_unref(&body);
    if (code != WEIR_OK) {
        builder_free(&b);
        event_answer_error(e, &err);
        return;
    }
    if (id.len > 0)
        builder_take(b, name, value_string(id.bytes, id.len));
    ask_store(a, e, what, builder_end(&b));
}

void
tell_batch(struct admin *a, struct weir_event *e)
{
    static const char *const verbs[][2] = { { "pause", "batches.pause" },
                                            { "resume", "batches.resume" },
                                            { "cancel", "batches.cancel" } };
    struct weir_text id, verb;
    bool good = split_path(e->path, BATCHES, &id, &verb);
    if (good && id.len == 0) {
        if (has_store(a, e))
            make_batch(a, e);
        return;
    }
    if (!good || verb.len == 0) {
        wrong_method(e, "GET, HEAD",
                     "a batch is looked at with GET; POST takes a verb: " BATCHES "/ID/pause");
        return;
    }
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (!text_is(verb, verbs[i][0]))
            continue;
        if (is_id(e, id, "batch") && has_store(a, e))
            order(a, e, verbs[i][1], "reason who", "", "id", id);
        return;
    }
    answer_problem(e, WEIR_NOT_FOUND,
                   "a batch can't be told to '%.*s'; what it can be told: pause resume cancel",
                   (int)utf8_prefix(verb, 60), verb.bytes);
}

void
show_pauses(struct admin *a, struct weir_event *e)
{
    ask_query(a, e, "pauses.list", "");
}

/* Whether the body of E names a key; what is wrong with it is said by who carries the order out. */
static bool
names_key(const struct weir_event *e)
{
    struct weir_error err;
    const struct weir_value *body = NULL, *key;
    if (body_map(e, &body, &err) != WEIR_OK)
        return false;
    key = value_field(body, "key");
    bool is = key != NULL && value_type(key) == WEIR_STRING && key->len > 0;
    value_unref(&body);
    return is;
}

/* Whether the pipeline NAME is one that can be paused. Answers if not. */
static bool
can_pause(struct admin *a, struct weir_event *e, struct weir_text name)
{
    const struct generation *g = engine_generation(a->shard);
    const struct pipelines *all = g ? generation_pipelines(g) : NULL;
    const struct pipeline *p = all ? map_get(&all->by_name, name.bytes, name.len) : NULL;
    if (p == NULL)
        answer_problem(e, WEIR_NOT_FOUND, "there is no pipeline '%.*s'",
                       (int)utf8_prefix(name, 60), name.bytes);
    else if (p->durable == DURABLE_NO)
        answer_problem(
            e, WEIR_CONFLICT,
            "the pipeline '%s' is not durable, so that nothing could keep its events "
            "while it is paused; durable: true makes it so",
            p->name);
    else if (p->concurrency_key == NULL && names_key(e))
        answer_problem(e, WEIR_CONFLICT,
                       "no job of the pipeline '%s' has a key that could be paused: it has no concurrency with a key%s; "
                       "without a key all its jobs are held",
                       p->name, p->order_by ? " (that of order_by is another one)" : "");
    else
        return true;
    return false;
}

void
tell_pipeline(struct admin *a, struct weir_event *e)
{
    struct weir_text rest = { e->path.bytes + strlen(PIPELINES),
                              e->path.len - strlen(PIPELINES) };
    const char *slash = rest.len > 1 ? memrchr(rest.bytes + 1, '/', rest.len - 1) : NULL;
    if (slash == NULL) {
        wrong_method(e, "GET, HEAD",
                     "pipelines are looked at with GET; POST takes a verb: " PIPELINES
                     "/NAME/pause");
        return;
    }
    struct weir_text name = { rest.bytes + 1, (size_t)(slash - rest.bytes) - 1 };
    struct weir_text verb = { slash + 1, rest.len - name.len - 2 };
    bool pause = text_is(verb, "pause");
    if (!pause && !text_is(verb, "resume"))
        answer_problem(e, WEIR_NOT_FOUND,
                       "a pipeline can't be told to '%.*s'; what it can be told: pause resume",
                       (int)utf8_prefix(verb, 60), verb.bytes);
    /* One that is gone can go on all the same: its jobs are there. */
    else if (has_store(a, e) && (!pause || can_pause(a, e, name)))
        order(a, e, pause ? "pauses.make" : "pauses.end", "key reason who", "", "pipeline",
              name);
}
