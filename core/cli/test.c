/* cli/test.c - weir test: tests that are written in a plugin's own language, file by file.
 * SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/commands.h"
#include "cli/setup.h"

#define DEPTH_MAX 16u

/* What was run so far. */
struct testing {
    const struct registry *registry;
    const char *only; /* part of a test's name; NULL: all */
    const char *path; /* of the file at hand */
    struct weir_builder *json; /* NULL: as text */
    unsigned files;
    unsigned tests;
    unsigned failed;
    bool quiet;
};

static void
note_json(struct testing *t, const char *name, const char *failure)
{
    struct weir_builder *b = builder_map();
    const struct weir_value *v = value_text(t->path);
    builder_set(b, "file", 4, &v);
    v = value_text(name);
    builder_set(b, "test", 4, &v);
    v = failure ? value_text(failure) : value_ref(&value_null);
    builder_set(b, "failure", 7, &v);
    v = builder_end(&b);
    builder_add(t->json, &v);
}

static void
tested(void *arg, const char *name, const char *failure)
{
    struct testing *t = arg;
    t->tests++;
    t->failed += failure != NULL;
    if (t->json) {
        note_json(t, name, failure);
        return;
    }
    if (failure == NULL && t->quiet)
        return;
    printf("%s %s: %s\n", failure ? "FAILED" : "ok    ", t->path, name);
    for (const char *at = failure; at && *at; at += strcspn(at, "\n") + (strchr(at, '\n') != NULL))
        printf("         %.*s\n", (int)strcspn(at, "\n"), at);
}

/* The tester whose files end as PATH does; NULL: none. */
static const struct tester *
find_tester(const struct testing *t, const char *path)
{
    const struct tester *const *all;
    unsigned n = registry_testers(t->registry, &all);
    size_t len = strlen(path);
    for (unsigned i = 0; i < n; i++) {
        size_t tail = strlen(all[i]->abi.suffix);
        if (len > tail && strcmp(path + len - tail, all[i]->abi.suffix) == 0)
            return all[i];
    }
    return NULL;
}

static void
test_file(struct testing *t, const struct tester *tester, const char *path)
{
    struct weir_error err = { 0 };
    t->path = path;
    t->files++;
    if (tester->abi.run(path, tested, t, &err) != WEIR_OK)
        tested(t, "(the file)", err.text);
    value_unref(&err.detail);
}

static int
is_shown(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

static void
test_folder(struct testing *t, const char *folder, unsigned depth)
{
    struct dirent **found;
    int n = scandir(folder, &found, is_shown, alphasort);
    for (int i = 0; i < n; i++) {
        char path[4096];
        struct stat s;
        int len = snprintf(path, sizeof path, "%s/%s", folder, found[i]->d_name);
        free(found[i]);
        if (len >= (int)sizeof path || stat(path, &s) != 0)
            continue;
        const struct tester *tester = find_tester(t, path);
        if (S_ISDIR(s.st_mode) && depth < DEPTH_MAX)
            test_folder(t, path, depth + 1);
        else if (S_ISREG(s.st_mode) && tester)
            test_file(t, tester, path);
    }
    if (n >= 0)
        free(found);
}

/* Runs what stands at a path of the command line; false if that is nothing to run. */
static bool
test_path(struct testing *t, const char *word)
{
    struct stat s;
    char path[4096];
    snprintf(path, sizeof path, "%s", word);
    for (size_t len = strlen(path); len > 1 && path[len - 1] == '/';)
        path[--len] = '\0';
    if (stat(path, &s) != 0) {
        fprintf(stderr, "weir test: there is no %s\n", path);
        return false;
    }
    if (S_ISDIR(s.st_mode)) {
        test_folder(t, path, 0);
        return true;
    }
    const struct tester *tester = find_tester(t, path);
    if (tester == NULL) {
        fprintf(stderr, "weir test: no plugin runs tests such as %s\n", path);
        return false;
    }
    test_file(t, tester, path);
    return true;
}

static int
finish(struct testing *t)
{
    if (t->json) {
        const struct weir_value *all = builder_end(&t->json);
        print_value(all);
        value_unref(&all);
    } else if (t->failed) {
        printf("\n%u of %u tests failed\n", t->failed, t->tests);
    } else {
        printf("%u test%s in %u file%s, none failed\n", t->tests, t->tests == 1 ? "" : "s", t->files,
               t->files == 1 ? "" : "s");
    }
    return t->failed ? EXIT_WRONG : EXIT_GOOD;
}

static int
run(const struct args *a)
{
    static const char *const usual[] = { "lua" };
    struct setup s;
    if (!setup_begin(&s, a)) {
        setup_end(&s);
        return s.exit;
    }
    struct testing t = { .registry = s.registry, .quiet = args_given(a, "quiet") };
    t.json = args_given(a, "json") ? builder_list() : NULL;
    const char *const *words = a->n_words ? a->words : usual;
    bool good = true;
    for (unsigned i = 0; i < (a->n_words ? a->n_words : 1) && good; i++)
        good = test_path(&t, words[i]);
    int code = good ? finish(&t) : EXIT_USAGE;
    builder_free(&t.json);
    setup_end(&s);
    return code;
}

static const struct option options[] = {
    { 0, "json", NULL, "a list of { file, test, failure } to standard output" },
    { 'q', "quiet", NULL, "show only what fails" },
    SETUP_OPTIONS,
};

const struct command command_test = {
    .name = "test",
    .summary = "run the tests of scripts",
    .usage = "[FILE|FOLDER ...]",
    .description = "Runs tests that stand beside what they test, without a server and without a network\n"
                   "(default: the folder lua). Plugins say which files are tests and run them: those of Lua\n"
                   "end in _test.lua; docs/lua.md says how they are written.\n",
    .examples = "  weir test\n  weir test lua/nodes/slugify_test.lua\n  weir test --json lua/\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .max_words = 100,
    .exits = "0 all passed, 1 something failed, 2 used wrongly",
    .run = run,
};
