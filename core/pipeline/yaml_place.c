/* pipeline/yaml_place.c - lines, columns, and the way back from a decoded scalar to its source.
 *
 * The parser folds lines, joins them and decodes escapes; the way back walks both texts side
 * by side. Characters other than blanks keep their order, so each is found exactly; a blank
 * stands where the source has one, or a line end, or an escape that means it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <string.h>

#include "base/encode.h"
#include "pipeline/yaml_impl.h"

/* The number of the line, from 0, in which OFFSET lies. */
static unsigned
line_of(const struct yaml *y, size_t offset)
{
    unsigned low = 0;
    unsigned high = y->n_lines;
    while (high - low > 1) {
        unsigned mid = low + (high - low) / 2;
        if (y->lines[mid] <= offset)
            low = mid;
        else
            high = mid;
    }
    return low;
}

static unsigned
count(const struct yaml *y, size_t start, size_t end)
{
    unsigned n = 0;
    for (size_t i = start; i < end; i++)
        n += ((unsigned char)y->text.bytes[i] & 0xc0u) != 0x80u;
    return n;
}

struct mark
yaml_mark(struct yaml *y, size_t start, size_t end)
{
    if (start > y->text.len)
        start = y->text.len;
    if (end > y->text.len)
        end = y->text.len;
    unsigned line = line_of(y, start);
    bool near = y->seen.line == line + 1 && y->seen.offset <= start;
    unsigned column = near ? y->seen.column + count(y, y->seen.offset, start)
                           : 1 + count(y, y->lines[line], start);
    y->seen.line = line + 1;
    y->seen.column = column;
    y->seen.offset = start;

    const char *feed = end > start ? memchr(y->text.bytes + start, '\n', end - start) : NULL;
    if (feed != NULL)
        end = (size_t)(feed - y->text.bytes);
    unsigned len = end > start ? count(y, start, end) : 0;
    return (struct mark){ line + 1, column, len > 0 ? len : 1 };
}

const char *
yaml_line(const struct yaml *y, unsigned line)
{
    if (line == 0 || line > y->n_lines)
        return NULL;
    return y->text.bytes + y->lines[line - 1];
}

/* One unit of the source at AT: its length, and the character that it stands for. */
static size_t
unit(enum yaml_style style, struct weir_text raw, size_t at, uint32_t *ret)
{
    if (style == YAML_DOUBLE && raw.bytes[at] == '\\')
        return yaml_escape(raw, at, ret);
    size_t next = at;
    *ret = utf8_next(raw, &next);
    if (style == YAML_SINGLE && *ret == '\'')
        return 2;
    return next - at;
}

static bool
means_blank(uint32_t c)
{
    return c == UINT32_MAX || c == ' ' || c == '\t' || c == '\n';
}

/* Moves *raw to the unit that WANTED, the next decoded character, came from. */
static void
align(enum yaml_style style, struct weir_text text, uint32_t wanted, size_t *raw)
{
    while (*raw < text.len) {
        uint32_t c;
        size_t len = unit(style, text, *raw, &c);
        if (c == wanted || !means_blank(c) || means_blank(wanted))
            return;
        *raw += len;
    }
}

/* The offset in the source, within RAW, of the decoded offset WANTED. */
static size_t
walk(struct yaml *y, const struct yaml_node *n, struct weir_text raw, size_t wanted)
{
    bool on = y->walked.node == n && y->walked.decoded <= wanted;
    size_t decoded = on ? y->walked.decoded : 0;
    size_t at = on ? y->walked.raw : 0;
    for (;;) {
        size_t next = decoded;
        uint32_t c = decoded < n->text.len ? utf8_next(n->text, &next) : UINT32_MAX;
        if (c != UINT32_MAX)
            align(n->style, raw, c, &at);
        if (decoded >= wanted || c == UINT32_MAX)
            break;
        uint32_t meant;
        size_t len = at < raw.len ? unit(n->style, raw, at, &meant) : 0;
        if (len > 0 && meant == c)
            at += len;
        decoded = next;
    }
    y->walked.node = n;
    y->walked.decoded = decoded;
    y->walked.raw = at;
    return at < raw.len ? at : raw.len;
}

struct mark
yaml_place(struct yaml *y, const struct yaml_node *n, size_t offset, size_t len)
{
    if (n->style == YAML_MADE || n->kind != YAML_SCALAR || n->end <= n->start)
        return n->mark;
    struct weir_text raw = { y->text.bytes + n->start, n->end - n->start };
    size_t start = walk(y, n, raw, offset);
    size_t end = len > 1 ? walk(y, n, raw, offset + len - 1) : start;
    if (end < raw.len) {
        uint32_t c;
        end += unit(n->style, raw, end, &c);
    }
    return yaml_mark(y, n->start + start, n->start + (end < raw.len ? end : raw.len));
}
