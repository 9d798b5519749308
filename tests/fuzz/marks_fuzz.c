/* fuzz/marks_fuzz.c - a mark, a pointer into the body, and the body of an event, a line each: a mark that is
 * refused is told with a place in it, and what is hidden of a body is hidden in whatever way it is looked at.
 *
 * room: pipeline
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <string.h>

#include "pipeline/marks.h"
#include "value/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct weir_text
line(const char **at, const char *end)
{
    const char *from = *at, *stop = from < end ? memchr(from, '\n', (size_t)(end - from)) : NULL;
    stop = stop != NULL ? stop : end;
    *at = stop < end ? stop + 1 : end;
    return (struct weir_text){ from, (size_t)(stop - from) };
}

/* What stands at POINTER is hidden alike, alone and in the whole. */
static void
check_body(const struct marks *m, struct weir_text pointer, const struct weir_value *body)
{
    struct hidden *h = hidden_new();
    const struct weir_value *seen = marks_hide(m, MARK_BODY, NULL, 0, body, h);
    const struct weir_value *part = value_pointer(body, pointer.bytes, pointer.len);
    hidden_end(h);
    if (part != NULL) {
        const struct weir_value *alone = marks_hide_at(m, MARK_BODY, pointer, part, NULL);
        const struct weir_value *there = value_pointer(seen, pointer.bytes, pointer.len);
        assert(there == NULL || value_equal(alone, there)); /* else what is around it is hidden */
        value_unref(&alone);
    }
    const struct weir_value *masked = hidden_masked(h, body);
    assert(hidden_any(h) || value_equal(masked, body) || !value_equal(seen, body));
    value_unref(&masked);
    value_unref(&seen);
    hidden_free(&h);
}

/* The same BODY as bytes of TYPE. */
static void
check_event(const struct marks *m, const char *type, struct weir_text body)
{
    struct weir_builder *event = builder_map(), *headers = builder_list(), *pair = builder_list();
    const struct weir_value *v = value_text("content-type");
    builder_add(pair, &v);
    v = value_text(type);
    builder_add(pair, &v);
    v = builder_end(&pair);
    builder_add(headers, &v);
    v = builder_end(&headers);
    builder_set(event, "headers", 7, &v);
    v = value_bytes(body.bytes, body.len);
    builder_set(event, "raw", 3, &v);
    v = value_bytes(body.bytes, body.len);
    builder_set(event, "query", 5, &v);
    v = builder_end(&event);
    struct hidden *h = hidden_new();
    const struct weir_value *seen = marks_hide_event(m, v, h);
    hidden_end(h);
    const struct weir_value *masked = hidden_masked(h, v);
    assert(value_field(seen, "raw") != NULL && value_type(masked) == WEIR_MAP);
    value_unref(&masked);
    value_unref(&seen);
    value_unref(&v);
    hidden_free(&h);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data, *end = at + size;
    struct weir_text mark = line(&at, end), pointer = line(&at, end), text = { at, (size_t)(end - at) };
    struct marks *m = marks_new();
    struct weir_error err;
    const struct weir_value *body = NULL;
    size_t place = SIZE_MAX;
    if (marks_add(m, mark, &place, &err) != WEIR_OK) {
        assert(place <= mark.len && m->n == 0 && err.text[0] != '\0');
        assert(marks_add(m, TEXT("body.a.*"), &place, &err) == WEIR_OK);
    }
    if (json_read(text, NULL, NULL, &body, &err) == WEIR_OK)
        check_body(m, pointer, body);
    value_unref(&body);
    check_event(m, "application/json", text);
    check_event(m, "application/x-www-form-urlencoded", text);
    check_event(m, "text/plain", text);
    marks_free(&m);
    return 0;
}
