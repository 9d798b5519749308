/* pipeline/spec.c - see spec.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pipeline/spec.h"

#include <string.h>

#define HOPS 8 /* $refs in a row, and branches within branches */

static const char *const branches[] = { "allOf", "anyOf", "oneOf" };

struct spec
spec_of(const struct weir_value *doc)
{
    return (struct spec){ doc, doc };
}

static const struct weir_value *
follow(struct spec s)
{
    for (unsigned i = 0; i < HOPS; i++) {
        const struct weir_value *ref = value_field(s.at, "$ref");
        struct weir_text t = ref != NULL ? value_as_text(ref) : (struct weir_text){ NULL, 0 };
        if (t.len == 0 || t.bytes[0] != '#')
            return s.at;
        s.at = value_pointer(s.root, t.bytes + 1, t.len - 1);
    }
    return NULL;
}

/* A way to look into one subschema. */
typedef const struct weir_value *look_fn(const struct weir_value *at, const void *arg);

/* The first thing that LOOK finds in the subschema, behind its $ref, or in its branches. */
static const struct weir_value *
look(struct spec s, look_fn *fn, const void *arg, unsigned hops)
{
    if (s.at == NULL || hops == 0 || value_type(s.at) != WEIR_MAP)
        return NULL;
    const struct weir_value *found = fn(s.at, arg);
    if (found != NULL)
        return found;
    if (value_field(s.at, "$ref") != NULL) {
        found = look((struct spec){ s.root, follow(s) }, fn, arg, hops - 1);
        if (found != NULL)
            return found;
    }
    for (unsigned b = 0; b < sizeof branches / sizeof *branches; b++) {
        const struct weir_value *list = value_field(s.at, branches[b]);
        for (size_t i = 0; list != NULL && value_at(list, i) != NULL; i++) {
            found = look((struct spec){ s.root, value_at(list, i) }, fn, arg, hops - 1);
            if (found != NULL)
                return found;
        }
    }
    return NULL;
}

static const struct weir_value *
look_property(const struct weir_value *at, const void *arg)
{
    const struct weir_text *key = arg;
    return value_get(value_field(at, "properties"), key->bytes, key->len);
}

static const struct weir_value *
look_word(const struct weir_value *at, const void *arg)
{
    return value_field(at, arg);
}

/* additionalProperties and items count only as schemas, not as true or false. */
static const struct weir_value *
look_schema(const struct weir_value *at, const void *arg)
{
    const struct weir_value *v = value_field(at, arg);
    return v != NULL && value_type(v) == WEIR_MAP ? v : NULL;
}

struct spec
spec_member(struct spec s, struct weir_text key)
{
    const struct weir_value *found = look(s, look_property, &key, HOPS);
    if (found == NULL)
        found = look(s, look_schema, "additionalProperties", HOPS);
    return (struct spec){ s.root, found };
}

struct spec
spec_item(struct spec s, unsigned index)
{
    const struct weir_value *found = value_at(look(s, look_word, "prefixItems", HOPS), index);
    if (found == NULL)
        found = look(s, look_schema, "items", HOPS);
    return (struct spec){ s.root, found };
}

const struct weir_value *
spec_word(struct spec s, const char *word)
{
    return look(s, look_word, word, HOPS);
}

struct weir_text
spec_text(struct spec s, const char *word)
{
    const struct weir_value *v = spec_word(s, word);
    return v != NULL ? value_as_text(v) : (struct weir_text){ "", 0 };
}

bool
spec_flag(struct spec s, const char *word)
{
    const struct weir_value *v = spec_word(s, word);
    return v != NULL && value_type(v) == WEIR_BOOL && v->boolean;
}

const struct weir_value *
spec_properties(struct spec s)
{
    const struct weir_value *at = s.at != NULL ? follow(s) : NULL;
    const struct weir_value *p = value_field(at, "properties");
    return p != NULL && value_type(p) == WEIR_MAP ? p : NULL;
}

bool
spec_is_closed(struct spec s)
{
    const struct weir_value *at = s.at != NULL ? follow(s) : NULL;
    if (at == NULL || at != s.at || value_field(at, "patternProperties") != NULL)
        return false;
    for (unsigned b = 0; b < sizeof branches / sizeof *branches; b++)
        if (value_field(at, branches[b]) != NULL)
            return false;
    const struct weir_value *more = value_field(at, "additionalProperties");
    if (more == NULL)
        more = value_field(at, "unevaluatedProperties");
    return more != NULL && value_type(more) == WEIR_BOOL && !more->boolean;
}

