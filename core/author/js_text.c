/* author/js_text.c - texts of n8n, which hold JavaScript in {{ }}.
 *
 * Each expression is made in memory of its own, which is given back; what comes out has been
 * parsed as an expression of weir, so that it is one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "author/js_impl.h"
#include "base/encode.h"
#include "expr/expr.h"

static char *
copied(struct arena *a, const char *bytes, size_t len)
{
    char *copy = arena_copy(a, bytes, len);
    if (copy == NULL)
        abort();
    return copy;
}

const char *
js_literal(struct arena *a, struct weir_text text)
{
    char *out = arena_alloc(a, text.len * 6 + 3), *at = out;
    if (out == NULL)
        abort();
    *at++ = '"';
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.bytes[i];
        if (c == '"' || c == '\\') {
            *at++ = '\\';
            *at++ = (char)c;
        } else if (c == '\n' || c == '\t' || c == '\r') {
            *at++ = '\\';
            *at++ = c == '\n' ? 'n' : c == '\t' ? 't' : 'r';
        } else if (c < ' ' || c == 0x7f) {
            at += sprintf(at, "\\u%04x", c);
        } else {
            *at++ = (char)c;
        }
    }
    *at++ = '"';
    *at = '\0';
    return out;
}

struct weir_text
js_escaped(struct arena *a, struct weir_text text)
{
    char *out = arena_alloc(a, text.len * 2 + 1);
    size_t len = 0;
    if (out == NULL)
        abort();
    for (size_t i = 0; i < text.len; i++) {
        if (text.bytes[i] == '$' && i + 1 < text.len && text.bytes[i + 1] == '{')
            out[len++] = '$';
        out[len++] = text.bytes[i];
    }
    return (struct weir_text){ out, len };
}

bool
js_is_expression(struct arena *a, const char *text, const char **ret_why)
{
    struct expr *e = NULL;
    struct expr_place place;
    struct weir_error err = { 0 };
    bool good = expr_parse(text_of(text), &e, &place, &err) == WEIR_OK;
    expr_free(&e);
    if (!good)
        *ret_why = copied(a, err.text, strlen(err.text));
    return good;
}

/* How an expression is wanted. */
enum wanted { WANTED_VALUE, WANTED_PART, WANTED_STRING };

static const char *
convert(struct arena *a, struct weir_text source, const struct js_names *names,
        enum wanted wanted, const char **ret_why)
{
    const char *ret = NULL;
    if (source.len > JS_MAX) {
        *ret_why = "it is too long";
        return NULL;
    }
    struct arena work;
    arena_init(&work, 16384, SIZE_MAX);
    struct js j = { .a = &work, .names = names, .source = source };
    struct js_term t = js_parse(&j);
    const char *text = wanted == WANTED_VALUE  ? js_value(&j, t, LEVEL_CHOICE)
                       : wanted == WANTED_PART ? js_part(&j, t, LEVEL_CHOICE)
                                               : js_string(&j, t, LEVEL_PRODUCT);
    if (j.why != NULL)
        *ret_why = copied(a, j.why, strlen(j.why));
    else if (js_is_expression(a, text, ret_why))
        ret = copied(a, text, strlen(text));
    for (unsigned i = 0; ret != NULL && names->note != NULL && i < j.n_notes; i++)
        names->note(names->arg, j.notes[i]);
    arena_fini(&work);
    return ret;
}

const char *
js_expression(struct arena *a, struct weir_text source, const struct js_names *names,
              const char **ret_why)
{
    return convert(a, source, names, WANTED_VALUE, ret_why);
}

/* Where the expression that begins at FROM ends: at the "}}" outside of strings and brackets;
 * if there is none, at the first one. SIZE_MAX: there is none at all. */
static size_t
hole_end(struct weir_text text, size_t from)
{
    size_t first = SIZE_MAX;
    unsigned open = 0;
    char quote = '\0';
    for (size_t i = from; i < text.len; i++) {
        char c = text.bytes[i];
        bool two = c == '}' && i + 1 < text.len && text.bytes[i + 1] == '}';
        if (two && first == SIZE_MAX)
            first = i;
        if (quote != '\0') {
            if (c == '\\')
                i++;
            else if (c == quote)
                quote = '\0';
        } else if (strchr("'\"`", c) != NULL && c != '\0') {
            quote = c;
        } else if (c == '{') {
            open++;
        } else if (two && open == 0) {
            return i;
        } else if (c == '}' && open > 0) {
            open--;
        }
    }
    return first;
}

