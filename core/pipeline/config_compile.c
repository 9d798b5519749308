/* pipeline/config_compile.c - texts with expressions become templates, all else becomes
 * constant.
 *
 * Next to the parts grows the value that the type's open gets: formats are numbers in it, and
 * an expression is its text with VALUE_DYNAMIC.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expr/template.h"
#include "pipeline/config.h"
#include "pipeline/owned.h"

#define POINTER_MAX 512

/* What holds for a place of the configuration. */
struct here {
    struct config_spot spot;
    struct spec spec;
    bool literal; /* x-weir-literal, here or above */
    bool secret;  /* writeOnly, here or above */
    bool event;   /* x-weir-event, here or above: of a trigger, worked out when an event is there */
};

/* Names whose values are the same for every event. */
static bool
is_event_name(struct weir_text root)
{
    return !text_is(root, "vars") && !text_is(root, "env") && !text_is(root, "secrets") &&
           !text_is(root, "run");
}

static void
note_event(void *arg, const struct expr_access *a)
{
    bool *reads = arg;
    *reads |= is_event_name(a->path[0]);
}

/* Says what is wrong with the expression in N; a bare one that YAML cut gets its quotes. */
static void
refuse_template(struct loading *l, const struct yaml_node *n, struct expr_place place,
                const struct weir_error *err)
{
    struct mark mark = yaml_place(l->yaml, n, place.offset, place.len);
    struct mark bare = n->mark;
    struct buf quoted;
    buf_init(&quoted, 4096);
    const char *line = n->style == YAML_PLAIN ? yaml_line(l->yaml, n->mark.line) : NULL;
    if (line != NULL && yaml_quoted(line, &bare, &quoted))
        load_say_at(l, bare, DIAG_EXPR_QUOTE, quoted.bytes,
                    "YAML cuts a bare expression here; it must be quoted");
    else
        load_say_at(l, mark, DIAG_EXPR_SYNTAX, NULL, "%s", err->text);
    buf_fini(&quoted);
}

static struct part *
part_new(struct loading *l, const struct yaml_node *n, const struct here *h,
         enum part_kind kind)
{
    char pointer[POINTER_MAX];
    config_pointer(&h->spot, pointer, sizeof pointer);
    struct part *p = own_alloc(l->p, sizeof *p);
    p->kind = kind;
    p->mark = n->mark;
    p->may_be_secret = h->secret;
    p->pointer = own_text(l->p, text_of(pointer));
    return p;
}

/* The part of a text with an expression; NULL and a diagnostic if it can't be parsed. */
static struct part *
compile_template(struct loading *l, const struct yaml_node *n, const struct here *h)
{
    struct weir_text format = spec_text(h->spec, "format");
    bool url = text_is(format, "uri");
    struct template *t = NULL;
    struct expr_place place = { 0, 1 };
    struct weir_error err = { 0 };
    if (template_parse(n->text, url ? TEMPLATE_URL : TEMPLATE_VALUE, &t, &place, &err) !=
        WEIR_OK) {
        refuse_template(l, n, place, &err);
        return NULL;
    }
    struct part *p = part_new(l, n, h, PART_TEMPLATE);
    p->template = own_template(l->p, t);
    p->path = template_path(t);
    p->url = url;
    p->format = format_find(format);
    template_each_access(t, note_event, &p->reads_event);
    if (url && template_has_authority_expr(t))
        template_each_authority_access(t, note_event, &p->authority_event);
    struct schema *check = spec_compile(h->spec, !template_is_whole(t));
    p->check = check != NULL ? own_schema(l->p, check) : NULL;
    struct sites *sites = l->sites;
    if (h->event && sites == &l->trigger_sites)
        l->sites = &l->run_sites;
    load_site(l, n, p);
    l->sites = sites;
    return p;
}

static struct part *
constant(struct loading *l, const struct yaml_node *n, const struct here *h,
         const struct weir_value *v)
{
    struct part *p = part_new(l, n, h, PART_CONSTANT);
    p->constant = own_value(l->p, value_ref(v));
    return p;
}

/* A scalar: its part; NULL for a constant of which the schema says nothing. */
static struct part *
compile_scalar(struct loading *l, const struct yaml_node *n, const struct here *h,
               const struct weir_value **ret)
{
    bool text = yaml_is_string(n);
    if (text && !h->literal && config_text(n->text) == TEXT_DYNAMIC) {
        const struct weir_value *v = yaml_value(n);
        *ret = value_flagged(&v, VALUE_DYNAMIC);
        return compile_template(l, n, h);
    }
    const char *format = text ? format_find(spec_text(h->spec, "format")) : NULL;
    *ret = format != NULL ? format_value(format, n->text, NULL) : NULL;
    if (*ret == NULL)
        *ret = h->literal ? yaml_value(n) : config_constant(n);
    return h->spec.at != NULL ? constant(l, n, h, *ret) : NULL;
}

