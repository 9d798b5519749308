/* postgres/postgres_params.c - parameters, as libpq wants them; see postgres.h.
 *
 * The server infers the types from where the parameters stand, so nearly all go as text. Bytes
 * go as they are, as bytea. A parameter is never part of the statement: there is nothing to
 * escape.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "postgres.h"

#define BYTEA 17
#define NUMBER 24 /* room for an integer in decimal */

void
params_drop(struct params *p)
{
    for (int i = 0; i < p->n; i++)
        host->unref(&p->held[i]);
    for (int i = 0; i < p->n; i++)
        free(p->copies[i]);
    free(p->held);
    *p = (struct params){ 0 };
}

/* Room for N parameters; that for integers stands behind all else. */
static char (*params_room(struct params *p, size_t n))[NUMBER]
{
    size_t one = sizeof *p->held + sizeof *p->copies + sizeof *p->values + sizeof *p->types +
                 sizeof *p->lengths + sizeof *p->formats + NUMBER;
    p->held = zeroed(n, one);
    p->copies = (char **)(void *)(p->held + n);
    p->values = (const char **)(void *)(p->copies + n);
    p->types = (Oid *)(void *)(p->values + n);
    p->lengths = (int *)(void *)(p->types + n);
    p->formats = p->lengths + n;
    p->n = (int)n;
    return (char(*)[NUMBER])(void *)(p->formats + n);
}

static uint32_t
take_bytes(struct params *p, int i, struct weir_text bytes, struct weir_error *err)
{
    if (bytes.len > INT_MAX / 2)
        return refuse(err, WEIR_TOO_LARGE, "parameter $%d is too large", i + 1);
    p->values[i] = bytes.len > 0 ? bytes.bytes : "";
    p->lengths[i] = (int)bytes.len;
    p->types[i] = BYTEA;
    p->formats[i] = 1;
    return WEIR_OK;
}

/* A copy: libpq wants a NUL behind it. */
static uint32_t
take_text(struct params *p, int i, struct weir_text text, struct weir_error *err)
{
    if (text.len > INT_MAX / 2)
        return refuse(err, WEIR_TOO_LARGE, "parameter $%d is too large", i + 1);
    if (text.len > 0 && memchr(text.bytes, '\0', text.len) != NULL) {
        err->status = 422;
        return refuse(err, WEIR_INVALID,
                      "parameter $%d has a NUL in it, which no text of a database may have",
                      i + 1);
    }
    p->values[i] = p->copies[i] = text_copied(text);
    return WEIR_OK;
}

static uint32_t
take_json(struct params *p, int i, const struct weir_value *v, struct weir_error *err)
{
    struct weir_text text = { 0 };
    const struct weir_value *json = NULL;
    uint32_t code = host->json_write(v, &json, err);
    if (code == WEIR_OK && host->get_text(json, &text))
        code = take_text(p, i, text, err);
    host->unref(&json);
    return code;
}

static uint32_t
take(struct params *p, int i, char number[NUMBER], struct weir_error *err)
{
    const struct weir_value *v = p->held[i];
    struct weir_text text;
    int64_t integer;
    bool truth = false;
    uint32_t type = host->type(v);
    switch (type) {
    case WEIR_NULL:
        return WEIR_OK;
    case WEIR_BOOL:
        (void)host->get_bool(v, &truth);
        return take_text(p, i, truth ? WEIR_TEXT("true") : WEIR_TEXT("false"), err);
    case WEIR_STRING:
    case WEIR_BYTES:
        (void)host->get_text(v, &text);
        return type == WEIR_BYTES ? take_bytes(p, i, text, err) : take_text(p, i, text, err);
    case WEIR_INT:
    case WEIR_DOUBLE: /* 5.0 is a good integer for the server as 5 */
        if (!host->get_int(v, &integer))
            return take_json(p, i, v, err);
        snprintf(number, NUMBER, "%" PRId64, integer);
        p->values[i] = number;
        return WEIR_OK;
    case WEIR_LIST:
    case WEIR_MAP:
        return take_json(p, i, v, err);
    default:
        return refuse(err, WEIR_INVALID, "parameter $%d is a stream, which can't be sent",
                      i + 1);
    }
}

uint32_t
params_make(const struct weir_value *list, struct params *ret, struct weir_error *err)
{
    *ret = (struct params){ 0 };
    if (list == NULL || host->type(list) == WEIR_NULL)
        return WEIR_OK;
    size_t n = host->len(list);
    if (host->type(list) != WEIR_LIST || n > MAX_PARAMS)
        return refuse(err, WEIR_INVALID, "'params' must be a list of at most %u values",
                      MAX_PARAMS);
    if (n == 0)
        return WEIR_OK;
    char(*numbers)[NUMBER] = params_room(ret, n);
    for (size_t i = 0; i < n; i++)
        ret->held[i] = host->ref(host->at(list, i));
    for (int i = 0; i < ret->n; i++)
        if (take(ret, i, numbers[i], err) != WEIR_OK)
            return err->code;
    return WEIR_OK;
}
