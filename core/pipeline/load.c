/* pipeline/load.c - see load.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pipeline/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "pipeline/file.h"
#include "pipeline/known.h"
#include "pipeline/loading.h"
#include "pipeline/owned.h"
#include "pipeline/resources.h"

static void
set_revision(struct pipeline *p, struct weir_text text)
{
    uint8_t sum[DIGEST_MAX];
    size_t n = digest(digest_find(TEXT("sha256")), text, sum);
    for (size_t i = 0; i < 8 && i < n; i++)
        (void)snprintf(p->revision + 2 * i, 3, "%02x", sum[i]);
}

static struct pipeline *
pipeline_new(const char *file, const struct yaml *y, struct weir_text source)
{
    struct pipeline *p = calloc(1, sizeof *p);
    if (p == NULL)
        abort();
    arena_init(&p->arena, 4096, SIZE_MAX);
    map_init(&p->ids);
    p->file = own_text(p, text_of(file));
    p->text = own_text(p, y->text);
    set_revision(p, source);
    return p;
}

/* The nodes by their index, for those who read the pipeline. */
static void
list_nodes(struct loading *l)
{
    struct pipeline *p = l->p;
    p->nodes = own_alloc(p, (p->n_nodes + 1) * sizeof *p->nodes);
    for (unsigned i = 0; i < p->n_nodes; i++)
        p->nodes[i] = l->drafts[i]->node;
}

/* The top blocks that the file leaves out, as those who read the pipeline expect them. */
static void
complete(struct loading *l)
{
    struct pipeline *p = l->p;
    if (p->steps == NULL) {
        p->steps = own_alloc(p, sizeof *p->steps);
        p->steps->depth = 1;
    }
    if (p->vars == NULL)
        p->vars = value_ref(&value_empty_map);
}

static struct pipeline *
load_text_with(const char *file, struct weir_text text, const struct load_options *o,
               struct resource_uses *uses, struct diags *d)
{
    unsigned errors = d->errors;
    struct yaml *y = yaml_read(file, text, d);
    if (y == NULL)
        return NULL;
    struct pipeline *p = pipeline_new(file, y, text);
    struct loading l = {
        .options = o, .uses = uses, .d = d, .yaml = y, .p = p, .errors = errors
    };
    load_top(&l);
    list_nodes(&l);
    load_ids(&l);
    complete(&l);
    names_check(&l);
    known_tell(p);
    advice_check(&l);
    free(l.drafts);
    yaml_free(&y);
    if (d->errors > errors)
        pipeline_free(&p);
    return p;
}

struct pipeline *
pipeline_load_text(const char *file, struct weir_text text, const struct load_options *o,
                   struct diags *d)
{
    struct resource_uses *uses = resource_uses_new();
    struct pipeline *p = load_text_with(file, text, o, uses, d);
    resource_uses_free(&uses);
    return p;
}

static struct pipeline *
load_file(const char *file, const struct load_options *o, struct resource_uses *uses,
          struct diags *d)
{
    struct buf text;
    struct weir_error err;
    buf_init(&text, YAML_MAX + 16);
    enum weir_code code = file_read(file, &text, &err);
    struct pipeline *p = NULL;
    if (code == WEIR_OK)
        p = load_text_with(file, buf_content(&text), o, uses, d);
    else if (code == WEIR_TOO_LARGE)
        diags_add(d, file, (struct mark){ 0 }, NULL, DIAG_FILE_SIZE, NULL, "more than 1 MiB");
    else
        diags_add(d, file, (struct mark){ 0 }, NULL, DIAG_FILE_UNREADABLE, NULL, "%s",
                  err.text);
    buf_fini(&text);
    return p;
}

/* Where the pipeline's name stands in its file; line 0 if it is the file's. */
static struct mark
name_mark(const struct pipeline *p)
{
    struct mark mark = { 0 };
    unsigned line = 1;
    for (const char *at = p->text; at != NULL && *at != '\0'; line++) {
        if (strncmp(at, "name:", 5) == 0)
            return (struct mark){ line, 1, 4 };
        at = strchr(at, '\n');
        at = at != NULL ? at + 1 : NULL;
    }
    return mark;
}

void
pipelines_load(const char *const *files, unsigned n, const struct load_options *o,
               struct pipelines *ret, struct diags *d)
{
    *ret = (struct pipelines){ .items = calloc(n + 1, sizeof(struct pipeline *)) };
    if (ret->items == NULL)
        abort();
    map_init(&ret->by_name);
    struct resource_uses *uses = resource_uses_new();
    for (unsigned i = 0; i < n; i++) {
        struct pipeline *p = load_file(files[i], o, uses, d);
        if (p == NULL)
            continue;
        const struct pipeline *other = map_get(&ret->by_name, p->name, strlen(p->name));
        if (other != NULL) {
            pipeline_diag(p, name_mark(p), d, DIAG_PIPELINE_TWICE, NULL,
                          "the name '%s' is taken by %s", p->name, other->file);
            pipeline_free(&p);
            continue;
        }
        ret->items[ret->n++] = p;
        (void)map_set(&ret->by_name, p->name, strlen(p->name), p);
    }
    resource_uses_free(&uses);
}

void
pipelines_put(struct pipelines *all, struct pipeline *p)
{
    unsigned at = 0;
    while (at < all->n && strcmp(all->items[at]->name, p->name) != 0)
        at++;
    if (at == all->n) {
        struct pipeline **items = realloc(all->items, (all->n + 2) * sizeof(*items));
        if (items == NULL)
            abort();
        all->items = items;
        all->n++;
    } else {
        (void)map_remove(&all->by_name, p->name, strlen(p->name));
        pipeline_free(&all->items[at]);
    }
    all->items[at] = p;
    (void)map_set(&all->by_name, p->name, strlen(p->name), p);
}

void
pipelines_free(struct pipelines *p)
{
    for (unsigned i = 0; i < p->n; i++)
        pipeline_free(&p->items[i]);
    free(p->items);
    map_fini(&p->by_name);
    *p = (struct pipelines){ 0 };
}