static struct here
below(const struct yaml_node *n, const struct here *up, unsigned i)
{
    bool map = n->kind == YAML_MAP;
    struct here h = {
        .spot = { &up->spot, map ? n->keys[i]->text : (struct weir_text){ NULL, 0 }, i, !map },
        .spec = map ? spec_member(up->spec, n->keys[i]->text) : spec_item(up->spec, i),
    };
    h.literal = up->literal || spec_flag(h.spec, "x-weir-literal");
    h.secret = up->secret || spec_flag(h.spec, "writeOnly");
    h.event = up->event || spec_flag(h.spec, "x-weir-event");
    return h;
}

static void
check_key(struct loading *l, const struct yaml_node *key, const struct here *h)
{
    if (!h->literal && config_text(key->text) == TEXT_DYNAMIC)
        load_say(l, key, DIAG_EXPR_FORBIDDEN, NULL,
                 "a key is a fixed text: no expression can stand here");
}

static void
add_member(struct weir_builder *b, const struct yaml_node *n, unsigned i,
           const struct weir_value *take_v)
{
    if (n->kind == YAML_MAP)
        builder_set(b, n->keys[i]->text.bytes, n->keys[i]->text.len, &take_v);
    else
        builder_add(b, &take_v);
}

/* The part of a list or map whose members have PARTS (NULL: a constant) and are in V. It is a
 * constant as a whole if they all are; they can be found all the same. */
static struct part *
group(struct loading *l, const struct yaml_node *n, const struct here *h, struct part **parts,
      const struct weir_value *v)
{
    bool map = n->kind == YAML_MAP;
    struct part *p = constant(l, n, h, v);
    p->items = parts;
    p->n = n->n;
    if (map)
        p->keys = own_alloc(l->p, n->n * sizeof *p->keys);
    for (unsigned i = 0; i < n->n; i++) {
        struct here member = below(n, h, i);
        struct weir_text key = { NULL, 0 };
        const struct weir_value *item = value_at(v, i);
        if (map && value_member(v, i, &key, &item))
            p->keys[i] = (struct weir_text){ own_text(l->p, key), key.len };
        if (parts[i] == NULL)
            parts[i] = constant(l, n->items[i], &member, item);
        p->reads_event |= parts[i]->reads_event;
        if (parts[i]->kind != PART_CONSTANT)
            p->kind = map ? PART_MAP : PART_LIST;
    }
    return p;
}

/* The part of N, its value in *ret, owned. NULL for a constant of which the schema says
 * nothing: no type asks for a place within that. */
static struct part *
compile(struct loading *l, const struct yaml_node *n, const struct here *h,
        const struct weir_value **ret)
{
    if (n->kind == YAML_SCALAR)
        return compile_scalar(l, n, h, ret);

    struct part **parts = own_alloc(l->p, (n->n + 1) * sizeof *parts);
    struct weir_builder *b = n->kind == YAML_MAP ? builder_map() : builder_list();
    bool any = h->spec.at != NULL;
    for (unsigned i = 0; i < n->n; i++) {
        struct here member = below(n, h, i);
        const struct weir_value *v = NULL;
        if (n->kind == YAML_MAP)
            check_key(l, n->keys[i], h);
        parts[i] = compile(l, n->items[i], &member, &v);
        any |= parts[i] != NULL;
        add_member(b, n, i, v);
    }
    *ret = builder_end(&b);
    return any ? group(l, n, h, parts, *ret) : NULL;
}

struct part *
config_compile(struct loading *l, const struct yaml_node *n, struct spec spec,
               const struct weir_value **ret_value)
{
    struct here root = { .spec = spec };
    root.literal = spec_flag(spec, "x-weir-literal");
    root.secret = spec_flag(spec, "writeOnly");
    struct part *p = compile(l, n, &root, ret_value);
    return p != NULL ? p : constant(l, n, &root, *ret_value);
}

struct part *
load_expression(struct loading *l, const struct yaml_node *n)
{
    const struct weir_value *v = NULL;
    struct part *p = config_compile(l, n, (struct spec){ NULL, NULL }, &v);
    value_unref(&v);
    return p;
}