/* The next {{ }} in TEXT from *AT on: what is in it, and *ret_before what stands before it.
 * False if there is none. */
static bool
next_hole(struct weir_text text, size_t *at, struct weir_text *ret_before,
          struct weir_text *ret_js)
{
    for (size_t i = *at; i + 1 < text.len; i++) {
        if (text.bytes[i] != '{' || text.bytes[i + 1] != '{')
            continue;
        size_t end = hole_end(text, i + 2);
        if (end == SIZE_MAX)
            return false;
        *ret_before = (struct weir_text){ text.bytes + *at, i - *at };
        *ret_js = (struct weir_text){ text.bytes + i + 2, end - i - 2 };
        *at = end + 2;
        return true;
    }
    return false;
}

/* n8n marks texts with expressions by a '=' in front. */
static struct weir_text
unmarked(struct weir_text text)
{
    if (text.len > 0 && text.bytes[0] == '=')
        return (struct weir_text){ text.bytes + 1, text.len - 1 };
    return text;
}

/* An expression that fails when it is evaluated, and says which one is to be written. */
static const char *
failing(struct arena *a, struct weir_text js)
{
    size_t len = utf8_prefix(js, 120);
    char *text =
        arena_printf(a, "TODO {{%.*s%s}}", (int)len, js.bytes, len < js.len ? "..." : "");
    if (text == NULL)
        abort();
    const char *literal = js_literal(a, js_escaped(a, text_of(text)));
    text = arena_printf(a, "input[%s]", literal);
    if (text == NULL)
        abort();
    return text;
}

/* The text before a ${ }: a '$' at its end would make that one a text, and stands in one itself. */
static void
put_before(struct arena *a, struct buf *out, struct weir_text before)
{
    size_t end = before.len;
    while (end > 0 && before.bytes[end - 1] == '$')
        end--;
    (void)buf_text(out, js_escaped(a, (struct weir_text){ before.bytes, end }));
    if (end < before.len)
        (void)buf_printf(out, "${ \"%.*s\" }", (int)(before.len - end), before.bytes + end);
}

struct js_text
js_template(struct arena *a, struct weir_text text, const struct js_names *names)
{
    struct js_text r = { 0 };
    struct buf out;
    struct weir_text before, js;
    size_t at = 0;
    text = unmarked(text);
    buf_init(&out, 4u << 20);
    while (next_hole(text, &at, &before, &js)) {
        bool whole = r.expressions++ == 0 && before.len == 0 && at == text.len;
        const char *why = NULL;
        const char *as = convert(a, js, names, whole ? WANTED_VALUE : WANTED_PART, &why);
        if (as == NULL) {
            as = failing(a, js);
            r.failed++;
            r.why = why;
            r.which = js;
        }
        put_before(a, &out, before);
        (void)buf_printf(&out, "${ %s }", as);
    }
    (void)buf_text(&out, js_escaped(a, (struct weir_text){ text.bytes + at, text.len - at }));
    r.text = (struct weir_text){ copied(a, out.bytes, out.len), out.len };
    buf_fini(&out);
    return r;
}

const char *
js_operand(struct arena *a, struct weir_text text, const struct js_names *names,
           const char **ret_why)
{
    struct weir_text before, js;
    size_t at = 0;
    const char *all = NULL;
    text = unmarked(text);
    while (next_hole(text, &at, &before, &js)) {
        bool whole = all == NULL && before.len == 0 && at == text.len;
        const char *as = convert(a, js, names, whole ? WANTED_VALUE : WANTED_STRING, ret_why);
        if (as == NULL || whole)
            return as;
        if (before.len > 0)
            all = arena_printf(a, "%s%s%s", all ? all : "", all ? " + " : "",
                               js_literal(a, before));
        all = arena_printf(a, "%s%s%s", all ? all : "", all ? " + " : "", as);
        if (all == NULL || strlen(all) > JS_MAX) {
            *ret_why = "it is too long";
            return NULL;
        }
    }
    struct weir_text rest = { text.bytes + at, text.len - at };
    if (all == NULL)
        return js_literal(a, rest);
    if (rest.len > 0)
        all = arena_printf(a, "%s + %s", all, js_literal(a, rest));
    return all;
}
