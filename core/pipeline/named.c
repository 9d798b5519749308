/* pipeline/named.c - see named.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pipeline/named.h"

#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "pipeline/schema_build.h"

#define DEPTH_MAX 32 /* of a schema that is looked through */
#define NAMES_MAX 64

/* -- names in pipelines -- */

static void
say_unknown(struct loading *l, const struct yaml_node *n, struct weir_text kind, const struct weir_value *all,
            const struct weir_value *built_in)
{
    struct weir_text names[NAMES_MAX];
    const struct weir_value *v;
    char hint[224];
    size_t count = 0, i = 0;
    while (count < NAMES_MAX && all != NULL && value_member(all, i++, &names[count], &v))
        count++;
    for (i = 0; count < NAMES_MAX && built_in != NULL && value_member(built_in, i, &names[count], &v); i++)
        count++;
    hint_nearest(n->text, names, count, hint, sizeof hint);
    if (hint[0] == '\0')
        (void)snprintf(hint, sizeof hint, "describe it in weir.yaml: resources.%.*s.%.*s", CLIP(kind), CLIP(n->text));
    load_say(l, n, DIAG_RESOURCE_UNKNOWN, hint, "nothing under resources.%.*s has the name '%.*s'", CLIP(kind),
             CLIP(n->text));
}

/* What the name N stands for, as if it were written there; NULL after an error. */
static const struct yaml_node *
look_up(struct loading *l, const struct yaml_node *n, const struct weir_value *said)
{
    struct weir_text kind = value_as_text(value_field(said, "kind"));
    const struct weir_value *built_in = value_field(said, "built_in");
    const struct weir_value *all = l->options->resources ? value_get(l->options->resources, kind.bytes, kind.len) : NULL;
    const struct weir_value *v = all ? value_get(all, n->text.bytes, n->text.len) : NULL;
    if (v == NULL && built_in != NULL)
        v = value_get(built_in, n->text.bytes, n->text.len);
    if (v != NULL)
        return config_made_value(l, v, n);
    say_unknown(l, n, kind, all, built_in);
    return NULL;
}

static bool
is_plain_text(const struct yaml_node *n)
{
    return n->kind == YAML_SCALAR && yaml_is_string(n) && config_text(n->text) == TEXT_PLAIN;
}

static const struct yaml_node *fill(struct loading *l, const struct yaml_node *n, struct spec spec);

/* The members of N, a map or list, filled; a copy of N if any of them changed. */
static const struct yaml_node *
fill_members(struct loading *l, const struct yaml_node *n, struct spec spec)
{
    struct yaml_node *copy = NULL;
    for (unsigned i = 0; i < n->n; i++) {
        bool map = n->kind == YAML_MAP;
        const struct yaml_node *item = fill(l, n->items[i], map ? spec_member(spec, n->keys[i]->text) : spec_item(spec, i));
        if (item == n->items[i] && copy == NULL)
            continue;
        if (copy == NULL) {
            copy = config_made(l, n->kind, n, n->n);
            *copy = (struct yaml_node){ .kind = n->kind, .style = n->style, .mark = n->mark, .start = n->start, .end = n->end,
                                        .items = copy->items, .keys = copy->keys };
            for (unsigned k = 0; k < i; k++) {
                copy->items[k] = n->items[k];
                if (map)
                    copy->keys[k] = n->keys[k];
            }
            copy->n = i;
        }
        if (item == NULL)
            continue; /* an error was said: what is left out says no second one */
        if (map)
            copy->keys[copy->n] = n->keys[i];
        copy->items[copy->n++] = (struct yaml_node *)item;
    }
    return copy ? copy : n;
}

static const struct yaml_node *
fill(struct loading *l, const struct yaml_node *n, struct spec spec)
{
    if (spec.at == NULL)
        return n;
    const struct weir_value *said = spec_word(spec, "x-weir-named");
    if (said != NULL && is_plain_text(n))
        n = look_up(l, n, said);
    return n == NULL || n->kind == YAML_SCALAR ? n : fill_members(l, n, spec);
}

/* Whether V or something in it says x-weir-named: most schemas don't. */
static bool
says_it(const struct weir_value *v, unsigned depth)
{
    struct weir_text key;
    const struct weir_value *member;
    if (depth == 0 || (value_type(v) != WEIR_MAP && value_type(v) != WEIR_LIST))
        return false;
    if (value_field(v, "x-weir-named") != NULL)
        return true;
    for (size_t i = 0; value_member(v, i, &key, &member); i++)
        if (says_it(member, depth - 1))
            return true;
    return false;
}

const struct yaml_node *
named_filled(struct loading *l, const struct yaml_node *n, struct spec spec)
{
    return spec.root != NULL && says_it(spec.root, DEPTH_MAX) ? fill(l, n, spec) : n;
}

/* -- kinds, for weir.yaml -- */

struct search {
    struct named_kind *kinds;
    unsigned n;
    unsigned room;
};

static void
look_through(struct search *s, const struct named_kind *in, const struct weir_value *v, unsigned depth)
{
    struct weir_text key;
    const struct weir_value *member;
    if (depth == 0 || value_type(v) != WEIR_MAP)
        return;
    const struct weir_value *said = value_field(v, "x-weir-named");
    const struct weir_value *kind = said ? value_field(said, "kind") : NULL;
    bool known = kind == NULL;
    for (unsigned i = 0; i < s->n && !known; i++)
        known = text_equal(s->kinds[i].name, value_as_text(kind));
    if (!known && s->n < s->room)
        s->kinds[s->n++] = (struct named_kind){ value_as_text(kind), in->root, v, in->type };
    for (size_t i = 0; value_member(v, i, &key, &member); i++)
        look_through(s, in, member, depth - 1);
}

unsigned
named_kinds(const struct registry *r, struct named_kind *ret, unsigned room)
{
    struct search s = { .kinds = ret, .room = room };
    const struct node_type *const *nodes;
    const struct trigger_type *const *triggers;
    unsigned n = registry_nodes(r, &nodes);
    for (unsigned i = 0; i < n; i++) {
        struct named_kind in = { .root = nodes[i]->schema_doc, .type = nodes[i]->abi.name };
        look_through(&s, &in, in.root, DEPTH_MAX);
    }
    n = registry_triggers(r, &triggers);
    for (unsigned i = 0; i < n; i++) {
        struct named_kind in = { .root = triggers[i]->schema_doc, .type = triggers[i]->abi.name };
        look_through(&s, &in, in.root, DEPTH_MAX);
    }
    return s.n;
}

bool
named_find(const struct registry *r, struct weir_text name, struct named_kind *ret)
{
    struct named_kind kinds[NAMES_MAX];
    unsigned n = named_kinds(r, kinds, NAMES_MAX);
    for (unsigned i = 0; i < n; i++)
        if (text_equal(kinds[i].name, name)) {
            *ret = kinds[i];
            return true;
        }
    return false;
}

const struct weir_value *
named_doc(const struct named_kind *k)
{
    struct weir_builder *b = builder_map();
    struct weir_text word;
    const struct weir_value *v;
    for (size_t i = 0; value_member(k->at, i, &word, &v); i++) {
        if (text_is(word, "x-weir-named") || text_is(word, "default"))
            continue;
        const struct weir_value *copy = value_ref(v);
        builder_set(b, word.bytes, word.len, &copy);
    }
    const struct weir_value *defs = value_field(k->root, "$defs");
    if (defs != NULL)
        builder_put(b, "$defs", defs);
    return builder_end(&b);
}
