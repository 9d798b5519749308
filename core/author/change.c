/* author/change.c - see change.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "author/change.h"

#include <stdint.h>
#include <string.h>

#include "base/buf.h"

/* A key of the top level with all that belongs to it. */
static struct weir_text
section(struct weir_text text, const char *key)
{
    size_t len = strlen(key), from = text.len, at = 0;
    bool in = false;
    while (at < text.len) {
        const char *line = text.bytes + at, *end = memchr(line, '\n', text.len - at);
        size_t n = end ? (size_t)(end - line) + 1 : text.len - at;
        bool top = *line != ' ' && *line != '#' && *line != '\n' && *line != '\r' && *line != '-';
        if (in && top)
            return (struct weir_text){ text.bytes + from, at - from };
        if (top && n > len && memcmp(line, key, len) == 0 && line[len] == ':') {
            in = true;
            from = at;
        }
        at += n;
    }
    return (struct weir_text){ text.bytes + from, text.len - from };
}

/* Appends TEXT without what means nothing. */
static void
add_plain(struct buf *b, struct weir_text text)
{
    for (size_t at = 0; at < text.len;) {
        const char *line = text.bytes + at, *end = memchr(line, '\n', text.len - at);
        size_t n = end ? (size_t)(end - line) : text.len - at, len = n, blank = 0;
        at += n + 1;
        while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\r' || line[len - 1] == '\t'))
            len--;
        while (blank < len && line[blank] == ' ')
            blank++;
        if (blank == len || line[blank] == '#')
            continue;
        (void)buf_add(b, line, len, NULL);
        (void)buf_putc(b, '\n');
    }
}

/* The text of P up to N. */
static struct weir_text
text_before(const struct pipeline *p, const struct node *n)
{
    struct weir_text text = text_of(p->text);
    size_t at = 0;
    for (unsigned line = 1; line < n->mark.line; line++) {
        const char *end = memchr(text.bytes + at, '\n', text.len - at);
        if (end == NULL)
            return text;
        at = (size_t)(end - text.bytes) + 1;
    }
    for (unsigned column = 1; column < n->mark.column && at < text.len; at++)
        column += ((unsigned char)text.bytes[at] & 0xC0) != 0x80; /* columns count code points */
    text.len = at < text.len ? at : text.len;
    return text;
}

static bool
same_section(struct weir_text was, struct weir_text now, const char *key, bool whole)
{
    struct buf a, b;
    buf_init(&a, SIZE_MAX);
    buf_init(&b, SIZE_MAX);
    add_plain(&a, section(was, key));
    add_plain(&b, section(now, key));
    size_t len = b.len;
    if (!whole && len > 0)
        len--; /* the line goes on */
    bool same = a.len >= len && (len == 0 || memcmp(a.bytes, b.bytes, len) == 0) && (!whole || a.len == len);
    buf_fini(&a);
    buf_fini(&b);
    return same;
}

bool
change_before(struct weir_text was, const struct pipeline *p, const struct node *n)
{
    struct weir_text now = text_of(p->text);
    if (text_equal(was, now))
        return false;
    if (section(now, "steps").len == 0 || section(was, "steps").len == 0)
        return true; /* not written line by line: nothing finer can be said */
    if (!same_section(was, now, "vars", true))
        return true;
    return n ? !same_section(was, text_before(p, n), "steps", false) : !same_section(was, now, "steps", true);
}
