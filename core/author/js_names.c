/* author/js_names.c - what the names of an n8n expression stand for, and their members.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "author/js_impl.h"

static struct js_term
of_kind(enum js_kind kind, const char *text)
{
    return (struct js_term){ .kind = kind, .text = text, .level = LEVEL_PRIMARY };
}

static struct js_term
of_base(enum js_kind kind, const struct js_base *base)
{
    struct js_term t = of_kind(kind, "");
    t.base = *base;
    return t;
}

/* Names that stand for themselves until a member or a call says what is wanted. */
static const struct {
    const char *name;
    enum js_kind kind;
    const char *text;
} globals[] = {
    { "$node", JS_NODES, "" },
    { "$env", JS_ENV, "" },
    { "$now", JS_MOMENT, "now()" },
    { "$today", JS_MOMENT, "now() - now() % 86400000" },
    { "$", JS_FUNCTION, "$" },
    { "$items", JS_FUNCTION, "$items" },
    { "$item", JS_FUNCTION, "$item" },
    { "$workflow", JS_GLOBAL, "$workflow" },
    { "$execution", JS_GLOBAL, "$execution" },
    { "process", JS_GLOBAL, "process" },
    { "Math", JS_GLOBAL, "Math" },
    { "JSON", JS_GLOBAL, "JSON" },
    { "Date", JS_GLOBAL, "Date" },
    { "DateTime", JS_GLOBAL, "DateTime" },
    { "Array", JS_GLOBAL, "Array" },
    { "Number", JS_FUNCTION, "Number" },
    { "String", JS_FUNCTION, "String" },
    { "Boolean", JS_FUNCTION, "Boolean" },
    { "parseInt", JS_FUNCTION, "parseInt" },
    { "parseFloat", JS_FUNCTION, "parseFloat" },
    { "encodeURIComponent", JS_FUNCTION, "encodeURIComponent" },
    { "$if", JS_FUNCTION, "$if" },
};

static struct js_term
constant(const char *text, bool truth, bool null)
{
    struct js_term t = of_kind(JS_TERM, text);
    t.literal = true;
    t.truth = truth;
    t.null = null;
    return t;
}

const char *
js_local(struct js *j, struct weir_text name)
{
    static const char *const taken[] = { "request", "input", "steps", "item",    "index",
                                         "error",   "reply", "run",   "vars",    "env",
                                         "secrets", "in",    "has",   "default", "type" };
    bool clash = false; /* it would hide what $json and its like become */
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        clash |= text_is(name, taken[i]);
    return js_printf(j, "%.*s%s", (int)name.len, name.bytes, clash ? "_" : "");
}

struct js_term
js_name(struct js *j, struct weir_text name)
{
    for (unsigned i = j->n_locals; i-- > 0;)
        if (text_equal(j->locals[i], name)) {
            struct js_term t = of_kind(JS_TERM, js_local(j, name));
            t.chain = true;
            return t;
        }
    if (text_is(name, "true") || text_is(name, "false"))
        return constant(text_is(name, "true") ? "true" : "false", true, false);
    if (text_is(name, "null") || text_is(name, "undefined")) {
        struct js_term t = constant("null", false, true);
        t.undefined = text_is(name, "undefined");
        return t;
    }
    if (text_is(name, "$json") || text_is(name, "item") || text_is(name, "$data"))
        return of_base(JS_JSON, &j->names->json);
    if (text_is(name, "$input") || text_is(name, "items"))
        return of_base(JS_NODE, &j->names->json);
    if (text_is(name, "$uuid"))
        return of_kind(JS_TERM, "uuid()");
    if (text_is(name, "new")) {
        if (!js_at(j, "Date"))
            return js_fail(j, "'new' has no counterpart");
        js_next(j, false);
        return of_kind(JS_FUNCTION, "new Date");
    }
    for (size_t i = 0; i < sizeof globals / sizeof *globals; i++)
        if (text_is(name, globals[i].name)) {
            struct js_term t = of_kind(globals[i].kind, globals[i].text);
            t.zone = t.kind == JS_MOMENT;
            if (text_is(name, "$today"))
                js_note(j, JS_ZONE);
            return t;
        }
    if (text_is(name, "$credentials"))
        return js_fail(j, "credentials are secrets: secrets.NAME");
    return js_fail(j, "%.*s has no counterpart", (int)name.len, name.bytes);
}

