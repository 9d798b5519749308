/* fuzz/msgpack_fuzz.c - any bytes are refused or read; what is read comes back.
 *
 * room: value
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "value/json.h"
#include "value/msgpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *exact = malloc(size + (size == 0)); /* so that reading past the end is seen */
    assert(exact != NULL);
    if (size > 0)
        memcpy(exact, data, size);
    const struct weir_value *v = NULL;
    struct weir_error err = { 0 };
    enum weir_code code = msgpack_read((struct weir_text){ exact, size }, &v, &err);
    free(exact);
    if (code != WEIR_OK)
        return 0;

    struct buf out;
    const struct weir_value *back = NULL;
    buf_init(&out, 64u << 20);
    assert(msgpack_write(&out, v, &err) == WEIR_OK);
    assert(out.len <= 2 * size + 16); /* a float becomes a double */
    assert(msgpack_read(buf_content(&out), &back, &err) == WEIR_OK);
    assert(value_equal(v, back));
    value_unref(&back);
    buf_reset(&out);
    assert(json_write(&out, v, &err) == WEIR_OK);
    buf_fini(&out);
    value_unref(&v);
    return 0;
}
