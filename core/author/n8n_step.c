/* author/n8n_step.c - steps in the making: their names, their values, what is left to do.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "author/n8n_impl.h"
#include "base/encode.h"
#include "base/units.h"
#include "value/json.h"

#define PARAMS_SHOWN 30u /* lines of a node's parameters in a comment */
#define LINE_SHOWN 110u  /* characters of one */

const char *
n8n_printf(struct n8n *w, const char *fmt, ...)
{
    char *text;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (n < 0)
        abort();
    char *copy = arena_copy(&w->arena, text, (size_t)n);
    free(text);
    if (copy == NULL)
        abort();
    return copy;
}

struct out *
step_extra(struct step *s)
{
    return out_add(s->list, out_map(&s->w->arena));
}

/* The first line of the node's note stands above its step. */
static void
add_note(struct step *s)
{
    const struct weir_value *v = value_field(s->node->value, "notes");
    struct weir_text text = v != NULL ? value_as_text(v) : TEXT("");
    const char *end = text.len > 0 ? memchr(text.bytes, '\n', text.len) : NULL;
    if (end != NULL)
        text.len = (size_t)(end - text.bytes);
    if (text.len > 0)
        out_comment(&s->w->arena, s->map,
                    (struct weir_text){ text.bytes, utf8_prefix(text, LINE_SHOWN) });
}

struct out *
step_begin(struct step *s)
{
    struct n8n *w = s->w;
    s->map = step_extra(s);
    s->id = n8n_name(w, &w->ids, s->node->name, "step");
    add_note(s);
    out_set(&w->arena, s->map, TEXT("id"), out_text(&w->arena, s->id));
    s->data = (struct js_base){
        .text = n8n_printf(w, "steps.%.*s", (int)s->id.len, s->id.bytes),
    };
    return s->map;
}

/* Notes that an expression of the step has to be written by hand. */
static void
expression_todo(struct step *s, struct weir_text which, const char *why)
{
    struct n8n *w = s->w;
    const char *text = n8n_printf(w, "the expression {{%.*s}}: %s",
                                  (int)utf8_prefix(which, LINE_SHOWN), which.bytes, why);
    w->expressions_todo++;
    n8n_todo(w, s->node, s->id, text);
    n8n_fate(s->node, FATE_PARTLY);
    if (s->map != NULL)
        out_comment(&w->arena, s->map, text_of(n8n_printf(w, "TODO n8n: %s", text)));
}

struct out *
step_text(struct step *s, struct weir_text text)
{
    struct n8n *w = s->w;
    struct js_text t = js_template(&w->arena, text, &w->js);
    w->expressions += t.expressions;
    if (t.failed > 0) {
        expression_todo(s, t.which, t.why);
        w->expressions_todo += t.failed - 1;
    }
    return out_text(&w->arena, t.text);
}

static struct out *
edit_text(void *arg, struct weir_text text)
{
    return step_text(arg, text);
}

struct out *
step_value(struct step *s, const struct weir_value *value)
{
    return out_value(&s->w->arena, value, edit_text, s);
}

void
step_set(struct step *s, struct out *map, const char *key, const struct weir_value *value)
{
    if (value != NULL)
        out_set(&s->w->arena, map, text_of(key), step_value(s, value));
}

/* What is within JSON.stringify( ), where JSON is written anyway; else JS itself. */
static struct weir_text
without_stringify(struct weir_text js)
{
    static const char stringify[] = "JSON.stringify(";
    size_t n = sizeof stringify - 1;
    while (js.len > 0 && strchr(" \n\t", js.bytes[0]) != NULL)
        js = (struct weir_text){ js.bytes + 1, js.len - 1 };
    while (js.len > 0 && strchr(" \n\t", js.bytes[js.len - 1]) != NULL)
        js.len--;
    if (js.len <= n || memcmp(js.bytes, stringify, n) != 0 || js.bytes[js.len - 1] != ')')
        return js;
    unsigned open = 1;
    for (size_t i = n; i < js.len; i++) {
        open += js.bytes[i] == '(';
        open -= js.bytes[i] == ')';
        if (open == 0 && i + 1 < js.len)
            return js; /* something follows */
        if (open == 1 && js.bytes[i] == ',')
            js = (struct weir_text){ js.bytes, i + 1 }; /* its format goes */
    }
    return (struct weir_text){ js.bytes + n, js.len - 1 - n };
}