/* Whether every $ref in V leads to the $defs of the document, so that V can be moved. */
static bool
refs_can_move(const struct weir_value *v, unsigned depth)
{
    if (depth == 0)
        return false;
    if (value_type(v) == WEIR_LIST) {
        for (size_t i = 0; i < v->len; i++)
            if (!refs_can_move(value_at(v, i), depth - 1))
                return false;
        return true;
    }
    struct weir_text key;
    const struct weir_value *member;
    for (size_t i = 0; value_type(v) == WEIR_MAP && value_member(v, i, &key, &member); i++) {
        bool ref = text_is(key, "$ref") || text_is(key, "$dynamicRef");
        struct weir_text t = value_as_text(member);
        if (ref && (t.len < 8 || memcmp(t.bytes, "#/$defs/", 8) != 0))
            return false;
        if (!refs_can_move(member, depth - 1))
            return false;
    }
    return true;
}

/* Whether a word only describes. */
static bool
is_remark(struct weir_text word)
{
    static const char *const words[] = { "title",      "description", "default",
                                         "examples",   "format",      "$comment",
                                         "deprecated", "readOnly",    "writeOnly" };
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        if (text_is(word, words[i]))
            return true;
    return word.len > 2 && memcmp(word.bytes, "x-", 2) == 0;
}

/* Whether type: lets strings pass. */
static bool
allows_string(const struct weir_value *type)
{
    if (value_type(type) == WEIR_STRING)
        return text_is(value_as_text(type), "string");
    for (size_t i = 0; value_type(type) == WEIR_LIST && i < type->len; i++)
        if (text_is(value_as_text(value_at(type, i)), "string"))
            return true;
    return false;
}

static bool
says_something(const struct weir_value *at, bool text)
{
    if (value_type(at) == WEIR_BOOL)
        return !at->boolean;
    struct weir_text word;
    const struct weir_value *v;
    for (size_t i = 0; value_member(at, i, &word, &v); i++) {
        bool passes = is_remark(word) || (text && text_is(word, "type") && allows_string(v));
        if (!passes)
            return true;
    }
    return false;
}

struct schema *
spec_compile(struct spec s, bool text)
{
    if (s.at == NULL || !says_something(s.at, text))
        return NULL;
    const struct weir_value *defs = value_field(s.root, "$defs");
    if (value_type(s.at) != WEIR_MAP || !refs_can_move(s.at, 64) ||
        (defs != NULL && !refs_can_move(defs, 64)))
        return NULL;

    struct weir_builder *b = builder_map();
    builder_put_all(b, s.at);
    if (defs != NULL)
        builder_put(b, "$defs", defs);
    const struct weir_value *doc = builder_end(&b);
    struct schema *compiled = NULL;
    if (schema_new(doc, NULL, NULL, &compiled, NULL) != WEIR_OK)
        compiled = NULL;
    value_unref(&doc);
    return compiled;
}

static const struct weir_value *masked(struct spec s, const struct weir_value *v, bool secret);

static const struct weir_value *
masked_members(struct spec s, const struct weir_value *v, bool secret)
{
    bool map = value_type(v) == WEIR_MAP;
    struct weir_builder *b = map ? builder_map() : builder_list();
    struct weir_text key;
    const struct weir_value *member, *shown;
    for (size_t i = 0; i < v->len; i++) {
        if (map && value_member(v, i, &key, &member)) {
            shown = masked(spec_member(s, key), member, secret);
            builder_set(b, key.bytes, key.len, &shown);
        } else if (!map) {
            shown = masked(spec_item(s, (unsigned)i), value_at(v, i), secret);
            builder_add(b, &shown);
        }
    }
    return builder_end(&b);
}

static const struct weir_value *
masked(struct spec s, const struct weir_value *v, bool secret)
{
    secret |= spec_flag(s, "writeOnly");
    if (value_type(v) == WEIR_MAP || value_type(v) == WEIR_LIST)
        return masked_members(s, v, secret);
    bool hidden = secret && value_type(v) != WEIR_NULL && !(v->flags & VALUE_DYNAMIC);
    return hidden ? value_text("***") : value_ref(v);
}

const struct weir_value *
spec_masked(struct spec s, const struct weir_value *v)
{
    return masked(s, v, false);
}
