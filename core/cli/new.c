/* cli/new.c - weir new: a working start for a pipeline, a Lua node, a plugin.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/new_files.h"
#include "cli/setup.h"
#include "pipeline/model.h"
#include "pipeline/schemas.h"
#include "value/json.h"

#define FILES 6u
#define NAME "@NAME@"

/* What is written for a kind of thing; @NAME@ in paths too. */
static const struct kind {
    const char *word;
    struct {
        const char *path;
        const char *text;
    } files[FILES];
    const char *next; /* what to do now */
} kinds[] = {
    { "pipeline",
      { { "pipelines/@NAME@.yaml", pipeline_yaml },
        { "pipelines/@NAME@.test.yaml", pipeline_test_yaml } },
      "  weir check pipelines/@NAME@.yaml\n"
      "  weir test pipelines/@NAME@.test.yaml\n"
      "  echo '{\"path\": \"/@NAME@\", \"body\": {\"name\": \"Ada\"}}' | weir try "
      "pipelines/@NAME@.yaml --event -\n"
      "  weir graph pipelines/@NAME@.yaml\n"
      "  weir run pipelines\n" },
    { "lua-node",
      { { "lua/nodes/@NAME@.lua", lua_node }, { "lua/nodes/@NAME@_test.lua", lua_node_test } },
      "  weir test lua/nodes/@NAME@_test.lua\n"
      "  weir nodes @NAME@\n" },
    { "plugin",
      { { "plugins/@NAME@/@NAME@.c", plugin_c },
        { "plugins/@NAME@/Makefile", plugin_makefile },
        { "plugins/@NAME@/README.md", plugin_readme },
        { "plugins/@NAME@/example.yaml", plugin_example },
        { "plugins/@NAME@/event.json", plugin_event } },
      "  make -C plugins/@NAME@\n"
      "  make -C plugins/@NAME@ test\n" },
};
#define KINDS (sizeof kinds / sizeof *kinds)

/* TEXT with the name in its places. */
static void
put_named(struct buf *b, const char *text, const char *name)
{
    const char *at;
    while ((at = strstr(text, NAME)) != NULL) {
        (void)buf_text(b, (struct weir_text){ text, (size_t)(at - text) });
        (void)buf_puts(b, name);
        text = at + sizeof NAME - 1;
    }
    (void)buf_puts(b, text);
}

/* Makes the folders above PATH. */
static bool
make_folders(const char *path)
{
    char part[4096];
    for (const char *slash = path; (slash = strchr(slash + 1, '/')) != NULL;) {
        (void)snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
        if (mkdir(part, 0777) != 0 && errno != EEXIST) {
            fprintf(stderr, "weir new: %s: %s\n", part, strerror(errno));
            return false;
        }
    }
    return true;
}

static bool
write_new(const char *path, struct weir_text text)
{
    FILE *f = make_folders(path) ? fopen(path, "wx") : NULL;
    bool good = f != NULL && fwrite(text.bytes, 1, text.len, f) == text.len;
    if (f != NULL)
        good = fclose(f) == 0 && good;
    if (!good)
        fprintf(stderr, "weir new: %s: %s\n", path, strerror(errno));
    else
        printf("wrote %s\n", path);
    return good;
}

/* The path of file number I of a kind. */
static void
path_of(const struct kind *k, unsigned i, const char *folder, const char *name, struct buf *ret)
{
    if (strcmp(folder, ".") != 0)
        (void)buf_printf(ret, "%s/", folder);
    put_named(ret, k->files[i].path, name);
}

/* Whether none of the files is there; says which one is. */
static bool
all_free(const struct kind *k, const char *folder, const char *name)
{
    bool good = true;
    for (unsigned i = 0; i < FILES && k->files[i].path != NULL; i++) {
        struct buf path;
        buf_init(&path, 8192);
        path_of(k, i, folder, name, &path);
        if (access(path.bytes, F_OK) == 0) {
            fprintf(stderr, "weir new: %s is there already; nothing was written\n", path.bytes);
            good = false;
        }
        buf_fini(&path);
    }
    return good;
}

/* The schema that the first line of a pipeline names, so that an editor knows the nodes; one
 * that is there is left alone. */
