/* expr/functions_encode.c - values and bytes in other forms: json, base64, hex, url.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/encode.h"
#include "expr/function.h"
#include "value/json.h"

enum weir_code
function_json_encode(const struct args *a, struct weir_value *room,
                     const struct weir_value **ret)
{
    (void)room;
    struct buf b;
    struct weir_error err;
    eval_buf(a->eval, &b);
    enum weir_code code = json_write(&b, a->at[0], &err);
    if (code != WEIR_OK && code != WEIR_TOO_LARGE) {
        buf_fini(&b);
        return eval_fail(a->eval, a->term, "%s", err.text);
    }
    return eval_buf_text(a->eval, a->term, WEIR_STRING, &b, code == WEIR_OK, ret);
}

/* What reading JSON makes is at most so many times as large as its text, mostly. */
enum { JSON_GROWTH = 2 };

enum weir_code
function_json_decode(const struct args *a, struct weir_value *room,
                     const struct weir_value **ret)
{
    (void)room;
    struct weir_text text;
    enum weir_code code = arg_text(a, 0, &text);
    if (code == WEIR_OK)
        code = eval_spend(a->eval, a->term, text.len / 8);
    if (code == WEIR_OK)
        code = eval_spend_bytes(a->eval, a->term, JSON_GROWTH * text.len);
    if (code != WEIR_OK)
        return code;

    bool counted = a->at[0]->flags & VALUE_HOME;
    struct weir_error err;
    const struct weir_value *v;
    if (json_read(text, counted ? a->at[0] : NULL, NULL, &v, &err) != WEIR_OK)
        return eval_fail(a->eval, a->term, "%s", err.text);
    *ret = eval_keep(a->eval, &v);
    return WEIR_OK;
}

/* The bytes that DECODE makes of the string that is argument 0. */
static enum weir_code
decoded(const struct args *a,
        enum weir_code (*decode)(struct buf *b, struct weir_text text, struct weir_error *err),
        const struct weir_value **ret)
{
    struct weir_text text;
    struct buf b;
    struct weir_error err;
    enum weir_code code = arg_string(a, 0, &text);
    if (code == WEIR_OK)
        code = arg_read(a, text.len);
    if (code != WEIR_OK)
        return code;
    eval_buf(a->eval, &b);
    code = decode(&b, text, &err);
    if (code != WEIR_OK && code != WEIR_TOO_LARGE) {
        buf_fini(&b);
        return eval_fail(a->eval, a->term, "%s", err.text);
    }
    return eval_buf_text(a->eval, a->term, WEIR_BYTES, &b, code == WEIR_OK, ret);
}

/* The string that ENCODE makes of the string or bytes that are argument 0. */
static enum weir_code
encoded(const struct args *a, bool (*encode)(struct buf *b, struct weir_text text),
        struct weir_value *room, const struct weir_value **ret)
{
    struct weir_text text;
    struct buf b;
    char first[BUF_USUAL];
    enum weir_code code = arg_text(a, 0, &text);
    if (code == WEIR_OK)
        code = arg_read(a, text.len);
    if (code != WEIR_OK)
        return code;
    buf_init_in(&b, a->eval->bytes, first, sizeof first);
    bool good = encode(&b, text);
    if (!good || !b.lent)
        return eval_buf_text(a->eval, a->term, WEIR_STRING, &b, good, ret);
    char *bytes = eval_new_text(a->eval, a->term, WEIR_STRING, b.len, room, ret);
    if (bytes != NULL && b.len > 0)
        memcpy(bytes, b.bytes, b.len);
    buf_fini(&b);
    return bytes != NULL ? WEIR_OK : WEIR_SCRIPT;
}

static bool
base64_plain(struct buf *b, struct weir_text text)
{
    return base64_encode(b, text, false);
}

enum weir_code
function_base64_encode(const struct args *a, struct weir_value *room,
                       const struct weir_value **ret)
{
    return encoded(a, base64_plain, room, ret);
}

enum weir_code
function_base64_decode(const struct args *a, struct weir_value *room,
                       const struct weir_value **ret)
{
    (void)room;
    return decoded(a, base64_decode, ret);
}

enum weir_code
function_hex_encode(const struct args *a, struct weir_value *room,
                    const struct weir_value **ret)
{
    return encoded(a, hex_encode, room, ret);
}

enum weir_code
function_hex_decode(const struct args *a, struct weir_value *room,
                    const struct weir_value **ret)
{
    (void)room;
    return decoded(a, hex_decode, ret);
}

enum weir_code
function_url_encode(const struct args *a, struct weir_value *room,
                    const struct weir_value **ret)
{
    return encoded(a, url_encode, room, ret);
}

/* The template sees that it is called, and does not encode what it gives. */
enum weir_code
function_url_raw(const struct args *a, struct weir_value *room, const struct weir_value **ret)
{
    (void)room;
    *ret = a->at[0];
    return WEIR_OK;
}
