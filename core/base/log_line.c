/* base/log_line.c - see log_line.h.
 *
 * Nothing that came from outside reaches the log as it is: control characters (a newline
 * would forge a line, an escape would command the terminal) and malformed UTF-8 are escaped.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/log_line.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"

/* Kept free for what ends a line: a quote, the field "cut", a brace, the newline. */
#define RESERVE 32

struct line {
    char *at;
    char *end; /* RESERVE bytes before the real end */
    bool cut;
};

static const struct {
    const char *name;
    const char *padded;
    const char *colour;
} levels[] = {
    [WEIR_DEBUG] = { "debug", "debug", "\033[2m" },
    [WEIR_INFO] = { "info", "info ", "\033[32m" },
    [WEIR_WARN] = { "warn", "warn ", "\033[33m" },
    [WEIR_ERROR] = { "error", "error", "\033[31m" },
};

/* Adds bytes if they all fit; else the line is cut. */
static bool
put(struct line *l, const char *bytes, size_t len)
{
    if (l->cut || len > (size_t)(l->end - l->at)) {
        l->cut = true;
        return false;
    }
    memcpy(l->at, bytes, len);
    l->at += len;
    return true;
}

static bool
puts_(struct line *l, const char *s)
{
    return put(l, s, strlen(s));
}

/* Whether C may stand in the log as it is. */
static inline bool
is_plain(char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

#define EACH(byte) (UINT64_MAX / 255 * (byte))

/* The high bits of the bytes of WORD that are below N, which is at most 0x80; a byte behind such
 * a one may be taken for one, too. */
static inline uint64_t
below(uint64_t word, uint64_t n)
{
    return (word - EACH(1) * n) & ~word & EACH(0x80);
}

/* How many of the LEN bytes are plain from the first one on: most texts are that to their end, so
 * eight bytes are looked at together. */
static size_t
plain_length(const char *bytes, size_t len)
{
    size_t n = 0;
    for (uint64_t word; len - n >= sizeof(word); n += sizeof(word)) {
        memcpy(&word, bytes + n, sizeof(word));
        uint64_t odd = (word & EACH(0x80)) | below(word, 0x20) | below(word ^ EACH('"'), 1) |
                       below(word ^ EACH('\\'), 1) | below(word ^ EACH(0x7f), 1);
        if (odd != 0)
            break;
    }
    while (n < len && is_plain(bytes[n]))
        n++;
    return n;
}

/* Adds the character of TEXT at *at, escaped; quotes and backslashes too if QUOTED. */
static void
put_escaped(struct line *l, struct weir_text text, size_t *at, bool quoted)
{
    size_t start = *at;
    uint32_t c = utf8_next(text, at);
    char escape[8];
    if (c == '\n' || c == '\r' || c == '\t') {
        snprintf(escape, sizeof(escape), "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
        puts_(l, escape);
    } else if (quoted && (c == '"' || c == '\\')) {
        puts_(l, c == '"' ? "\\\"" : "\\\\");
    } else if (c < 0x20 || (c >= 0x7f && c < 0xa0)) {
        snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)c);
        puts_(l, escape);
    } else if (c == UINT32_MAX) {
        puts_(l, "\\ufffd");
    } else {
        put(l, text.bytes + start, *at - start);
    }
}

/* Adds as much of TEXT as fits, escaped. */
static void
put_text(struct line *l, struct weir_text text, bool quoted)
{
    for (size_t at = 0; at < text.len && !l->cut;) {
        size_t room = (size_t)(l->end - l->at);
        size_t rest = text.len - at;
        size_t plain = plain_length(text.bytes + at, rest < room ? rest : room);
        put(l, text.bytes + at, plain);
        at += plain;
        if (at < text.len)
            put_escaped(l, text, &at, quoted);
    }
}

/* Adds "TEXT", closed even if the text is cut. */
static void
put_quoted(struct line *l, struct weir_text text)
{
    if (!put(l, "\"", 1))
        return;
    put_text(l, text, true);
    *l->at++ = '"'; /* out of the reserve */
    if (l->at > l->end)
        l->end = l->at;
}

