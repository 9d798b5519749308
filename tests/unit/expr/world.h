/* unit/expr/world.h - a small world to evaluate expressions in, and tables of what they give.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNIT_EXPR_WORLD_H
#define UNIT_EXPR_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "expr/expr.h"
#include "expr/template.h"
#include "value/json.h"

static const char world_json[] =
    "{\"a\":1,\"b\":2,\"t\":true,\"f\":false,\"nul\":null,\"d\":1.5,\"s\":\"Hello, "
    "W\\u00f6rld\","
    "\"e\":\"\",\"l\":[1,2,3],\"ls\":[\"x\",\"y\"],\"m\":{\"x\":{\"y\":2},\"name\":\"n\","
    "\"nul\":null,\"with-dash\":7},\"mm\":{\"k1\":1,\"k2\":2},\"big\":9223372036854775807,"
    "\"steps\":{\"user\":{\"id\":7,\"nmae\":\"Ann\"},\"none\":null,\"rows\":[{\"id\":1},{"
    "\"id\":2}]}}";

struct world {
    struct expr_env env;
    const struct weir_value *root;
    const struct weir_value *secrets;
    const struct weir_value *bytes;
    bool greedy; /* find follows all it can */
    unsigned finds;
};

static void
find_secret(struct world *w, struct weir_value *ret, unsigned *ret_used)
{
    *ret_used = 1;
    *ret = *w->secrets;
}

static enum weir_code
world_find(struct expr_env *env, const struct expr_path *path, struct weir_value *ret,
           unsigned *ret_used, struct weir_error *err)
{
    struct world *w = env->arg;
    struct weir_text name = path->keys[0];
    w->finds++;
    *ret_used = 1;
    if (text_is(name, "secrets")) {
        find_secret(w, ret, ret_used);
        return WEIR_OK;
    }
    if (text_is(name, "raw")) {
        *ret = *w->bytes;
        return WEIR_OK;
    }
    if (text_is(name, "lent")) {
        *ret = (struct weir_value){ .type = WEIR_STRING, .len = 4, .bytes = "lent" };
        return WEIR_OK;
    }
    if (text_is(name, "broken")) {
        (void)err_set(err, WEIR_INVALID, "the body is no JSON");
        if (err != NULL)
            err->detail = value_string("a detail that has to be freed", 29);
        return WEIR_INVALID;
    }
    const struct weir_value *v = value_get(w->root, name.bytes, name.len);
    while (w->greedy && v != NULL && v->type == WEIR_MAP && *ret_used < path->n) {
        const struct weir_text *key = &path->keys[(*ret_used)++];
        v = value_get(v, key->bytes, key->len);
    }
    if (v == NULL)
        return WEIR_NOT_FOUND;
    *ret = *v;
    return WEIR_OK;
}

static uint64_t
world_now(struct expr_env *env)
{
    (void)env;
    return 1767323045678u;
}

static void
world_uuid(struct expr_env *env, char ret[ID_UUID])
{
    (void)env;
    memcpy(ret, "0197a1b2-0000-7000-8000-000000000001", ID_UUID);
}

static void
world_init(struct world *w, bool greedy)
{
    *w = (struct world){ .greedy = greedy };
    w->env = (struct expr_env){ world_find, world_now, world_uuid, w };
    assert_int_equal(json_read(text_of(world_json), NULL, NULL, &w->root, NULL), WEIR_OK);
    const struct weir_value *v;
    assert_int_equal(json_read(TEXT("{\"key\":\"hunter2\",\"n\":5,\"on\":true,\"list\":[1,2],"
                                    "\"json\":\"{\\\"a\\\":[1]}\"}"),
                               NULL, NULL, &v, NULL),
                     WEIR_OK);
    w->secrets = value_flagged(&v, VALUE_SECRET);
    w->bytes = value_bytes("\xff\x00z", 3);
}

static void
world_fini(struct world *w)
{
    value_unref(&w->root);
    value_unref(&w->secrets);
    value_unref(&w->bytes);
}

/* What came of it, as text: the value as JSON (bytes as x and hex), "absent", "script: why",
 * "parse 3+1: why". Lent until the next call. */
static const char *
world_show(enum weir_code code, const struct weir_value *v, const struct weir_error *err)
{
    static char shown[8192];
    struct buf b;
    buf_init(&b, sizeof(shown) - 1);
    if (code == WEIR_NOT_FOUND)
        (void)buf_puts(&b, "absent");
    else if (code != WEIR_OK)
        (void)buf_printf(&b, "%s: %s", code_name(code), err->text);
    else if (v->type == WEIR_BYTES)
        (void)(buf_puts(&b, "x") && hex_encode(&b, value_as_text(v)));
    else
        assert_int_equal(json_write(&b, v, NULL), WEIR_OK);
    if (code == WEIR_OK && value_is_secret(v))
        (void)buf_puts(&b, " secret");
    memcpy(shown, b.bytes, b.len + 1);
    buf_fini(&b);
    return shown;
}

static const char *
world_parse_error(struct expr_place place, const struct weir_error *err)
{
    static char shown[1024];
    (void)snprintf(shown, sizeof(shown), "parse %zu+%zu: %s", place.offset, place.len,
                   err->text);
    return shown;
}

/* What the expression gives in W. */
static const char *
world_eval(struct world *w, const char *text)
{
    struct weir_error err = { 0 };
    struct expr_place place;
    struct expr *e;
    if (expr_parse(text_of(text), &e, &place, &err) != WEIR_OK)
        return world_parse_error(place, &err);
    const struct weir_value *v = NULL;
    enum weir_code code = expr_eval(e, &w->env, &v, &err);
    const char *shown = world_show(code, v, &err);
    value_unref(&v);
    value_unref(&err.detail);
    expr_free(&e);
    return shown;
}

/* What the template gives in W, as a value. */
static inline const char *
world_template(struct world *w, enum template_kind kind, const char *text)
{
    struct weir_error err = { 0 };
    struct expr_place place;
    struct template *t;
    if (template_parse(text_of(text), kind, &t, &place, &err) != WEIR_OK)
        return world_parse_error(place, &err);
    const struct weir_value *v = NULL;
    enum weir_code code = template_eval(t, &w->env, &v, &err);
    const char *shown = world_show(code, v, &err);
    value_unref(&v);
    value_unref(&err.detail);
    template_free(&t);
    return shown;
}

struct row {
    const char *text;
    const char *gives;
};

#define N(table) (sizeof(table) / sizeof((table)[0]))

/* Checks a table of expressions, whatever the environment follows by itself. */
static inline void
check_rows(const struct row *rows, size_t n)
{
    for (unsigned greedy = 0; greedy < 2; greedy++) {
        struct world w;
        world_init(&w, greedy);
        for (size_t i = 0; i < n; i++) {
            const char *gives = world_eval(&w, rows[i].text);
            if (strcmp(gives, rows[i].gives) != 0)
                fail_msg("%s\n  gives    %s\n  expected %s", rows[i].text, gives,
                         rows[i].gives);
        }
        world_fini(&w);
    }
}

static inline void
check_templates(enum template_kind kind, const struct row *rows, size_t n)
{
    struct world w;
    world_init(&w, false);
    for (size_t i = 0; i < n; i++) {
        const char *gives = world_template(&w, kind, rows[i].text);
        if (strcmp(gives, rows[i].gives) != 0)
            fail_msg("%s\n  gives    %s\n  expected %s", rows[i].text, gives, rows[i].gives);
    }
    world_fini(&w);
}

#endif