/* Whether NAME may stand behind a '.' in an expression of weir. */
static bool
is_plain(struct weir_text name)
{
    static const char *const reserved[] = { "in", "true", "false", "null" };
    if (name.len == 0 || name.len > 200 || isdigit((unsigned char)name.bytes[0]))
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (!isalnum((unsigned char)name.bytes[i]) && name.bytes[i] != '_')
            return false;
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (text_is(name, reserved[i]))
            return false;
    return true;
}

static struct js_term
chained(const char *text)
{
    struct js_term t = of_kind(JS_TERM, text);
    t.chain = true;
    return t;
}

/* TEXT.NAME, or TEXT["NAME"]; MAYBE: TEXT may be absent. */
static struct js_term
member_text(struct js *j, const char *text, struct weir_text name, bool maybe)
{
    if (is_plain(name))
        return chained(
            js_printf(j, "%s%s.%.*s", text, maybe ? "?" : "", (int)name.len, name.bytes));
    const char *key = js_literal(j->a, name);
    if (maybe)
        text = js_printf(j, "(%s ?? {})", text);
    return chained(js_printf(j, "%s[%s]", text, key));
}

/* What the paths of n8n's error trigger are in the event of a dead job. */
static const struct {
    const char *path;
    const char *as;
} failures[] = {
    { "execution.id", "job" },          { "execution.error.message", "message" },
    { "execution.error.name", "code" }, { "execution.lastNodeExecuted", "node" },
    { "workflow.name", "pipeline" },    { "workflow.id", "pipeline" },
};

static struct js_term
failure_member(struct js *j, struct js_term t, struct weir_text name)
{
    const char *path =
        js_printf(j, "%s%s%.*s", t.text, *t.text ? "." : "", (int)name.len, name.bytes);
    size_t len = strlen(path);
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        if (strcmp(failures[i].path, path) == 0)
            return member_text(j, t.base.text, text_of(failures[i].as), false);
        if (strncmp(failures[i].path, path, len) == 0 && failures[i].path[len] == '.') {
            t.text = path;
            return t;
        }
    }
    return js_fail(j, "'%.100s' of the error trigger has no counterpart", path);
}

static struct js_term
json_member(struct js *j, struct js_term t, struct weir_text name)
{
    if (t.base.text == NULL)
        return js_fail(j, "the node's data is not known here");
    if (t.base.shape == JS_FAILURE)
        return failure_member(j, t, name);
    bool request = t.base.shape == JS_REQUEST, answer = t.base.shape == JS_ANSWER;
    if (answer && text_is(name, "statusCode"))
        name = TEXT("status");
    if (request && !text_is(name, "body") && !text_is(name, "headers") &&
        !text_is(name, "query") && !text_is(name, "params"))
        return js_fail(j, "a webhook gives body, headers, query and params, not '%.*s'",
                       (int)(name.len > 60 ? 60 : name.len), name.bytes);
    struct js_term r = member_text(j, t.base.text, name, t.base.maybe);
    r.texts = request && !text_is(name, "body");
    r.params = request && text_is(name, "params") ? t.base.params : NULL;
    r.headers = request && text_is(name, "headers");
    return r;
}

/* A member of the headers, query or params of a request. */
static struct js_term
request_member(struct js *j, struct js_term t, struct weir_text name, bool maybe)
{
    char *lower = arena_copy(j->a, name.bytes, name.len);
    if (lower == NULL)
        abort();
    for (size_t i = 0; i < name.len; i++)
        lower[i] = (char)tolower((unsigned char)lower[i]);
    if (t.headers && memcmp(lower, name.bytes, name.len) != 0)
        return js_fail(j, "names of headers are lower case, so that '%.*s' is none",
                       (int)(name.len > 60 ? 60 : name.len), name.bytes);
    if (t.params != NULL) { /* as n8n_trigger.c writes them into the path */
        name = (struct weir_text){ lower, name.len };
        const char *word = js_printf(j, " %.*s ", (int)name.len, name.bytes);
        if (strstr(t.params, word) == NULL)
            return js_fail(j, "no path of a webhook has ':%.*s'",
                           (int)(name.len > 60 ? 60 : name.len), name.bytes);
    }
    struct js_term r = member_text(j, js_value(j, t, LEVEL_PRIMARY), name, maybe);
    r.string = true;
    return r;
}

