/* plugin/files.c - node types that are files of a plugin's folder: see inside.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/inside.h"
#include "plugin/types.h"

static void
leave_out(struct registry *r, const struct weir_node_type *t, const char *why)
{
    r->left_out = realloc(r->left_out, (r->n_left_out + 1) * sizeof *r->left_out);
    char *copy = strdup(why);
    if (r->left_out == NULL || copy == NULL)
        abort();
    r->left_out[r->n_left_out++] = (struct left_out){ t->name, t->file, copy, t->flags & WEIR_ASIDE };
}

static bool
is_reserved(const struct registry *r, const char *name)
{
    bool is = false;
    for (size_t i = 0; i < r->n_reserved; i++)
        is |= strlen(name) == r->reserved[i].len && memcmp(name, r->reserved[i].bytes, r->reserved[i].len) == 0;
    return is;
}

/* Takes in the type number INDEX of P, which is the file T, or leaves it out. */
static void
take_file(struct registry *r, const struct weir_plugin *p, const struct plugin *plugin, unsigned index,
          const struct weir_node_type *t)
{
    struct node_type *made = NULL;
    struct weir_error err = { 0 };
    if (t->fault != NULL)
        err_set(&err, WEIR_INVALID, "%s", t->fault);
    else if (is_reserved(r, t->name))
        err_set(&err, WEIR_CONFLICT, "every node has a key '%s'; give the file another name", t->name);
    else if (registry_node(r, text_of(t->name)) != NULL || registry_trigger(r, text_of(t->name)) != NULL)
        err_set(&err, WEIR_CONFLICT, "'%s' is a type of weir's own or of a plugin; give the file another name", t->name);
    else if (node_type_new(p->nodes, index, plugin, &made, &err) == WEIR_OK)
        registry_take_node(r, made);
    if (made == NULL)
        leave_out(r, t, err.text);
}

void
registry_settle(struct registry *r)
{
    struct weir_node_type t;
    for (; r->n_settled < r->n_plugins; r->n_settled++) {
        const struct weir_plugin *p = r->descriptors[r->n_settled];
        for (unsigned i = 0; i < p->n_nodes; i++)
            if (node_type_copy(p->nodes, i, &t) && t.file != NULL)
                take_file(r, p, r->plugins[r->n_settled], i, &t);
    }
    registry_sort(r);
}

void
registry_reserve(struct registry *r, const struct weir_text *names, size_t n)
{
    r->reserved = names;
    r->n_reserved = n;
}

bool
registry_missing(const struct registry *r, struct weir_text name, char *ret, size_t room)
{
    for (unsigned i = 0; i < r->n_left_out; i++) {
        const struct left_out *l = &r->left_out[i];
        if (strlen(l->name) == name.len && memcmp(l->name, name.bytes, name.len) == 0) {
            (void)snprintf(ret, room, "%s is no node type: %s", l->file, l->why);
            return true;
        }
    }
    for (unsigned i = 0; i < r->n_plugins; i++) {
        bool (*missing)(struct weir_text, char *, size_t) = plugin_missing(r->descriptors[i]);
        if (missing != NULL && missing(name, ret, room))
            return true;
    }
    return false;
}

unsigned
registry_left_out(const struct registry *r, const struct left_out **ret)
{
    *ret = r->left_out;
    return r->n_left_out;
}

void
registry_free_left_out(struct registry *r)
{
    for (unsigned i = 0; i < r->n_left_out; i++)
        free((char *)(uintptr_t)r->left_out[i].why);
    free(r->left_out);
}
