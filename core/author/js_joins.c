/* author/js_joins.c - operators between two terms, and what JavaScript takes for true.
 *
 * JavaScript converts where weir does not: what is known of the terms decides whether the
 * expression has to do so.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "author/js_impl.h"

struct js_term
js_truth(struct js *j, struct js_term t)
{
    if (t.kind == JS_TERM && t.truth)
        return t;
    if (t.kind == JS_JSON || t.kind == JS_ITEM)
        t = js_data(j, &t.base);
    struct js_term r;
    if (t.kind == JS_TERM && t.when != NULL)
        r = js_term(t.when, t.when_level);
    else if (t.kind == JS_TERM && t.string)
        r = js_term(js_printf(j, t.chain ? "(%s ?? \"\") != \"\"" : "%s != \"\"",
                              js_value(j, t, t.chain ? LEVEL_PRIMARY : LEVEL_SUM)),
                    LEVEL_RELATION);
    else
        r = js_term(js_printf(j,
                              t.chain ? "!((%s ?? null) in [null, false, 0, \"\"])"
                                      : "!(%s in [null, false, 0, \"\"])",
                              js_value(j, t, t.chain ? LEVEL_PRIMARY : LEVEL_SUM)),
                    LEVEL_UNARY);
    r.truth = true;
    return r;
}

/* A term that may be absent as null. */
static const char *
or_null(struct js *j, struct js_term t, enum js_level level)
{
    return t.kind == JS_TERM && t.chain
               ? js_printf(j, "(%s ?? null)", js_value(j, t, LEVEL_PRIMARY))
               : js_value(j, t, level);
}

/* -- numbers -- */

/* A term as an operand of a number's operator: a text becomes a number. */
static const char *
as_number(struct js *j, struct js_term t, enum js_level level)
{
    if (t.kind == JS_TERM && t.string)
        return js_printf(j, "double(%s)", js_value(j, t, LEVEL_CHOICE));
    return js_value(j, t, level);
}

static enum js_number
result_of(struct js_term a, struct js_term b, bool sum)
{
    if (a.string || b.string)
        return NUMBER_REAL;
    if (a.number == NUMBER_WHOLE && b.number == NUMBER_WHOLE)
        return NUMBER_WHOLE;
    /* with 1 more or less a number is as whole as it was */
    if (sum && (a.number == NUMBER_WHOLE || b.number == NUMBER_WHOLE))
        return a.number == NUMBER_REAL || b.number == NUMBER_REAL ? NUMBER_REAL : NUMBER_NO;
    return NUMBER_REAL;
}

/* A / B is no division of whole numbers. */
static struct js_term
join_quotient(struct js *j, struct js_term a, struct js_term b)
{
    bool real = a.number == NUMBER_REAL || (b.number == NUMBER_REAL && b.literal);
    const char *left = real ? js_value(j, a, LEVEL_PRODUCT)
                            : js_printf(j, "double(%s)", js_value(j, a, LEVEL_CHOICE));
    struct js_term t =
        js_term(js_printf(j, "%s / %s", left, as_number(j, b, LEVEL_UNARY)), LEVEL_PRODUCT);
    t.number = NUMBER_REAL;
    return t;
}

static struct js_term
join_sum(struct js *j, struct js_term a, struct js_term b)
{
    struct js_term t;
    if (a.string || b.string || a.kind == JS_MOMENT || b.kind == JS_MOMENT) {
        t = js_term(
            js_printf(j, "%s + %s", js_string(j, a, LEVEL_SUM), js_string(j, b, LEVEL_PRODUCT)),
            LEVEL_SUM);
        t.string = true;
        return t;
    }
    if (a.number == NUMBER_NO && b.number == NUMBER_NO)
        js_note(j, "'+' joins a text and a number in n8n; here it fails");
    t = js_term(
        js_printf(j, "%s + %s", js_value(j, a, LEVEL_SUM), js_value(j, b, LEVEL_PRODUCT)),
        LEVEL_SUM);
    t.number = a.number == NUMBER_NO && b.number == NUMBER_NO ? NUMBER_NO : result_of(a, b, true);
    return t;
}

