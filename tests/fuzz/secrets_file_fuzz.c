/* secrets_file_fuzz.c - the encrypted file of secrets, as anybody may have written it: its header
 * asks for no more than is allowed, and nothing opens that was not sealed with the key.
 * room: pipeline
 *
 * The first byte says what the rest is: the whole file (0), or what is in the seal of the right
 * key (1), which has to come back as it was.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/seal.h"
#include "pipeline/secrets_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define KEY TEXT("0123456789abcdef")
#define WORK_MAX (1u << 12) /* of scrypt: more takes too long for a try */

static const struct seal_cost cheap = { .log_n = 10, .r = 1, .p = 1 };

static void
open_file(struct weir_text sealed)
{
    struct seal_header h;
    struct weir_error err;
    struct buf out;
    if (seal_read_header(sealed, &h, &err) != WEIR_OK)
        return;
    uint64_t area = (uint64_t)h.cost.r << h.cost.log_n;
    if (area > 1u << 21 || area * h.cost.p > 1u << 23 || h.len + SEAL_HEADER + SEAL_TAG != sealed.len)
        abort();
    if (area * h.cost.p > WORK_MAX)
        return;
    buf_init(&out, SEAL_TEXT_MAX + 1);
    if (seal_open(KEY, sealed, &out, &err) != WEIR_OK && out.len > 0)
        abort();
    buf_fini(&out);
}

static void
read_map(struct weir_text text)
{
    const struct weir_value *map = NULL;
    struct weir_error err;
    struct buf sealed, out;
    if (secrets_file_map(text, &map, &err) != WEIR_OK && map != NULL)
        abort();
    value_unref(&map);
    buf_init(&sealed, SEAL_TEXT_MAX);
    buf_init(&out, SEAL_TEXT_MAX);
    if (seal_close(KEY, &cheap, text, &sealed, &err) != WEIR_OK ||
        seal_open(KEY, buf_content(&sealed), &out, &err) != WEIR_OK || !text_equal(text, buf_content(&out)))
        abort();
    buf_fini(&sealed);
    buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len == 0)
        return 0;
    struct weir_text rest = { (const char *)bytes + 1, len - 1 };
    if (bytes[0] % 2 == 0)
        open_file(rest);
    else
        read_map(rest);
    return 0;
}
