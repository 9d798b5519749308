/* value/schema_maps.c - rules about maps.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "value/schema_eval.h"

static const char *
plural(uint64_t n)
{
    return n == 1 ? "y" : "ies";
}

bool
schema_rule_min_properties(struct check *c, const struct schema_rule *r,
                           const struct weir_value *v, struct seen *seen)
{
    (void)seen;
    return v->len >= r->limit ||
           schema_fail(c, VIOLATION_OTHER, "must have at least %llu propert%s",
                       (unsigned long long)r->limit, plural(r->limit));
}

bool
schema_rule_max_properties(struct check *c, const struct schema_rule *r,
                           const struct weir_value *v, struct seen *seen)
{
    (void)seen;
    return v->len <= r->limit ||
           schema_fail(c, VIOLATION_OTHER, "must have at most %llu propert%s",
                       (unsigned long long)r->limit, plural(r->limit));
}

static bool
has(const struct weir_value *v, struct weir_text name)
{
    return value_get(v, name.bytes, name.len) != NULL;
}

bool
schema_rule_required(struct check *c, const struct schema_rule *r, const struct weir_value *v,
                     struct seen *seen)
{
    (void)seen;
    bool ok = true;
    for (uint32_t i = 0; i < r->n; i++) {
        if (has(v, r->texts[i]))
            continue;
        ok = schema_fail_at(c, r->texts[i], VIOLATION_MISSING, "is required");
        if (!schema_goes_on(c))
            break;
    }
    return ok;
}

/* Whether V has all that D asks for. */
static bool
has_dependent(struct check *c, const struct schema_dependency *d, const struct weir_value *v)
{
    bool ok = true;
    for (uint32_t i = 0; i < d->n_required; i++) {
        if (has(v, d->required[i]))
            continue;
        ok = schema_fail_at(c, d->required[i], VIOLATION_MISSING, "is required beside %s",
                            schema_quote(d->name).text);
        if (!schema_goes_on(c))
            break;
    }
    return ok;
}

bool
schema_rule_dependent_required(struct check *c, const struct schema_rule *r,
                               const struct weir_value *v, struct seen *seen)
{
    (void)seen;
    bool ok = true;
    for (uint32_t i = 0; i < r->n; i++) {
        const struct schema_dependency *d = &r->dependencies[i];
        if (!has(v, d->name) || has_dependent(c, d, v))
            continue;
        ok = false;
        if (!schema_goes_on(c))
            break;
    }
    return ok;
}

/* Whether a member conforms to all patterns that its name matches; *matched if there is one. */
static bool
match_patterns(struct check *c, const struct schema_properties *p, const struct value_member *m,
               bool *matched)
{
    bool ok = true;
    for (uint32_t i = 0; i < p->n_patterns; i++) {
        const struct schema_pattern *pattern = &p->patterns[i];
        struct weir_text key = { m->key, m->key_len };
        enum regex_answer answer = regex_match_within(pattern->re, key, &c->matching);
        if (answer == REGEX_TOO_COSTLY)
            return schema_stop(c, "takes too many steps to match a name with %s",
                               schema_quote(pattern->text).text);
        if (answer == REGEX_NO)
            continue;
        *matched = true;
        if (!schema_eval_member(c, pattern->node, m))
            ok = false;
        if (!ok && !schema_goes_on(c))
            return false;
    }
    return ok;
}

/* A member that no other keyword names: an unknown one is told as such, whatever its value. */
static bool
check_rest(struct check *c, uint32_t node, const struct value_member *m)
{
    if (c->schema->nodes[node].kind == NODE_FALSE)
        return schema_fail_unknown(c, (struct weir_text){ m->key, m->key_len });
    return schema_eval_member(c, node, m);
}

/* Whether member number I conforms to what P says of it. */
static bool
check_member(struct check *c, const struct schema_properties *p, const struct weir_value *v,
             uint32_t i, struct seen *seen)
{
    const struct value_member *m = &v->members->at[i];
    uint32_t print = v->members->slots == NULL ? m->hash : members_print(m->key, m->key_len);
    uint32_t known = schema_names_find(&p->names, m->key, m->key_len, print);
    bool matched = known != UINT32_MAX;
    bool ok = !matched || schema_eval_member(c, p->names.nodes[known], m);
    if (!ok && !schema_goes_on(c))
        return false;
    if (!match_patterns(c, p, m, &matched))
        ok = false;
    if (!matched && !c->stopped && p->rest != NODE_NONE) {
        matched = true;
        ok = check_rest(c, p->rest, m);
    }
    if (matched && seen != NULL)
        seen_add(seen, i);
    return ok;
}

/* Goes by the names of the schema, if they are fewer than the members. */
static bool
check_named(struct check *c, const struct schema_names *names, const struct weir_value *v)
{
    bool ok = true;
    for (uint32_t i = 0; i < names->n; i++) {
        struct weir_text name = names->texts[i];
        const struct value_member *m = members_find(v->members, v->len, name.bytes, name.len);
        if (m == NULL || schema_eval_member(c, names->nodes[i], m))
            continue;
        ok = false;
        if (!schema_goes_on(c))
            break;
    }
    return ok;
}

bool
schema_rule_properties(struct check *c, const struct schema_rule *r, const struct weir_value *v,
                       struct seen *seen)
{
    const struct schema_properties *p = r->properties;
    if (seen == NULL && p->n_patterns == 0 && p->rest == NODE_NONE && p->names.n < v->len)
        return check_named(c, &p->names, v);
    if (!schema_spend(c, v->len))
        return false;

    bool ok = true;
    for (uint32_t i = 0; i < v->len; i++) {
        if (check_member(c, p, v, i, seen))
            continue;
        ok = false;
        if (!schema_goes_on(c))
            break;
    }
    return ok;
}

bool
schema_rule_unevaluated_properties(struct check *c, const struct schema_rule *r,
                                   const struct weir_value *v, struct seen *seen)
{
    if (!schema_spend(c, v->len))
        return false;
    bool ok = true;
    for (uint32_t i = 0; !seen->blurred && i < v->len; i++) {
        if (seen_has(seen, i) || check_rest(c, r->node, &v->members->at[i]))
            continue;
        ok = false;
        if (!schema_goes_on(c))
            break;
    }
    return ok;
}
