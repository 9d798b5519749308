/* pipeline/marks_event.c - what is marked in an event as the store has it. See marks.h.
 *
 * The bytes of a body are not cut: they are read and written anew, since what is marked may stand in them
 * twice, or in another way than anybody looks for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/encode.h"
#include "net/body.h"
#include "pipeline/marks.h"
#include "value/json.h"

#define BODY_MAX (64u << 20)

static struct weir_text
member_text(const struct weir_value *v, const char *key)
{
    const struct weir_value *member = value_field(v, key);
    return member ? value_as_text(member) : TEXT("");
}

static const struct weir_value *
text_or_bytes(struct weir_text t)
{
    return utf8_valid(t) ? value_string(t.bytes, t.len) : value_bytes(t.bytes, t.len);
}

/* Puts FROM into B with %XX and + undone; as it is if they are none. */
static struct weir_text
decoded(struct buf *b, struct weir_text from)
{
    struct weir_error err;
    buf_reset(b);
    return url_decode(b, from, true, &err) == WEIR_OK ? buf_content(b) : from;
}

const struct weir_value *
form_hidden(struct weir_text form, hides_fn *hides, void *arg)
{
    struct buf b, name, value;
    buf_init(&b, form.len * 4 + 16);
    buf_init(&name, form.len + 1);
    buf_init(&value, form.len + 1);
    for (size_t at = 0; at < form.len;) {
        const char *end = memchr(form.bytes + at, '&', form.len - at);
        struct weir_text one = { form.bytes + at, end ? (size_t)(end - form.bytes) - at : form.len - at };
        const char *equals = memchr(one.bytes, '=', one.len);
        struct weir_text key = { one.bytes, equals ? (size_t)(equals - one.bytes) : one.len };
        struct weir_text rest = equals ? (struct weir_text){ equals + 1, one.len - key.len - 1 } : (struct weir_text){ NULL, 0 };
        bool hidden = hides(arg, decoded(&name, key), equals ? decoded(&value, rest) : rest);
        (void)buf_puts(&b, at > 0 ? "&" : "");
        (void)buf_text(&b, hidden && equals ? key : one);
        (void)buf_puts(&b, hidden && equals ? "=***" : "");
        at += one.len + 1;
    }
    const struct weir_value *v = text_or_bytes(buf_content(&b));
    buf_fini(&b);
    buf_fini(&name);
    buf_fini(&value);
    return v;
}

/* What decides about the members of a form or a query. */
struct deciding {
    const struct marks *m;
    enum mark_root root;
    struct hidden *gather;
};

static bool
decide(void *arg, struct weir_text name, struct weir_text value)
{
    struct deciding *d = arg;
    bool hides = marks_touch(d->m, d->root, &name, 1);
    if (hides && d->gather && value.bytes)
        hidden_add_named(d->gather, name, value);
    else if (d->gather && marks_whole(d->m, d->root))
        hidden_add_text(d->gather, name); /* it is all that there is */
    return hides;
}

void
marks_gather_pair(const struct marks *m, enum mark_root root, struct weir_text name, struct weir_text value,
                  struct hidden *gather)
{
    if (marks_touch(m, root, &name, 1))
        hidden_add_named(gather, name, value);
}

void
marks_gather_query(const struct marks *m, struct weir_text query, struct hidden *gather)
{
    if (!marks_below(m, MARK_QUERY))
        return;
    struct deciding d = { .m = m, .root = MARK_QUERY, .gather = gather };
    const struct weir_value *v = form_hidden(query, decide, &d);
    value_unref(&v);
}

/* [[name, value] ...] with *** for what is marked. */
static const struct weir_value *
hide_pairs(struct deciding *d, const struct weir_value *pairs)
{
    struct weir_builder *list = builder_list();
    const struct weir_value *pair;
    for (size_t i = 0; (pair = value_at(pairs, i)) != NULL; i++) {
        const struct weir_value *name = value_at(pair, 0), *value = value_at(pair, 1), *v;
        if (name == NULL || value == NULL || !decide(d, value_as_text(name), value_as_text(value))) {
            v = value_ref(pair);
        } else {
            struct weir_builder *b = builder_list();
            builder_add_lent(b, name);
            v = value_text("***");
            builder_add(b, &v);
            v = builder_end(&b);
        }
        builder_add(list, &v);
    }
    return builder_end(&list);
}

static struct weir_text
content_type(const struct weir_value *event)
{
    const struct weir_value *headers = value_field(event, "headers"), *pair;
    for (size_t i = 0; (pair = value_at(headers, i)) != NULL; i++) {
        const struct weir_value *name = value_at(pair, 0), *value = value_at(pair, 1);
        if (name && value && text_is(value_as_text(name), "content-type"))
            return value_as_text(value);
    }
    return TEXT("");
}

