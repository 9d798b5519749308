/* pipeline/owned.c - see owned.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pipeline/owned.h"

#include <assert.h>
#include <string.h>

enum owned_kind { OWNED_VALUE, OWNED_TEMPLATE, OWNED_EXPR, OWNED_SCHEMA };

struct owned {
    struct owned *next;
    enum owned_kind kind;
    union {
        const struct weir_value *value;
        struct template *template;
        struct expr *expr;
        struct schema *schema;
    };
};

void *
own_alloc(struct pipeline *p, size_t size)
{
    void *memory = arena_alloc(&p->arena, size);
    assert(memory != NULL);
    return memory;
}

char *
own_text(struct pipeline *p, struct weir_text text)
{
    char *copy = own_alloc(p, text.len + 1);
    if (text.len > 0)
        memcpy(copy, text.bytes, text.len);
    return copy;
}

static struct owned *
add(struct pipeline *p, enum owned_kind kind)
{
    struct owned *o = own_alloc(p, sizeof *o);
    o->kind = kind;
    o->next = p->owned;
    p->owned = o;
    return o;
}

const struct weir_value *
own_value(struct pipeline *p, const struct weir_value *take_v)
{
    return add(p, OWNED_VALUE)->value = take_v;
}

struct template *
own_template(struct pipeline *p, struct template *take_t)
{
    return add(p, OWNED_TEMPLATE)->template = take_t;
}

struct expr *
own_expr(struct pipeline *p, struct expr *take_e)
{
    return add(p, OWNED_EXPR)->expr = take_e;
}

struct schema *
own_schema(struct pipeline *p, struct schema *take_s)
{
    return add(p, OWNED_SCHEMA)->schema = take_s;
}

void
owned_each_access(const struct pipeline *p, void (*fn)(void *arg, const struct expr_access *),
                  void *arg)
{
    for (const struct owned *o = p->owned; o != NULL; o = o->next) {
        if (o->kind == OWNED_TEMPLATE)
            template_each_access(o->template, fn, arg);
        else if (o->kind == OWNED_EXPR)
            expr_each_access(o->expr, fn, arg);
    }
}

static void
free_one(struct owned *o)
{
    switch (o->kind) {
    case OWNED_VALUE:
        value_unref(&o->value);
        break;
    case OWNED_TEMPLATE:
        template_free(&o->template);
        break;
    case OWNED_EXPR:
        expr_free(&o->expr);
        break;
    case OWNED_SCHEMA:
        schema_free(&o->schema);
        break;
    }
}

void
owned_free(struct pipeline *p)
{
    for (struct owned *o = p->owned; o != NULL; o = o->next)
        free_one(o);
    p->owned = NULL;
}
