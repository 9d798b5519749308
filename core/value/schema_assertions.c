/* value/schema_assertions.c - reads the keywords that say something about a value itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "value/schema_make.h"

static const char *const type_names[] = { "null",   "boolean", "integer", "number",
                                          "string", "array",   "object" };

/* The bit of a type's name; 0 if it is none. */
static unsigned
type_bit(const struct weir_value *v)
{
    for (unsigned i = 0; i < sizeof(type_names) / sizeof(type_names[0]); i++)
        if (v->type == WEIR_STRING && text_is(value_as_text(v), type_names[i]))
            return 1u << i;
    return 0;
}

#define TYPES_TEXT \
    "must be one of: 'null', 'boolean', 'integer', 'number', 'string', 'array', 'object'"

enum weir_code
schema_read_type(struct schema_maker *m, struct draft *d, const struct keyword *k,
                 const struct weir_value *v)
{
    if (v->type != WEIR_LIST) {
        unsigned bit = type_bit(v);
        if (bit == 0)
            return schema_refuse(m, SPOT(d->node, k->name), TYPES_TEXT);
        schema_rule_add(d, k->op)->n = bit;
        return WEIR_OK;
    }

    unsigned bits = 0;
    if (v->len == 0)
        return schema_refuse(m, SPOT(d->node, k->name), "must name a type");
    for (uint32_t i = 0; i < v->len; i++) {
        unsigned bit = type_bit(value_at(v, i));
        if (bit == 0)
            return schema_refuse(m, SPOT_INDEX(d->node, k->name, i), TYPES_TEXT);
        if (bits & bit)
            return schema_refuse(m, SPOT_INDEX(d->node, k->name, i), "is there twice");
        bits |= bit;
    }
    schema_rule_add(d, k->op)->n = bits;
    return WEIR_OK;
}

enum weir_code
schema_read_const(struct schema_maker *m, struct draft *d, const struct keyword *k,
                  const struct weir_value *v)
{
    (void)m;
    schema_rule_add(d, k->op)->value = v;
    return WEIR_OK;
}

enum weir_code
schema_read_enum(struct schema_maker *m, struct draft *d, const struct keyword *k,
                 const struct weir_value *v)
{
    if (v->type != WEIR_LIST)
        return schema_refuse(m, SPOT(d->node, k->name), "must be an array");
    struct schema_enum *e = schema_alloc(m, sizeof(*e));
    e->list = v;
    schema_enum_index(e, &m->schema->arena);
    schema_rule_add(d, k->op)->list = e;
    return WEIR_OK;
}

static bool
is_number(const struct weir_value *v)
{
    return v->type == WEIR_INT || v->type == WEIR_DOUBLE;
}

enum weir_code
schema_read_number(struct schema_maker *m, struct draft *d, const struct keyword *k,
                   const struct weir_value *v)
{
    if (!is_number(v))
        return schema_refuse(m, SPOT(d->node, k->name), "must be a number");
    schema_rule_add(d, k->op)->value = v;
    return WEIR_OK;
}

enum weir_code
schema_read_multiple(struct schema_maker *m, struct draft *d, const struct keyword *k,
                     const struct weir_value *v)
{
    const struct weir_value zero = { .type = WEIR_INT, .integer = 0 };
    if (!is_number(v) || value_compare_numbers(v, &zero) <= 0)
        return schema_refuse(m, SPOT(d->node, k->name), "must be a number above 0");
    struct schema_multiple *multiple = schema_alloc(m, sizeof(*multiple));
    *multiple = (struct schema_multiple){ v, decimal_of(v) };
    schema_rule_add(d, k->op)->multiple = multiple;
    return WEIR_OK;
}

/* An integer that is not below 0, also written as 2.0; what is too large counts as the largest.
 */
static enum weir_code
get_limit(struct schema_maker *m, const struct draft *d, const struct keyword *k,
          const struct weir_value *v, uint64_t *ret)
{
    if (v->type == WEIR_INT && v->integer >= 0) {
        *ret = (uint64_t)v->integer;
        return WEIR_OK;
    }
    if (v->type == WEIR_DOUBLE && v->number >= 0 && schema_types_of(v) & JSON_INTEGER) {
        *ret = v->number < 0x1p63 ? (uint64_t)v->number : UINT64_MAX;
        return WEIR_OK;
    }
    return schema_refuse(m, SPOT(d->node, k->name), "must be an integer, at least 0");
}

enum weir_code
schema_read_limit(struct schema_maker *m, struct draft *d, const struct keyword *k,
                  const struct weir_value *v)
{
    uint64_t limit = 0;
    enum weir_code code = get_limit(m, d, k, v, &limit);
    if (code == WEIR_OK)
        schema_rule_add(d, k->op)->limit = limit;
    return code;
}

