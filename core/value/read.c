/* value/read.c - what is in a value; see value.h. SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "value/block.h"
#include "value/members.h"

const struct weir_value *
value_get(const struct weir_value *v, const char *key, size_t len)
{
    if (v == NULL || v->type != WEIR_MAP || v->len == 0)
        return NULL;
    const struct value_member *m = members_find(v->members, v->len, key, len);
    return m != NULL ? &m->value : NULL;
}

const struct weir_value *
value_field(const struct weir_value *v, const char *key)
{
    return value_get(v, key, strlen(key));
}

const struct weir_value *
value_at(const struct weir_value *v, size_t index)
{
    if (v == NULL || v->type != WEIR_LIST || index >= v->len)
        return NULL;
    return &v->items[index];
}

bool
value_member(const struct weir_value *v, size_t index, struct weir_text *ret_key,
             const struct weir_value **ret_value)
{
    if (v == NULL || v->type != WEIR_MAP || index >= v->len)
        return false;
    const struct value_member *m = &v->members->at[index];
    if (ret_key != NULL)
        *ret_key = (struct weir_text){ m->key, m->key_len };
    if (ret_value != NULL)
        *ret_value = &m->value;
    return true;
}

/* The item of a list that a token of a pointer names: digits without a leading zero. */
static const struct weir_value *
item_named(const struct weir_value *list, const char *token, size_t len)
{
    if (len == 0 || len > 10 || (len > 1 && token[0] == '0'))
        return NULL;
    uint64_t index = 0;
    for (size_t i = 0; i < len; i++) {
        if (token[i] < '0' || token[i] > '9')
            return NULL;
        index = index * 10 + (unsigned)(token[i] - '0');
    }
    return value_at(list, index);
}

/* The member that a token with escapes names: ~0 is ~, ~1 is /. */
static const struct weir_value *
member_escaped(const struct weir_value *map, const char *token, size_t len)
{
    char *key = block_malloc(len);
    size_t n = 0;
    bool good = true;
    for (size_t i = 0; i < len; i++) {
        if (token[i] != '~') {
            key[n++] = token[i];
            continue;
        }
        i++;
        good = good && i < len && (token[i] == '0' || token[i] == '1');
        key[n++] = i < len && token[i] == '1' ? '/' : '~';
    }
    const struct weir_value *v = good ? value_get(map, key, n) : NULL;
    free(key);
    return v;
}

static const struct weir_value *
step_into(const struct weir_value *v, const char *token, size_t len)
{
    if (v->type == WEIR_LIST)
        return item_named(v, token, len);
    if (v->type != WEIR_MAP)
        return NULL;
    if (memchr(token, '~', len) != NULL)
        return member_escaped(v, token, len);
    return value_get(v, token, len);
}

const struct weir_value *
value_pointer(const struct weir_value *v, const char *pointer, size_t len)
{
    const char *end = pointer + len;
    while (v != NULL && pointer < end) {
        if (*pointer++ != '/')
            return NULL;
        const char *slash = memchr(pointer, '/', (size_t)(end - pointer));
        const char *stop = slash != NULL ? slash : end;
        v = step_into(v, pointer, (size_t)(stop - pointer));
        pointer = stop;
    }
    return v;
}

const char *
value_type_name(enum weir_type type)
{
    static const char *const names[] = {
        [WEIR_NULL] = "null",     [WEIR_BOOL] = "bool",     [WEIR_INT] = "int",
        [WEIR_DOUBLE] = "double", [WEIR_STRING] = "string", [WEIR_BYTES] = "bytes",
        [WEIR_LIST] = "list",     [WEIR_MAP] = "map",       [WEIR_STREAM] = "stream",
    };
    return (size_t)type < sizeof names / sizeof names[0] ? names[type] : "unknown";
}

size_t
value_weight(const struct weir_value *v)
{
    return v->block != NULL ? block_weight(v->block) : 0;
}

#define WEIGHED_MAX 512u

size_t
value_weight_all(const struct weir_value *v)
{
    const struct value_block *waiting[WEIGHED_MAX];
    unsigned n = 0, seen = 0;
    size_t weight = 0;
    if (v->block)
        waiting[n++] = v->block;
    while (n > 0) {
        const struct value_block *b = waiting[--n];
        weight += block_weight(b);
        seen++;
        if (b->n_deps > WEIGHED_MAX - n || seen > WEIGHED_MAX)
            return SIZE_MAX;
        for (uint32_t i = 0; i < b->n_deps; i++)
            waiting[n++] = b->deps[i];
    }
    return weight;
}
