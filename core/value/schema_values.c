/* value/schema_values.c - rules about a value as it is: type, choice, numbers, strings.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/encode.h"
#include "value/schema_eval.h"

bool
schema_rule_type(struct check *c, const struct schema_rule *r, const struct weir_value *v,
                 struct seen *seen)
{
    (void)seen;
    return schema_types_of(v) & r->n || schema_fail_types(c, r->n);
}

/* Whether V holds expressions that may turn it into what is asked for. */
static bool
may_become(struct check *c, const struct weir_value *v)
{
    if ((v->type != WEIR_LIST && v->type != WEIR_MAP) || !value_has_dynamic(v, &c->work))
        return false;
    c->maybe++;
    return true;
}

bool
schema_rule_const(struct check *c, const struct schema_rule *r, const struct weir_value *v,
                  struct seen *seen)
{
    (void)seen;
    if (value_equal(r->value, v))
        return true;
    if (v->type == r->value->type && v->len == r->value->len && may_become(c, v))
        return true;
    return schema_fail_value(c, VIOLATION_CHOICE, "must be ", r->value);
}

bool
schema_rule_enum(struct check *c, const struct schema_rule *r, const struct weir_value *v,
                 struct seen *seen)
{
    (void)seen;
    if (schema_enum_has(r->list, v, &c->work) || may_become(c, v))
        return true;
    return schema_spend(c, 1) && schema_fail_enum(c, r->list->list, v);
}

bool
schema_rule_minimum(struct check *c, const struct schema_rule *r, const struct weir_value *v,
                    struct seen *seen)
{
    (void)seen;
    return value_compare_numbers(v, r->value) >= 0 ||
           schema_fail_value(c, VIOLATION_OTHER, "must be at least ", r->value);
}

bool
schema_rule_maximum(struct check *c, const struct schema_rule *r, const struct weir_value *v,
                    struct seen *seen)
{
    (void)seen;
    return value_compare_numbers(v, r->value) <= 0 ||
           schema_fail_value(c, VIOLATION_OTHER, "must be at most ", r->value);
}

bool
schema_rule_exclusive_minimum(struct check *c, const struct schema_rule *r,
                              const struct weir_value *v, struct seen *seen)
{
    (void)seen;
    return value_compare_numbers(v, r->value) > 0 ||
           schema_fail_value(c, VIOLATION_OTHER, "must be more than ", r->value);
}

bool
schema_rule_exclusive_maximum(struct check *c, const struct schema_rule *r,
                              const struct weir_value *v, struct seen *seen)
{
    (void)seen;
    return value_compare_numbers(v, r->value) < 0 ||
           schema_fail_value(c, VIOLATION_OTHER, "must be less than ", r->value);
}

bool
schema_rule_multiple_of(struct check *c, const struct schema_rule *r,
                        const struct weir_value *v, struct seen *seen)
{
    (void)seen;
    const struct weir_value *by = r->multiple->value;
    bool good = v->type == WEIR_INT && by->type == WEIR_INT
                    ? v->integer % by->integer == 0
                    : decimal_is_multiple(decimal_of(v), r->multiple->by);
    return good || schema_fail_value(c, VIOLATION_OTHER, "must be a multiple of ", by);
}

/* Characters of V, or any number on the same side of LIMIT: a character has 1 to 4 bytes. */
static uint64_t
length(const struct weir_value *v, uint64_t limit)
{
    if (v->len <= limit || v->len / 4 > limit)
        return v->len;
    return utf8_count(value_as_text(v));
}

bool
schema_rule_min_length(struct check *c, const struct schema_rule *r, const struct weir_value *v,
                       struct seen *seen)
{
    (void)seen;
    uint64_t limit = r->limit;
    if (v->len >= limit && (v->len / 4 >= limit || utf8_count(value_as_text(v)) >= limit))
        return true;
    if (limit == 1)
        return schema_fail(c, VIOLATION_OTHER, "must not be empty");
    return schema_fail(c, VIOLATION_OTHER, "must have at least %llu characters",
                       (unsigned long long)limit);
}

bool
schema_rule_max_length(struct check *c, const struct schema_rule *r, const struct weir_value *v,
                       struct seen *seen)
{
    (void)seen;
    return length(v, r->limit) <= r->limit ||
           schema_fail(c, VIOLATION_OTHER, "must have at most %llu character%s",
                       (unsigned long long)r->limit, r->limit == 1 ? "" : "s");
}

bool
schema_rule_pattern(struct check *c, const struct schema_rule *r, const struct weir_value *v,
                    struct seen *seen)
{
    (void)seen;
    const struct schema_pattern *p = r->pattern;
    switch (regex_match_within(p->re, value_as_text(v), &c->matching)) {
    case REGEX_YES:
        return true;
    case REGEX_NO:
        return schema_fail(c, VIOLATION_OTHER, "must match the pattern %s",
                           schema_quote(p->text).text);
    default:
        return schema_stop(c, "takes too many steps to match the pattern %s",
                           schema_quote(p->text).text);
    }
}
