/* pipeline/settings_resources.c - resources: of weir.yaml against the types that use them.
 *
 * Form and names were checked when the file was read; types are known only later.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "pipeline/named.h"
#include "pipeline/resources.h"
#include "pipeline/settings_impl.h"

#define KINDS_MAX 32

static void
refuse_kind(struct loading *l, const struct registry *r, const struct yaml_node *key)
{
    struct weir_text kinds[KINDS_MAX];
    unsigned n = resource_kinds(r, kinds, KINDS_MAX);
    char hint[512] = "";
    struct named_kind named[KINDS_MAX];
    unsigned n_named = named_kinds(r, named, KINDS_MAX);
    for (unsigned i = 0; i < n_named && n < KINDS_MAX; i++)
        kinds[n++] = named[i].name;
    hint_nearest(key->text, kinds, n, hint, sizeof hint);
    size_t used = 0;
    for (unsigned i = 0; i < n && (i > 0 || hint[0] == '\0') && used + 80 < sizeof hint; i++)
        used += (size_t)snprintf(hint + used, sizeof hint - used, "%s%.*s", i > 0 ? ", " : "known are ",
                                 CLIP(kinds[i]));
    load_say(l, key, DIAG_RESOURCE_FORM, hint[0] != '\0' ? hint : NULL, "unknown kind of resource '%.*s'",
             CLIP(key->text));
}

/* Each of the resources of one kind, which TAKE_DOC describes, with marks in weir.yaml. */
static void
check_kind(struct loading *l, struct weir_text kind, const struct weir_value *take_doc, const struct yaml_node *map)
{
    const struct weir_value *doc = take_doc;
    struct schema *schema = NULL;
    struct weir_error err;
    enum weir_code code = schema_new(doc, NULL, NULL, &schema, &err);
    assert(code == WEIR_OK); /* it is a part of one that was good */
    for (unsigned i = 0; map->kind == YAML_MAP && i < map->n; i++) {
        char name[192];
        (void)snprintf(name, sizeof name, "resources.%.*s.%.*s", CLIP(kind), CLIP(map->keys[i]->text));
        const struct config_type as = { .name = name, .doc = doc, .schema = schema };
        config_check(l, &as, map->keys[i], map->items[i]);
    }
    schema_free(&schema);
    value_unref(&doc);
}

void
settings_check_resources(const struct settings *s, const struct registry *r, struct diags *d)
{
    const struct yaml_node *n;
    struct yaml *y = settings_yaml(s, &n);
    if (y == NULL || n->kind != YAML_MAP)
        return;
    struct loading l = { .d = d, .yaml = y };
    for (unsigned i = 0; i < n->n; i++) {
        const struct node_type *t = resource_type(r, n->keys[i]->text);
        struct named_kind k;
        if (t != NULL)
            check_kind(&l, t->resource.kind, resource_doc(t), n->items[i]);
        else if (named_find(r, n->keys[i]->text, &k))
            check_kind(&l, k.name, named_doc(&k), n->items[i]);
        else
            refuse_kind(&l, r, n->keys[i]);
    }
}
