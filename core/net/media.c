/* net/media.c - see media.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/media.h"

#include <string.h>
#include <strings.h>

#include "net/http1.h"

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct weir_text
media_type(struct weir_text field)
{
    size_t len = 0;
    while (len < field.len && field.bytes[len] != ';')
        len++;
    while (len > 0 && is_blank(field.bytes[len - 1]))
        len--;
    while (len > 0 && is_blank(*field.bytes)) {
        field.bytes++;
        len--;
    }
    return (struct weir_text){ field.bytes, len };
}

bool
media_is(struct weir_text type, const char *want)
{
    return type.len == strlen(want) && strncasecmp(type.bytes, want, type.len) == 0;
}

bool
media_ends(struct weir_text type, const char *want)
{
    size_t len = strlen(want);
    return type.len >= len && strncasecmp(type.bytes + type.len - len, want, len) == 0;
}

bool
media_begins(struct weir_text type, const char *want)
{
    size_t len = strlen(want);
    return type.len >= len && strncasecmp(type.bytes, want, len) == 0;
}

/* A place in the parameters of a field. */
struct cursor {
    const char *at;
    const char *end;
};

static void
skip_blanks(struct cursor *c)
{
    while (c->at < c->end && is_blank(*c->at))
        c->at++;
}

/* Reads up to one of STOPS; the text is a token, or the result is empty. */
static struct weir_text
read_token(struct cursor *c, const char *stops)
{
    const char *from = c->at;
    while (c->at < c->end && strchr(stops, *c->at) == NULL)
        c->at++;
    struct weir_text token = { from, (size_t)(c->at - from) };
    return http_is_token(token) ? token : (struct weir_text){ from, 0 };
}

/* Reads a quoted string behind its first quote into OUT; false if it does not end. Browsers
 * do not escape backslashes, so that one before any other character is meant as it stands. */
static bool
read_quoted(struct cursor *c, struct buf *out)
{
    while (c->at < c->end && *c->at != '"') {
        if (*c->at == '\\' && c->end - c->at > 1 && (c->at[1] == '"' || c->at[1] == '\\'))
            c->at++;
        if (!buf_putc(out, *c->at++))
            return false;
    }
    if (c->at == c->end)
        return false;
    c->at++;
    return true;
}

/* Reads one parameter with its value; false if it can't be read. */
static bool
read_parameter(struct cursor *c, struct weir_text *ret_name, struct buf *value)
{
    *ret_name = read_token(c, "= \t;");
    if (ret_name->len == 0 || c->at == c->end || *c->at != '=')
        return false;
    c->at++;
    buf_reset(value);
    if (c->at < c->end && *c->at == '"') {
        c->at++;
        return read_quoted(c, value);
    }
    struct weir_text token = read_token(c, "; \t");
    return token.len > 0 && buf_text(value, token);
}

/* Walks over the parameters at C; false if they can't be read. FOUND counts those of NAME, the
 * first of which goes to OUT. */
static bool
read_parameters(struct cursor *c, const char *name, struct buf *out, unsigned *found)
{
    struct buf value;
    buf_init(&value, out->max);
    bool good = true;
    while (good) {
        skip_blanks(c);
        if (c->at == c->end)
            break;
        good = *c->at++ == ';';
        skip_blanks(c);
        if (!good || c->at == c->end || *c->at == ';')
            continue;
        struct weir_text at;
        good = read_parameter(c, &at, &value);
        if (good && media_is(at, name) && (*found)++ == 0)
            good = buf_text(out, buf_content(&value));
    }
    buf_fini(&value);
    return good;
}

bool
media_parameter(struct weir_text field, const char *name, struct buf *out, bool *ret_bad)
{
    struct weir_text type = media_type(field);
    struct cursor c = { type.bytes + type.len, field.bytes + field.len };
    unsigned found = 0;
    buf_reset(out);
    *ret_bad = !read_parameters(&c, name, out, &found) || found > 1;
    return found > 0 && !*ret_bad;
}
