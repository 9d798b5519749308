/* redis_reply_fuzz.c - whatever a Redis server sends: values or an error, the same ones however the
 * bytes are divided, and nothing is left.
 * room: net
 *
 * The first byte says in pieces of how many bytes the rest comes the second time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "net/redis_parts.h"
#include "value/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Writes all replies as lines; what is refused ends it. */
static void
read_all(const char *bytes, size_t len, size_t step, struct buf *out)
{
    struct redis_reader r;
    redis_reader_init(&r);
    for (size_t at = 0; at < len; at += step) {
        redis_reader_feed(&r, bytes + at, len - at < step ? len - at : step);
        for (;;) {
            const struct weir_value *v;
            bool error = false;
            struct weir_error err;
            if (redis_reader_next(&r, &v, &error, &err) != WEIR_OK) {
                buf_puts(out, "refused");
                redis_reader_fini(&r);
                return;
            }
            if (v == NULL)
                break;
            if (error) {
                redis_reply_error(value_as_text(v), &err);
                buf_puts(out, err.text);
            }
            if (json_write(out, v, NULL) != WEIR_OK)
                abort();
            buf_putc(out, '\n');
            value_unref(&v);
        }
    }
    redis_reader_fini(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < 2)
        return 0;
    struct buf whole, parts;
    buf_init(&whole, 64u << 20);
    buf_init(&parts, 64u << 20);
    read_all((const char *)bytes + 1, len - 1, len, &whole);
    read_all((const char *)bytes + 1, len - 1, (size_t)bytes[0] % 61 + 1, &parts);
    if (!text_equal(buf_content(&whole), buf_content(&parts)))
        abort();
    buf_fini(&whole);
    buf_fini(&parts);
    return 0;
}
