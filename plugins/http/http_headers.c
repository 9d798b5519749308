/* http/http_headers.c - the header fields of a request: see http.h.
 *
 * Their names mostly stand in the configuration, and most values too: then no map of them is made for a call, but
 * only what is an expression is evaluated.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http.h"
#include "http_sign.h"

#define FIELDS_MAX 200u
#define ADDED_MAX (2 + SIGN_HEADERS) /* the body's type, a key, a signature */
#define POINTER_MAX 256u

/* -- open -- */

/* Writes the JSON pointer of the header NAME (RFC 6901); false if it is longer than any that is asked for. */
static bool
write_pointer(struct weir_text name, char ret[POINTER_MAX])
{
    size_t len = (size_t)snprintf(ret, POINTER_MAX, "/headers/");
    for (size_t i = 0; i < name.len; i++) {
        char c = name.bytes[i];
        bool escaped = c == '~' || c == '/';
        if (len + 3 > POINTER_MAX)
            return false;
        ret[len++] = escaped ? '~' : c;
        if (escaped)
            ret[len++] = c == '~' ? '0' : '1';
    }
    ret[len] = '\0';
    return true;
}

static void
drop_fields(struct http_node *n)
{
    for (uint32_t i = 0; i < n->n_fields; i++)
        piece_drop(&n->fields[i].value);
    free(n->fields);
    n->fields = NULL;
    n->n_fields = 0;
}

/* Takes each member of MAP by itself; false: they can only be evaluated together. */
static bool
take_fields(struct weir_open *open, const struct weir_value *map, struct http_node *n)
{
    struct weir_text name;
    const struct weir_value *v;
    char pointer[POINTER_MAX];
    n->fields = zeroed(host->len(map) + 1, sizeof *n->fields);
    for (size_t i = 0; host->member(map, i, &name, &v); i++) {
        if (!write_pointer(name, pointer))
            return false;
        struct field *f = &n->fields[n->n_fields++];
        f->name = name;
        f->value = piece_at(open, pointer, v);
        if (f->value.constant != NULL && host->type(f->value.constant) == WEIR_STRING)
            (void)host->get_text(f->value.constant, &f->text);
    }
    return true;
}

void
headers_open(struct weir_open *open, const struct weir_value *config, struct http_node *n)
{
    const struct weir_value *map = host->get(config, WEIR_TEXT("headers"));
    n->headers = piece_under(open, "", config, "headers");
    if (map == NULL || host->type(map) != WEIR_MAP)
        return;
    if (take_fields(open, map, n))
        n->names = host->ref(map);
    else
        drop_fields(n);
}

void
headers_close(struct http_node *n)
{
    drop_fields(n);
    piece_drop(&n->headers);
    host->unref(&n->names);
}

/* -- a call -- */

/* How many fields a header of this value stands for at most. */
static size_t
count_fields(const struct weir_value *v)
{
    return host->type(v) == WEIR_LIST ? host->len(v) : 1;
}

/* Room for COUNT fields of the author, and for those that are added. */
static uint32_t
make_room(struct weir_call *call, struct request *r, size_t count, struct weir_error *err)
{
    if (count > FIELDS_MAX)
        return refuse(err, WEIR_TOO_LARGE, "a request can have %u headers", FIELDS_MAX);
    r->http.headers = host->alloc(call, (count + ADDED_MAX) * sizeof *r->http.headers);
    return WEIR_OK;
}

static void
put_field(struct request *r, struct weir_text name, struct weir_text text)
{
    struct weir_header *fields = (struct weir_header *)(uintptr_t)r->http.headers;
    fields[r->http.n_headers++] = (struct weir_header){ name, text };
}

static uint32_t
add_field(struct weir_call *call, struct request *r, struct weir_text name, const struct weir_value *v,
          struct weir_error *err)
{
    char room[40];
    struct weir_text text;
    if (!scalar_text(v, room, &text))
        return refuse(err, WEIR_INVALID,
                      "the header '%.*s' must be a text, a number or a boolean",
                      (int)(name.len < 80 ? name.len : 80), name.bytes);
    if (text.bytes == room) {
        char *copy = host->alloc(call, text.len + 1);
        memcpy(copy, room, text.len);
        text.bytes = copy;
    }
    put_field(r, name, text);
    return WEIR_OK;
}

/* The fields of the header NAME: a list repeats it, null leaves it out. */
static uint32_t
add_value(struct weir_call *call, struct request *r, struct weir_text name, const struct weir_value *v,
          struct weir_error *err)
{
    bool list = host->type(v) == WEIR_LIST;
    size_t items = host->type(v) == WEIR_NULL ? 0 : list ? host->len(v) : 1;
    for (size_t k = 0; k < items; k++)
        if (add_field(call, r, name, list ? host->at(v, k) : v, err) != WEIR_OK)
            return err->code;
    return WEIR_OK;
}

/* Headers that are known by name. */
static uint32_t
make_known(struct weir_call *call, const struct http_node *n, struct request *r,
           struct weir_error *err)
{
    size_t count = 0;
    r->values = host->alloc(call, (n->n_fields + 1) * sizeof *r->values);
    for (; r->n_values < n->n_fields; r->n_values++) {
        const struct field *f = &n->fields[r->n_values];
        const struct weir_value **v = &r->values[r->n_values];
        if (f->text.bytes == NULL && piece_eval(call, &f->value, v, err) != WEIR_OK)
            return err->code;
        count += *v != NULL ? count_fields(*v) : 1;
    }
    if (make_room(call, r, count, err) != WEIR_OK)
        return err->code;
    for (uint32_t i = 0; i < n->n_fields; i++) {
        const struct field *f = &n->fields[i];
        if (f->text.bytes != NULL)
            put_field(r, f->name, f->text);
        else if (add_value(call, r, f->name, r->values[i], err) != WEIR_OK)
            return err->code;
    }
    return WEIR_OK;
}

/* Headers of which the map is an expression, or lent. */
static uint32_t
make_map(struct weir_call *call, const struct http_node *n, struct request *r,
         struct weir_error *err)
{
    if (evaluate_or_lent(call, n, &n->headers, WEIR_TEXT("headers"), &r->headers, err) != WEIR_OK)
        return err->code;
    struct weir_text name;
    const struct weir_value *v;
    size_t count = 0;
    for (size_t i = 0; r->headers != NULL && host->member(r->headers, i, &name, &v); i++)
        count += count_fields(v);
    if (make_room(call, r, count, err) != WEIR_OK)
        return err->code;
    for (size_t i = 0; r->headers != NULL && host->member(r->headers, i, &name, &v); i++)
        if (add_value(call, r, name, v, err) != WEIR_OK)
            return err->code;
    return WEIR_OK;
}

uint32_t
headers_make(struct weir_call *call, const struct http_node *n, struct request *r,
             struct weir_error *err)
{
    return n->names != NULL ? make_known(call, n, r, err) : make_map(call, n, r, err);
}

void
headers_drop(struct request *r)
{
    for (uint32_t i = 0; i < r->n_values; i++)
        host->unref(&r->values[i]);
    host->unref(&r->headers);
}

bool
has_header(const struct request *r, const char *name)
{
    size_t len = strlen(name);
    for (uint32_t i = 0; i < r->http.n_headers; i++) {
        struct weir_text at = r->http.headers[i].name;
        if (at.len == len && strncasecmp(at.bytes, name, len) == 0)
            return true;
    }
    return false;
}

void
add_header(struct request *r, const char *name, struct weir_text value)
{
    put_field(r, (struct weir_text){ name, strlen(name) }, value);
}
