/* net/form.c - application/x-www-form-urlencoded; see fields.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/encode.h"
#include "net/fields.h"

/* Whether TEXT means itself. */
static bool
is_plain(struct weir_text text)
{
    return text.len == 0 || (memchr(text.bytes, '%', text.len) == NULL &&
                             memchr(text.bytes, '+', text.len) == NULL);
}

/* The string that TEXT stands for; owned. WHAT names it in errors. */
static enum weir_code
decode(struct weir_text text, const struct weir_value *owner, const char *what,
       const struct weir_value **ret, struct weir_error *err)
{
    struct buf out;
    buf_init(&out, text.len);
    struct weir_text plain = text;
    enum weir_code code = WEIR_OK;
    if (!is_plain(text)) {
        code = url_decode(&out, text, true, err);
        plain = buf_content(&out);
        owner = NULL;
    }
    if (code == WEIR_OK && !utf8_valid(plain))
        code = err_set(err, WEIR_INVALID, "not UTF-8");
    if (code != WEIR_OK) {
        err_in(err, "%s", what);
        err->status = 400;
    } else if (owner != NULL) {
        *ret = value_slice(owner, WEIR_STRING, plain.bytes, plain.len);
    } else {
        *ret = value_string(plain.bytes, plain.len);
    }
    buf_fini(&out);
    return code;
}

static enum weir_code
add_pair(struct fields *f, struct weir_text pair, const struct weir_value *owner,
         struct weir_error *err)
{
    const char *equals = memchr(pair.bytes, '=', pair.len);
    struct weir_text name = pair;
    struct weir_text text = { "", 0 };
    if (equals != NULL) {
        name.len = (size_t)(equals - pair.bytes);
        text = (struct weir_text){ equals + 1, pair.len - name.len - 1 };
    }

    const struct weir_value *key;
    enum weir_code code = decode(name, NULL, "the name of a field", &key, err);
    if (code != WEIR_OK)
        return code;
    const struct weir_value *v;
    code = decode(text, owner, "the value of a field", &v, err);
    if (code == WEIR_OK)
        code = fields_add(f, value_as_text(key), &v, err);
    value_unref(&key);
    return code;
}

enum weir_code
fields_add_form(struct fields *f, struct weir_text text, const struct weir_value *owner,
                struct weir_error *err)
{
    while (text.len > 0) {
        const char *end = memchr(text.bytes, '&', text.len);
        size_t len = end != NULL ? (size_t)(end - text.bytes) : text.len;
        if (len > 0) {
            enum weir_code code =
                add_pair(f, (struct weir_text){ text.bytes, len }, owner, err);
            if (code != WEIR_OK)
                return code;
        }
        if (len < text.len)
            len++;
        text.bytes += len;
        text.len -= len;
    }
    return WEIR_OK;
}