/* An expression as a JSON string, or as a part of one. */
static void
put_hole(struct buf *b, struct weir_text hole, bool quotes)
{
    struct buf string;
    buf_init(&string, N8N_MAX);
    (void)json_write_string(&string, hole);
    if (quotes)
        (void)buf_text(b, buf_content(&string));
    else if (string.len > 2)
        (void)buf_text(b, (struct weir_text){ string.bytes + 1, string.len - 2 });
    buf_fini(&string);
}

/* JSON text in which expressions stand: outside of strings each becomes a string for as long as
 * it is read; within them its quotes are written as JSON wants them. */
static struct weir_text
with_quoted_holes(struct n8n *w, struct weir_text text)
{
    struct buf b;
    bool string = false;
    buf_init(&b, N8N_MAX);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.bytes[i];
        const char *end = NULL;
        if (c == '{' && i + 1 < text.len && text.bytes[i + 1] == '{')
            end = memmem(text.bytes + i, text.len - i, "}}", 2);
        if (end != NULL) {
            size_t len = (size_t)(end - text.bytes) + 2 - i;
            struct weir_text js = { text.bytes + i + 2, len - 4 };
            if (!string)
                js = without_stringify(js);
            put_hole(&b, text_of(n8n_printf(w, "{{%.*s}}", (int)js.len, js.bytes)), !string);
            i += len - 1;
            continue;
        }
        if (string && c == '\\' && i + 1 < text.len)
            (void)buf_putc(&b, text.bytes[i++]);
        else if (c == '"')
            string = !string;
        (void)buf_putc(&b, text.bytes[i]);
    }
    char *copy = arena_copy(&w->arena, b.bytes, b.len);
    struct weir_text all = { copy, b.len };
    buf_fini(&b);
    if (copy == NULL)
        abort();
    return all;
}

struct out *
step_json(struct step *s, struct weir_text text)
{
    const struct weir_value *v = NULL;
    struct weir_error err;
    struct weir_text plain = text;
    if (plain.len > 0 && plain.bytes[0] == '=')
        plain = (struct weir_text){ plain.bytes + 1, plain.len - 1 };
    if (json_read(with_quoted_holes(s->w, plain), NULL, NULL, &v, &err) == WEIR_OK) {
        struct out *o = step_value(s, v);
        value_unref(&v);
        return o;
    }
    return step_text(s, text);
}

struct out *
step_duration(struct step *s, long long ms)
{
    char text[64];
    duration_text((uint64_t)ms, text, sizeof text);
    return out_text(&s->w->arena, text_of(text));
}

struct out *
step_expression(struct step *s, const char *expression)
{
    struct n8n *w = s->w;
    const char *why = NULL;
    if (!js_is_expression(&w->arena, expression, &why)) {
        expression_todo(s, text_of(expression), why);
        expression = "input[\"TODO an expression\"]";
    }
    return out_text(&w->arena, text_of(n8n_printf(w, "${ %s }", expression)));
}

const char *
step_operand_text(struct step *s, struct weir_text text)
{
    struct n8n *w = s->w;
    const char *why = NULL;
    bool some = text.len > 0 && memmem(text.bytes, text.len, "{{", 2) != NULL;
    w->expressions += some;
    const char *as = js_operand(&w->arena, text, &w->js, &why);
    if (as != NULL)
        return as;
    expression_todo(s, text, why != NULL ? why : "it has no counterpart");
    return n8n_printf(
        w, "input[%s]",
        js_literal(&w->arena,
                   js_escaped(&w->arena, text_of(n8n_printf(w, "TODO %.*s",
                                                            (int)utf8_prefix(text, LINE_SHOWN),
                                                            text.bytes)))));
}