static struct js_term
global_member(struct js *j, struct js_term t, struct weir_text name)
{
    bool workflow = strcmp(t.text, "$workflow") == 0;
    if (workflow && (text_is(name, "id") || text_is(name, "name")))
        return chained("run.pipeline");
    if (strcmp(t.text, "$execution") == 0 && text_is(name, "id"))
        return chained("run.id");
    if (strcmp(t.text, "process") == 0 && text_is(name, "env"))
        return of_kind(JS_ENV, "");
    return js_fail(j, "%s.%.*s has no counterpart", t.text,
                   (int)(name.len > 60 ? 60 : name.len), name.bytes);
}

static struct js_term
node_by_name(struct js *j, struct weir_text name)
{
    struct js_base base = { 0 };
    if (j->names->node == NULL || !j->names->node(j->names->arg, name, &base))
        return js_fail(j, "there is no node '%.*s' before it",
                       (int)(name.len > 60 ? 60 : name.len), name.bytes);
    return of_base(JS_NODE, &base);
}

/* The length of a list or text. */
static struct js_term
length_of(struct js *j, struct js_term t)
{
    struct js_term r = of_kind(JS_TERM, js_printf(j, "size(%s)", js_value(j, t, LEVEL_CHOICE)));
    r.number = NUMBER_WHOLE;
    return r;
}

struct js_term
js_member(struct js *j, struct js_term t, struct weir_text name, bool maybe)
{
    switch (t.kind) {
    case JS_TERM:
        if (t.texts)
            return request_member(j, t, name, maybe);
        if (text_is(name, "length"))
            return length_of(j, t);
        return member_text(j, js_value(j, t, LEVEL_PRIMARY), name, maybe && t.chain);
    case JS_JSON:
        if (text_is(name, "length") && t.base.shape == JS_VALUE && *t.text == '\0')
            return length_of(j, t);
        return json_member(j, t, name);
    case JS_ITEM:
        if (text_is(name, "json"))
            return of_base(JS_JSON, &t.base);
        if (text_is(name, "$node"))
            return of_kind(JS_NODES, "");
        if (text_is(name, "binary") || text_is(name, "pairedItem"))
            break;
        return json_member(j, t, name);
    case JS_NODE:
        if (text_is(name, "item"))
            return of_base(JS_ITEM, &t.base);
        if (text_is(name, "json"))
            return of_base(JS_JSON, &t.base);
        break;
    case JS_NODES:
        return node_by_name(j, name);
    case JS_ENV:
        if (is_plain(name))
            return chained(js_printf(j, "env.%.*s", (int)name.len, name.bytes));
        break;
    case JS_GLOBAL:
        return global_member(j, t, name);
    default:
        break;
    }
    return js_fail(j, "'.%.*s' has no counterpart", (int)(name.len > 60 ? 60 : name.len),
                   name.bytes);
}

struct js_term
js_index(struct js *j, struct js_term t, struct js_term key)
{
    if (key.name.bytes != NULL)
        return js_member(j, t, key.name, false);
    if (t.kind == JS_NODE)
        return of_base(JS_ITEM, &t.base);
    if (t.kind != JS_TERM && t.kind != JS_JSON && t.kind != JS_ITEM)
        return js_fail(j, "a name that is worked out has no counterpart");
    bool chain = t.kind != JS_TERM || t.chain;
    const char *text = js_value(j, t, LEVEL_PRIMARY);
    struct js_term r =
        of_kind(JS_TERM, js_printf(j, "%s[%s]", text, js_value(j, key, LEVEL_CHOICE)));
    r.chain = chain && key.literal && text[0] != '(';
    return r;
}
