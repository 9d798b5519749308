/* fuzz/template_fuzz.c - any text with ${ } is refused or evaluated; no value leaves its place
 * in a url.
 *
 * The first byte chooses the kind, the bytes up to a line break are the value of "v", the rest
 * is the template.
 *
 * room: expr
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <string.h>

#include "base/encode.h"
#include "expr/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum weir_code
find(struct expr_env *env, const struct expr_path *path, struct weir_value *ret,
     unsigned *ret_used, struct weir_error *err)
{
    const struct weir_text *v = env->arg;
    (void)err;
    *ret_used = 1;
    if (!text_is(path->keys[0], "v"))
        return WEIR_NOT_FOUND;
    *ret =
        (struct weir_value){ .type = WEIR_STRING, .len = (uint32_t)v->len, .bytes = v->bytes };
    return WEIR_OK;
}

static void
check_access(void *arg, const struct expr_access *a)
{
    const struct weir_text *text = arg;
    for (unsigned i = 0; i < a->n; i++)
        assert(a->places[i].offset + a->places[i].len <= text->len);
}

/* The host of http://HOST/... is still the author's, and no line was broken. */
static void
check_url(const struct template *t, struct weir_text text, struct weir_text url)
{
    static const char start[] = "http://host/";
    size_t len = sizeof(start) - 1;
    if (text.len < len || memcmp(text.bytes, start, len) != 0)
        return;
    assert(!template_has_authority_expr(t));
    assert(url.len >= len && memcmp(url.bytes, start, len) == 0);
    if (memchr(text.bytes, '\n', text.len) == NULL &&
        memchr(text.bytes, '\r', text.len) == NULL)
        assert(memchr(url.bytes, '\n', url.len) == NULL &&
               memchr(url.bytes, '\r', url.len) == NULL);
    if (memmem(text.bytes, text.len, "..", 2) == NULL &&
        memchr(text.bytes, '%', text.len) == NULL)
        assert(memmem(url.bytes, url.len, "/../", 4) == NULL ||
               memchr(url.bytes, '?', url.len) != NULL ||
               memchr(url.bytes, '#', url.len) != NULL);
}

static void
evaluate(const struct template *t, struct weir_text text, struct weir_text v, bool is_url)
{
    struct weir_error err = { 0 };
    struct expr_env env = { .find = find, .arg = &v };
    struct buf out;
    const struct weir_value *value = NULL;
    bool secret = false;
    buf_init(&out, 32u << 20);
    enum weir_code code = template_eval_text(t, &env, &out, &secret, &err);
    assert(code == WEIR_OK || err.text[0] != '\0');
    assert(code == WEIR_OK || utf8_valid(text_of(err.text)));
    if (code == WEIR_OK) {
        assert(utf8_valid(buf_content(&out)));
        if (is_url)
            check_url(t, text, buf_content(&out));
    }
    enum weir_code again = template_eval(t, &env, &value, &err);
    if (code == WEIR_OK && again == WEIR_OK && !template_is_whole(t))
        assert(text_equal(buf_content(&out), value_as_text(value)));
    value_unref(&value);
    buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *line = size > 0 ? memchr(data, '\n', size) : NULL;
    if (line == NULL)
        return 0;
    bool is_url = data[0] & 1;
    struct weir_text v = { (const char *)data + 1, (size_t)(line - data) - 1 };
    struct weir_text text = { (const char *)line + 1, size - (size_t)(line - data) - 1 };
    if (line == data || !utf8_valid(v))
        v = (struct weir_text){ "a/../b", 6 };

    struct weir_error err = { 0 };
    struct expr_place place;
    struct template *t = NULL;
    if (template_parse(text, is_url ? TEMPLATE_URL : TEMPLATE_VALUE, &t, &place, &err) !=
        WEIR_OK) {
        assert(place.offset <= text.len && place.len <= text.len - place.offset);
        assert(utf8_valid(text_of(err.text)));
        return 0;
    }
    template_each_access(t, check_access, &text);
    template_each_authority_access(t, check_access, &text);
    evaluate(t, text, v, is_url);
    template_free(&t);
    return 0;
}
