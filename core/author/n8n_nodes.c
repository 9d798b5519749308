/* author/n8n_nodes.c - what nodes of n8n become that have no branches.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "author/n8n_impl.h"

/* -- set -- */

/* Puts VALUE into MAP under a name such as "a.b", which means a map in a map. */
static void
set_by_path(struct step *s, struct out *map, struct weir_text name, struct out *value)
{
    struct arena *a = &s->w->arena;
    for (unsigned depth = 0; depth < 8; depth++) {
        const char *dot = name.len > 0 ? memchr(name.bytes, '.', name.len) : NULL;
        size_t len = dot != NULL ? (size_t)(dot - name.bytes) : name.len;
        if (dot == NULL || len == 0 || len + 1 == name.len)
            break;
        struct weir_text part = { name.bytes, len };
        struct out *inner = out_get(map, n8n_printf(s->w, "%.*s", (int)len, part.bytes));
        if (inner == NULL || inner->kind != OUT_MAP)
            inner = out_set(a, map, part, out_map(a));
        map = inner;
        name = (struct weir_text){ dot + 1, name.len - len - 1 };
    }
    out_set(a, map, name, value);
}

/* A constant text as the type that n8n makes of it. */
static struct out *
typed(struct step *s, const struct weir_value *value, struct weir_text type)
{
    struct weir_text text = value_as_text(value);
    bool constant = value->type == WEIR_STRING && text.len > 0 && text.bytes[0] != '=' &&
                    memmem(text.bytes, text.len, "{{", 2) == NULL;
    if (constant && (text_is(type, "number") || text_is(type, "numberValue")))
        return step_operand(s, value, true)[0] != '"'
                   ? out_plain(&s->w->arena, step_operand(s, value, true))
                   : step_text(s, text);
    if (constant && (text_is(type, "boolean") || text_is(type, "booleanValue")) &&
        (text_is(text, "true") || text_is(text, "false")))
        return out_plain(&s->w->arena, text_is(text, "true") ? "true" : "false");
    if (value->type == WEIR_STRING &&
        (text_is(type, "object") || text_is(type, "array") || text_is(type, "objectValue") ||
         text_is(type, "arrayValue")))
        return step_json(s, text);
    return step_value(s, value);
}

/* One field: { name, value, type }, or { name, stringValue }. */
static void
set_field(struct step *s, struct out *map, const struct weir_value *v, struct weir_text type)
{
    const struct weir_value *name = value_field(v, "name"), *value = value_field(v, "value");
    const struct weir_value *given = value_field(v, "type"), *member;
    struct weir_text key;
    if (given != NULL)
        type = value_as_text(given);
    for (size_t i = 0; value == NULL && value_member(v, i, &key, &member); i++)
        if (key.len > 5 && memcmp(key.bytes + key.len - 5, "Value", 5) == 0)
            value = member;
    struct weir_text field = name != NULL ? value_as_text(name) : TEXT("");
    if (field.len == 0)
        return;
    if (memmem(field.bytes, field.len, "{{", 2) != NULL) {
        step_note_todo(s, s->map, "a field whose name is an expression has no counterpart");
        return;
    }
    if (field.bytes[0] == '=')
        field = (struct weir_text){ field.bytes + 1, field.len - 1 };
    set_by_path(s, map, field,
                value != NULL ? typed(s, value, type) : out_text(&s->w->arena, TEXT("")));
}

static void
write_set(struct step *s)
{
    struct n8n *w = s->w;
    struct out *step = step_begin(s), *map = out_map(&w->arena);
    const struct weir_value *list = param(s->node, "assignments/assignments"), *one, *kinds;
    struct weir_text kind;
    n8n_fate(s->node, FATE_MAPPED);
    if (param_is(s->node, "mode", "raw", "manual")) {
        out_set(&w->arena, step, TEXT("set"), step_json(s, param_text(s->node, "jsonOutput")));
        return;
    }
    out_set(&w->arena, step, TEXT("set"), map);
    if (list == NULL)
        list = param(s->node, "fields/values");
    for (size_t i = 0; (one = value_at(list, i)) != NULL; i++)
        set_field(s, map, one, TEXT("string"));
    kinds = param(s->node, "values");
    for (size_t k = 0; value_member(kinds, k, &kind, &list); k++)
        for (size_t i = 0; (one = value_at(list, i)) != NULL; i++)
            set_field(s, map, one, kind);
    bool keeps = s->node->version < 3 ? !param_true(s->node, "keepOnlySet")
                                      : param_true(s->node, "includeOtherFields");
    if (keeps) {
        n8n_note(w, s->node, "n8n keeps the other fields of the item; here only these are set");
        n8n_fate(s->node, FATE_PARTLY);
    }
}

