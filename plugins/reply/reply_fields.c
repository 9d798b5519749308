/* reply/reply_fields.c - header fields from a map: see reply.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "reply.h"

#define FIELDS_MAX 100u

static bool
is(struct weir_text name, const char *lower)
{
    return strlen(lower) == name.len && strncasecmp(name.bytes, lower, name.len) == 0;
}

/* The name of a field is a token (RFC 9110 5.1), and not one of those that the edge writes. */
static uint32_t
check_name(struct weir_text name, struct weir_error *err)
{
    static const char *const edge[] = { "connection", "content-length",    "keep-alive",
                                        "trailer",    "transfer-encoding", "upgrade" };
    static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (size_t i = 0; i < name.len; i++)
        if (name.bytes[i] == '\0' || strchr(token, name.bytes[i]) == NULL)
            return refuse(err, WEIR_INVALID, "'%.*s' can't be the name of a header",
                          (int)(name.len < 80 ? name.len : 80), name.bytes);
    if (name.len == 0)
        return refuse(err, WEIR_INVALID, "a header needs a name");
    for (size_t i = 0; i < sizeof edge / sizeof *edge; i++)
        if (is(name, edge[i]))
            return refuse(err, WEIR_INVALID, "the header '%s' is written by the edge", edge[i]);
    return WEIR_OK;
}

/* V as the value of a field: a string as it is, others as JSON writes them. */
static uint32_t
field_text(const struct weir_value *v, memory_fn *memory, void *arg, struct weir_text *ret,
           struct weir_error *err)
{
    if (host->type(v) == WEIR_STRING) {
        (void)host->get_text(v, ret);
    } else if (host->type(v) == WEIR_BOOL || host->type(v) == WEIR_INT ||
               host->type(v) == WEIR_DOUBLE) {
        const struct weir_value *json = NULL;
        if (host->json_write(v, &json, err) != WEIR_OK)
            return err->code;
        (void)host->get_text(json, ret);
        char *copy = memory(arg, ret->len + 1);
        memcpy(copy, ret->bytes, ret->len);
        ret->bytes = copy;
        host->unref(&json);
    } else {
        return refuse(err, WEIR_INVALID, "the value of a header must be a text or a number");
    }
    for (size_t i = 0; i < ret->len; i++) {
        unsigned char c = (unsigned char)ret->bytes[i];
        if ((c < ' ' && c != '\t') || c == 127)
            return refuse(err, WEIR_INVALID, "the value of a header holds a control character");
    }
    return WEIR_OK;
}

static uint32_t
add(struct fields *f, struct weir_text name, struct weir_text value, struct weir_error *err)
{
    if (is(name, "content-type")) {
        f->content_type = value;
        return WEIR_OK;
    }
    if (f->n == FIELDS_MAX)
        return refuse(err, WEIR_TOO_LARGE, "a reply can have %u headers", FIELDS_MAX);
    f->items[f->n++] = (struct weir_header){ name, value };
    return WEIR_OK;
}

/* One member of the map; a list stands for several fields of one name. */
static uint32_t
read_member(struct weir_text name, const struct weir_value *value, memory_fn *memory, void *arg,
            struct fields *f, struct weir_error *err)
{
    struct weir_text text;
    if (host->type(value) == WEIR_NULL)
        return WEIR_OK;
    if (host->type(value) != WEIR_LIST)
        return field_text(value, memory, arg, &text, err) == WEIR_OK ? add(f, name, text, err)
                                                                     : err->code;
    for (size_t i = 0, n = host->len(value); i < n; i++)
        if (field_text(host->at(value, i), memory, arg, &text, err) != WEIR_OK ||
            add(f, name, text, err) != WEIR_OK)
            return err->code;
    return WEIR_OK;
}

/* How many fields there are at most. */
static size_t
count(const struct weir_value *headers)
{
    struct weir_text name;
    const struct weir_value *value;
    size_t n = 0;
    for (size_t i = 0; host->member(headers, i, &name, &value); i++)
        n += host->type(value) == WEIR_LIST ? host->len(value) : 1;
    return n < FIELDS_MAX ? n : FIELDS_MAX;
}

uint32_t
fields_read(const struct weir_value *headers, memory_fn *memory, void *arg, struct fields *ret,
            struct weir_error *err)
{
    struct weir_text name;
    const struct weir_value *value;
    *ret = (struct fields){ 0 };
    if (host->type(headers) == WEIR_NULL)
        return WEIR_OK;
    if (host->type(headers) != WEIR_MAP)
        return refuse(err, WEIR_INVALID, "'headers' must be a map");
    ret->items = memory(arg, (count(headers) + 1) * sizeof *ret->items);
    for (size_t i = 0; host->member(headers, i, &name, &value); i++)
        if (check_name(name, err) != WEIR_OK ||
            read_member(name, value, memory, arg, ret, err) != WEIR_OK)
            return err->code;
    return WEIR_OK;
}