static bool
is_form(struct weir_text type)
{
    static const char form[] = "application/x-www-form-urlencoded";
    return type.len >= sizeof form - 1 && strncasecmp(type.bytes, form, sizeof form - 1) == 0;
}

void
marks_gather_raw(const struct marks *m, struct weir_text type, struct weir_text raw, struct hidden *gather)
{
    struct deciding d = { .m = m, .root = MARK_BODY, .gather = gather };
    if (!is_form(type) || !marks_whole(m, MARK_BODY))
        return;
    const struct weir_value *v = form_hidden(raw, decide, &d);
    value_unref(&v);
}

/* Nothing of RAW is shown. */
static const struct weir_value *
hide_whole(const struct weir_value *raw, struct hidden *gather)
{
    if (gather)
        hidden_add_text(gather, value_as_text(raw));
    return value_text("***");
}

static const struct weir_value *
as_json(const struct weir_value *v)
{
    struct buf b;
    struct weir_error err;
    buf_init(&b, BODY_MAX);
    const struct weir_value *json =
        json_write(&b, v, &err) == WEIR_OK ? value_string(b.bytes, b.len) : value_text("***");
    buf_fini(&b);
    return json;
}

/* The bytes RAW of a body with marks. */
static const struct weir_value *
hide_raw(const struct marks *m, struct weir_text type, const struct weir_value *raw, struct hidden *gather)
{
    struct weir_error err = { 0 };
    const struct weir_value *body = NULL;
    if (raw->len == 0)
        return value_ref(raw);
    if (body_parse(type, raw, &body, &err) != WEIR_OK)
        return hide_whole(raw, gather);
    bool parts = body->type == WEIR_LIST || body->type == WEIR_MAP;
    const struct weir_value *shown, *seen = marks_hide(m, MARK_BODY, NULL, 0, body, gather);
    if (body->type == WEIR_STRING || body->type == WEIR_BYTES || body->type == WEIR_STREAM) {
        shown = hide_whole(raw, gather);
    } else if (marks_whole(m, MARK_BODY)) {
        if (gather)
            marks_gather_raw(m, type, value_as_text(raw), gather);
        shown = value_text("***");
    } else if (is_form(type) && parts) {
        struct deciding d = { .m = m, .root = MARK_BODY, .gather = gather };
        shown = form_hidden(value_as_text(raw), decide, &d);
    } else {
        shown = as_json(seen);
    }
    value_unref(&seen);
    value_unref(&body);
    return shown;
}

static const struct weir_value *
hide_query(struct deciding *d, const struct weir_value *query)
{
    const struct weir_value *seen = form_hidden(value_as_text(query), decide, d);
    if (query->len == 0 || !marks_whole(d->m, MARK_QUERY))
        return seen;
    value_unref(&seen);
    return value_text("***");
}

static const struct weir_value *
hide_member(const struct marks *m, const struct weir_value *event, struct weir_text key, const struct weir_value *v,
            struct hidden *gather)
{
    struct deciding d = { .m = m, .gather = gather };
    if (text_is(key, "headers") || text_is(key, "params")) {
        d.root = text_is(key, "headers") ? MARK_HEADERS : MARK_PARAMS;
        return marks_below(m, d.root) ? hide_pairs(&d, v) : value_ref(v);
    }
    if (text_is(key, "query")) {
        d.root = MARK_QUERY;
        return marks_below(m, d.root) ? hide_query(&d, v) : value_ref(v);
    }
    if (text_is(key, "path") && marks_below(m, MARK_PARAMS)) {
        struct weir_text route = member_text(event, "route"); /* a short parameter is not found in it */
        return route.len > 0 ? value_string(route.bytes, route.len) : value_text("***");
    }
    if (text_is(key, "raw") && marks_below(m, MARK_BODY))
        return hide_raw(m, content_type(event), v, gather);
    if (text_is(key, "body"))
        return marks_hide(m, MARK_BODY, NULL, 0, v, gather);
    if (text_is(key, "auth"))
        return marks_hide(m, MARK_AUTH, NULL, 0, v, gather);
    return value_ref(v);
}

const struct weir_value *
marks_hide_event(const struct marks *m, const struct weir_value *event, struct hidden *gather)
{
    struct weir_builder *b = builder_map();
    struct weir_text key;
    const struct weir_value *v;
    for (size_t i = 0; value_member(event, i, &key, &v); i++) {
        const struct weir_value *seen = hide_member(m, event, key, v, gather);
        builder_set(b, key.bytes, key.len, &seen);
    }
    return builder_end(&b);
}
