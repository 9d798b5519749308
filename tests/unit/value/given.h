/* unit/value/given.h - values for tests, from JSON and back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNIT_VALUE_GIVEN_H
#define UNIT_VALUE_GIVEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "value/json.h"

/* The value of some JSON, which has to be good; owned. */
static inline const struct weir_value *
given(const char *json)
{
    const struct weir_value *v = NULL;
    struct weir_error err = { 0 };
    if (json_read(text_of(json), NULL, NULL, &v, &err) != WEIR_OK)
        fail_msg("%s: %s", json, err.text);
    return v;
}

/* Asserts that V is written as JSON. */
static inline void
assert_written(const struct weir_value *v, const char *json)
{
    struct buf out;
    struct weir_error err = { 0 };
    buf_init(&out, 64u << 20);
    assert_int_equal(json_write(&out, v, &err), WEIR_OK);
    assert_string_equal(out.bytes, json);
    buf_fini(&out);
}

/* The content of a file, owned; NULL if it cannot be read. */
static inline char *
file_content(const char *path, size_t *ret_len)
{
    *ret_len = 0;
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return NULL;
    size_t room = 1 << 20;
    char *bytes = malloc(room);
    assert_non_null(bytes);
    *ret_len = fread(bytes, 1, room, f);
    assert_true(*ret_len < room);
    fclose(f);
    return bytes;
}

#endif
