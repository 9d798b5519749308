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
#include "cli/new_names.h"
#include "cli/setup.h"
#include "pipeline/load.h"
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
    bool made = f != NULL, good = made && fwrite(text.bytes, 1, text.len, f) == text.len;
    if (made)
        good = fclose(f) == 0 && good;
    if (!good)
        fprintf(stderr, "weir new: %s: %s\n", path, strerror(errno));
    if (made && !good)
        (void)unlink(path);
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

static const struct kind *
find_kind(const char *word)
{
    for (size_t i = 0; i < KINDS; i++)
        if (strcmp(kinds[i].word, word) == 0)
            return &kinds[i];
    fprintf(stderr, "weir new: what? pipeline, lua-node or plugin, not '%.60s'\n", word);
    return NULL;
}

/* A file that is to be written. */
struct made {
    struct buf path, text;
};

static void
make_files(const struct kind *k, const char *folder, const char *name, struct made *ret)
{
    for (unsigned i = 0; i < FILES; i++) {
        buf_init(&ret[i].path, 8192);
        buf_init(&ret[i].text, 64u << 20);
        if (k->files[i].path == NULL)
            continue;
        path_of(k, i, folder, name, &ret[i].path);
        put_named(&ret[i].text, k->files[i].text, name);
    }
}

static void
free_files(struct made *made)
{
    for (unsigned i = 0; i < FILES; i++) {
        buf_fini(&made[i].path);
        buf_fini(&made[i].text);
    }
}

/* The schema that the first line of a pipeline names, so that an editor knows the nodes; one
 * that is there is left alone. */
static void
make_schema(const struct setup *s, const char *folder, struct made *ret)
{
    struct weir_error err;
    if (strcmp(folder, ".") != 0)
        (void)buf_printf(&ret->path, "%s/", folder);
    (void)buf_puts(&ret->path, "schemas/pipeline.schema.json");
    if (access(ret->path.bytes, F_OK) == 0) {
        buf_reset(&ret->path);
        return;
    }
    const struct weir_value *v = pipeline_schema(s->registry);
    if (json_write_pretty(&ret->text, v, &err) != WEIR_OK || !buf_putc(&ret->text, '\n'))
        abort(); /* it has room for any schema */
    value_unref(&v);
}

/* Writes all of them, or leaves nothing of them behind. */
static bool
write_files(struct made *made)
{
    unsigned n = 0;
    while (n < FILES && (made[n].path.len == 0 ||
                         write_new(made[n].path.bytes, buf_content(&made[n].text))))
        n++;
    for (unsigned i = 0; i < n; i++)
        if (n == FILES && made[i].path.len > 0)
            printf("wrote %s\n", made[i].path.bytes);
        else if (made[i].path.len > 0)
            (void)unlink(made[i].path.bytes);
    return n == FILES;
}

/* Whether the pipeline passes weir check with what is there. */
static bool
passes(struct setup *s, const struct made *pipeline)
{
    struct generation_source source = setup_source(s, NULL, 0, NULL);
    struct pipeline *p = pipeline_load_text(pipeline->path.bytes,
                                            buf_content(&pipeline->text), &source.load,
                                            &s->diags);
    bool good = p != NULL;
    if (!good)
        print_diags(&s->diags, false);
    pipeline_free(&p);
    return good;
}

/* Writes what is asked for, with plugins and settings at hand. */
static int
write_kind(struct setup *s, const struct kind *k, const char *folder, const char *name)
{
    struct made made[FILES];
    bool pipeline = strcmp(k->word, "pipeline") == 0;
    if (!(pipeline ? new_pipeline_free(s, folder, name)
                   : new_type_free(s, folder, name, strcmp(k->word, "plugin") == 0)))
        return EXIT_USAGE;
    make_files(k, folder, name, made);
    bool good = !pipeline || passes(s, &made[0]);
    if (!good)
        fprintf(stderr, "weir new: nothing was written: it would not pass weir check here\n");
    if (good && pipeline)
        make_schema(s, folder, &made[FILES - 1]);
    good = good && write_files(made);
    free_files(made);
    return good ? EXIT_GOOD : EXIT_WRONG;
}

/* The same, of the project in FOLDER. */
static int
write_in(const struct args *a, const struct kind *k, const char *folder, const char *name)
{
    struct setup s;
    if (!all_free(k, folder, name))
        return EXIT_WRONG;
    int code = EXIT_GOOD;
    if (new_setup(&s, a, folder)) {
        code = write_kind(&s, k, folder, name);
    } else {
        code = s.exit;
        fprintf(stderr, "weir new: nothing was written\n");
    }
    setup_end(&s);
    return code;
}

/* What to do now. A weir that is not on the PATH is named to make. */
static void
print_next(const struct kind *k, const char *folder, const char *name)
{
    struct buf next;
    buf_init(&next, 8192);
    put_named(&next, k->next, name);
    printf("\nNext%s%s:\n", folder != NULL ? ", in " : "", folder != NULL ? folder : "");
    char self[4096];
    const char *weir = strcmp(k->word, "plugin") == 0 ? new_weir_off_path(self, sizeof self) : NULL;
    for (const char *at = next.bytes; *at;) {
        size_t len = strcspn(at, "\n");
        printf("%.*s", (int)len, at);
        if (weir != NULL)
            printf(" WEIR=%s", weir);
        printf("\n");
        at += len + (at[len] == '\n');
    }
    buf_fini(&next);
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
    if (strcmp(k->word, "lua-node") == 0 && !new_is_no_test(name))
        return EXIT_USAGE;
    int code = write_in(a, k, folder != NULL ? folder : ".", name);
    if (code == EXIT_GOOD)
        print_next(k, folder, name);
    return code;
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
        "A file that is there is never overwritten: then nothing is written at all, and neither if\n"
        "the name of a node is taken, or the pipeline would not pass weir check.\n",
    .examples = "  weir new pipeline orders\n  weir new lua-node clean_address\n"
                "  weir new plugin smtp --folder ~/plugins\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .max_words = 2,
    .words = "pipeline lua-node plugin",
    .exits = "0 good, 1 a file is there already or the project has mistakes, 2 used wrongly or a taken name",
    .run = run,
};
