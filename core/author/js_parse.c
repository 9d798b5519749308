/* author/js_parse.c - the grammar of JavaScript's expressions, as far as weir has counterparts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "author/js_impl.h"
#include "base/encode.h"

struct js_term
js_term(const char *text, enum js_level level)
{
    return (struct js_term){ .text = text, .level = level };
}

struct js_term
js_data(struct js *j, const struct js_base *b)
{
    if (b->text == NULL)
        return js_fail(j, "the node's data is not known here");
    if (b->shape == JS_FAILURE)
        return js_fail(j, "all of what n8n's error trigger gives has no counterpart");
    struct js_term t = js_term(b->text, LEVEL_PRIMARY);
    t.chain = true;
    if (b->maybe) {
        t.text = js_printf(j, "%s ?? null", b->text);
        t.level = LEVEL_DEFAULT;
        t.chain = false;
    }
    return t;
}

const char *
js_value(struct js *j, struct js_term t, enum js_level level)
{
    switch (t.kind) {
    case JS_TERM:
        break;
    case JS_JSON:
    case JS_ITEM:
        t = js_data(j, &t.base);
        break;
    case JS_MOMENT:
        if (t.zone)
            js_note(j, JS_ZONE);
        t = js_term(js_printf(j, "time.format(%s)", t.text), LEVEL_PRIMARY);
        break;
    case JS_NODE:
        return js_fail(j, "the list of a node's items has no counterpart").text;
    default:
        return js_fail(j, "it uses more of n8n than has a counterpart").text;
    }
    if (t.regex)
        return js_fail(j, "a regular expression as a value").text;
    return t.level < level ? js_printf(j, "(%s)", t.text) : t.text;
}

const char *
js_string(struct js *j, struct js_term t, enum js_level level)
{
    if (t.kind == JS_MOMENT || (t.kind == JS_TERM && t.string))
        return js_value(j, t, level);
    return js_printf(j, "string(%s)", js_part(j, t, LEVEL_CHOICE));
}

const char *
js_part(struct js *j, struct js_term t, enum js_level level)
{
    if (t.kind != JS_TERM || t.number != NUMBER_REAL)
        return js_value(j, t, level);
    return js_printf(j, "[%s].map(n, n == int(n) ? int(n) : n)[0]",
                     js_value(j, t, LEVEL_CHOICE));
}

static struct js_term parse_choice(struct js *j);

/* One more level of brackets or operators; false if there are too many. */
static bool
enter(struct js *j)
{
    if (++j->depth <= JS_DEPTH)
        return true;
    (void)js_fail(j, "it is nested too deeply");
    return false;
}

/* ALL, and a text of a template literal behind it: RAW with its escapes. */
static const char *
add_piece(struct js *j, const char *all, struct weir_text raw)
{
    struct weir_text text = js_unescaped(j, raw);
    return js_printf(j, "%s%s%s", all ? all : "", all ? " + " : "", js_literal(j->a, text));
}

/* The pieces of a template literal, joined. */
static struct js_term
parse_pieces(struct js *j, struct weir_text raw)
{
    const char *all = NULL;
    struct js inner = *j;
    inner.source = raw;
    inner.at = 0;
    if (!enter(j))
        return js_term("null", LEVEL_PRIMARY);
    inner.depth = j->depth;
    size_t from = 0;
    for (size_t at = 0; at <= raw.len && inner.why == NULL; at++) {
        bool end = at == raw.len;
        bool hole =
            !end && raw.bytes[at] == '$' && at + 1 < raw.len && raw.bytes[at + 1] == '{';
        if (!end && raw.bytes[at] == '\\')
            at++;
        if (!end && !hole)
            continue;
        if (at > from)
            all = add_piece(&inner, all, (struct weir_text){ raw.bytes + from, at - from });
        if (end)
            break;
        inner.at = at + 2;
        js_next(&inner, true);
        const char *value = js_string(&inner, parse_choice(&inner), LEVEL_PRODUCT);
        all = js_printf(&inner, "%s%s%s", all ? all : "", all ? " + " : "", value);
        if (!js_at(&inner, "}"))
            (void)js_fail(&inner, "'}' is missing");
        at = inner.at - 1;
        from = inner.at;
    }
    for (unsigned i = 0; i < inner.n_notes; i++)
        js_note(j, inner.notes[i]);
    if (inner.why != NULL)
        return js_fail(j, "%s", inner.why);
    j->depth--;
    struct js_term t = js_term(all ? all : "\"\"", LEVEL_SUM);
    t.string = true;
    return t;
}

