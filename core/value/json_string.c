/* value/json_string.c - see json_string.h. SPDX-License-Identifier: Apache-2.0 */
#include "value/json_string.h"

#include "base/encode.h"
#include "value/scan.h"

/* The quote that ends the string, some way behind P; NULL if there is none. */
static const char *
closing_quote(const char *p, const char *end)
{
    for (;;) {
        p = scan_unescaped(p, end);
        if (p == end || *p == '"')
            return p == end ? NULL : p;
        p++;
        if (p[-1] != '\\')
            continue;
        if (p == end)
            return NULL;
        p++;
    }
}

/* The four hexadecimal digits at P; UINT32_MAX if they are none. */
static uint32_t
hex_4(const char *p, const char *end)
{
    if (end - p < 4)
        return UINT32_MAX;
    uint32_t u = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t digit = (uint8_t)(p[i] - '0');
        uint8_t letter = (uint8_t)((p[i] | 0x20) - 'a');
        if (digit > 9 && letter > 5)
            return UINT32_MAX;
        u = u << 4 | (digit <= 9 ? digit : letter + 10u);
    }
    return u;
}

/* Undoes the \u at P, which may be half of a pair. */
static const char *
unescape_unicode(struct json_text *t, const char *p, const char *stop, char **at)
{
    uint32_t u = hex_4(p + 2, stop);
    const char *next = p + 6;
    if (u == UINT32_MAX)
        return json_fault(t, p, "\\u needs four hexadecimal digits");
    if (u >= 0xdc00 && u <= 0xdfff)
        return json_fault(t, p, "a lone surrogate");
    if (u >= 0xd800 && u <= 0xdbff) {
        uint32_t low = UINT32_MAX;
        if (stop - next >= 6 && next[0] == '\\' && next[1] == 'u')
            low = hex_4(next + 2, stop);
        if (low < 0xdc00 || low > 0xdfff)
            return json_fault(t, p, "a lone surrogate");
        u = 0x10000 + ((u - 0xd800) << 10) + (low - 0xdc00);
        next += 6;
    }
    char text[4];
    size_t len = utf8_write(text, u);
    memcpy(*at, text, len);
    *at += len;
    return next;
}

/* Undoes the escape at P, writes it at *at, and returns what is behind it. */
static const char *
unescape(struct json_text *t, const char *p, const char *stop, char **at)
{
    static const char plain[256] = {
        ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
        ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
    };
    if (p[1] == 'u')
        return unescape_unicode(t, p, stop, at);
    char c = plain[(uint8_t)p[1]];
    if (c == '\0')
        return json_fault(t, p, "no such escape");
    *(*at)++ = c;
    return p + 2;
}

/* Behind what can stand in a string as it is, from P up to STOP, an escape, or a quote. */
static const char *
plain_run(struct json_text *t, const char *p, const char *stop)
{
    for (;;) {
        p = scan_plain(p, stop);
        while (p < stop && *p & 0x80) {
            const char *next = scan_character(p, stop);
            if (next == NULL)
                return json_fault(t, p, "malformed UTF-8");
            p = next;
        }
        if (p == stop || *p == '"' || *p == '\\')
            return p;
        if ((uint8_t)*p < 0x20)
            return json_fault(t, p, "a control character has to be escaped");
    }
}

/* Reads the rest of the string that begins at START and has its first escape at P. */
static const char *
read_escaped(struct json_text *t, const char *start, const char *p, struct weir_text *ret)
{
    const char *stop = closing_quote(p, t->end);
    if (stop == NULL)
        return json_fault(t, t->end, "a string without its end");

    char *out = (char *)(uintptr_t)start;
    if (!t->copied) {
        out = doc_text(&t->doc, (size_t)(stop - start));
        memcpy(out, start, (size_t)(p - start));
    }
    char *at = out + (p - start);
    while (p < stop) {
        if (*p == '\\') {
            p = unescape(t, p, stop, &at);
            if (p == NULL)
                return NULL;
            continue;
        }
        const char *run = plain_run(t, p, stop);
        if (run == NULL)
            return NULL;
        memmove(at, p, (size_t)(run - p));
        at += run - p;
        p = run;
    }
    *ret = (struct weir_text){ out, (size_t)(at - out) };
    return stop + 1;
}

const char *
json_string_rest(struct json_text *t, const char *start, const char *p, struct weir_text *ret)
{
    p = plain_run(t, p, t->end);
    if (p == NULL)
        return NULL;
    if (p == t->end)
        return json_fault(t, p, "a string without its end");
    if (*p == '\\')
        return read_escaped(t, start, p, ret);
    *ret = (struct weir_text){ start, (size_t)(p - start) };
    return p + 1;
}
