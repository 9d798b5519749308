/* pipeline/part.c - see part.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pipeline/part.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/format.h"

/* Compares a segment of a JSON pointer with a key, which has no escapes. */
static bool
segment_is(struct weir_text segment, struct weir_text key)
{
    size_t at = 0;
    for (size_t i = 0; i < segment.len; i++, at++) {
        char c = segment.bytes[i];
        if (c == '~' && i + 1 < segment.len)
            c = segment.bytes[++i] == '0' ? '~' : '/';
        if (at >= key.len || key.bytes[at] != c)
            return false;
    }
    return at == key.len;
}

static const struct part *
member(const struct part *p, struct weir_text segment)
{
    if (p->keys != NULL) {
        for (unsigned i = 0; i < p->n; i++)
            if (segment_is(segment, p->keys[i]))
                return p->items[i];
        return NULL;
    }
    if (p->n == 0 || segment.len == 0 || segment.len > 6)
        return NULL;
    unsigned index = 0;
    for (size_t i = 0; i < segment.len; i++) {
        if (segment.bytes[i] < '0' || segment.bytes[i] > '9')
            return NULL;
        index = index * 10 + (unsigned)(segment.bytes[i] - '0');
    }
    return index < p->n ? p->items[index] : NULL;
}

const struct part *
part_find(const struct part *p, const char *pointer)
{
    while (p != NULL && *pointer == '/') {
        size_t len = strcspn(pointer + 1, "/");
        p = member(p, (struct weir_text){ pointer + 1, len });
        pointer += 1 + len;
    }
    return *pointer == '\0' ? p : NULL;
}

bool
part_is_constant(const struct part *p)
{
    return p->kind == PART_CONSTANT;
}

/* Puts the pointer in front of an error. */
static enum weir_code
fail_at(const struct part *p, struct weir_error *err)
{
    return p->pointer[0] != '\0' ? err_in(err, "%s", p->pointer) : (enum weir_code)err->code;
}

/* Turns a text of P's format into its number. */
static enum weir_code
convert(const struct part *p, const struct weir_value **v, struct weir_error *err)
{
    if (p->format == NULL || value_type(*v) != WEIR_STRING)
        return WEIR_OK;
    const struct weir_value *number = format_value(p->format, value_as_text(*v), err);
    if (number == NULL)
        return fail_at(p, err);
    value_unref(v);
    *v = number;
    return WEIR_OK;
}

/* What came out of a template, against what the schema says of its place. */
static enum weir_code
check(const struct part *p, const struct weir_value *v, struct weir_error *err)
{
    bool secret = value_is_secret(v);
    if (secret && !p->may_be_secret) {
        err_set(err, WEIR_SCRIPT, "a secret may not flow in here");
        return fail_at(p, err);
    }
    if (p->check == NULL)
        return WEIR_OK;
    if (secret && !schema_check(p->check, v, NULL, NULL)) {
        /* what would be right may be told, but not what it is */
        err_set(err, WEIR_INVALID, "the secret does not fit%s",
                value_type(v) == WEIR_BYTES ? ": it is not a text in UTF-8" : "");
        return fail_at(p, err);
    }
    if (!secret && schema_verify(p->check, v, err) != WEIR_OK)
        return fail_at(p, err);
    return WEIR_OK;
}

static enum weir_code
eval_template(const struct part *p, struct expr_env *env, const struct weir_value **ret,
              struct weir_error *err)
{
    const struct weir_value *v = NULL;
    enum weir_code code = template_eval(p->template, env, &v, err);
    if (code == WEIR_NOT_FOUND)
        return code;
    if (code != WEIR_OK)
        return fail_at(p, err);
    code = check(p, v, err);
    if (code == WEIR_OK)
        code = convert(p, &v, err);
    if (code != WEIR_OK) {
        value_unref(&v);
        return code;
    }
    *ret = v;
    return WEIR_OK;
}

