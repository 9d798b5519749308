/* texts.c - see texts.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "texts.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct weir_text
text_of(const char *s)
{
    return (struct weir_text){ s, strlen(s) };
}

bool
text_same(struct weir_text a, struct weir_text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.bytes, b.bytes, a.len) == 0);
}

static bool
same_letters(const char *a, const char *b, size_t len)
{
    return len == 0 || strncasecmp(a, b, len) == 0;
}

/* What stands between two * is looked for from the left, the last of it at the end. */
bool
text_fits(struct weir_text text, struct weir_text pattern)
{
    const char *star = memchr(pattern.bytes, '*', pattern.len);
    if (star == NULL)
        return text.len == pattern.len && same_letters(text.bytes, pattern.bytes, text.len);
    size_t head = (size_t)(star - pattern.bytes);
    if (text.len < head || !same_letters(text.bytes, pattern.bytes, head))
        return false;
    text = (struct weir_text){ text.bytes + head, text.len - head };
    pattern = (struct weir_text){ star + 1, pattern.len - head - 1 };
    while ((star = memchr(pattern.bytes, '*', pattern.len)) != NULL) {
        size_t part = (size_t)(star - pattern.bytes);
        while (text.len >= part && !same_letters(text.bytes, pattern.bytes, part))
            text = (struct weir_text){ text.bytes + 1, text.len - 1 };
        if (text.len < part)
            return false;
        text = (struct weir_text){ text.bytes + part, text.len - part };
        pattern = (struct weir_text){ star + 1, pattern.len - part - 1 };
    }
    return text.len >= pattern.len &&
           same_letters(text.bytes + text.len - pattern.len, pattern.bytes, pattern.len);
}

struct texts
texts_of(const struct weir_value *v)
{
    struct texts t = { 0 };
    if (v == NULL)
        return t;
    size_t n = host->len(v);
    t.items = zeroed(n + 1, sizeof *t.items);
    for (size_t i = 0; i < n; i++)
        if (host->get_text(host->at(v, i), &t.items[t.n]))
            t.n++;
    return t;
}

char *
texts_joined(const struct texts *t)
{
    size_t len = 1;
    if (t->n == 0)
        return NULL;
    for (uint32_t i = 0; i < t->n; i++)
        len += t->items[i].len + 2;
    char *joined = malloc(len);
    if (joined == NULL)
        abort();
    char *at = joined;
    for (uint32_t i = 0; i < t->n; i++) {
        memcpy(at, i > 0 ? ", " : "", i > 0 ? 2 : 0);
        at += i > 0 ? 2 : 0;
        memcpy(at, t->items[i].bytes, t->items[i].len);
        at += t->items[i].len;
    }
    *at = '\0';
    return joined;
}