static struct js_term
join_numbers(struct js *j, struct js_term a, struct js_term b, const char *op,
             enum js_level level)
{
    if (*op == '/')
        return join_quotient(j, a, b);
    struct js_term t = js_term(js_printf(j, "%s %s %s", as_number(j, a, level), op,
                                         as_number(j, b, (enum js_level)(level + 1))),
                               level);
    t.number = *op == '%' ? NUMBER_WHOLE : result_of(a, b, *op == '-');
    return t;
}

/* -- comparisons -- */

static struct js_term
truth(const char *text, enum js_level level)
{
    struct js_term t = js_term(text, level);
    t.truth = true;
    return t;
}

/* A === null or undefined, which are not the same; A is a chain. */
static struct js_term
join_nothing(struct js *j, struct js_term a, bool undefined, bool same)
{
    const char *text = js_value(j, a, LEVEL_PRIMARY);
    bool member = strpbrk(text, ".[") != NULL;
    if (!member)
        return truth(js_printf(j, "(%s ?? null) %s null", text, same ? "==" : "!="),
                     LEVEL_RELATION);
    if (undefined)
        return truth(js_printf(j, "%shas(%s)", same ? "!" : "", text),
                     same ? LEVEL_UNARY : LEVEL_PRIMARY);
    return same ? truth(js_printf(j, "has(%s) && %s == null", text, text), LEVEL_AND)
                : truth(js_printf(j, "!has(%s) || %s != null", text, text), LEVEL_OR);
}

/* What else than the constant T is equal to it by ==, in a list's items behind it; "": nothing. */
static const char *
alike(struct js *j, struct js_term t)
{
    if (t.name.bytes != NULL) {
        if (t.name.len == 0)
            return "0, false";
        size_t sign = t.name.bytes[0] == '-', digits = 0, points = 0;
        for (size_t i = sign; i < t.name.len; i++) {
            digits += t.name.bytes[i] >= '0' && t.name.bytes[i] <= '9';
            points += t.name.bytes[i] == '.';
        }
        bool number = digits > 0 && digits + points + sign == t.name.len && points < 2 &&
                      t.name.len < 16 && t.name.bytes[sign] != '.' &&
                      t.name.bytes[t.name.len - 1] != '.' &&
                      (digits == 1 || points == 1 || t.name.bytes[sign] != '0');
        if (!number)
            return "";
        return js_printf(j, "%.*s%s", (int)t.name.len, t.name.bytes,
                         text_is(t.name, "1")   ? ", true"
                         : text_is(t.name, "0") ? ", false"
                                                : "");
    }
    if (strcmp(t.text, "true") == 0)
        return "1, \"1\"";
    if (strcmp(t.text, "false") == 0)
        return "0, \"0\", \"\"";
    return js_printf(j, "\"%s\"%s", t.text,
                     strcmp(t.text, "1") == 0   ? ", true"
                     : strcmp(t.text, "0") == 0 ? ", \"\", false"
                                                : "");
}

static bool
same_kind(struct js_term a, struct js_term b)
{
    return (a.string && b.string) || (a.truth && b.truth) ||
           (a.number != NUMBER_NO && b.number != NUMBER_NO);
}

/* A == B, which converts. */
static struct js_term
join_loose(struct js *j, struct js_term a, struct js_term b, bool same)
{
    if (a.literal && !b.literal) {
        struct js_term swap = a;
        a = b;
        b = swap;
    }
    bool constant = b.literal && !a.literal && a.kind != JS_MOMENT && !same_kind(a, b);
    const char *more = constant ? alike(j, b) : "";
    if (*more) {
        const char *text = js_printf(j, "%s in [%s, %s]", or_null(j, a, LEVEL_SUM),
                                     js_value(j, b, LEVEL_CHOICE), more);
        return same ? truth(text, LEVEL_RELATION)
                    : truth(js_printf(j, "!(%s)", text), LEVEL_UNARY);
    }
    if (!constant && !same_kind(a, b) && !(a.literal && b.literal))
        js_note(j, "'==' takes \"1\" and 1 for the same in n8n, and not here");
    return truth(js_printf(j, "%s %s %s", js_value(j, a, LEVEL_RELATION), same ? "==" : "!=",
                           js_value(j, b, LEVEL_SUM)),
                 LEVEL_RELATION);
}

