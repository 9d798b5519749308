/* cli/setup.c - see setup.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/setup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/listening.h"
#include "cli/neighbour.h"
#include "edge/edge.h"
#include "pipeline/secrets_aws.h"
#include "value/json.h"

#define OUTPUT_MAX (256u << 20)

bool
colour_wanted(int fd)
{
    const char *no = getenv("NO_COLOR");
    const char *force = getenv("FORCE_COLOR");
    const char *term = getenv("TERM");
    if (no && *no)
        return false;
    if (force && *force)
        return true;
    return isatty(fd) && !(term && strcmp(term, "dumb") == 0);
}

void
print_value(const struct weir_value *v)
{
    struct buf b;
    struct weir_error err;
    buf_init(&b, OUTPUT_MAX);
    if (json_write_pretty(&b, v, &err) == WEIR_OK)
        printf("%s\n", b.bytes);
    else
        fprintf(stderr, "weir: %s\n", err.text);
    buf_fini(&b);
}

void
print_diags(struct diags *d, bool json)
{
    diags_sort(d);
    if (json) {
        const struct weir_value *v = diags_value(d);
        print_value(v);
        value_unref(&v);
        return;
    }
    struct buf b;
    buf_init(&b, OUTPUT_MAX);
    diags_text(d, colour_wanted(STDERR_FILENO), &b);
    fwrite(b.bytes, 1, b.len, stderr);
    buf_fini(&b);
}

char *
read_whole_file(const char *path, size_t max, size_t *ret_len)
{
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (f == NULL) {
        fprintf(stderr, "weir: %s: %s\n", path, strerror(errno));
        return NULL;
    }
    struct buf b;
    struct weir_error err = { 0 };
    buf_init(&b, max);
    char piece[16384];
    for (size_t n; err.code == WEIR_OK && (n = fread(piece, 1, sizeof piece, f)) > 0;)
        (void)buf_add(&b, piece, n, &err);
    bool failed = ferror(f);
    if (f != stdin)
        fclose(f);
    if (failed || err.code != WEIR_OK) {
        fprintf(stderr, "weir: %s: %s\n", path, failed ? "it can't be read" : err.text);
        buf_fini(&b);
        return NULL;
    }
    return buf_give(&b, ret_len);
}

/* A flag that stands for a setting: its name on the command line and its key. */
static const char *const flags[][2] = {
    { "edge", "edge.listen" }, { "admin", "admin.listen" }, { "shards", "shards" },
    { "log", "log.format" },   { "plugins", "plugins" },    { "store", "store.url" },
    { "lua", "lua.path" },
};

static bool
set_flags(struct settings *s, const struct args *a)
{
    struct weir_error err = { 0 };
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        const char *value = args_text(a, flags[i][0]);
        if (value && settings_set(s, flags[i][1], value, &err) != WEIR_OK) {
            fprintf(stderr, "weir: --%s: %s\n", flags[i][0], err.text);
            return false;
        }
    }
    if (args_given(a, "no-supervise") && settings_set(s, "supervise", "false", &err) != WEIR_OK)
        abort(); /* it is one of its values */
    const char *pair;
    for (unsigned i = 0; (pair = args_each(a, "set", i)) != NULL; i++) {
        const char *equals = strchr(pair, '=');
        char key[128];
        if (equals == NULL || (size_t)(equals - pair) >= sizeof key) {
            fprintf(stderr, "weir: --set %s: write --set KEY=VALUE\n", pair);
            return false;
        }
        memcpy(key, pair, (size_t)(equals - pair));
        key[equals - pair] = '\0';
        if (settings_set(s, key, equals + 1, &err) != WEIR_OK) {
            fprintf(stderr, "weir: --set %s: %s\n", pair, err.text);
            return false;
        }
    }
    return true;
}

/* The folder with the plugins: as set, else beside the binary, else where they are installed. */
static void
plugin_folder(const struct settings *s, char *ret, size_t room)
{
    const char *set = settings_text(s, "plugins");
    if (*set) {
        snprintf(ret, room, "%s", set);
        return;
    }
    neighbour("plugins", ret, room);
}

static void
refused(void *arg, const char *path, const struct weir_error *err)
{
    diags_add(arg, path, (struct mark){ 0 }, NULL, DIAG_PLUGIN_REFUSED, NULL, "%s", err->text);
}

/* Settings from the file, the environment and flags; NULL, after saying why, if a flag is wrong. */
static struct settings *
read_settings(const struct args *a, struct diags *d)
{
    struct settings *s = settings_new();
    const char *config = args_text(a, "config");
    if (config || access("weir.yaml", R_OK) == 0)
        settings_read(s, config ? config : "weir.yaml", d);
    settings_environment(s, d);
    if (!set_flags(s, a))
        settings_free(&s);
    if (s)
        listening_settings(s, true);
    return s;
}

