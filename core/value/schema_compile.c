/* value/schema_compile.c - from a document to nodes and rules; see schema_make.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "value/schema_make.h"

enum {
    MAX_POINTER = 65536, /* bytes of a place   */
    MAX_SHOWN = 240,     /* of that, in errors */
};

static const uint16_t types_of[] = {
#define X(name, function, types) [OP_##name] = types,
    SCHEMA_RULES(X)
#undef X
};

void *
schema_alloc(struct schema_maker *m, size_t size)
{
    void *p = arena_alloc(&m->schema->arena, size);
    assert(p != NULL); /* no maximum: it is in proportion to the documents */
    return p;
}

struct schema_rule *
schema_rule_add(struct draft *d, uint32_t op)
{
    assert(op < OP_COUNT);
    d->has |= (uint64_t)1 << op;
    d->rules[op] = (struct schema_rule){ .op = (uint8_t)op, .types = types_of[op] };
    return &d->rules[op];
}

/* Appends a token of a JSON pointer. */
static void
put_token(struct buf *b, struct weir_text token)
{
    (void)buf_putc(b, '/'); /* what does not fit is cut off, here and below */
    for (size_t i = 0; i < token.len; i++) {
        if (token.bytes[i] == '~' || token.bytes[i] == '/')
            (void)buf_puts(b, token.bytes[i] == '~' ? "~0" : "~1");
        else
            (void)buf_putc(b, token.bytes[i]);
    }
}

/* Appends the pointer to a place; it is at most MAX_NESTING nodes deep. */
static void
put_spot(const struct schema_maker *m, struct buf *b, const struct spot *s)
{
    if (s->node == NODE_NONE)
        (void)buf_text(b, s->text);
    else
        put_spot(m, b, &m->origins[s->node].spot);
    if (s->keyword != NULL)
        put_token(b, text_of(s->keyword));
    if (s->key.bytes != NULL)
        put_token(b, s->key);
    else if (s->index >= 0)
        (void)buf_printf(b, "/%lld", (long long)s->index);
}

enum weir_code
schema_refuse_in(struct schema_maker *m, struct spot spot)
{
    struct buf pointer;
    buf_init(&pointer, MAX_POINTER);
    put_spot(m, &pointer, &spot);
    const char *from = pointer.bytes;
    if (pointer.len > MAX_SHOWN) { /* the last steps say most */
        const char *slash = strchr(pointer.bytes + pointer.len - MAX_SHOWN, '/');
        from = slash != NULL ? slash : pointer.bytes + pointer.len;
    }
    m->err->code = WEIR_INVALID;
    (void)err_in(m->err, "%s%s", from > pointer.bytes ? "#..." : "",
                 from); /* gives the code back */
    buf_fini(&pointer);
    return WEIR_INVALID;
}

enum weir_code
schema_refuse(struct schema_maker *m, struct spot spot, const char *fmt, ...)
{
    char text[sizeof(m->err->text)];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    (void)err_set(m->err, WEIR_INVALID, "%s", text); /* returned below */
    return schema_refuse_in(m, spot);
}

/* Makes rules of the keywords that work together. */
static void
join(struct schema_maker *m, struct draft *d)
{
    struct schema_properties *p = d->properties;
    if (p != NULL && (p->names.n > 0 || p->n_patterns > 0 || p->rest != NODE_NONE)) {
        schema_names_index(&p->names, &m->schema->arena);
        schema_rule_add(d, OP_PROPERTIES)->properties = p;
    }
    if (d->items != NULL)
        schema_rule_add(d, OP_ITEMS)->items = d->items;
    if (d->contains != NULL && d->contains->node != NODE_NONE) {
        m->schema->contains = true;
        schema_rule_add(d, OP_CONTAINS)->contains = d->contains;
    }
    if (d->condition != NULL && d->condition[IF_TEST] != NODE_NONE)
        schema_rule_add(d, OP_IF)->nodes = d->condition;
}