static struct js_term
join_relation(struct js *j, struct js_term a, struct js_term b, const char *op)
{
    bool equality = op[1] == '=' && (op[0] == '=' || op[0] == '!'), same = op[0] == '=';
    if (equality && a.null && !b.null) {
        struct js_term swap = a;
        a = b;
        b = swap;
    }
    bool chain = a.kind == JS_TERM && a.chain;
    if (equality && b.null && chain && op[2] == '=')
        return join_nothing(j, a, b.undefined, same);
    if (equality && b.null)
        return truth(js_printf(j, "%s %s null", or_null(j, a, LEVEL_RELATION),
                               same ? "==" : "!="),
                     LEVEL_RELATION);
    if (equality && op[2] != '=')
        return join_loose(j, a, b, same);
    bool texts = !equality && a.string != b.string &&
                 (a.number != NUMBER_NO || b.number != NUMBER_NO);
    return truth(js_printf(j, "%s %.2s %s",
                           texts ? as_number(j, a, LEVEL_SUM) : js_value(j, a, LEVEL_RELATION),
                           op, texts ? as_number(j, b, LEVEL_SUM) : js_value(j, b, LEVEL_SUM)),
                 LEVEL_RELATION);
}

/* -- || && ?? -- */

/* A || B or A && B: a value, which is one of them. */
static struct js_term
join_logic(struct js *j, struct js_term a, struct js_term b, bool any)
{
    enum js_level level = any ? LEVEL_OR : LEVEL_AND;
    if (a.kind == JS_JSON || a.kind == JS_ITEM)
        a = js_data(j, &a.base);
    struct js_term left = js_truth(j, a), right = js_truth(j, b);
    const char *when = js_printf(j, "%s %s %s", js_value(j, left, level), any ? "||" : "&&",
                                 js_value(j, right, (enum js_level)(level + 1)));
    if (a.truth && b.truth)
        return truth(when, level);
    const char *kept = a.truth ? (any ? "true" : "false")
                       : any   ? js_value(j, a, LEVEL_DEFAULT)
                               : or_null(j, a, LEVEL_CHOICE);
    const char *other = js_value(j, b, any ? LEVEL_CHOICE : LEVEL_DEFAULT);
    struct js_term t =
        js_term(js_printf(j, "%s ? %s : %s", js_value(j, left, LEVEL_DEFAULT),
                          any ? kept : other, any ? other : kept),
                LEVEL_CHOICE);
    t.string = a.string && b.string && (any || !a.chain);
    t.number = a.number == NUMBER_NO || b.number == NUMBER_NO ? NUMBER_NO : NUMBER_REAL;
    t.when = when;
    t.when_level = level;
    return t;
}

/* A ?? B. */
static struct js_term
join_default(struct js *j, struct js_term a, struct js_term b)
{
    if (a.kind == JS_JSON && !a.base.maybe)
        a = js_data(j, &a.base);
    if (!a.chain)
        return js_fail(j,
                       "a default for what is worked out; weir has ?? for what is looked up");
    struct js_term t = js_term(
        js_printf(j, "%s ?? %s", js_value(j, a, LEVEL_PRIMARY), js_value(j, b, LEVEL_DEFAULT)),
        LEVEL_DEFAULT);
    t.string = a.string && b.string;
    t.chain = b.chain;
    return t;
}

struct js_term
js_join(struct js *j, struct js_term a, struct js_term b, const char *op, enum js_level level)
{
    switch (level) {
    case LEVEL_RELATION:
        return join_relation(j, a, b, op);
    case LEVEL_OR:
    case LEVEL_AND:
        return join_logic(j, a, b, level == LEVEL_OR);
    case LEVEL_DEFAULT:
        return join_default(j, a, b);
    default:
        return *op == '+' ? join_sum(j, a, b) : join_numbers(j, a, b, op, level);
    }
}
