/* fuzz/schema_fuzz.c - a schema and a value, one line each: the schema is refused with a reason
 * or compiled, and every check ends, in both ways with one result. What is no JSON in the first
 * line is a regular expression, and the rest its text.
 *
 * room: value
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "value/json.h"
#include "value/regex.h"
#include "value/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The document under every URI is the schema itself. */
static const struct weir_value *
load(void *arg, struct weir_text uri)
{
    assert(uri.len > 0);
    return arg;
}

struct told {
    const struct weir_value *value;
    unsigned n;
};

static void
hear(void *arg, const char *pointer, size_t pointer_len, const char *detail)
{
    struct told *t = arg;
    t->n++;
    assert(strlen(detail) > 0);
    assert(utf8_valid(text_of(detail)));
    assert(utf8_valid((struct weir_text){ pointer, pointer_len }));
}

static void
check_schema(const struct weir_value *doc, const struct weir_value *v)
{
    struct schema *s = NULL;
    struct weir_error err = { 0 };
    enum weir_code code = schema_new(doc, load, (void *)doc, &s, &err);
    if (code != WEIR_OK) {
        assert(s == NULL && err.code == code && err.text[0] != '\0');
        assert(utf8_valid(text_of(err.text)));
        return;
    }
    struct told told = { v, 0 };
    bool ok = schema_check(s, v, NULL, NULL);
    assert(schema_check(s, v, hear, &told) == ok);
    assert((told.n == 0) == ok && told.n <= 100);
    assert(schema_verify(s, v, &err) == (ok ? WEIR_OK : WEIR_INVALID));
    if (!ok)
        value_unref(&err.detail);
    schema_free(&s);
}

static void
check_regex(struct weir_text pattern, struct weir_text text)
{
    for (int ecma = 0; ecma < 2; ecma++) {
        struct regex *re;
        struct weir_error err = { 0 };
        if (regex_new(pattern, ecma, &re, &err) != WEIR_OK) {
            assert(strncmp(err.text, "at offset ", 10) == 0);
            assert(strtoul(err.text + 10, NULL, 10) <= pattern.len);
            continue;
        }
        (void)regex_match(re, text); /* it ends */
        regex_free(&re);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    const char *line = size > 0 ? memchr(bytes, '\n', size) : NULL;
    if (line == NULL || !utf8_valid((struct weir_text){ bytes, size }))
        return 0;
    struct weir_text first = { bytes, (size_t)(line - bytes) };
    struct weir_text rest = { line + 1, size - first.len - 1 };
    const struct weir_value *doc = NULL;
    const struct weir_value *v = NULL;
    if (json_read(first, NULL, NULL, &doc, NULL) != WEIR_OK) {
        check_regex(first, rest);
    } else if (json_read(rest, NULL, NULL, &v, NULL) == WEIR_OK) {
        check_schema(doc, v);
        value_unref(&v);
    }
    value_unref(&doc);
    return 0;
}
