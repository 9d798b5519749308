/* fuzz/expression_fuzz.c - any text is refused at a place in it, or evaluated, or fails, soon.
 *
 * room: expr
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <string.h>

#include "base/encode.h"
#include "expr/expr.h"
#include "value/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char world[] =
    "{\"a\":1,\"b\":2.5,\"t\":true,\"n\":null,\"s\":\"text, \\u00f6\",\"l\":[1,2,3],"
    "\"m\":{\"x\":{\"y\":\"z\"},\"k\":[{\"id\":1},{\"id\":2}]}}";

/* Values live as long as the process. */
static const struct weir_value *
value_of(struct weir_text name)
{
    static const struct weir_value *root;
    static const struct weir_value *secret;
    if (root == NULL) {
        assert(json_read(text_of(world), NULL, NULL, &root, NULL) == WEIR_OK);
        const struct weir_value *v = value_text("hunter2hunter2hunter2");
        secret = value_flagged(&v, VALUE_SECRET);
    }
    return text_is(name, "secret") ? secret : value_get(root, name.bytes, name.len);
}

static enum weir_code
find(struct expr_env *env, const struct expr_path *path, struct weir_value *ret,
     unsigned *ret_used, struct weir_error *err)
{
    const struct weir_text *keys = path->keys;
    bool greedy = env->arg != NULL;
    *ret_used = 1;
    if (text_is(keys[0], "broken")) {
        (void)err_set(err, WEIR_INVALID, "no JSON");
        if (err != NULL)
            err->detail = value_text("a detail");
        return WEIR_INVALID;
    }
    const struct weir_value *v = value_of(keys[0]);
    while (greedy && v != NULL && v->type == WEIR_MAP && *ret_used < path->n) {
        v = value_get(v, keys[*ret_used].bytes, keys[*ret_used].len);
        ++*ret_used;
    }
    if (v != NULL)
        *ret = *v;
    return v != NULL ? WEIR_OK : WEIR_NOT_FOUND;
}

static uint64_t
now_ms(struct expr_env *env)
{
    (void)env;
    return 1767323045678u;
}

static void
uuid(struct expr_env *env, char ret[ID_UUID])
{
    (void)env;
    memcpy(ret, "0197a1b2-0000-7000-8000-000000000001", ID_UUID);
}

static void
check_access(void *arg, const struct expr_access *a)
{
    const struct weir_text *text = arg;
    assert(a->n > 0 && a->optional_from <= a->n);
    for (unsigned i = 0; i < a->n; i++)
        assert(a->places[i].offset + a->places[i].len <= text->len);
}

/* Strings are UTF-8, wherever they stand, and doubles are finite: else it could not be read. */
static void
check_value(const struct weir_value *v)
{
    struct buf out;
    struct weir_error err;
    const struct weir_value *again;
    buf_init(&out, 256u << 20);
    if (json_write(&out, v, &err) == WEIR_OK) {
        struct json_limits limits = { .depth = VALUE_DEPTH };
        assert(json_read(buf_content(&out), NULL, &limits, &again, &err) == WEIR_OK);
        value_unref(&again);
    }
    buf_fini(&out);
}

/* Evaluates; whether the environment follows chains by itself makes no difference. */
static void
evaluate(const struct expr *e, struct weir_text text)
{
    bool guessed = memmem(text.bytes, text.len, "hunter", 6) != NULL;
    const struct weir_value *v[2] = { NULL, NULL };
    enum weir_code codes[2];
    for (size_t greedy = 0; greedy < 2; greedy++) {
        struct weir_error err = { 0 };
        struct expr_env env = { find, now_ms, uuid, greedy ? &err : NULL };
        codes[greedy] = expr_eval(e, &env, &v[greedy], &err);
        assert(codes[greedy] == WEIR_OK || codes[greedy] == WEIR_NOT_FOUND ||
               codes[greedy] == WEIR_SCRIPT || codes[greedy] == WEIR_INVALID);
        assert(codes[greedy] == WEIR_OK || utf8_valid(text_of(err.text)));
        assert(guessed || strstr(err.text, "hunter") == NULL);
        value_unref(&err.detail);
    }
    assert(codes[0] == codes[1]);
    if (codes[0] == WEIR_OK) {
        check_value(v[0]);
        assert(value_equal(v[0], v[1]));
    }
    value_unref(&v[0]);
    value_unref(&v[1]);

    bool holds;
    struct expr_env env = { find, now_ms, uuid, NULL };
    (void)(expr_eval_bool(e, &env, &holds, NULL) == WEIR_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weir_text text = { (const char *)data, size };
    struct weir_error err = { 0 };
    struct expr_place place;
    struct expr *e = NULL;
    if (expr_parse(text, &e, &place, &err) != WEIR_OK) {
        assert(place.offset <= size && place.len <= size - place.offset);
        assert(err.code == WEIR_INVALID && err.text[0] != '\0');
        assert(utf8_valid(text_of(err.text)));
        return 0;
    }
    expr_each_access(e, check_access, &text);
    evaluate(e, text);
    expr_free(&e);
    return 0;
}
