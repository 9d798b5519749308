/* author/js_lex.c - tokens of a JavaScript expression.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "author/js_impl.h"
#include "base/encode.h"

static char
byte_at(const struct js *j, size_t at)
{
    return at < j->source.len ? j->source.bytes[at] : '\0';
}

const char *
js_printf(struct js *j, const char *fmt, ...)
{
    char text[4 * JS_MAX];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof text || j->a->used > JS_WORK) {
        (void)js_fail(j, "it is too long");
        return "null";
    }
    const char *copy = arena_copy(j->a, text, (size_t)n);
    if (copy == NULL)
        abort();
    return copy;
}

struct js_term
js_fail(struct js *j, const char *fmt, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (j->why == NULL)
        j->why = arena_copy(j->a, text, utf8_prefix(text_of(text), 200));
    j->at = j->source.len;
    j->token = (struct js_token){ .kind = JS_END };
    return (struct js_term){ .text = "null", .level = LEVEL_PRIMARY };
}

void
js_note(struct js *j, const char *what)
{
    for (unsigned i = 0; i < j->n_notes; i++)
        if (strcmp(j->notes[i], what) == 0)
            return;
    if (j->n_notes < JS_NOTES)
        j->notes[j->n_notes++] = what;
}

static void
skip_blanks(struct js *j)
{
    for (;;) {
        char c = byte_at(j, j->at), next = byte_at(j, j->at + 1);
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            j->at++;
        } else if (c == '/' && next == '*') {
            j->at += 2;
            while (j->at < j->source.len &&
                   !(byte_at(j, j->at) == '*' && byte_at(j, j->at + 1) == '/'))
                j->at++;
            j->at += j->at < j->source.len ? 2 : 0;
        } else if (c == '/' && next == '/') {
            while (j->at < j->source.len && byte_at(j, j->at) != '\n')
                j->at++;
        } else {
            return;
        }
    }
}

static unsigned
hex_digits(struct js *j, unsigned n)
{
    unsigned value = 0;
    for (unsigned i = 0; i < n; i++) {
        char c = byte_at(j, j->at);
        if (!isxdigit((unsigned char)c)) {
            (void)js_fail(j, "an escape that stands for no character");
            return '?';
        }
        value = value * 16 + (unsigned)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
        j->at++;
    }
    return value;
}

/* The second half of a character that takes two \\u; 0: it does not follow. */
static uint32_t
second_half(struct js *j)
{
    size_t at = j->at;
    if (byte_at(j, at) != '\\' || byte_at(j, at + 1) != 'u')
        return 0;
    j->at += 2;
    uint32_t code = hex_digits(j, 4);
    if (code >= 0xdc00 && code <= 0xdfff)
        return code;
    j->at = at;
    return 0;
}

/* The character of the escape behind the backslash that was passed. */
static size_t
read_escape(struct js *j, char *out)
{
    static const char from[] = "nrtbfv", to[] = "\n\r\t\b\f\v";
    char c = byte_at(j, j->at++);
    const char *known = c != '\0' ? strchr(from, c) : NULL;
    if (c == 'u' || c == 'x') {
        uint32_t code = hex_digits(j, c == 'u' ? 4 : 2);
        uint32_t low = code >= 0xd800 && code <= 0xdbff ? second_half(j) : 0;
        if (low != 0)
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        if (code == 0 || (code >= 0xd800 && code <= 0xdfff))
            (void)js_fail(j, "an escape that stands for no character");
        return j->why != NULL ? 0 : utf8_write(out, code);
    }
    if (c == '\n')
        return 0;
    if (c >= '0' && c <= '9')
        (void)js_fail(j, "an escape that stands for no character");
    *out = known != NULL ? to[known - from] : c;
    return *out != '\0';
}

/* Reads up to END, or to the end of all if it is NUL, with escapes. */
static struct weir_text
read_escaped(struct js *j, char end)
{
    char *out = arena_alloc(j->a, j->source.len + 4);
    size_t len = 0;
    if (out == NULL)
        abort();
    while (j->at < j->source.len && (end == '\0' || byte_at(j, j->at) != end)) {
        char c = j->source.bytes[j->at++];
        if (c == '\\')
            len += read_escape(j, out + len);
        else
            out[len++] = c;
    }
    return (struct weir_text){ out, len };
}

static void
read_string(struct js *j, char quote)
{
    struct weir_text text = read_escaped(j, quote);
    if (j->at >= j->source.len) {
        (void)js_fail(j, "a string without end");
        return;
    }
    j->at++;
    j->token.kind = JS_STRING;
    j->token.text = text;
}