static struct js_term
parse_number(struct js *j, struct weir_text raw)
{
    bool plain = raw.len < 32;
    for (size_t i = 0; i < raw.len; i++)
        plain &= strchr("0123456789.eE", raw.bytes[i]) != NULL;
    if (!plain || (raw.len > 1 && raw.bytes[0] == '0' && raw.bytes[1] != '.'))
        return js_fail(j, "a number that weir writes otherwise");
    bool point = raw.bytes[0] == '.', ends = raw.bytes[raw.len - 1] == '.';
    struct js_term t = js_term(
        js_printf(j, "%s%.*s%s", point ? "0" : "", (int)raw.len, raw.bytes, ends ? "0" : ""),
        LEVEL_PRIMARY);
    t.literal = true;
    t.number = strpbrk(t.text, ".eE") != NULL ? NUMBER_REAL : NUMBER_WHOLE;
    return t;
}

static struct js_term
parse_list(struct js *j)
{
    const char *all = "";
    js_expect(j, "[");
    while (!js_at(j, "]") && j->why == NULL) {
        if (js_at(j, "..."))
            return js_fail(j, "'...' has no counterpart");
        const char *item = js_value(j, parse_choice(j), LEVEL_CHOICE);
        all = js_printf(j, "%s%s%s", all, *all ? ", " : "", item);
        if (!js_take(j, ","))
            break;
    }
    js_expect(j, "]");
    struct js_term t = js_term(js_printf(j, "[%s]", all), LEVEL_PRIMARY);
    t.list = true;
    return t;
}

static struct js_term
parse_map(struct js *j)
{
    const char *all = "";
    js_expect(j, "{");
    while (!js_at(j, "}") && j->why == NULL) {
        bool named = j->token.kind == JS_NAME || j->token.kind == JS_STRING ||
                     j->token.kind == JS_NUMBER;
        if (!named)
            return js_fail(j, "a member of a map that has no counterpart");
        struct weir_text key = j->token.kind == JS_STRING ? j->token.text : j->token.raw;
        js_next(j, false);
        js_expect(j, ":");
        const char *value = js_value(j, parse_choice(j), LEVEL_CHOICE);
        all = js_printf(j, "%s%s%s: %s", all, *all ? ", " : "", js_literal(j->a, key), value);
        if (!js_take(j, ","))
            break;
    }
    js_expect(j, "}");
    return js_term(js_printf(j, "{%s}", all), LEVEL_PRIMARY);
}

/* Brackets, unless they are the parameter of an arrow function, which only calls take. */
static struct js_term
parse_brackets(struct js *j)
{
    js_expect(j, "(");
    struct js_term t = parse_choice(j);
    js_expect(j, ")");
    if (t.kind == JS_TERM && t.level < LEVEL_PRIMARY) {
        t.text = js_printf(j, "(%s)", t.text);
        t.level = LEVEL_PRIMARY;
    }
    return t;
}

