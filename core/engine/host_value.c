/* engine/host_value.c - the host table for values. See host.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/host.h"

#include <stdlib.h>

#include "base/encode.h"
#include "value/json.h"

#define JSON_MAX (64u << 20)

static uint32_t
type(const struct weir_value *v)
{
    return v ? v->type : WEIR_NULL;
}

static size_t
len(const struct weir_value *v)
{
    return v && v->type >= WEIR_STRING && v->type <= WEIR_MAP ? v->len : 0;
}

static bool
get_bool(const struct weir_value *v, bool *ret)
{
    if (v == NULL || v->type != WEIR_BOOL)
        return false;
    *ret = v->boolean;
    return true;
}

static bool
get_int(const struct weir_value *v, int64_t *ret)
{
    if (v && v->type == WEIR_INT) {
        *ret = v->integer;
        return true;
    }
    if (v == NULL || v->type != WEIR_DOUBLE || v->number < -9223372036854775808.0 ||
        v->number >= 9223372036854775808.0)
        return false;
    int64_t whole = (int64_t)v->number;
    if ((double)whole != v->number)
        return false;
    *ret = whole;
    return true;
}

static bool
get_double(const struct weir_value *v, double *ret)
{
    if (v == NULL || (v->type != WEIR_DOUBLE && v->type != WEIR_INT))
        return false;
    *ret = v->type == WEIR_DOUBLE ? v->number : (double)v->integer;
    return true;
}

static bool
get_text(const struct weir_value *v, struct weir_text *ret)
{
    if (v == NULL || (v->type != WEIR_STRING && v->type != WEIR_BYTES))
        return false;
    *ret = value_as_text(v);
    return true;
}

static const struct weir_value *
get(const struct weir_value *v, struct weir_text key)
{
    return value_get(v, key.bytes, key.len);
}

static const struct weir_value *
null(void)
{
    return &value_null;
}

static const struct weir_value *
boolean(bool b)
{
    return b ? &value_true : &value_false;
}

static const struct weir_value *
string(struct weir_text t)
{
    return utf8_valid(t) ? value_string(t.bytes, t.len) : NULL;
}

static const struct weir_value *
bytes(struct weir_text t)
{
    return value_bytes(t.bytes, t.len);
}

static void
map_put(struct weir_builder *b, struct weir_text key, const struct weir_value **value)
{
    builder_set(b, key.bytes, key.len, value);
}

static uint32_t
read_json(struct weir_text text, const struct weir_value **ret, struct weir_error *err)
{
    return json_read(text, NULL, NULL, ret, err);
}

static uint32_t
write_json(const struct weir_value *v, const struct weir_value **ret, struct weir_error *err)
{
    struct buf b;
    char room[BUF_USUAL];
    buf_init_in(&b, JSON_MAX, room, sizeof room);
    enum weir_code code = json_write(&b, v, err);
    if (code == WEIR_OK)
        *ret = value_take_buf(WEIR_STRING, &b);
    else
        buf_fini(&b);
    return code;
}

void
host_fill_value(struct weir_host *h)
{
    h->ref = value_ref;
    h->unref = value_unref;
    h->type = type;
    h->len = len;
    h->get_bool = get_bool;
    h->get_int = get_int;
    h->get_double = get_double;
    h->get_text = get_text;
    h->get = get;
    h->at = value_at;
    h->member = value_member;
    h->null = null;
    h->boolean = boolean;
    h->integer = value_int;
    h->number = value_double;
    h->string = string;
    h->bytes = bytes;
    h->list_new = builder_list;
    h->map_new = builder_map;
    h->list_add = builder_add;
    h->map_set = map_put;
    h->build = builder_end;
    h->builder_free = builder_free;
    h->equal = value_equal;
    h->json_read = read_json;
    h->json_write = write_json;
}