static enum weir_code
eval_group(const struct part *p, struct expr_env *env, const struct weir_value **ret,
           struct weir_error *err)
{
    bool map = p->kind == PART_MAP;
    struct weir_builder *b = map ? builder_map() : builder_list();
    for (unsigned i = 0; i < p->n; i++) {
        const struct weir_value *v = NULL;
        enum weir_code code = part_eval(p->items[i], env, &v, err);
        if (code == WEIR_NOT_FOUND && map)
            continue;
        if (code == WEIR_NOT_FOUND) {
            code =
                err_set(err, WEIR_SCRIPT, "it is absent; in a list every item needs a value");
            (void)fail_at(p->items[i], err);
        }
        if (code != WEIR_OK) {
            builder_free(&b);
            return code;
        }
        if (map)
            builder_set(b, p->keys[i].bytes, p->keys[i].len, &v);
        else
            builder_add(b, &v);
    }
    *ret = builder_end(&b);
    return WEIR_OK;
}

enum weir_code
part_eval(const struct part *p, struct expr_env *env, const struct weir_value **ret,
          struct weir_error *err)
{
    switch (p->kind) {
    case PART_CONSTANT:
        *ret = value_ref(p->constant);
        return WEIR_OK;
    case PART_TEMPLATE:
        return eval_template(p, env, ret, err);
    case PART_LIST:
    case PART_MAP:
        break;
    }
    return eval_group(p, env, ret, err);
}

/* A template of which only its text is wanted, with nothing to check but secrets. */
static enum weir_code
eval_text(const struct part *p, struct expr_env *env, struct buf *out, struct weir_error *err)
{
    bool secret = false;
    enum weir_code code = template_eval_text(p->template, env, out, &secret, err);
    if (code == WEIR_OK && secret && !p->may_be_secret)
        code = err_set(err, WEIR_SCRIPT, "a secret may not flow in here");
    if (code == WEIR_OK || code == WEIR_NOT_FOUND)
        return code;
    return fail_at(p, err);
}

/* A template that gives a text in any case, which is checked where it was written to. */
static enum weir_code
eval_string(const struct part *p, struct expr_env *env, struct buf *out, struct weir_error *err)
{
    size_t start = out->len;
    bool secret = false;
    enum weir_code code = template_eval_text(p->template, env, out, &secret, err);
    if (code == WEIR_NOT_FOUND)
        return code;
    if (code != WEIR_OK)
        return fail_at(p, err);
    struct weir_value v = { .type = WEIR_STRING,
                            .flags = secret ? VALUE_SECRET : 0,
                            .len = (uint32_t)(out->len - start),
                            .bytes = out->bytes + start };
    return check(p, &v, err);
}

/* The text that a value becomes. */
struct becoming {
    const struct part *part;
    struct buf *out;
    bool told; /* the error says where */
};

static enum weir_code
become_text(void *arg, const struct weir_value *v, struct weir_error *err)
{
    struct becoming *b = arg;
    enum weir_code code = check(b->part, v, err);
    b->told = code != WEIR_OK;
    return code == WEIR_OK ? text_of_value(v, b->out, err) : code;
}

/* One whole ${ }, whose value is needed for no longer than it takes to be checked and written.
 */
static enum weir_code
eval_whole(const struct part *p, struct expr_env *env, struct buf *out, struct weir_error *err)
{
    struct becoming b = { .part = p, .out = out };
    enum weir_code code = template_eval_lent(p->template, env, become_text, &b, err);
    return code == WEIR_OK || code == WEIR_NOT_FOUND || b.told ? code : fail_at(p, err);
}

bool
part_takes(const struct part *p, const struct weir_value *v)
{
    return p->check == NULL || schema_check(p->check, v, NULL, NULL);
}

enum weir_code
part_eval_text(const struct part *p, struct expr_env *env, struct buf *out,
               struct weir_error *err)
{
    if (p->kind == PART_TEMPLATE && p->check == NULL && p->format == NULL)
        return eval_text(p, env, out, err);
    if (p->kind == PART_TEMPLATE && p->format == NULL)
        return template_is_whole(p->template) && !p->url ? eval_whole(p, env, out, err)
                                                         : eval_string(p, env, out, err);
    if (p->kind == PART_CONSTANT)
        return text_of_value(p->constant, out, err);
    const struct weir_value *v = NULL;
    enum weir_code code = part_eval(p, env, &v, err);
    if (code != WEIR_OK)
        return code;
    code = text_of_value(v, out, err);
    value_unref(&v);
    return code == WEIR_OK ? code : fail_at(p, err);
}
