/* net/multipart.c - multipart/form-data (RFC 7578, RFC 2046); see fields.h.
 *
 * A body is: delimiter, part, delimiter, part, ..., closing delimiter. What stands before the
 * first and behind the closing delimiter is ignored, as RFC 2046 asks. Lines end with CR LF.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/encode.h"
#include "net/fields.h"
#include "net/media.h"

#define BOUNDARY_MAX 70
#define DELIMITER_MAX (BOUNDARY_MAX + 4)
#define HEAD_MAX 8192 /* bytes of the header of one part */

/* What the header of a part says. */
struct part {
    struct buf name;
    struct buf filename;
    bool is_file;
    struct weir_text content_type; /* as sent */
};

struct reader {
    const char *at;
    const char *end;
    const struct weir_value *raw;
    char delimiter[DELIMITER_MAX + 1]; /* CR LF -- boundary */
    size_t delimiter_len;
};

static enum weir_code
refuse(struct weir_error *err, const char *text)
{
    err_set(err, WEIR_INVALID, "multipart: %s", text);
    err->status = 400;
    return WEIR_INVALID;
}

static enum weir_code
read_boundary(struct reader *r, struct weir_text content_type, struct weir_error *err)
{
    struct buf boundary;
    buf_init(&boundary, BOUNDARY_MAX);
    bool bad;
    bool found = media_parameter(content_type, "boundary", &boundary, &bad) && boundary.len > 0;
    if (found) {
        memcpy(r->delimiter, "\r\n--", 4);
        memcpy(r->delimiter + 4, boundary.bytes, boundary.len);
        r->delimiter_len = boundary.len + 4;
    }
    buf_fini(&boundary);
    return found ? WEIR_OK
                 : refuse(err, "the content type needs a boundary of 1 to 70 characters");
}

/* Moves behind the first delimiter, which may lack the CR LF in front of it. */
static enum weir_code
find_first(struct reader *r, struct weir_error *err)
{
    size_t len = r->delimiter_len;
    size_t left = (size_t)(r->end - r->at);
    if (left >= len - 2 && memcmp(r->at, r->delimiter + 2, len - 2) == 0) {
        r->at += len - 2;
        return WEIR_OK;
    }
    const char *found = memmem(r->at, left, r->delimiter, len);
    if (found == NULL)
        return refuse(err, "the boundary does not occur");
    r->at = found + len;
    return WEIR_OK;
}

/* Behind a delimiter: the rest of its line. *ret_last: it was the closing one. */
static enum weir_code
end_delimiter(struct reader *r, bool *ret_last, struct weir_error *err)
{
    *ret_last = r->end - r->at >= 2 && memcmp(r->at, "--", 2) == 0;
    if (*ret_last)
        return WEIR_OK;
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t'))
        r->at++;
    if (r->end - r->at < 2 || memcmp(r->at, "\r\n", 2) != 0)
        return refuse(err, "a boundary is not followed by the end of its line");
    r->at += 2;
    return WEIR_OK;
}

static enum weir_code
read_disposition(struct part *p, struct weir_text field, struct weir_error *err)
{
    bool bad_name;
    bool bad_file;
    if (!media_is(media_type(field), "form-data"))
        return refuse(err, "the disposition of a part is not form-data");
    bool named = media_parameter(field, "name", &p->name, &bad_name);
    p->is_file = media_parameter(field, "filename", &p->filename, &bad_file);
    if (!named || bad_name || bad_file)
        return refuse(err, "a part needs a name");
    if (!utf8_valid(buf_content(&p->filename)))
        return refuse(err, "a file name is not UTF-8");
    return WEIR_OK;
}

static enum weir_code
read_field(struct part *p, struct weir_text line, bool *ret_named, struct weir_error *err)
{
    const char *colon = memchr(line.bytes, ':', line.len);
    if (colon == NULL)
        return refuse(err, "a header line of a part has no colon");
    struct weir_text name = { line.bytes, (size_t)(colon - line.bytes) };
    struct weir_text text = { colon + 1, line.len - name.len - 1 };
    while (text.len > 0 && (*text.bytes == ' ' || *text.bytes == '\t')) {
        text.bytes++;
        text.len--;
    }
    if (media_is(name, "content-type")) {
        p->content_type = text;
    } else if (media_is(name, "content-transfer-encoding")) {
        struct weir_text coding = media_type(text);
        if (!media_is(coding, "7bit") && !media_is(coding, "8bit") &&
            !media_is(coding, "binary"))
            return refuse(err, "a part has a transfer encoding");
    } else if (media_is(name, "content-disposition")) {
        if (*ret_named)
            return refuse(err, "a part has two dispositions");
        *ret_named = true;
        return read_disposition(p, text, err);
    }
    return WEIR_OK;
}

