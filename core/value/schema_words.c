/* value/schema_words.c - violations that take more words: types, choices, unknown names.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/units.h"
#include "value/schema_eval.h"

enum {
    MAX_DETAIL = 400,
    MAX_LISTED = 300, /* bytes of a list of choices           */
    MAX_NEAR = 64,    /* bytes of a name that may be mistyped */
    NAMES_DEPTH = 16, /* of schemas that may name properties  */
    MAX_GUESSES = 10, /* violations with a guess what is meant */
};

/* Puts ", ", or LAST before the last one, between the parts of a list. */
static void
put_between(struct buf *b, unsigned done, unsigned n, const char *last)
{
    if (done > 0)
        (void)buf_puts(b, done + 1 == n ? last : ", "); /* a detail may be cut off */
}

void
schema_put_types(struct buf *b, unsigned types)
{
    static const char *const names[] = { "null",     "true or false", "an integer", "a number",
                                         "a string", "an array",      "an object" };
    if (types & JSON_NUMBER)
        types &= ~(unsigned)JSON_INTEGER;
    unsigned n = (unsigned)__builtin_popcount(types);
    unsigned done = 0;
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!(types >> i & 1))
            continue;
        put_between(b, done++, n, " or ");
        (void)buf_puts(b, names[i]);
    }
}

bool
schema_fail_types(struct check *c, unsigned types)
{
    if (c->mode != MODE_TELL)
        return schema_fail(c, VIOLATION_TYPE, "type");
    struct buf text;
    buf_init(&text, MAX_DETAIL);
    (void)buf_puts(&text, "must be ");
    schema_put_types(&text, types);
    (void)schema_fail(c, VIOLATION_TYPE, "%s", text.bytes); /* false */
    buf_fini(&text);
    return false;
}

/* The string of LIST that is near to V; NULL if there is none. */
static const struct weir_value *
near(const struct weir_value *list, const struct weir_value *v)
{
    struct weir_text texts[KNOWN_NAMES];
    const struct weir_value *values[KNOWN_NAMES];
    size_t n = 0;
    if (v->type != WEIR_STRING || v->len > MAX_NEAR)
        return NULL;
    for (uint32_t i = 0; i < list->len && n < KNOWN_NAMES; i++) {
        const struct weir_value *item = value_at(list, i);
        if (item->type != WEIR_STRING || item->len > MAX_NEAR)
            continue;
        values[n] = item;
        texts[n++] = value_as_text(item);
    }
    int found = nearest(value_as_text(v), texts, n);
    return found >= 0 ? values[found] : NULL;
}

/* Appends what may be chosen, as far as there is room. */
static void
put_choices(struct buf *b, const struct weir_value *list)
{
    for (uint32_t i = 0; i < list->len; i++) {
        put_between(b, i, 0, "");
        if (b->len > MAX_LISTED) {
            (void)buf_puts(b, "..."); /* there is room */
            return;
        }
        schema_put_value(b, value_at(list, i));
    }
}

bool
schema_fail_enum(struct check *c, const struct weir_value *list, const struct weir_value *v)
{
    if (c->mode != MODE_TELL)
        return schema_fail(c, VIOLATION_CHOICE, "enum");
    if (list->len == 1)
        return schema_fail_value(c, VIOLATION_CHOICE, "must be ", value_at(list, 0));
    struct buf text;
    buf_init(&text, MAX_DETAIL + 100);
    (void)buf_puts(&text, "must be one of: "); /* a detail may be cut off, here and below */
    put_choices(&text, list);
    bool guess = c->told < MAX_GUESSES && !value_is_secret(v);
    const struct weir_value *meant = guess ? near(list, v) : NULL;
    if (meant != NULL)
        (void)buf_printf(&text, "; did you mean %s?", schema_quote(value_as_text(meant)).text);
    (void)schema_fail(c, VIOLATION_CHOICE, "%s", text.bytes);
    buf_fini(&text);
    return false;
}

struct names {
    struct weir_text texts[KNOWN_NAMES];
    size_t n;
};

/* Collects the names of properties that a node knows, by itself or by those that it applies to
 * the same value. */
static void
collect(const struct schema *s, uint32_t number, unsigned depth, struct names *names)
{
    const struct schema_node *node = &s->nodes[number];
    for (unsigned i = 0; i < node->n_rules; i++) {
        const struct schema_rule *r = &node->rules[i];
        const uint32_t *children;
        uint32_t n = depth > 0 ? schema_in_place(r, &children) : 0;
        for (uint32_t j = 0; j < n && names->n < KNOWN_NAMES; j++)
            if (children[j] != NODE_NONE && r->op != OP_NOT)
                collect(s, children[j], depth - 1, names);
        if (r->op != OP_PROPERTIES)
            continue;
        for (uint32_t j = 0; j < r->properties->names.n && names->n < KNOWN_NAMES; j++)
            if (r->properties->names.texts[j].len <= MAX_NEAR)
                names->texts[names->n++] = r->properties->names.texts[j];
    }
}

bool
schema_fail_unknown(struct check *c, struct weir_text key)
{
    if (c->mode != MODE_TELL)
        return schema_fail_at(c, key, VIOLATION_UNKNOWN, "unknown");
    struct names names;
    names.n = 0;
    collect(c->schema, (uint32_t)(c->node - c->schema->nodes), NAMES_DEPTH, &names);
    bool guess = c->told < MAX_GUESSES && key.len <= MAX_NEAR;
    int meant = guess ? nearest(key, names.texts, names.n) : -1;
    if (meant < 0)
        return schema_fail_at(c, key, VIOLATION_UNKNOWN, "unknown property %s",
                              schema_quote(key).text);
    return schema_fail_at(c, key, VIOLATION_UNKNOWN, "unknown property %s; did you mean %s?",
                          schema_quote(key).text, schema_quote(names.texts[meant]).text);
}