static bool
write_schema(const struct args *a, const char *folder)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s%sschemas/pipeline.schema.json",
                   strcmp(folder, ".") == 0 ? "" : folder, strcmp(folder, ".") == 0 ? "" : "/");
    if (access(path, F_OK) == 0)
        return true;
    struct setup s;
    bool good = setup_begin(&s, a);
    if (good) {
        struct buf b;
        struct weir_error err;
        buf_init(&b, 64u << 20);
        const struct weir_value *v = pipeline_schema(s.registry);
        good = json_write_pretty(&b, v, &err) == WEIR_OK && buf_putc(&b, '\n') &&
               write_new(path, buf_content(&b));
        value_unref(&v);
        buf_fini(&b);
    }
    setup_end(&s);
    return good;
}

static const struct kind *
find_kind(const char *word)
{
    for (size_t i = 0; i < KINDS; i++)
        if (strcmp(kinds[i].word, word) == 0)
            return &kinds[i];
    fprintf(stderr, "weir new: what? pipeline, lua-node or plugin, not '%.60s'\n", word);
    return NULL;
}

static bool
write_kind(const struct args *a, const struct kind *k, const char *folder, const char *name)
{
    bool good = all_free(k, folder, name);
    for (unsigned i = 0; good && i < FILES && k->files[i].path != NULL; i++) {
        struct buf path, text;
        buf_init(&path, 8192);
        buf_init(&text, 65536);
        path_of(k, i, folder, name, &path);
        put_named(&text, k->files[i].text, name);
        good = write_new(path.bytes, buf_content(&text));
        buf_fini(&text);
        buf_fini(&path);
    }
    return good && (strcmp(k->word, "pipeline") != 0 || write_schema(a, folder));
}

static int
run(const struct args *a)
{
    const char *folder = args_text(a, "folder");
    if (a->n_words != 2) {
        fprintf(stderr, "weir new: which kind, and which name? weir new pipeline orders\n");
        return EXIT_USAGE;
    }
    const struct kind *k = find_kind(a->words[0]);
    const char *name = a->words[1];
    if (k == NULL)
        return EXIT_USAGE;
    bool pipeline = strcmp(k->word, "pipeline") == 0;
    if (!(pipeline ? pipeline_name_valid(text_of(name)) : node_id_valid(text_of(name)))) {
        fprintf(stderr,
                "weir new: a name is a-z, 0-9, _%s and begins with a letter, not '%.80s'\n",
                pipeline ? ", -" : "", name);
        return EXIT_USAGE;
    }
    if (!write_kind(a, k, folder != NULL ? folder : ".", name))
        return EXIT_WRONG;
    struct buf next;
    buf_init(&next, 8192);
    put_named(&next, k->next, name);
    printf("\nNext%s%s:\n%s", folder != NULL ? ", in " : "", folder != NULL ? folder : "",
           next.bytes);
    buf_fini(&next);
    return EXIT_GOOD;
}

static const struct option options[] = {
    { 'C', "folder", "FOLDER", "write below FOLDER (default: here)" },
    SETUP_OPTIONS,
};

const struct command command_new = {
    .name = "new",
    .summary = "write a working start for a pipeline, a Lua node or a plugin",
    .usage = "pipeline|lua-node|plugin NAME [--folder FOLDER]",
    .description =
        "Writes files that work as they are, with a test, and says what to do next:\n\n"
        "    pipeline   pipelines/NAME.yaml and NAME.test.yaml, and the schema for editors, if "
        "it\n"
        "               is not there\n"
        "    lua-node   lua/nodes/NAME.lua and NAME_test.lua\n"
        "    plugin     plugins/NAME with NAME.c, a Makefile, an example and its event\n\n"
        "A file that is there is never overwritten: then nothing is written at all.\n",
    .examples = "  weir new pipeline orders\n  weir new lua-node clean_address\n"
                "  weir new plugin smtp --folder ~/plugins\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .max_words = 2,
    .words = "pipeline lua-node plugin",
    .exits = "0 good, 1 a file is there already or can't be written, 2 used wrongly",
    .run = run,
};