/* Reads the header of a part, the empty line included. */
static enum weir_code
read_head(struct reader *r, struct part *p, struct weir_error *err)
{
    const char *limit = r->end - r->at > HEAD_MAX ? r->at + HEAD_MAX : r->end;
    bool named = false;
    for (;;) {
        const char *end = memmem(r->at, (size_t)(limit - r->at), "\r\n", 2);
        if (end == NULL)
            return refuse(err, "the header of a part does not end or is longer than 8 KiB");
        struct weir_text line = { r->at, (size_t)(end - r->at) };
        r->at = end + 2;
        if (line.len == 0)
            return named ? WEIR_OK : refuse(err, "a part has no disposition");
        enum weir_code code = read_field(p, line, &named, err);
        if (code != WEIR_OK)
            return code;
    }
}

static const struct weir_value *
file_value(const struct part *p, const struct weir_value **take_data)
{
    struct weir_text type = p->content_type;
    if (type.len == 0 || !utf8_valid(type))
        type = TEXT("text/plain"); /* RFC 7578, 4.4 */
    const struct weir_value *filename = value_string(p->filename.bytes, p->filename.len);
    const struct weir_value *content_type = value_string(type.bytes, type.len);
    struct weir_builder *file = builder_map();
    builder_set(file, "filename", 8, &filename);
    builder_set(file, "content_type", 12, &content_type);
    builder_set(file, "data", 4, take_data);
    return builder_end(&file);
}

/* The value of a part with this content: a file, else text if it is UTF-8, else bytes. */
static const struct weir_value *
part_value(const struct reader *r, const struct part *p, struct weir_text content)
{
    enum weir_type type = !p->is_file && utf8_valid(content) ? WEIR_STRING : WEIR_BYTES;
    const struct weir_value *data = value_slice(r->raw, type, content.bytes, content.len);
    return p->is_file ? file_value(p, &data) : data;
}

/* Reads one part and the delimiter behind it. */
static enum weir_code
read_part(struct reader *r, struct fields *f, struct part *p, struct weir_error *err)
{
    enum weir_code code = read_head(r, p, err);
    if (code != WEIR_OK)
        return code;
    /* The CR LF that ends the header may begin the delimiter: then the part is empty. */
    const char *from = r->at - 2;
    const char *end = memmem(from, (size_t)(r->end - from), r->delimiter, r->delimiter_len);
    if (end == NULL)
        return refuse(err, "a part does not end with the boundary");
    struct weir_text content = { r->at, end > r->at ? (size_t)(end - r->at) : 0 };
    const struct weir_value *v = part_value(r, p, content);
    r->at = end + r->delimiter_len;
    return fields_add(f, buf_content(&p->name), &v, err);
}

static enum weir_code
read_parts(struct reader *r, struct fields *f, struct weir_error *err)
{
    bool last;
    enum weir_code code = end_delimiter(r, &last, err);
    while (code == WEIR_OK && !last) {
        struct part p = { .content_type = { "", 0 } };
        buf_init(&p.name, HEAD_MAX);
        buf_init(&p.filename, HEAD_MAX);
        code = read_part(r, f, &p, err);
        if (code == WEIR_OK)
            code = end_delimiter(r, &last, err);
        buf_fini(&p.name);
        buf_fini(&p.filename);
    }
    return code;
}

enum weir_code
fields_add_multipart(struct fields *f, struct weir_text content_type,
                     const struct weir_value *raw, struct weir_error *err)
{
    struct weir_text body = value_as_text(raw);
    struct reader r = { .at = body.bytes, .end = body.bytes + body.len, .raw = raw };
    enum weir_code code = read_boundary(&r, content_type, err);
    if (code == WEIR_OK)
        code = find_first(&r, err);
    if (code == WEIR_OK)
        code = read_parts(&r, f, err);
    return code;
}