static struct js_term
parse_primary(struct js *j)
{
    struct js_token k = j->token;
    struct js_term t;
    switch (k.kind) {
    case JS_NUMBER:
        js_next(j, false);
        return parse_number(j, k.raw);
    case JS_STRING:
        js_next(j, false);
        t = js_term(js_literal(j->a, k.text), LEVEL_PRIMARY);
        t.literal = t.string = true;
        t.name = k.text;
        return t;
    case JS_PIECES:
        js_next(j, false);
        return parse_pieces(j, k.raw);
    case JS_REGEX:
        js_next(j, false);
        t = js_term(
            js_literal(j->a, text_of(js_printf(j, "%.*s%.*s", (int)k.raw.len, k.raw.bytes,
                                               (int)k.text.len, k.text.bytes))),
            LEVEL_PRIMARY);
        t.regex = true;
        return t;
    case JS_NAME:
        js_next(j, false);
        return js_name(j, k.raw);
    default:
        break;
    }
    if (js_at(j, "["))
        return parse_list(j);
    if (js_at(j, "{"))
        return parse_map(j);
    if (js_at(j, "("))
        return parse_brackets(j);
    return js_fail(j, k.kind == JS_END ? "it ends early" : "'%.*s' has no counterpart here",
                   (int)k.raw.len, k.raw.bytes);
}

/* An argument that is "x => ..." or "(x) => ...": its text is "x, RESULT". */
static bool
parse_arrow(struct js *j, struct js_term *ret)
{
    struct js before = *j;
    bool brackets = js_take(j, "(");
    struct weir_text name = j->token.raw;
    bool named = j->token.kind == JS_NAME;
    js_next(j, false);
    if (!named || (brackets && !js_take(j, ")")) || !js_take(j, "=>")) {
        *j = before;
        return false;
    }
    if (j->n_locals == JS_LOCALS || js_at(j, "{")) {
        *ret = js_fail(j, "a function of several lines");
        return true;
    }
    j->locals[j->n_locals++] = name;
    struct js_term body = parse_choice(j);
    bool truth = body.truth;
    const char *text = js_value(j, body, LEVEL_CHOICE);
    j->n_locals--;
    *ret = js_term(js_printf(j, "%s, %s", js_local(j, name), text), LEVEL_CHOICE);
    ret->kind = JS_FUNCTION;
    ret->truth = truth;
    return true;
}

static unsigned
parse_arguments(struct js *j, struct js_term args[JS_ARGS])
{
    unsigned n = 0;
    js_expect(j, "(");
    while (!js_at(j, ")") && j->why == NULL) {
        struct js_term t;
        if (!parse_arrow(j, &t))
            t = parse_choice(j);
        if (n == JS_ARGS) {
            (void)js_fail(j, "too many arguments");
            return 0;
        }
        args[n++] = t;
        if (!js_take(j, ","))
            break;
    }
    js_expect(j, ")");
    return n;
}

static struct js_term
parse_postfix(struct js *j)
{
    struct js_term t = parse_primary(j);
    struct js_term args[JS_ARGS];
    while (j->why == NULL) {
        bool maybe = js_take(j, "?."), member = maybe;
        if (maybe && (js_at(j, "[") || js_at(j, "(")))
            member = false;
        else if (!maybe)
            member = js_take(j, ".");
        if (member) {
            struct weir_text name = j->token.raw;
            if (j->token.kind != JS_NAME)
                return js_fail(j, "a name is missing behind '.'");
            js_next(j, false);
            if (js_at(j, "(")) {
                unsigned n = parse_arguments(j, args);
                t = js_call(j, t, name, args, n);
            } else {
                t = js_member(j, t, name, maybe);
            }
        } else if (js_at(j, "[")) {
            js_take(j, "[");
            struct js_term key = parse_choice(j);
            js_expect(j, "]");
            t = js_index(j, t, key);
        } else if (js_at(j, "(")) {
            unsigned n = parse_arguments(j, args);
            t = js_call(j, t, TEXT(""), args, n);
        } else {
            break;
        }
    }
    return t;
}

