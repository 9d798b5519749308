/* net/body.c - see body.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/body.h"

#include "base/encode.h"
#include "net/fields.h"
#include "net/media.h"
#include "value/json.h"

enum charset { CHARSET_UTF8, CHARSET_LATIN1, CHARSET_OTHER };

static enum weir_code
refuse(struct weir_error *err, const char *what, const char *why)
{
    err_set(err, WEIR_INVALID, "%s: %s", what, why);
    err->status = 400;
    return WEIR_INVALID;
}

/* The charset parameter of a content type; UTF-8 if there is none. */
static enum charset
charset_of(struct weir_text content_type)
{
    struct buf name;
    buf_init(&name, 64);
    bool bad;
    enum charset ret = CHARSET_OTHER;
    bool found = media_parameter(content_type, "charset", &name, &bad);
    struct weir_text text = buf_content(&name);
    if (bad)
        ret = CHARSET_OTHER;
    else if (!found || media_is(text, "utf-8") || media_is(text, "utf8") ||
             media_is(text, "us-ascii"))
        ret = CHARSET_UTF8;
    else if (media_is(text, "iso-8859-1") || media_is(text, "latin1"))
        ret = CHARSET_LATIN1;
    buf_fini(&name);
    return ret;
}

static const struct weir_value *
latin1_value(struct weir_text text)
{
    struct buf out;
    buf_init(&out, text.len * 2);
    for (size_t i = 0; i < text.len; i++) {
        char utf8[4];
        size_t len = utf8_write(utf8, (uint8_t)text.bytes[i]);
        (void)buf_text(&out, (struct weir_text){ utf8, len }); /* two bytes at most: it fits */
    }
    size_t len;
    char *bytes = buf_give(&out, &len);
    return value_take(WEIR_STRING, bytes, len);
}

static enum weir_code
parse_text(struct weir_text content_type, const struct weir_value *raw,
           const struct weir_value **ret, struct weir_error *err)
{
    struct weir_text text = value_as_text(raw);
    enum charset charset = charset_of(content_type);
    if (charset == CHARSET_OTHER)
        return refuse(err, "the body", "its charset must be utf-8 or iso-8859-1");
    if (charset == CHARSET_LATIN1) {
        *ret = latin1_value(text);
        return WEIR_OK;
    }
    if (!utf8_valid(text))
        return refuse(err, "the body", "not UTF-8");
    *ret = value_slice(raw, WEIR_STRING, text.bytes, text.len);
    return WEIR_OK;
}

static enum weir_code
parse_json(struct weir_text content_type, const struct weir_value *raw,
           const struct weir_value **ret, struct weir_error *err)
{
    if (charset_of(content_type) != CHARSET_UTF8)
        return refuse(err, "the body", "the charset of JSON is utf-8");
    enum weir_code code = json_read(value_as_text(raw), raw, NULL, ret, err);
    if (code == WEIR_OK)
        return code;
    err_in(err, "the body is not JSON");
    err->status = 400;
    return code;
}

static bool
is_json(struct weir_text type)
{
    return media_is(type, "application/json") || media_ends(type, "+json") ||
           media_is(type, "text/json");
}

static bool
is_multipart(struct weir_text type)
{
    return media_is(type, "multipart/form-data");
}

static enum weir_code
parse_fields(struct weir_text content_type, const struct weir_value *raw,
             const struct weir_value **ret, struct weir_error *err)
{
    struct fields f;
    fields_init(&f);
    enum weir_code code = is_multipart(media_type(content_type))
                              ? fields_add_multipart(&f, content_type, raw, err)
                              : fields_add_form(&f, value_as_text(raw), raw, err);
    if (code == WEIR_OK)
        *ret = fields_grouped(&f);
    fields_fini(&f);
    return code;
}

enum weir_code
body_parse(struct weir_text content_type, const struct weir_value *raw,
           const struct weir_value **ret, struct weir_error *err)
{
    if (raw == NULL || value_as_text(raw).len == 0) {
        *ret = &value_null;
        return WEIR_OK;
    }
    struct weir_text type = media_type(content_type);
    if (is_json(type))
        return parse_json(content_type, raw, ret, err);
    if (is_multipart(type) || media_is(type, "application/x-www-form-urlencoded"))
        return parse_fields(content_type, raw, ret, err);
    if (media_begins(type, "text/"))
        return parse_text(content_type, raw, ret, err);
    *ret = value_ref(raw);
    return WEIR_OK;
}

enum weir_code
query_parse(struct weir_text query, const struct weir_value **ret_last,
            const struct weir_value **ret_all, struct weir_error *err)
{
    struct fields f;
    fields_init(&f);
    enum weir_code code = fields_add_form(&f, query, NULL, err);
    if (code == WEIR_OK) {
        *ret_last = fields_last(&f);
        *ret_all = fields_all(&f);
    } else {
        err_in(err, "the query");
    }
    fields_fini(&f);
    return code;
}