struct weir_text
js_unescaped(struct js *j, struct weir_text raw)
{
    struct js inner = *j;
    inner.source = raw;
    inner.at = 0;
    struct weir_text text = read_escaped(&inner, '\0');
    if (inner.why != NULL)
        (void)js_fail(j, "%s", inner.why);
    return text;
}

/* A template literal; its expressions are read later. */
static void
read_pieces(struct js *j)
{
    size_t start = j->at;
    unsigned open = 0;
    for (; j->at < j->source.len; j->at++) {
        char c = byte_at(j, j->at);
        if (c == '\\')
            j->at++;
        else if (c == '$' && byte_at(j, j->at + 1) == '{')
            open++;
        else if (c == '}' && open > 0)
            open--;
        else if (c == '`' && open == 0)
            break;
    }
    if (j->at >= j->source.len) {
        (void)js_fail(j, "a template without end");
        return;
    }
    j->token.kind = JS_PIECES;
    j->token.raw = (struct weir_text){ j->source.bytes + start, j->at - start };
    j->at++;
}

static void
read_regex(struct js *j)
{
    size_t start = j->at;
    bool class = false;
    for (; j->at < j->source.len; j->at++) {
        char c = byte_at(j, j->at);
        if (c == '\\')
            j->at++;
        else if (c == '[' || c == ']')
            class = c == '[';
        else if (c == '\n' || (c == '/' && !class))
            break;
    }
    if (byte_at(j, j->at) != '/') {
        (void)js_fail(j, "a regular expression without end");
        return;
    }
    j->token.kind = JS_REGEX;
    j->token.text = (struct weir_text){ j->source.bytes + start, j->at - start };
    j->at++;
    bool ignore = false;
    for (; isalpha((unsigned char)byte_at(j, j->at)); j->at++) {
        ignore |= byte_at(j, j->at) == 'i';
        if (strchr("igu", byte_at(j, j->at)) == NULL)
            (void)js_fail(j, "a flag of a regular expression");
    }
    if (ignore)
        j->token.raw = TEXT("(?i)");
}

static bool
name_byte(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static void
read_mark(struct js *j)
{
    static const char *const marks[] = { "===", "!==", "...", "**=", ">>>", "&&", "||",
                                         "??",  "?.",  "=>",  "==",  "!=",  "<=", ">=",
                                         "++",  "--",  "**",  "+=",  "-=",  "<<", ">>" };
    size_t len = 1;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        size_t n = strlen(marks[i]);
        if (j->source.len - j->at >= n && memcmp(j->source.bytes + j->at, marks[i], n) == 0) {
            len = n;
            break;
        }
    }
    if (len == 2 && memcmp(j->source.bytes + j->at, "?.", 2) == 0 &&
        isdigit((unsigned char)byte_at(j, j->at + 2)))
        len = 1; /* a ? .5 : 1 */
    j->token.kind = JS_MARK;
    j->token.raw = (struct weir_text){ j->source.bytes + j->at, len };
    j->at += len;
}

void
js_next(struct js *j, bool regex)
{
    j->token = (struct js_token){ .kind = JS_END };
    if (j->why != NULL)
        return;
    skip_blanks(j);
    size_t start = j->at;
    if (start >= j->source.len)
        return;
    char c = byte_at(j, start), next = byte_at(j, start + 1);
    if (c == '"' || c == '\'') {
        j->at++;
        read_string(j, c);
    } else if (c == '`') {
        j->at++;
        read_pieces(j);
    } else if (c == '/' && regex) {
        j->at++;
        read_regex(j);
    } else if (isdigit((unsigned char)c) || (c == '.' && isdigit((unsigned char)next))) {
        j->token.kind = JS_NUMBER;
        while (name_byte(byte_at(j, j->at)) || byte_at(j, j->at) == '.')
            j->at++;
        j->token.raw = (struct weir_text){ j->source.bytes + start, j->at - start };
    } else if (name_byte(c)) {
        j->token.kind = JS_NAME;
        while (name_byte(byte_at(j, j->at)))
            j->at++;
        j->token.raw = (struct weir_text){ j->source.bytes + start, j->at - start };
    } else {
        read_mark(j);
    }
}

bool
js_at(const struct js *j, const char *mark)
{
    return (j->token.kind == JS_MARK || j->token.kind == JS_NAME) &&
           text_is(j->token.raw, mark);
}

bool
js_take(struct js *j, const char *mark)
{
    if (!js_at(j, mark))
        return false;
    /* behind an operator or an opening bracket a value comes, so '/' begins a regex */
    js_next(j, strcmp(mark, ")") != 0 && strcmp(mark, "]") != 0 && strcmp(mark, "}") != 0);
    return true;
}

void
js_expect(struct js *j, const char *mark)
{
    if (!js_take(j, mark))
        (void)js_fail(j, "'%s' is missing", mark);
}