static struct js_term
parse_unary(struct js *j)
{
    struct js_term t;
    if (!enter(j))
        return js_term("null", LEVEL_PRIMARY);
    if (js_take(j, "!")) {
        t = js_truth(j, parse_unary(j));
        const char *text = js_value(j, t, LEVEL_UNARY);
        /* not "not in the list" is "in the list" */
        bool twice = text[0] == '!' && text[1] == '(';
        t = js_term(twice ? text + 1 : js_printf(j, "!%s", text),
                    twice ? LEVEL_PRIMARY : LEVEL_UNARY);
        t.truth = true;
    } else if (js_take(j, "-")) {
        struct js_term of = parse_unary(j);
        t = js_term(js_printf(j, "-%s", js_value(j, of, LEVEL_PRIMARY)), LEVEL_UNARY);
        t.number = of.number;
        t.literal = of.literal && of.number != NUMBER_NO;
    } else if (js_take(j, "+")) {
        t = js_term(js_printf(j, "double(%s)", js_value(j, parse_unary(j), LEVEL_CHOICE)),
                    LEVEL_PRIMARY);
        t.number = NUMBER_REAL;
    } else if (js_at(j, "typeof") || js_at(j, "await") || js_at(j, "function")) {
        t = js_fail(j, "'%.*s' has no counterpart", (int)j->token.raw.len, j->token.raw.bytes);
    } else {
        t = parse_postfix(j);
    }
    j->depth--;
    return t;
}

static const struct {
    const char *js;
    enum js_level level;
} operators[] = {
    { "*", LEVEL_PRODUCT },    { "/", LEVEL_PRODUCT },   { "%", LEVEL_PRODUCT },
    { "+", LEVEL_SUM },        { "-", LEVEL_SUM },       { "<=", LEVEL_RELATION },
    { ">=", LEVEL_RELATION },  { "<", LEVEL_RELATION },  { ">", LEVEL_RELATION },
    { "===", LEVEL_RELATION }, { "!==", LEVEL_RELATION }, { "==", LEVEL_RELATION },
    { "!=", LEVEL_RELATION },  { "&&", LEVEL_AND },      { "||", LEVEL_OR },
    { "??", LEVEL_DEFAULT },
};

/* Operators of LEVEL and tighter ones. */
static struct js_term
parse_binary(struct js *j, enum js_level level)
{
    if (level == LEVEL_UNARY)
        return parse_unary(j);
    struct js_term t = parse_binary(j, (enum js_level)(level + 1));
    for (unsigned many = 0; j->why == NULL; many++) {
        size_t i = 0, n = sizeof operators / sizeof *operators;
        while (i < n && (operators[i].level != level || !js_at(j, operators[i].js)))
            i++;
        if (i == n)
            break;
        if (many > 200)
            return js_fail(j, "too many operators");
        js_take(j, operators[i].js);
        struct js_term right = parse_binary(j, (enum js_level)(level + 1));
        t = js_join(j, t, right, operators[i].js, level);
    }
    return t;
}

static struct js_term
parse_choice(struct js *j)
{
    if (!enter(j))
        return js_term("null", LEVEL_PRIMARY);
    struct js_term t = parse_binary(j, LEVEL_DEFAULT);
    if (js_take(j, "?")) {
        const char *when = js_value(j, js_truth(j, t), LEVEL_DEFAULT);
        struct js_term yes = parse_choice(j);
        js_expect(j, ":");
        struct js_term no = parse_choice(j);
        t = js_term(js_printf(j, "%s ? %s : %s", when, js_value(j, yes, LEVEL_DEFAULT),
                              js_value(j, no, LEVEL_CHOICE)),
                    LEVEL_CHOICE);
        t.string = yes.string && no.string;
        t.truth = yes.truth && no.truth;
        t.number = yes.number < no.number ? no.number : yes.number;
        if (yes.number == NUMBER_NO || no.number == NUMBER_NO)
            t.number = NUMBER_NO;
    }
    j->depth--;
    return t;
}

struct js_term
js_parse(struct js *j)
{
    js_next(j, true);
    struct js_term t = parse_choice(j);
    (void)js_take(j, ";");
    if (j->token.kind != JS_END)
        return js_fail(j, "'%.*s' has no counterpart here", (int)j->token.raw.len,
                       j->token.raw.bytes);
    return t;
}
