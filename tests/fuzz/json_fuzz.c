/* fuzz/json_fuzz.c - any text is refused or read; what is read comes back from what is written.
 *
 * room: value
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "value/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writes V and reads it again: nothing may be lost. */
static void
check_comes_back(const struct weir_value *v)
{
    struct buf out;
    struct buf again;
    struct weir_error err;
    const struct weir_value *back = NULL;
    buf_init(&out, 64u << 20);
    buf_init(&again, 64u << 20);
    assert(json_write(&out, v, &err) == WEIR_OK);
    assert(utf8_valid(buf_content(&out)));
    assert(json_read(buf_content(&out), NULL, NULL, &back, &err) == WEIR_OK);
    assert(value_equal(v, back));
    assert(json_write(&again, back, &err) == WEIR_OK);
    assert(text_equal(buf_content(&out), buf_content(&again)));
    buf_reset(&again);
    assert(json_write_pretty(&again, v, &err) == WEIR_OK);
    value_unref(&back);
    assert(json_read(buf_content(&again), NULL, NULL, &back, &err) == WEIR_OK);
    assert(value_equal(v, back));
    value_unref(&back);
    buf_fini(&again);
    buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A copy of just the size, so that reading past the end is seen. */
    char *exact = malloc(size + (size == 0));
    assert(exact != NULL);
    if (size > 0)
        memcpy(exact, data, size);
    const struct weir_value *owner = value_take(WEIR_BYTES, exact, size);
    const struct weir_value *copied = NULL;
    const struct weir_value *borrowed = NULL;
    struct weir_error err = { 0 };
    struct weir_error err_borrowed = { 0 };
    enum weir_code code = json_read(value_as_text(owner), NULL, NULL, &copied, &err);
    assert(json_read(value_as_text(owner), owner, NULL, &borrowed, &err_borrowed) == code);
    value_unref(&owner);
    if (code == WEIR_OK) {
        assert(utf8_valid((struct weir_text){ (const char *)data, size }));
        assert(value_equal(copied, borrowed));
        check_comes_back(borrowed);
        const struct weir_value *unique = NULL;
        (void)json_read((struct weir_text){ (const char *)data, size }, NULL,
                        &(struct json_limits){ .unique_keys = true }, &unique, &err);
        value_unref(&unique);
    } else {
        assert(strcmp(err.text, err_borrowed.text) == 0);
    }
    value_unref(&copied);
    value_unref(&borrowed);
    return 0;
}