const char *
setup_look_again(struct setup *s, struct diags *d)
{
    struct settings *fresh = read_settings(s->args, d);
    const char *key = fresh ? settings_changed(s->settings, fresh) : NULL;
    if (fresh && d->errors == 0)
        settings_check_resources(fresh, s->registry, d);
    if (fresh && d->errors == 0)
        settings_move_resources(s->settings, fresh);
    setup_secrets(s, d);
    settings_free(&fresh);
    return key;
}

/* What plugins are told of a setting; and where pipelines are read from. */
/* Texts and choices are for plugins, and of what is secret the addresses that are theirs. */
static bool
is_for_plugins(const struct setting_info *info)
{
    return strcmp(info->type, "text") == 0 || strchr(info->type, '|') != NULL || strcmp(info->key, "ws.redis") == 0;
}

static const char *
setting_for_plugins(void *arg, const char *key)
{
    const struct setup *s = arg;
    struct setting_info info;
    if (strcmp(key, "pipelines") == 0) {
        const char *word = s->args->n_words ? s->args->words[0] : NULL;
        return word && access(word, F_OK) == 0 ? word : "pipelines";
    }
    for (unsigned i = 0; settings_info(i, &info); i++)
        if (strcmp(info.key, key) == 0 && is_for_plugins(&info))
            return settings_text(s->settings, key);
    return NULL;
}

bool
setup_settings(struct setup *s, const struct args *a)
{
    s->args = a;
    s->registry = NULL;
    s->secrets = NULL;
    s->secrets_good = false;
    s->cache = NULL;
    s->cache_changed = false;
    s->exit = EXIT_USAGE;
    diags_init(&s->diags);
    s->settings = read_settings(a, &s->diags);
    return s->settings != NULL;
}

void
setup_plugins(struct setup *s)
{
    char folder[4096];
    struct weir_error err = { 0 };
    plugin_folder(s->settings, folder, sizeof folder);
    host_use_settings(setting_for_plugins, s);
    s->registry = registry_new(host_table());
    registry_reserve(s->registry, common_keys, n_common_keys);
    registry_load_folder(s->registry, folder, refused, &s->diags, &err);
    if (err.code != WEIR_OK)
        diags_add(&s->diags, folder, (struct mark){ 0 }, NULL, DIAG_PLUGIN_REFUSED,
                  "say where they are: --plugins FOLDER", "%s", err.text);
    const struct left_out *left;
    unsigned n = registry_left_out(s->registry, &left);
    for (unsigned i = 0; i < n; i++)
        if (!left[i].aside)
            diags_add(&s->diags, left[i].file, (struct mark){ 0 }, NULL, DIAG_TYPE_LEFT_OUT, NULL, "%s",
                      left[i].why);
}

bool
setup_begin(struct setup *s, const struct args *a)
{
    if (!setup_settings(s, a))
        return false;
    s->exit = EXIT_WRONG;
    setup_plugins(s);
    if (s->diags.errors == 0)
        settings_check_resources(s->settings, s->registry, &s->diags);
    if (s->diags.errors == 0)
        return true;
    print_diags(&s->diags, args_given(a, "json"));
    return false;
}

void
setup_end(struct setup *s)
{
    host_use_settings(NULL, NULL);
    registry_free(&s->registry);
    secrets_unref(&s->secrets);
    secrets_cache_free(&s->cache);
    settings_free(&s->settings);
    diags_fini(&s->diags);
}

bool
setup_has_store(const struct setup *s)
{
    const char *url = settings_text(s->settings, "store.url");
    return *url && strcmp(url, "none") != 0;
}

/* Whether somebody on another machine may reach the edge, as it is set up. */
static bool
is_public(const struct setup *s)
{
    static const char *const keys[] = { "edge.listen", "edge.tls.listen" };
    struct edge_addresses all = { .n = 0 };
    struct weir_error err;
    bool other = *settings_text(s->settings, "edge.public_url") != '\0';
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (edge_addresses_add(text_of(settings_text(s->settings, keys[i])), EDGE_PLAIN, &all, &err) != WEIR_OK)
            return other; /* who wants to listen there is told */
    for (unsigned i = 0; i < all.n; i++)
        other |= !edge_address_is_local(&all.items[i]);
    return other;
}

struct generation_source
setup_source(const struct setup *s, const char *const *paths, unsigned n, const struct routes_port *routes)
{
    static const char *const usual[] = { "pipelines" };
    return (struct generation_source){ .paths = n ? paths : usual,
                                       .n_paths = n ? n : 1,
                                       .load = { .registry = s->registry,
                                                 .have_store = setup_has_store(s),
                                                 .edge_public = is_public(s),
                                                 .resources = settings_resources(s->settings),
                                                 .secrets = s->secrets,
                                                 .require = settings_require(s->settings) },
                                       .routes = routes };
}
