/* cli/test_cover.c - which blocks of the tested pipelines ran. See test.h. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/test.h"
#include "pipeline/load.h"

/* A pipeline that is tested. */
struct covered {
    struct covered *next;
    char *path;                /* owned */
    struct pipeline *pipeline; /* owned; NULL: it can't be loaded */
    bool *ran;                 /* by the node's index; owned */
};

struct test_cover {
    struct covered *all;
};

struct test_cover *
test_cover_new(void)
{
    struct test_cover *c = calloc(1, sizeof *c);
    if (c == NULL)
        abort();
    return c;
}

void
test_cover_free(struct test_cover **c)
{
    for (struct covered *one; *c && (one = (*c)->all) != NULL;) {
        (*c)->all = one->next;
        pipeline_free(&one->pipeline);
        free(one->path);
        free(one->ran);
        free(one);
    }
    free(*c);
    *c = NULL;
}

static struct covered *
covered_of(struct test_cover *c, const struct setup *s, const char *path)
{
    struct covered **at = &c->all;
    while (*at && strcmp((*at)->path, path) != 0)
        at = &(*at)->next;
    if (*at)
        return *at;
    struct covered *one = calloc(1, sizeof *one);
    struct generation_source source = setup_source(s, NULL, 0, NULL);
    size_t len;
    char *text = read_whole_file(path, YAML_MAX, &len);
    struct diags d;
    if (one == NULL)
        abort();
    diags_init(&d);
    one->path = strdup(path);
    source.load.have_store = true;
    if (text)
        one->pipeline = pipeline_load_text(path, (struct weir_text){ text, len }, &source.load, &d);
    one->ran = calloc((one->pipeline ? one->pipeline->n_nodes : 0) + 1, sizeof *one->ran);
    if (one->path == NULL || one->ran == NULL)
        abort();
    diags_fini(&d);
    free(text);
    *at = one;
    return one;
}

void
test_cover_add(struct test_cover *c, const struct setup *s, const char *path, const struct weir_value *happened)
{
    struct covered *one = covered_of(c, s, path);
    const struct weir_value *ended = value_field(happened, "ended"), *id;
    for (size_t i = 0; one->pipeline && (id = value_at(ended, i)) != NULL; i++) {
        const struct node *n = pipeline_node(one->pipeline, value_as_text(id));
        if (n)
            one->ran[n->index] = true;
    }
}

/* Whether a node of B, or in its blocks, ran. */
static bool
block_ran(const struct covered *c, const struct block *b)
{
    for (unsigned i = 0; i < b->n; i++) {
        const struct node *n = b->nodes[i];
        if (c->ran[n->index])
            return true;
        for (unsigned k = 0; k < n->n_children; k++)
            if (block_ran(c, n->children[k].block))
                return true;
    }
    return false;
}

typedef void block_fn(void *arg, const struct covered *c, const char *name, const struct block *b, bool ran);

static void
each_block(const struct covered *c, const struct block *b, const char *name, block_fn *fn, void *arg)
{
    if (b == NULL || b->n == 0)
        return;
    fn(arg, c, name, b, block_ran(c, b));
    for (unsigned i = 0; i < b->n; i++) {
        const struct node *n = b->nodes[i];
        char below[300];
        for (unsigned k = 0; k < n->n_children; k++) {
            snprintf(below, sizeof below, "%.100s: %.150s", n->id, n->children[k].path);
            each_block(c, n->children[k].block, below, fn, arg);
        }
        snprintf(below, sizeof below, "%.100s: catch", n->id);
        each_block(c, n->catch, below, fn, arg);
    }
}

static void
each(const struct test_cover *cover, block_fn *fn, void *arg)
{
    for (const struct covered *c = cover->all; c; c = c->next) {
        if (c->pipeline == NULL)
            continue;
        each_block(c, c->pipeline->steps, "steps", fn, arg);
        each_block(c, c->pipeline->catch, "catch", fn, arg);
        each_block(c, c->pipeline->finally, "finally", fn, arg);
    }
}

struct counting {
    unsigned all, ran;
    struct weir_builder *missing; /* NULL: they are printed */
};

static void
count(void *arg, const struct covered *c, const char *name, const struct block *b, bool ran)
{
    struct counting *n = arg;
    n->all++;
    n->ran += ran;
    if (ran)
        return;
    if (n->missing == NULL) {
        printf("  %s:%u: no test enters %s\n", c->path, b->nodes[0]->mark.line, name);
        return;
    }
    struct weir_builder *m = builder_map();
    builder_take(m, "file", value_text(c->path));
    builder_take(m, "line", value_int(b->nodes[0]->mark.line));
    builder_take(m, "block", value_text(name));
    const struct weir_value *v = builder_end(&m);
    builder_add(n->missing, &v);
}

void
test_cover_print(const struct test_cover *c)
{
    struct counting n = { 0 };
    each(c, count, &n);
    printf("%u of %u blocks were entered\n", n.ran, n.all);
}

const struct weir_value *
test_cover_value(const struct test_cover *c)
{
    struct counting n = { .missing = builder_list() };
    each(c, count, &n);
    struct weir_builder *b = builder_map();
    builder_take(b, "blocks", value_int(n.all));
    builder_take(b, "entered", value_int(n.ran));
    builder_take(b, "missing", builder_end(&n.missing));
    return builder_end(&b);
}
