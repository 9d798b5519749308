/* validate/required.c - what has to be there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "validate.h"

static void *
room_of(size_t size)
{
    void *p = zeroed(1, size);
    return p;
}

/* One step of a pointer without its escapes: ~1 is /, ~0 is ~. False for another ~. */
static bool
unescape(const char *from, size_t len, struct weir_text *ret)
{
    char *to = room_of(len + 1);
    size_t n = 0;
    *ret = (struct weir_text){ to, 0 };
    for (size_t i = 0; i < len; i++) {
        if (from[i] != '~') {
            to[n++] = from[i];
            continue;
        }
        if (++i == len || (from[i] != '0' && from[i] != '1'))
            return false;
        to[n++] = from[i] == '0' ? '~' : '/';
    }
    ret->len = n;
    return true;
}

static bool
read_pointer(struct weir_text pointer, struct field *f)
{
    for (size_t at = 1; at <= pointer.len;) {
        const char *from = pointer.bytes + at;
        const char *end = memchr(from, '/', pointer.len - at);
        size_t len = end ? (size_t)(end - from) : pointer.len - at;
        if (f->n == FIELD_STEPS || !unescape(from, len, &f->keys[f->n++]))
            return false;
        at += len + 1;
    }
    f->pointer = room_of(pointer.len + 1);
    memcpy(f->pointer, pointer.bytes, pointer.len);
    return true;
}

/* A plain name: it becomes the pointer "/name", with what has to be escaped in it. */
static void
read_name(struct weir_text name, struct field *f)
{
    char *key = room_of(name.len + 1);
    char *to = f->pointer = room_of(2 * name.len + 2);
    memcpy(key, name.bytes, name.len);
    f->keys[f->n++] = (struct weir_text){ key, name.len };
    *to++ = '/';
    for (size_t i = 0; i < name.len; i++) {
        bool escaped = name.bytes[i] == '/' || name.bytes[i] == '~';
        if (escaped)
            *to++ = '~';
        *to++ = (char)(!escaped ? name.bytes[i] : name.bytes[i] == '/' ? '1' : '0');
    }
}

uint32_t
field_read(struct weir_text name, struct field *ret, struct weir_error *err)
{
    *ret = (struct field){ 0 };
    if (name.len == 0)
        return refuse(err, WEIR_INVALID, "a required field needs a name");
    if (name.bytes[0] != '/') {
        read_name(name, ret);
        return WEIR_OK;
    }
    if (read_pointer(name, ret))
        return WEIR_OK;
    field_free(ret);
    return refuse(err, WEIR_INVALID,
                  "'%.*s' is no JSON pointer of at most %u steps, such as /order/items",
                  (int)(name.len < 200 ? name.len : 200), name.bytes, FIELD_STEPS);
}

void
field_free(struct field *f)
{
    for (uint32_t i = 0; i < FIELD_STEPS; i++)
        free((char *)(uintptr_t)f->keys[i].bytes);
    free(f->pointer);
}

/* The index that KEY says, or SIZE_MAX. */
static size_t
index_of(struct weir_text key)
{
    size_t n = 0;
    if (key.len == 0 || key.len > 9 || (key.len > 1 && key.bytes[0] == '0'))
        return SIZE_MAX;
    for (size_t i = 0; i < key.len; i++) {
        if (key.bytes[i] < '0' || key.bytes[i] > '9')
            return SIZE_MAX;
        n = n * 10 + (size_t)(key.bytes[i] - '0');
    }
    return n;
}

bool
field_is_there(const struct field *f, const struct weir_value *v)
{
    for (uint32_t i = 0; i < f->n && v; i++)
        v = host->type(v) == WEIR_LIST ? host->at(v, index_of(f->keys[i]))
                                       : host->get(v, f->keys[i]);
    if (v == NULL || host->type(v) == WEIR_NULL)
        return false;
    return host->type(v) != WEIR_STRING || host->len(v) > 0;
}
