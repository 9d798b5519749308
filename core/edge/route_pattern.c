/* edge/route_pattern.c - patterns taken apart; see route_parts.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "edge/route_parts.h"

static bool
is_name_byte(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (!first && c >= '0' && c <= '9');
}

static const char *
check_name(const struct pattern *p, struct weir_text name)
{
    if (name.len == 0)
        return "a parameter needs a name: {id}";
    for (size_t i = 0; i < name.len; i++)
        if (!is_name_byte(name.bytes[i], i == 0))
            return "the name of a parameter is made of letters, digits and _";
    for (unsigned i = 0; i < p->n; i++)
        if (p->parts[i].kind != SEGMENT_TEXT && text_equal(p->parts[i].text, name))
            return "two parameters have the same name";
    if (p->n_params == ROUTE_PARAMS)
        return "a path has at most 16 parameters";
    return NULL;
}

/* Adds the parameter that the segment {...} is. */
static const char *
add_param(struct pattern *p, struct weir_text segment, bool last)
{
    struct weir_text name = { segment.bytes + 1, segment.len - 2 };
    enum segment_kind kind = SEGMENT_PARAM;
    if (name.len > 0 && name.bytes[name.len - 1] == '*') {
        kind = SEGMENT_REST;
        name.len--;
        if (!last)
            return "a {name*} takes the whole rest, so it has to be the last segment";
    }
    const char *fault = check_name(p, name);
    if (fault != NULL)
        return fault;
    p->parts[p->n].kind = kind;
    p->parts[p->n++].text = name;
    p->n_params++;
    return NULL;
}

/* Adds text, to the text before it if there is any. */
static void
add_text(struct pattern *p, const char *from, const char *to)
{
    if (from == to)
        return;
    if (p->n > 0 && p->parts[p->n - 1].kind == SEGMENT_TEXT) {
        p->parts[p->n - 1].text.len += (size_t)(to - from);
        return;
    }
    p->parts[p->n].kind = SEGMENT_TEXT;
    p->parts[p->n++].text = (struct weir_text){ from, (size_t)(to - from) };
}

static const char *
check_text(struct weir_text segment)
{
    if (text_is(segment, ".") || text_is(segment, ".."))
        return "a path has no . and .. segments";
    for (size_t i = 0; i < segment.len; i++) {
        unsigned char c = (unsigned char)segment.bytes[i];
        if (c == '{' || c == '}')
            return "a parameter is a whole segment: /{id}/, not /a{id}/";
        if (c == '%')
            return "a path is written without %: put the character itself";
        if (c <= ' ' || c == 0x7f || c == '\\' || c == '?' || c == '#')
            return "a path has no blanks, control characters, \\, ? and #";
    }
    return NULL;
}

/* Adds one segment and, unless it is the LAST one, the slash behind it. */
static const char *
add_segment(struct pattern *p, struct weir_text segment, bool last)
{
    const char *end = segment.bytes + segment.len;
    if (segment.len >= 2 && segment.bytes[0] == '{' && end[-1] == '}') {
        const char *fault = add_param(p, segment, last);
        if (fault != NULL)
            return fault;
        add_text(p, end, last ? end : end + 1);
        return NULL;
    }
    if (segment.len == 0 && !last)
        return "a path has no empty segments: // is not /";
    const char *fault = check_text(segment);
    if (fault == NULL)
        add_text(p, segment.bytes, last ? end : end + 1);
    return fault;
}

bool
route_reserved(struct weir_text path)
{
    return path.len >= 6 && memcmp(path.bytes, "/_weir", 6) == 0 &&
           (path.len == 6 || path.bytes[6] == '/');
}

const char *
pattern_parse(struct weir_text text, struct pattern *ret)
{
    *ret = (struct pattern){ .n = 0 };
    if (text.len == 0 || text.bytes[0] != '/')
        return "a path begins with /";
    if (text.len > ROUTE_PATTERN)
        return "a path has at most 1024 bytes";
    if (route_reserved(text))
        return "paths under /_weir/ are reserved";

    add_text(ret, text.bytes, text.bytes + 1);
    const char *end = text.bytes + text.len;
    const char *at = text.bytes + 1;
    for (unsigned n = 0; n < ROUTE_SEGMENTS; n++) {
        const char *slash = memchr(at, '/', (size_t)(end - at));
        bool last = slash == NULL;
        const char *stop = last ? end : slash;
        const char *fault =
            add_segment(ret, (struct weir_text){ at, (size_t)(stop - at) }, last);
        if (fault != NULL || last)
            return fault;
        at = slash + 1;
    }
    return "a path has at most 32 segments";
}
