/* admin/ask.c - reload and drain: what the keeper is asked, and its answers.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "admin/parts.h"

static struct question *
find_question(struct admin *a, uint64_t token)
{
    for (unsigned i = 0; i < QUESTIONS_MAX; i++)
        if (a->questions[i].token == token)
            return &a->questions[i];
    return NULL;
}

/* Mails KIND to the keeper; false if it can't be reached, which is answered. */
static bool
mail_keeper(struct admin *a, struct weir_event *e, const char *kind, uint64_t token)
{
    struct weir_builder *b = builder_map();
    builder_take(b, "kind", value_text(kind));
    builder_take(b, "token", value_int((int64_t)token));
    builder_take(b, "from", value_text(a->config.mailbox));
    const struct weir_value *v = builder_end(&b);
    struct weir_error err = { 0 };
    bool sent = mail_send(a->config.keeper, v, &err) == WEIR_OK;
    value_unref(&v);
    if (!sent)
        event_answer_error(e, &err);
    return sent;
}

void
ask_reload(struct admin *a, struct weir_event *e)
{
    struct question *q = find_question(a, 0);
    if (q == NULL) {
        answer_problem(e, WEIR_UNAVAILABLE, "too many requests wait for a reload");
        return;
    }
    uint64_t token = ++a->last_token;
    if (mail_keeper(a, e, "reload", token))
        *q = (struct question){ .token = token, .event = e };
}

void
ask_drain(struct admin *a, struct weir_event *e)
{
    if (!mail_keeper(a, e, "drain", 0))
        return;
    struct weir_builder *b = builder_map();
    builder_take(b, "message", value_text("draining: new work is refused, what runs is finished"));
    answer_json(e, 202, builder_end(&b));
}

void
ask_gone(struct admin *a, struct weir_event *e)
{
    for (unsigned i = 0; i < QUESTIONS_MAX; i++)
        if (a->questions[i].token && a->questions[i].event == e)
            a->questions[i].gone = true;
}

void
ask_end(struct admin *a)
{
    for (unsigned i = 0; i < QUESTIONS_MAX; i++) {
        struct question q = a->questions[i];
        a->questions[i] = (struct question){ 0 };
        if (q.token)
            answer_problem(q.event, WEIR_UNAVAILABLE, "this server is shutting down");
    }
}

/* A failed reload is a problem document that has the diagnostics besides. */
static void
answer_failure(struct weir_event *e, const struct weir_value *message)
{
    struct weir_builder *b = builder_map();
    builder_take(b, "type", value_text("urn:weir:problem:invalid"));
    builder_take(b, "title", value_text("the configuration was refused"));
    builder_take(b, "status", value_int(422));
    builder_put(b, "detail", value_field(message, "message"));
    builder_take(b, "instance", value_string(e->id.bytes, e->id.len));
    static const char *const more[] = { "diagnostics", "text" };
    for (unsigned i = 0; i < 2; i++)
        if (value_field(message, more[i]))
            builder_put(b, more[i], value_field(message, more[i]));
    answer_json(e, 422, builder_end(&b));
}

void
admin_message(struct admin *a, const struct weir_value *message)
{
    const struct weir_value *token = value_field(message, "token");
    const struct weir_value *ok = value_field(message, "ok");
    struct question *q = token && token->integer ? find_question(a, (uint64_t)token->integer) : NULL;
    if (q == NULL)
        return;
    struct weir_event *e = q->event;
    *q = (struct question){ 0 };
    const struct weir_value *busy = value_field(message, "busy");
    if (busy) {
        struct weir_text why = value_as_text(busy);
        answer_problem(e, WEIR_UNAVAILABLE, "%.*s", (int)why.len, why.bytes);
    } else if (ok && ok->boolean) {
        struct weir_builder *b = builder_map();
        builder_put(b, "message", value_field(message, "message"));
        builder_put(b, "generation", value_field(message, "generation"));
        answer_json(e, 200, builder_end(&b));
    } else {
        answer_failure(e, message);
    }
}
