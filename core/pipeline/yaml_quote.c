/* pipeline/yaml_quote.c - quotes around a bare expression that YAML cuts or refuses.
 *
 * Works on one line of text, as YAML did not understand it: finds a ${ that stands in no
 * quotes, the end of its expression, and the value around it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/encode.h"
#include "pipeline/yaml.h"

struct scan {
    const char *line;
    size_t len;
    size_t value;  /* where the value that the scan is in starts */
    unsigned flow; /* open { and [ of YAML */
};

/* Behind the quote that opens at AT. */
static size_t
skip_quoted(const struct scan *s, size_t at)
{
    char quote = s->line[at++];
    while (at < s->len && s->line[at] != quote)
        at += s->line[at] == '\\' && quote == '"' && at + 1 < s->len ? 2 : 1;
    return at < s->len ? at + 1 : at;
}

/* Behind the } that closes the ${ at AT; 0 if there is none on the line. */
static size_t
expression_end(const struct scan *s, size_t at)
{
    unsigned open = 0;
    while (at < s->len) {
        char c = s->line[at];
        if (c == '"' || c == '\'') {
            at = skip_quoted(s, at);
            continue;
        }
        open += c == '{';
        at++;
        if (c == '}' && --open == 0)
            return at;
    }
    return 0;
}

/* Finds a bare ${; its offset, or LEN. */
static size_t
find_bare(struct scan *s, size_t at)
{
    while (at < s->len) {
        char c = s->line[at];
        bool starts = at == s->value;
        if (c == '$' && at + 1 < s->len && s->line[at + 1] == '{')
            return at;
        if (starts && (c == '"' || c == '\'')) {
            at = skip_quoted(s, at);
            continue;
        }
        if (c == '#' && (at == 0 || s->line[at - 1] == ' '))
            return s->len;
        bool opens = starts && (c == '{' || c == '[');
        bool parts = s->flow > 0 && (c == ',' || c == '{' || c == '[');
        bool key =
            (c == ':' || (c == '-' && starts)) && at + 1 < s->len && s->line[at + 1] == ' ';
        if (opens)
            s->flow++;
        if (s->flow > 0 && (c == '}' || c == ']'))
            s->flow--;
        at++;
        if (opens || parts || key || (starts && c == ' ')) {
            while (at < s->len && s->line[at] == ' ')
                at++;
            s->value = at;
        }
    }
    return s->len;
}

/* Where the value ends that holds the expression which ends at AT. */
static size_t
value_end(const struct scan *s, size_t at)
{
    while (at < s->len) {
        if (s->line[at] == '$' && at + 1 < s->len && s->line[at + 1] == '{') {
            size_t close = expression_end(s, at);
            at = close > 0 ? close : s->len;
            continue;
        }
        if (s->flow > 0 && strchr(",}]", s->line[at]) != NULL)
            break;
        if (s->line[at] == '#' && s->line[at - 1] == ' ')
            break;
        at++;
    }
    while (at > 0 && s->line[at - 1] == ' ')
        at--;
    return at;
}

static void
put_quoted(const char *text, size_t len, struct buf *out)
{
    bool single = memchr(text, '"', len) != NULL || memchr(text, '\\', len) != NULL;
    buf_putc(out, single ? '\'' : '"');
    for (size_t i = 0; i < len; i++) {
        if (single && text[i] == '\'')
            buf_putc(out, '\'');
        buf_putc(out, text[i]);
    }
    buf_putc(out, single ? '\'' : '"');
}

/* Whether YAML reads LEN bytes of a bare text differently from what was meant. */
static bool
is_cut(const struct scan *s, const char *text, size_t len)
{
    return s->flow > 0 || memmem(text, len, ": ", 2) != NULL ||
           memmem(text, len, " #", 2) != NULL;
}

bool
yaml_quoted(const char *line, struct mark *ret, struct buf *out)
{
    struct scan s = { .line = line, .len = strcspn(line, "\n") };
    while (s.value < s.len && s.line[s.value] == ' ')
        s.value++;
    size_t done = 0;
    bool found = false;
    size_t at = s.value;
    while ((at = find_bare(&s, at)) < s.len) {
        size_t close = expression_end(&s, at);
        if (close == 0)
            break;
        size_t end = value_end(&s, close);
        if (!is_cut(&s, s.line + s.value, end - s.value)) {
            at = end;
            continue;
        }
        if (!found) {
            buf_puts(out, "write: ");
            ret->column = (unsigned)utf8_count((struct weir_text){ line, s.value }) + 1;
            ret->len =
                (unsigned)utf8_count((struct weir_text){ line + s.value, end - s.value });
            done = strspn(line, " ");
        }
        buf_text(out, (struct weir_text){ line + done, s.value - done });
        put_quoted(line + s.value, end - s.value, out);
        done = at = end;
        found = true;
    }
    if (found)
        buf_text(out, (struct weir_text){ line + done, s.len - done });
    return found;
}
