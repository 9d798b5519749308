/* expr/functions_digest.c - sha256 and hmac. What they give is not secret, whatever goes in.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/digest.h"

#include <string.h>

#include "expr/function.h"

/* Charges for digesting LEN bytes. */
static enum weir_code
spend(const struct args *a, size_t len)
{
    return eval_spend(a->eval, a->term, 4 * EVAL_STEP + len / 8);
}

/* LEN bytes of a digest as the result. */
static enum weir_code
give(const struct args *a, const uint8_t *bytes, size_t len, struct weir_value *room,
     const struct weir_value **ret)
{
    if (len == 0)
        return eval_fail(a->eval, a->term, "the digest can't be had");
    char *out = eval_new_text(a->eval, a->term, WEIR_BYTES, len, room, ret);
    if (out == NULL)
        return WEIR_SCRIPT;
    memcpy(out, bytes, len);
    return WEIR_OK;
}

enum weir_code
function_sha256(const struct args *a, struct weir_value *room, const struct weir_value **ret)
{
    struct weir_text text;
    uint8_t bytes[DIGEST_MAX];
    enum weir_code code = arg_text(a, 0, &text);
    if (code == WEIR_OK)
        code = spend(a, text.len);
    if (code != WEIR_OK)
        return code;
    return give(a, bytes, digest(WEIR_SHA256, text, bytes), room, ret);
}

enum weir_code
function_hmac(const struct args *a, struct weir_value *room, const struct weir_value **ret)
{
    struct weir_text name;
    struct weir_text key;
    struct weir_text text;
    uint8_t bytes[DIGEST_MAX];
    enum weir_code code = arg_string(a, 0, &name);
    if (code == WEIR_OK)
        code = arg_text(a, 1, &key);
    if (code == WEIR_OK)
        code = arg_text(a, 2, &text);
    if (code == WEIR_OK)
        code = spend(a, key.len + text.len);
    if (code != WEIR_OK)
        return code;
    uint32_t algorithm = digest_find(name);
    if (algorithm == 0)
        return eval_fail(a->eval, a->term, "unknown algorithm; there are sha1, sha256, sha384, sha512");
    return give(a, bytes, digest_hmac(algorithm, key, text, bytes), room, ret);
}
