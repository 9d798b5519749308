/* multipart_fuzz.c - bodies of any content type: a value that can be written, or an error.
 * room: net
 *
 * The first line is the content type, the rest is the body.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "net/body.h"
#include "value/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
check(bool holds)
{
    if (!holds)
        abort();
}

static void
write_value(const struct weir_value *v)
{
    struct buf out;
    buf_init(&out, 64u << 20);
    check(json_write(&out, v, NULL) == WEIR_OK);
    buf_fini(&out);
}

static void
read_query(struct weir_text text)
{
    struct weir_error err;
    const struct weir_value *last;
    const struct weir_value *all;
    if (query_parse(text, &last, &all, &err) != WEIR_OK) {
        check(err.code == WEIR_INVALID && err.status == 400);
        return;
    }
    check(last->len == all->len);
    write_value(last);
    write_value(all);
    value_unref(&last);
    value_unref(&all);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const char *text = (const char *)bytes;
    const char *line = len > 0 ? memchr(text, '\n', len) : NULL;
    if (line == NULL)
        return 0;
    struct weir_text type = { text, (size_t)(line - text) };
    size_t left = len - type.len - 1;
    const struct weir_value *raw = value_bytes(line + 1, left);
    const struct weir_value *v;
    struct weir_error err;
    enum weir_code code = body_parse(type, raw, &v, &err);
    value_unref(&raw);
    if (code == WEIR_OK) {
        write_value(v);
        value_unref(&v);
    } else {
        check(err.code == WEIR_INVALID && err.status == 400);
    }
    read_query((struct weir_text){ line + 1, left });
    return 0;
}