/* Keeps the rules of D, in the order of evaluation. */
static void
finish(struct schema_maker *m, struct draft *d)
{
    unsigned n = (unsigned)__builtin_popcountll(d->has);
    struct schema_rule *rules = schema_alloc(m, n * sizeof(*rules));
    unsigned at = 0;
    for (unsigned op = 0; op < OP_COUNT; op++)
        if (d->has >> op & 1)
            rules[at++] = d->rules[op];

    struct schema_node *node = &m->schema->nodes[d->node];
    node->rules = rules;
    node->n_rules = (uint16_t)n;
    if (d->has >> OP_UNEVALUATED_ITEMS & 1)
        node->tracks |= ON_LIST;
    if (d->has >> OP_UNEVALUATED_PROPERTIES & 1)
        node->tracks |= ON_MAP;
    if (n == 0)
        node->kind = NODE_TRUE;
}

static enum weir_code
compile(struct schema_maker *m, uint32_t number)
{
    if (m->schema->nodes[number].kind != NODE_RULES)
        return WEIR_OK;

    struct draft d;
    memset(&d, 0, sizeof(d));
    d.node = number;
    d.resource = m->schema->nodes[number].resource;
    uint32_t vocabularies = m->resources[d.resource].vocabularies;
    const struct weir_value *doc = m->origins[number].value;
    struct weir_text name;
    const struct weir_value *v;
    for (size_t i = 0; value_member(doc, i, &name, &v); i++) {
        const struct keyword *k = schema_keyword(name);
        if (k == NULL || !(k->vocabulary & vocabularies))
            continue;
        enum weir_code code = k->read(m, &d, k, v);
        if (code != WEIR_OK)
            return code;
    }
    join(m, &d);
    finish(m, &d);
    return WEIR_OK;
}

static enum weir_code
compile_all(struct schema_maker *m, const struct weir_value *doc, struct weir_text uri)
{
    uint32_t resource;
    enum weir_code code = schema_doc_add(m, doc, uri, &resource);
    for (uint32_t i = 0; code == WEIR_OK && i < m->schema->n_nodes; i++)
        code = compile(m, i);
    if (code == WEIR_OK)
        m->schema->root = schema_node_of(m, doc, resource);
    if (code == WEIR_OK)
        code = schema_refuse_loops(m);
    if (code == WEIR_OK)
        m->schema->plain = schema_plain_types(m->schema);
    return code;
}

static void
maker_fini(struct schema_maker *m)
{
    for (uint32_t i = 0; i < m->schema->n_resources; i++)
        map_fini(&m->resources[i].anchors);
    free(m->resources);
    free(m->origins);
    map_fini(&m->places);
    map_fini(&m->uris);
    map_fini(&m->names);
}

/* An empty schema that keeps a reference to DOC. */
static struct schema *
new_schema(const struct weir_value *doc)
{
    struct schema *s = calloc(1, sizeof(*s));
    if (s == NULL)
        abort();
    arena_init(&s->arena, 0, SIZE_MAX);
    s->docs = arena_alloc(&s->arena, MAX_DOCS * sizeof(*s->docs));
    assert(s->docs != NULL);
    s->docs[s->n_docs++] = value_ref(doc);
    return s;
}

enum weir_code
schema_make(const struct weir_value *doc, struct weir_text uri, const struct schema_maker *like,
            struct schema **ret)
{
    struct schema *s = new_schema(doc);
    struct schema_maker m = { .schema = s,
                              .load = like->load,
                              .load_arg = like->load_arg,
                              .err = like->err,
                              .metas = like->metas + 1 };
    map_init(&m.places);
    map_init(&m.uris);
    map_init(&m.names);
    enum weir_code code = compile_all(&m, doc, uri);
    maker_fini(&m);
    if (code == WEIR_OK)
        *ret = s;
    else
        schema_free(&s);
    return code;
}

enum weir_code
schema_new(const struct weir_value *doc, schema_load_fn *load, void *arg, struct schema **ret,
           struct weir_error *err)
{
    struct weir_error own;
    struct schema_maker like = { .load = load,
                                 .load_arg = arg,
                                 .err = err != NULL ? err : &own };
    return schema_make(doc, TEXT(""), &like, ret);
}

void
schema_free(struct schema **s)
{
    struct schema *old = *s;
    if (old == NULL)
        return;
    *s = NULL;
    for (uint32_t i = 0; i < old->n_patterns; i++)
        regex_free(&old->patterns[i]);
    for (uint32_t i = 0; i < old->n_resources; i++)
        free(old->resources[i].anchors);
    for (uint32_t i = 0; i < old->n_docs; i++)
        value_unref(&old->docs[i]);
    free(old->patterns);
    free(old->resources);
    free(old->nodes);
    arena_fini(&old->arena);
    free(old);
}