static void
put_number(struct line *l, double n)
{
    char text[40];
    if (!isfinite(n)) {
        puts_(l, "null");
        return;
    }
    if (fabs(n) < 1e15 && (double)(long long)n == n) {
        snprintf(text, sizeof(text), "%lld", (long long)n);
    } else {
        snprintf(text, sizeof(text), "%.15g", n);
        if (strtod(text, NULL) != n)
            snprintf(text, sizeof(text), "%.17g", n);
    }
    puts_(l, text);
}

/* Adds JSON as it is, but on one line: outside strings a control character is white space. */
static void
put_raw(struct line *l, struct weir_text json)
{
    char *start = l->at;
    if (!put(l, json.bytes, json.len))
        return;
    for (char *c = start; c < l->at; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
}

/* Whether a text reads as one word without quotes. */
static bool
is_word(struct weir_text text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.bytes[i] == ' ' || text.bytes[i] == '=' || text.bytes[i] == '"' ||
            (text.bytes[i] >= 0 && text.bytes[i] < 0x20))
            return false;
    return text.len > 0;
}

/* Adds a value; strings stay without quotes where BARE and they are one word. */
static void
put_value(struct line *l, const struct log_field *field, bool bare)
{
    switch (field->kind) {
    case LOG_STRING:
        if (bare && is_word(field->text))
            put_text(l, field->text, false);
        else
            put_quoted(l, field->text);
        break;
    case LOG_NUMBER:
        put_number(l, field->number);
        break;
    case LOG_RAW:
        put_raw(l, field->text);
        break;
    }
}

/* Adds a field. If the line is full, a text may stand there cut; else the field is left out. */
static void
put_field(struct line *l, const struct log_field *field, bool json)
{
    char *start = l->at;
    if (json) {
        put(l, ",", 1);
        put_quoted(l, text_of(field->key));
        put(l, ":", 1);
    } else {
        put(l, " ", 1);
        put_text(l, text_of(field->key), false);
        put(l, "=", 1);
    }
    char *value = l->at;
    if (!l->cut)
        put_value(l, field, !json);
    if (l->cut && (l->at == value || field->kind != LOG_STRING))
        l->at = start;
}

static void
put_json(struct line *l, const struct log_entry *e)
{
    char time[CLOCK_TEXT];
    clock_text(e->wall_ms, time);
    puts_(l, "{\"time\":\"");
    put(l, time, CLOCK_TEXT - 1);
    puts_(l, "\",\"level\":\"");
    puts_(l, levels[e->level].name);
    puts_(l, "\",\"msg\":");
    put_quoted(l, e->message);
    for (size_t i = 0; i < e->n_fields && !l->cut; i++)
        put_field(l, &e->fields[i], true);
}

static void
put_plain(struct line *l, const struct log_entry *e, bool colour)
{
    char time[CLOCK_TEXT];
    clock_text(e->wall_ms, time);
    put(l, time, CLOCK_TEXT - 1);
    put(l, " ", 1);
    puts_(l, colour ? levels[e->level].colour : "");
    puts_(l, levels[e->level].padded);
    puts_(l, colour ? "\033[0m " : " ");
    put_text(l, e->message, false);
    for (size_t i = 0; i < e->n_fields && !l->cut; i++)
        put_field(l, &e->fields[i], false);
}

size_t
log_line_write(char ret[LOG_LINE_MAX], struct log_style style, const struct log_entry *entry)
{
    struct line l = { .at = ret, .end = ret + LOG_LINE_MAX - RESERVE };
    bool json = style.format == LOG_JSON;
    if (json)
        put_json(&l, entry);
    else
        put_plain(&l, entry, style.colour);

    bool cut = l.cut;
    l.cut = false;
    l.end = ret + LOG_LINE_MAX;
    if (cut)
        puts_(&l, json ? ",\"cut\":true" : " cut=true");
    puts_(&l, json ? "}\n" : "\n");
    return (size_t)(l.at - ret);
}