const char *
step_operand(struct step *s, const struct weir_value *value, bool number)
{
    struct buf b;
    struct weir_error err;
    if (value == NULL)
        return "null";
    struct weir_text text = value_as_text(value);
    size_t digits = 0;
    for (size_t i = 0; i < text.len; i++)
        digits += isdigit((unsigned char)text.bytes[i]) || (i == 0 && text.bytes[i] == '-');
    if (number && text.len > 0 && text.len < 18 && digits == text.len &&
        isdigit((unsigned char)text.bytes[text.len - 1]))
        return n8n_printf(s->w, "%.*s", (int)text.len, text.bytes);
    if (value->type == WEIR_STRING)
        return step_operand_text(s, text);
    buf_init(&b, 65536);
    const char *as = "null";
    if (json_write(&b, value, &err) == WEIR_OK)
        as = n8n_printf(s->w, "%s", b.bytes);
    buf_fini(&b);
    return as;
}

/* The node's parameters, as JSON, in a comment above its step. */
static void
show_params(struct step *s)
{
    struct buf b;
    struct weir_error err;
    unsigned lines = 0;
    buf_init(&b, 4u << 20);
    if (s->node->params->len == 0 || json_write_pretty(&b, s->node->params, &err) != WEIR_OK)
        buf_reset(&b);
    struct weir_text rest = buf_content(&b);
    while (rest.len > 0) {
        const char *end = memchr(rest.bytes, '\n', rest.len);
        size_t len = end != NULL ? (size_t)(end - rest.bytes) : rest.len;
        struct weir_text line = { rest.bytes, len };
        size_t shown = utf8_prefix(line, LINE_SHOWN);
        if (lines++ == PARAMS_SHOWN) {
            out_comment(&s->w->arena, s->map, TEXT("  ..."));
            break;
        }
        out_comment(&s->w->arena, s->map,
                    text_of(n8n_printf(s->w, "  %.*s%s", (int)shown, line.bytes,
                                       shown < len ? " ..." : "")));
        len += end != NULL;
        rest = (struct weir_text){ rest.bytes + len, rest.len - len };
    }
    buf_fini(&b);
}

/* A script that fails with TEXT. */
static struct out *
failing_script(struct n8n *w, const char *text)
{
    struct weir_text safe = js_escaped(&w->arena, text_of(text));
    return out_lines(&w->arena,
                     text_of(n8n_printf(w, "error(%s)\n", js_literal(&w->arena, safe))));
}

void
step_todo(struct step *s, const char *why)
{
    struct n8n *w = s->w;
    struct out *step = step_begin(s);
    out_comment(&w->arena, step,
                text_of(n8n_printf(w, "TODO n8n: %.*s (%.*s) %s%s", (int)s->node->name.len,
                                   s->node->name.bytes, (int)s->node->full_type.len,
                                   s->node->full_type.bytes, why,
                                   s->node->params->len > 0 ? "; its parameters were" : "")));
    show_params(s);
    out_set(&w->arena, step, TEXT("lua"),
            failing_script(w, n8n_printf(w, "TODO: %.*s of n8n", (int)s->node->name.len,
                                         s->node->name.bytes)));
    n8n_todo(w, s->node, s->id, why);
    n8n_fate(s->node, FATE_TODO);
}

void
step_note_todo(struct step *s, struct out *step, const char *why)
{
    struct n8n *w = s->w;
    out_comment(&w->arena, step,
                text_of(n8n_printf(w, "TODO n8n: %.*s: %s", (int)s->node->name.len,
                                   s->node->name.bytes, why)));
    n8n_todo(w, s->node, s->id, why);
    n8n_fate(s->node, FATE_TODO);
}

void
step_jump(struct n8n *w, struct out *list, struct n8n_node *to, const char *why)
{
    struct out *step = out_add(list, out_map(&w->arena));
    const char *name = n8n_printf(w, "%.*s", (int)to->name.len, to->name.bytes);
    out_comment(&w->arena, step,
                text_of(n8n_printf(w, "TODO n8n: here n8n goes on at \"%s\": %s", name, why)));
    out_set(&w->arena, step, TEXT("lua"),
            failing_script(w, n8n_printf(w, "TODO: go on at %s", name)));
    n8n_todo(w, to, TEXT(""), why);
}