/* -- code -- */

static void
write_code(struct step *s)
{
    static const char *const paths[] = { "jsCode", "functionCode", "pythonCode" };
    struct n8n *w = s->w;
    struct weir_text code = TEXT("");
    unsigned which = 0;
    for (; code.len == 0 && which < 3; which++)
        code = param_text(s->node, paths[which]);
    struct out *step = step_begin(s);
    struct buf b;
    buf_init(&b, N8N_MAX);
    (void)buf_printf(&b, "-- TODO n8n: %s of the node \"%.*s\", to be written in Lua.\n",
                     which == 3 ? "Python" : "JavaScript", (int)s->node->name.len,
                     s->node->name.bytes);
    (void)buf_puts(&b, "-- Here `input` is what flowed in; what is returned flows on.\n");
    while (code.len > 0) {
        const char *end = memchr(code.bytes, '\n', code.len);
        size_t len = end != NULL ? (size_t)(end - code.bytes) : code.len;
        (void)buf_printf(&b, "--%s%.*s\n", len > 0 ? "   " : "", (int)len, code.bytes);
        len += end != NULL;
        code = (struct weir_text){ code.bytes + len, code.len - len };
    }
    (void)buf_printf(&b, "error(%s)\n",
                     js_literal(&w->arena, text_of(n8n_printf(w, "TODO: the code of %.*s",
                                                              (int)s->node->name.len,
                                                              s->node->name.bytes))));
    out_set(&w->arena, step, TEXT("lua"),
            out_lines(&w->arena, js_escaped(&w->arena, buf_content(&b))));
    buf_fini(&b);
    n8n_todo(w, s->node, s->id, "its code is to be written in Lua");
    n8n_fate(s->node, FATE_TODO);
}

/* -- wait, stop, call -- */

static void
write_wait(struct step *s)
{
    static const char *const units[][2] = {
        { "seconds", "s" }, { "minutes", "m" }, { "hours", "h" }, { "days", "d" }
    };
    struct n8n *w = s->w;
    struct out *step = step_begin(s);
    struct out *wait = out_set(&w->arena, step, TEXT("wait"), out_map(&w->arena));
    const struct weir_value *amount = param(s->node, "amount");
    /* the first version counts in hours, if it says nothing */
    struct weir_text unit = param_text(s->node, "unit");
    const char *suffix = s->node->version < 1.1 ? "h" : "s";
    for (size_t i = 0; i < 4; i++)
        if (text_is(unit, units[i][0]))
            suffix = units[i][1];
    s->data = s->in;
    s->w->waits = true;
    n8n_fate(s->node, FATE_MAPPED);
    if (param_is(s->node, "resume", "webhook", "timeInterval") ||
        param_is(s->node, "resume", "form", "timeInterval")) {
        out_set(&w->arena, wait, TEXT("callback"), out_plain(&w->arena, "true"));
        s->data = (struct js_base){ .text = n8n_printf(w, "steps.%.*s", (int)s->id.len,
                                                       s->id.bytes) };
    } else if (param_is(s->node, "resume", "specificTime", "timeInterval")) {
        step_set(s, wait, "until", param(s->node, "dateTime"));
    } else if (amount != NULL && amount->type == WEIR_STRING) {
        struct out *span = step_text(s, value_as_text(amount));
        out_set(&w->arena, wait, TEXT("for"),
                out_text(&w->arena, text_of(n8n_printf(w, "%.*s%s", (int)span->text.len,
                                                       span->text.bytes, suffix))));
    } else {
        long long n = amount != NULL && amount->type == WEIR_INT ? (long long)amount->integer
                      : s->node->version < 1.1                   ? 1
                                                                 : 5;
        out_set(&w->arena, wait, TEXT("for"),
                out_text(&w->arena, text_of(n8n_printf(w, "%lld%s", n > 0 ? n : 1, suffix))));
    }
}

static void
write_stop(struct step *s)
{
    struct n8n *w = s->w;
    struct weir_text message = param_text(s->node, "errorMessage");
    if (message.len == 0)
        message = param_text(s->node, "message");
    struct out *step = step_begin(s);
    n8n_fate(s->node, FATE_MAPPED);
    if (message.len > 0 &&
        (message.bytes[0] == '=' || memmem(message.bytes, message.len, "{{", 2) != NULL)) {
        struct out *lua = out_set(&w->arena, step, TEXT("lua"), out_map(&w->arena));
        struct out *config = out_map(&w->arena);
        out_set(&w->arena, lua, TEXT("script"),
                out_text(&w->arena, TEXT("error(config.message)")));
        out_set(&w->arena, lua, TEXT("config"), config);
        out_set(&w->arena, config, TEXT("message"), step_text(s, message));
        return;
    }
    struct weir_text safe = js_escaped(&w->arena, message.len > 0 ? message : TEXT("stopped"));
    out_set(&w->arena, step, TEXT("lua"),
            out_lines(&w->arena,
                      text_of(n8n_printf(w, "error(%s)\n", js_literal(&w->arena, safe)))));
}