enum weir_code
schema_pattern_add(struct schema_maker *m, const struct spot *spot, struct weir_text text,
                   struct schema_pattern *ret)
{
    struct schema *s = m->schema;
    if (s->n_patterns == MAX_PATTERNS)
        return schema_refuse(m, *spot, "more than %d regular expressions", MAX_PATTERNS);
    if ((s->n_patterns & (s->n_patterns - 1)) == 0) { /* a power of two: full */
        size_t room = s->n_patterns > 0 ? 2 * (size_t)s->n_patterns : 1;
        s->patterns = realloc(s->patterns, room * sizeof(*s->patterns));
        if (s->patterns == NULL)
            abort();
    }
    struct regex *re;
    if (regex_new(text, true, &re, m->err) != WEIR_OK)
        return schema_refuse_in(m, *spot);
    s->patterns[s->n_patterns++] = re;
    *ret = (struct schema_pattern){ .re = re, .text = text };
    return WEIR_OK;
}

enum weir_code
schema_read_pattern(struct schema_maker *m, struct draft *d, const struct keyword *k,
                    const struct weir_value *v)
{
    struct spot spot = SPOT(d->node, k->name);
    if (v->type != WEIR_STRING)
        return schema_refuse(m, spot, "must be a string");
    struct schema_pattern *pattern = schema_alloc(m, sizeof(*pattern));
    enum weir_code code = schema_pattern_add(m, &spot, value_as_text(v), pattern);
    if (code == WEIR_OK)
        schema_rule_add(d, k->op)->pattern = pattern;
    return code;
}

enum weir_code
schema_read_unique(struct schema_maker *m, struct draft *d, const struct keyword *k,
                   const struct weir_value *v)
{
    if (v->type != WEIR_BOOL)
        return schema_refuse(m, SPOT(d->node, k->name), "must be true or false");
    if (v->boolean)
        (void)schema_rule_add(d, k->op); /* there is nothing to fill in */
    return WEIR_OK;
}

/* The strings of the list V, none twice, which stands at SPOT. */
static enum weir_code
get_texts(struct schema_maker *m, struct spot spot, const struct weir_value *v,
          const struct weir_text **ret)
{
    if (v->type != WEIR_LIST)
        return schema_refuse(m, spot, "must be an array of strings");
    struct weir_text *texts = schema_alloc(m, v->len * sizeof(*texts));
    struct map seen;
    map_init(&seen);
    enum weir_code code = WEIR_OK;
    for (uint32_t i = 0; code == WEIR_OK && i < v->len; i++) {
        const struct weir_value *item = value_at(v, i);
        texts[i] = value_as_text(item);
        if (item->type != WEIR_STRING)
            code = schema_refuse(m, spot, "must be an array of strings: number %u is none", i);
        else if (map_set(&seen, texts[i].bytes, texts[i].len, &seen) != NULL)
            code =
                schema_refuse(m, spot, "names '%.*s' twice", (int)texts[i].len, texts[i].bytes);
    }
    map_fini(&seen);
    *ret = texts;
    return code;
}

enum weir_code
schema_read_required(struct schema_maker *m, struct draft *d, const struct keyword *k,
                     const struct weir_value *v)
{
    const struct weir_text *texts;
    enum weir_code code = get_texts(m, SPOT(d->node, k->name), v, &texts);
    if (code != WEIR_OK || v->len == 0)
        return code;
    struct schema_rule *rule = schema_rule_add(d, k->op);
    rule->n = v->len;
    rule->texts = texts;
    return WEIR_OK;
}

enum weir_code
schema_read_dependent(struct schema_maker *m, struct draft *d, const struct keyword *k,
                      const struct weir_value *v)
{
    if (v->type != WEIR_MAP)
        return schema_refuse(m, SPOT(d->node, k->name), "must be an object");
    struct schema_dependency *all = schema_alloc(m, v->len * sizeof(*all));
    struct weir_text name;
    const struct weir_value *list;
    for (size_t i = 0; value_member(v, i, &name, &list); i++) {
        all[i] = (struct schema_dependency){ .name = name, .n_required = list->len };
        enum weir_code code =
            get_texts(m, SPOT_KEY(d->node, k->name, name), list, &all[i].required);
        if (code != WEIR_OK)
            return code;
    }
    struct schema_rule *rule = schema_rule_add(d, k->op);
    rule->n = v->len;
    rule->dependencies = all;
    return WEIR_OK;
}

enum weir_code
schema_read_contains_limit(struct schema_maker *m, struct draft *d, const struct keyword *k,
                           const struct weir_value *v)
{
    uint64_t limit = 0;
    enum weir_code code = get_limit(m, d, k, v, &limit);
    if (code != WEIR_OK)
        return code;
    struct schema_contains *contains = schema_contains_of(m, d);
    if (k->name[1] == 'i') /* minContains */
        contains->min = limit;
    else
        contains->max = limit;
    return WEIR_OK;
}
