/* plugin/collections.c - what a plugin shows to operators: its collections, checked and copied.
 * See types.h. SPDX-License-Identifier: Apache-2.0 */
#include "plugin/types.h"

#include <stdlib.h>
#include <string.h>

#define COLLECTIONS_MAX 100u
#define LOWER "abcdefghijklmnopqrstuvwxyz"

/* What stands below /api/v1/ without any plugin. */
static const char *const admin_names[] = { "info",    "pipelines", "nodes",     "events", "reload",   "drain",
                                           "jobs",    "batches",   "incidents", "audit",  "replays",  "openapi",
                                           "metrics", "settings",  "secrets",   "cert",   "generations" };

const struct weir_collection *
plugin_collections(const struct weir_plugin *p, uint32_t *ret_n)
{
    /* In a descriptor of 1.0 a pad stands where the number is. */
    bool has = p->size >= offsetof(struct weir_plugin, collections) + sizeof p->collections;
    *ret_n = has ? p->n_collections : 0;
    return has ? p->collections : NULL;
}

enum weir_code
plugin_check_collections(const struct weir_plugin *p, struct weir_error *err)
{
    uint32_t n;
    const struct weir_collection *all = plugin_collections(p, &n);
    if (n > COLLECTIONS_MAX || (n > 0 && all == NULL))
        return err_set(err, WEIR_INVALID, "its list of collections is not sane");
    return WEIR_OK;
}

static bool
is_word(const char *s, size_t len)
{
    return len > 0 && len <= 64 && s[0] >= 'a' && s[0] <= 'z' && strspn(s, LOWER "0123456789_") >= len;
}

/* Whether VERBS is a list of words with one blank between them. */
static bool
verbs_are_sane(const char *verbs)
{
    if (verbs == NULL || *verbs == '\0')
        return true;
    for (;;) {
        size_t len = strcspn(verbs, " ");
        if (!is_word(verbs, len))
            return false;
        if (verbs[len] == '\0')
            return true;
        verbs += len + 1;
    }
}

static enum weir_code
check(const struct weir_collection *c, struct weir_error *err)
{
    if (c->name == NULL || !is_word(c->name, strlen(c->name)))
        return err_set(err, WEIR_INVALID, "its name is not of the form [a-z][a-z0-9_]*");
    for (size_t i = 0; i < sizeof admin_names / sizeof *admin_names; i++)
        if (strcmp(c->name, admin_names[i]) == 0)
            return err_set(err, WEIR_CONFLICT, "its name is one of the admin's own");
    if (c->ask == NULL || c->summary == NULL)
        return err_set(err, WEIR_INVALID, "it has no ask, or no summary");
    if (!verbs_are_sane(c->verbs))
        return err_set(err, WEIR_INVALID, "its verbs are not words with a blank between them");
    return WEIR_OK;
}

enum weir_code
collection_new(const struct weir_collection *array, unsigned index, const struct plugin *plugin,
               struct collection **ret, struct weir_error *err)
{
    if (array->size != sizeof *array)
        return err_set(err, WEIR_INVALID, "its collections have %u bytes, not %zu", array->size, sizeof *array);
    const struct weir_collection *c = &array[index];
    if (check(c, err) != WEIR_OK)
        return err_in(err, "collection %s", c->name ? c->name : "without a name");
    struct collection *made = calloc(1, sizeof *made);
    if (made == NULL)
        abort();
    *made = (struct collection){ .abi = *c, .plugin = plugin };
    *ret = made;
    return WEIR_OK;
}
