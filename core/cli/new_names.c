/* cli/new_names.c - see new_names.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/new_names.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/load.h"

bool
new_setup(struct setup *s, const struct args *a, const char *folder)
{
    char lua[4096];
    struct weir_error err = { 0 };
    if (!setup_settings(s, a))
        return false;
    s->exit = EXIT_WRONG;
    if (strcmp(folder, ".") != 0 && !args_given(a, "lua")) {
        (void)snprintf(lua, sizeof lua, "%s/lua", folder);
        if (settings_set(s->settings, "lua.path", lua, &err) != WEIR_OK)
            diags_add(&s->diags, lua, (struct mark){ 0 }, NULL, DIAG_PLUGIN_REFUSED, NULL, "%s",
                      err.text);
    }
    setup_plugins(s);
    if (s->diags.errors == 0)
        settings_check_resources(s->settings, s->registry, &s->diags);
    if (s->diags.errors == 0)
        return true;
    print_diags(&s->diags, false);
    return false;
}

/* PATH in FOLDER. */
static void
path_in(const char *folder, const char *path, char *ret, size_t room)
{
    bool here = strcmp(folder, ".") == 0;
    (void)snprintf(ret, room, "%s%s%s", here ? "" : folder, here ? "" : "/", path);
}

bool
new_is_no_test(const char *name)
{
    static const char ending[] = "_test";
    size_t len = strlen(name), n = sizeof ending - 1;
    if (len < n || strcmp(name + len - n, ending) != 0)
        return true;
    fprintf(stderr,
            "weir new: %s.lua would be read as a test, since its name ends in _test; take "
            "another name, such as %.*s\n",
            name, (int)(len - n), name);
    return false;
}

static bool
refuse(const char *name, const char *why, const char *whose)
{
    fprintf(stderr, "weir new: '%s' %s%s; take another name, such as my_%.60s\n", name, why, whose,
            name);
    return false;
}

bool
new_type_free(const struct setup *s, const char *folder, const char *name, bool plugin)
{
    struct weir_text text = text_of(name);
    const struct node_type *n = registry_node(s->registry, text);
    const struct trigger_type *t = registry_trigger(s->registry, text);
    char file[4096], below[100];
    if (load_key_taken(s->registry, text))
        return refuse(name, "has a meaning of its own in every step, or is a block of one", "");
    (void)snprintf(below, sizeof below, "lua/nodes/%s.lua", name);
    path_in(folder, below, file, sizeof file);
    if (access(file, F_OK) == 0)
        return refuse(name, "is a node type already, in ", file);
    if (n != NULL)
        return refuse(name, "is a node type already, of the plugin ", n->plugin->name);
    if (t != NULL)
        return refuse(name, "is a trigger already, of the plugin ", t->plugin->name);
    const struct plugin *const *all;
    unsigned count = plugin ? registry_plugins(s->registry, &all) : 0;
    for (unsigned i = 0; i < count; i++)
        if (strcmp(all[i]->name, name) == 0)
            return refuse(name, "is a plugin already: ", all[i]->path);
    return true;
}

bool
new_pipeline_free(const struct setup *s, const char *folder, const char *name)
{
    char path[4096];
    struct generation_source source = setup_source(s, NULL, 0, NULL);
    struct pipelines all = { 0 };
    struct diags d; /* of the others: theirs to say */
    const char *paths[] = { path };
    if (strcmp(name, "weir") == 0)
        return refuse(name, "is no name for a pipeline: weir.yaml has settings", "");
    path_in(folder, "pipelines", path, sizeof path);
    if (access(path, F_OK) != 0)
        return true;
    char **files;
    unsigned n;
    diags_init(&d);
    load_find(paths, 1, &files, &n, &d);
    pipelines_load((const char *const *)files, n, &source.load, &all, &d);
    const struct pipeline *other = map_get(&all.by_name, name, strlen(name));
    if (other != NULL)
        (void)refuse(name, "is a pipeline already, in ", other->file);
    load_find_free(&files, n);
    pipelines_free(&all);
    diags_fini(&d);
    return other == NULL;
}

/* The first weir that the shell would find. */
static bool
find_on_path(char *ret, size_t room)
{
    const char *path = getenv("PATH");
    for (const char *at = path != NULL ? path : ""; *at != '\0';) {
        size_t len = strcspn(at, ":");
        (void)snprintf(ret, room, "%.*s/weir", (int)len, at);
        if (len > 0 && access(ret, X_OK) == 0)
            return true;
        at += len + (at[len] == ':');
    }
    return false;
}

const char *
new_weir_off_path(char *self, size_t room)
{
    char found[PATH_MAX], real[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, room - 1);
    if (n <= 0)
        return NULL;
    self[n] = '\0';
    bool same = find_on_path(found, sizeof found) && realpath(found, real) != NULL &&
                strcmp(real, self) == 0;
    return same ? NULL : self;
}
