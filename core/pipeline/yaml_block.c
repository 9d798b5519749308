/* pipeline/yaml_block.c - block scalars: indentation taken off, lines kept (|) or folded (>).
 *
 * Not left to libfyaml 0.7.12, which drops an empty line before an indented one when it folds,
 * and puts a NUL behind the text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "pipeline/yaml_impl.h"

/* A line of the source without its line end. */
static struct weir_text
line_at(struct weir_text raw, size_t at)
{
    const char *end = memchr(raw.bytes + at, '\n', raw.len - at);
    size_t len = end != NULL ? (size_t)(end - raw.bytes) - at : raw.len - at;
    return (struct weir_text){ raw.bytes + at, len };
}

static size_t
spaces(struct weir_text line)
{
    size_t n = 0;
    while (n < line.len && line.bytes[n] == ' ')
        n++;
    return n;
}

/* The blanks before the first line that is not empty; SIZE_MAX if all are. */
static size_t
first_indent(struct weir_text raw)
{
    for (size_t at = 0; at < raw.len;) {
        struct weir_text line = line_at(raw, at);
        size_t n = spaces(line);
        if (n < line.len)
            return n;
        at += line.len + 1;
    }
    return SIZE_MAX;
}

/* What has been read so far. */
struct folding {
    char *out;
    size_t len;
    size_t feeds; /* line ends that wait for what comes next */
    bool text;    /* a line with text was there */
    bool spaced;  /* it began with a blank */
};

static void
put_feeds(struct folding *f, size_t n)
{
    memset(f->out + f->len, '\n', n);
    f->len += n;
    f->feeds = 0;
}

/* One line end between two lines of text is a blank when it is folded, N are N - 1 line ends;
 * beside a line that begins with a blank all of them stay. */
static void
put_line(struct folding *f, struct weir_text line, bool folded)
{
    bool spaced = line.bytes[0] == ' ' || line.bytes[0] == '\t';
    bool fold = folded && f->text && !spaced && !f->spaced;
    if (fold && f->feeds == 1) {
        f->out[f->len++] = ' ';
        f->feeds = 0;
    } else {
        put_feeds(f, fold ? f->feeds - 1 : f->feeds);
    }
    memcpy(f->out + f->len, line.bytes, line.len);
    f->len += line.len;
    f->text = true;
    f->spaced = spaced;
}

/* Decodes lines that have INDENT blanks in front; OUT has room for as many bytes. */
static size_t
decode(struct weir_text raw, size_t indent, const char *header, char *out)
{
    struct folding f = { .out = out };
    bool folded = header[0] == '>';
    size_t last = 0; /* line ends behind the last text */
    for (size_t at = 0; at < raw.len;) {
        struct weir_text line = line_at(raw, at);
        size_t n = spaces(line);
        if (n < line.len && n < indent)
            break; /* a comment behind the scalar */
        if (line.len > indent) {
            put_line(&f, (struct weir_text){ line.bytes + indent, line.len - indent }, folded);
            last = 0;
        }
        bool ends = at + line.len < raw.len;
        f.feeds += ends;
        last += ends;
        at += line.len + 1;
    }
    bool keep = memchr(header, '+', 3) != NULL;
    bool strip = memchr(header, '-', 3) != NULL;
    if (keep)
        put_feeds(&f, last);
    else if (!strip && f.text && last > 0)
        put_feeds(&f, 1);
    return f.len;
}

/* Finds the "|" or ">" with its indicators in the line before START, behind FROM. */
static void
find_header(const struct yaml *y, size_t from, size_t start, char ret[4])
{
    memset(ret, 0, 4);
    size_t at = start > 0 ? start - 1 : 0;
    while (at > from && y->text.bytes[at - 1] != '\n')
        at--;
    while (at < start) {
        size_t len = strcspn(y->text.bytes + at, " \t\n");
        char c = y->text.bytes[at];
        if (len > 0 && (c == '|' || c == '>')) {
            memcpy(ret, y->text.bytes + at, len < 3 ? len : 3);
            return;
        }
        at += len > 0 ? len : 1;
    }
}

bool
yaml_unblock(struct yaml *y, struct yaml_node *n, size_t from, struct weir_text shown,
             int outer)
{
    struct weir_text raw = { y->text.bytes + n->start, n->end - n->start };
    char header[4];
    n->text = (struct weir_text){ "", 0 };
    find_header(y, from, n->start, header);
    size_t indent = first_indent(raw);
    if (indent != SIZE_MAX && (int)indent <= outer)
        return false;
    size_t left = strpbrk(header, "123456789") != NULL ? first_indent(shown) : 0;
    if (indent != SIZE_MAX && left < indent)
        indent -= left;
    char *out = yaml_alloc(y, raw.len + 1);
    n->text = (struct weir_text){ out, decode(raw, indent, header, out) };
    return true;
}