/* Another workflow is another pipeline, whose name has to be told. */
static void
write_call(struct step *s)
{
    struct n8n *w = s->w;
    struct weir_text name = param_text(s->node, "workflowId/cachedResultName");
    if (name.len == 0)
        name = param_text(s->node, "workflowId/value");
    if (name.len == 0)
        name = param_text(s->node, "workflowId");
    step_todo(s,
              n8n_printf(w, "calls the workflow \"%.*s\": import it, and write call: NAME here",
                         (int)(name.len > 80 ? 80 : name.len), name.bytes));
}

static void
write_aggregate(struct step *s)
{
    struct n8n *w = s->w;
    struct out *step = step_begin(s);
    struct out *map = out_set(&w->arena, step, TEXT("set"), out_map(&w->arena));
    struct weir_text field = param_text(s->node, "destinationFieldName");
    out_set(&w->arena, map, field.len > 0 ? field : TEXT("data"),
            step_expression(s, s->in.text != NULL && s->in.shape == JS_VALUE ? s->in.text
                                                                             : "input"));
    n8n_note(w, s->node, "it gathers the whole items; look at which fields are wanted");
    n8n_fate(s->node, FATE_PARTLY);
}

/* -- all -- */

/* What a node says of errors and of trying again. */
static void
write_common(struct step *s)
{
    struct n8n *w = s->w;
    const struct weir_value *v = s->node->value, *on = value_field(v, "onError");
    const struct weir_value *retry = value_field(v, "retryOnFail"),
                            *tries = value_field(v, "maxTries");
    const struct weir_value *pause = value_field(v, "waitBetweenTries"),
                            *go = value_field(v, "continueOnFail");
    if (s->map == NULL || s->id.len == 0)
        return;
    if (param(s->node, "options/retry/maxTries") != NULL) {
        tries = param(s->node, "options/retry/maxTries");
        retry = &value_true;
    }
    if (retry != NULL && retry->type == WEIR_BOOL && retry->boolean) {
        long long n = tries != NULL && tries->type == WEIR_INT ? (long long)tries->integer : 3;
        struct out *map = out_set(&w->arena, s->map, TEXT("retry"), out_map(&w->arena));
        out_set(&w->arena, map, TEXT("attempts"),
                out_plain(&w->arena, n8n_printf(w, "%lld",
                                                n < 1    ? 1
                                                : n > 10 ? 10
                                                         : n)));
        long long ms =
            pause != NULL && pause->type == WEIR_INT ? (long long)pause->integer : 1000;
        out_set(&w->arena, map, TEXT("backoff"), out_text(&w->arena, TEXT("constant")));
        out_set(&w->arena, map, TEXT("initial"),
                step_duration(s, ms < 1 || ms > 300000 ? 1000 : ms));
    }
    bool goes_on = (go != NULL && go->type == WEIR_BOOL && go->boolean) ||
                   (on != NULL && text_is(value_as_text(on), "continueRegularOutput"));
    if (goes_on && out_get(s->map, "catch") == NULL)
        out_set(&w->arena, s->map, TEXT("catch"), out_list(&w->arena));
}

static const struct {
    const char *type;
    void (*write)(struct step *s);
} types[] = {
    { "httpRequest", n8n_http },
    { "respondToWebhook", n8n_respond },
    { "set", write_set },
    { "code", write_code },
    { "function", write_code },
    { "functionItem", write_code },
    { "wait", write_wait },
    { "stopAndError", write_stop },
    { "executeWorkflow", write_call },
    { "aggregate", write_aggregate },
};

void
n8n_node_step(struct step *s)
{
    if (text_is(s->node->type, "noOp") || text_is(s->node->type, "stickyNote")) {
        n8n_fate(s->node, FATE_DROPPED);
        s->skipped = true;
        return;
    }
    if (s->node->trigger) {
        n8n_note(s->w, s->node, "a trigger amid the steps was left out");
        n8n_fate(s->node, FATE_DROPPED);
        s->skipped = true;
        return;
    }
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (text_is(s->node->type, types[i].type)) {
            types[i].write(s);
            write_common(s);
            return;
        }
    step_todo(s, "has no counterpart");
    write_common(s);
}
