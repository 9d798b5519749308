/* cli/test.c - weir test: the command. See test.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/test.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "value/json.h"

#define DIFF_MAX (1u << 20)
#define FILES_MAX 10000u

/* All that one run of the command does. */
struct testing {
    const struct args *args;
    struct setup *setup;
    struct test_outcome *all; /* owned */
    unsigned n, room, failed;
    unsigned others; /* whose name is another than the one that is wanted */
    bool broken; /* a file could not be read */
    struct test_cover *cover; /* NULL: not wanted */
    bool json, colour;
    const char *path; /* of the file of scripts at hand; NULL: it is none */
    char *text;       /* what is in it; owned */
    uint64_t from_ns; /* when its latest test began */
};

/* -- which files -- */

const char *const test_usual[TEST_USUAL] = { "pipelines", "lua" };

static char **found;
static unsigned n_found;
static const struct registry *testers;

static bool
ends_with(const char *path, const char *ending)
{
    size_t len = strlen(path), n = strlen(ending);
    return len >= n && strcmp(path + len - n, ending) == 0;
}

/* The plugin that runs tests such as PATH; NULL: none. */
static const struct tester *
tester_of(const char *path)
{
    const struct tester *const *all;
    unsigned n = testers ? registry_testers(testers, &all) : 0;
    for (unsigned i = 0; i < n; i++)
        if (ends_with(path, all[i]->abi.suffix))
            return all[i];
    return NULL;
}

static int
look_at(const char *path, const struct stat *st, int kind)
{
    (void)st;
    bool is = tester_of(path) || ends_with(path, ".test.yaml") || ends_with(path, ".test.yml");
    if (kind != FTW_F || !is || n_found == FILES_MAX)
        return 0;
    found = realloc(found, (n_found + 1) * sizeof *found);
    if (found == NULL || (found[n_found++] = strdup(path)) == NULL)
        abort();
    return 0;
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Finds the files of tests below PATHS; a file that is named is one whatever it is called. */
static void
find_files(const char *const *paths, unsigned n)
{
    const char *const *list = n ? paths : test_usual;
    for (unsigned i = 0; i < (n ? n : TEST_USUAL); i++)
        if (ftw(list[i], look_at, 16) != 0 && n > 0)
            fprintf(stderr, "weir test: %s: %s\n", list[i], strerror(errno));
    if (n_found > 0)
        qsort(found, n_found, sizeof *found, by_name);
}

static void
forget_files(void)
{
    while (n_found > 0)
        free(found[--n_found]);
    free(found);
    found = NULL;
}

/* -- playing them -- */

static struct test_outcome *
add_outcome(struct testing *t)
{
    if (t->n == t->room) {
        t->room = t->room ? 2 * t->room : 64;
        t->all = realloc(t->all, t->room * sizeof *t->all);
        if (t->all == NULL)
            abort();
    }
    return &t->all[t->n++];
}

static const char *
paint(const struct testing *t, const char *code)
{
    return t->colour ? code : "";
}

static void
print_lines(const char *text)
{
    for (const char *at = text; *at;) {
        size_t len = strcspn(at, "\n");
        printf("    %.*s\n", (int)len, at);
        at += len + (at[len] == '\n');
    }
}

/* The way that the run went, below a test that failed. */
static void
print_way(const struct testing *t, const struct weir_value *happened)
{
    const struct weir_value *id, *ended = value_field(happened, "ended");
    const char *before = "    the way it went: ";
    for (size_t i = 0; (id = value_at(ended, i)) != NULL; i++) {
        struct weir_text name = value_as_text(id);
        const struct weir_value *error = value_get(value_field(happened, "errors"), name.bytes, name.len);
        printf("%s%.*s", before, (int)name.len, name.bytes);
        if (error)
            printf(" %s(%.*s)%s", paint(t, "\033[31m"), (int)value_as_text(error).len, value_as_text(error).bytes,
                   paint(t, "\033[0m"));
        before = " > ";
    }
    printf("%s", before[0] == ' ' && before[1] == '>' ? "\n" : "");
}

/* Notes how a test of FILE went, and prints it. DIFF empty: well. LINE 0: not known. */
static void
report(struct testing *t, const char *file, struct weir_text name, unsigned line, const char *diff, double seconds)
{
    bool good = diff[0] == '\0';
    struct test_outcome *o = add_outcome(t);
    *o = (struct test_outcome){ .file = file, .line = line, .seconds = seconds };
    o->name = strndup(name.bytes, name.len);
    o->failure = good ? NULL : strdup(diff);
    t->failed += !good;
    if (t->json)
        return;
    printf("  %s%s%s %.*s\n", paint(t, good ? "\033[32m" : "\033[31m"), good ? "ok  " : "FAIL", paint(t, "\033[0m"),
           (int)name.len, name.bytes);
    if (!good && line > 0 && t->path == NULL) /* what a script says of itself has its line */
        printf("    %s:%u\n", file, line);
    print_lines(diff);
}

static bool
is_wanted(const struct testing *t, const struct test_case *c)
{
    const char *word = args_text(t->args, "name");
    return word == NULL || memmem(c->name.bytes, c->name.len, word, strlen(word)) != NULL;
}

static void
play_file(struct testing *t, const struct test_file *f)
{
    unsigned n = test_file_cases(f), failed_here = 0;
    bool *failed = calloc(n + 1, sizeof *failed);
    const struct weir_value **happened = calloc(n + 1, sizeof *happened);
    if (failed == NULL || happened == NULL)
        abort();
    if (!t->json)
        printf("%s\n", f->path);
    for (unsigned i = 0; i < n; i++) {
        struct test_case c;
        struct buf diff;
        test_file_case(f, i, &c);
        t->others += !is_wanted(t, &c);
        if (is_wanted(t, &c)) {
            uint64_t from = clock_mono_ns();
            buf_init(&diff, DIFF_MAX);
            happened[i] = test_play(t->setup, &c);
            failed[i] = test_compare(c.value, happened[i], &diff) > 0;
            failed_here += failed[i];
            report(t, f->path, c.name, c.line, diff.len > 0 ? diff.bytes : "", (double)(clock_mono_ns() - from) / 1e9);
            if (failed[i] && !t->json)
                print_way(t, happened[i]);
            if (t->cover) {
                char path[4200];
                struct weir_text name = value_as_text(value_field(f->document, "pipeline"));
                snprintf(path, sizeof path, "%s%.*s", f->folder, (int)name.len, name.bytes);
                test_cover_add(t->cover, t->setup, path, happened[i]);
            }
            buf_fini(&diff);
        }
        value_unref(&c.value);
    }
    if (failed_here > 0 && args_given(t->args, "update") && test_update(f, failed, happened) && !t->json)
        printf("  updated: %s\n", f->path);
    for (unsigned i = 0; i < n; i++)
        value_unref(&happened[i]);
    free(happened);
    free(failed);
}

/* The line of TEXT, a script, in which NAME stands in quotes for the first time; 0: in none. */
static unsigned
line_of_name(const char *text, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = text; at && (at = strstr(at, name)) != NULL; at++) {
        if (at == text || strchr("\"'", at[-1]) == NULL || at[len] != at[-1])
            continue;
        unsigned line = 1;
        for (const char *c = text; c < at; c++)
            line += *c == '\n';
        return line;
    }
    return 0;
}

/* A plugin tells of one test of a file of scripts. */
static void
script_tested(void *arg, const char *name, const char *failure)
{
    struct testing *t = arg;
    uint64_t now = clock_mono_ns();
    const char *word = args_text(t->args, "name");
    bool wanted = word == NULL || strstr(name, word);
    t->others += !wanted;
    if (wanted)
        report(t, t->path, text_of(name), line_of_name(t->text, name), failure ? failure : "",
               (double)(now - t->from_ns) / 1e9);
    t->from_ns = now;
}

static void
play_scripts(struct testing *t, const struct tester *tester, const char *path)
{
    struct weir_error err = { 0 };
    size_t len;
    t->path = path;
    t->text = read_whole_file(path, DIFF_MAX, &len);
    t->from_ns = clock_mono_ns();
    if (!t->json)
        printf("%s\n", path);
    if (tester->abi.run(path, script_tested, t, &err) != WEIR_OK)
        report(t, path, TEXT("(the file)"), 0, err.text, 0);
    value_unref(&err.detail);
    free(t->text);
    t->text = NULL;
    t->path = NULL;
}

static void
print_json(const struct testing *t)
{
    struct weir_builder *b = builder_map(), *list = builder_list();
    const struct weir_value *v;
    for (unsigned i = 0; i < t->n; i++) {
        struct weir_builder *one = builder_map();
        builder_take(one, "file", value_text(t->all[i].file));
        if (t->all[i].line > 0)
            builder_take(one, "line", value_int(t->all[i].line));
        builder_take(one, "name", value_text(t->all[i].name));
        builder_take(one, "passed", value_ref(t->all[i].failure ? &value_false : &value_true));
        if (t->all[i].failure)
            builder_take(one, "failure", value_text(t->all[i].failure));
        v = builder_end(&one);
        builder_add(list, &v);
    }
    builder_take(b, "tests", builder_end(&list));
    builder_take(b, "passed", value_int(t->n - t->failed));
    builder_take(b, "failed", value_int(t->failed));
    if (t->cover)
        builder_take(b, "coverage", test_cover_value(t->cover));
    v = builder_end(&b);
    print_value(v);
    value_unref(&v);
}

/* Plays all tests there are. Returns what the command ends with. */
static int
play_all(const struct args *a, struct setup *s)
{
    struct testing t = { .args = a, .setup = s, .json = args_given(a, "json"), .colour = colour_wanted(STDOUT_FILENO) };
    if (args_given(a, "coverage"))
        t.cover = test_cover_new();
    testers = s->registry;
    find_files(a->words, a->n_words);
    struct test_file *files = calloc(n_found + 1, sizeof *files);
    if (files == NULL)
        abort();
    for (unsigned i = 0; i < n_found; i++) {
        const struct tester *tester = tester_of(found[i]);
        if (tester)
            play_scripts(&t, tester, found[i]);
        else if (test_file_read(&files[i], found[i]))
            play_file(&t, &files[i]);
        else
            t.broken = true;
    }
    if (t.json)
        print_json(&t);
    else if (t.n > 0)
        printf("%s%u passed%s, %u failed\n", paint(&t, t.failed ? "" : "\033[32m"), t.n - t.failed, paint(&t, "\033[0m"), t.failed);
    else if (t.others > 0)
        fprintf(stderr, "weir test: of the %u tests here none has '%.100s' in its name\n", t.others, args_text(a, "name"));
    else if (!t.broken)
        fprintf(stderr, "weir test: there are no tests here; they stand in files such as orders.test.yaml, slugify_test.lua\n");
    if (t.cover && !t.json)
        test_cover_print(t.cover);
    bool good = args_text(a, "junit") == NULL || test_junit(args_text(a, "junit"), t.all, t.n);
    int code = t.broken || t.failed > 0 || t.n == 0 || !good ? EXIT_WRONG : EXIT_GOOD;
    for (unsigned i = 0; i < t.n; i++) {
        free(t.all[i].name);
        free(t.all[i].failure);
    }
    for (unsigned i = 0; i < n_found; i++)
        test_file_free(&files[i]);
    free(files);
    free(t.all);
    if (t.cover)
        test_cover_free(&t.cover);
    forget_files();
    return code;
}

static int
run(const struct args *a)
{
    if (a->n_words > 0 && strcmp(a->words[0], "record") == 0)
        return test_record(a);
    struct setup s;
    int code = EXIT_WRONG;
    if (!setup_begin(&s, a))
        code = s.exit;
    else
        code = args_given(a, "watch") ? test_watch(a, &s, play_all) : play_all(a, &s);
    setup_end(&s);
    return code;
}

static const struct option options[] = {
    { 'n', "name", "WORD", "only tests whose name has WORD" },
    { 'w', "watch", NULL, "play them again whenever a file changes" },
    { 'u', "update", NULL, "write what happened into the expectations of those that fail" },
    { 0, "coverage", NULL, "list the blocks that no test entered" },
    { 0, "junit", "FILE", "write a report for CI servers to FILE" },
    { 0, "show-log", NULL, "show what the runs write to the log" },
    { 0, "json", NULL, "print all as JSON" },
    SETUP_OPTIONS,
    API_REACH_OPTIONS,
};

const struct command command_test = {
    .name = "test",
    .summary = "play the tests of pipelines and scripts, with nothing outside in reach",
    .usage = "[PATH]... [--name WORD] [--watch] [--update] [--coverage] [--junit FILE] [--json]\n"
             "       weir test record JOB",
    .description =
        "Plays the tests in *.test.yaml and *_test.lua below the paths (pipelines/ and lua/). Of pipelines each runs\n"
        "in a process of its own: mocks answer in place of upstreams, and the clock stands, so that retries, delays\n"
        "and waits take no time. docs/testing.md and docs/lua.md say what a test may have.\n\n"
        "A test that fails shows what was expected (-) and what happened (+), and the way the run went.\n\n"
        "record prints a file with one test, made of a job of a running weir.\n",
    .examples = "  weir test\n"
                "  weir test pipelines/orders.test.yaml --name retry --watch\n"
                "  weir test --coverage --junit report.xml\n"
                "  weir test record 01890a5d-ac96-774b-bcce-b302099a8057 > pipelines/orders.test.yaml\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .max_words = 1000,
    .exits = "0 all passed, 1 a test failed or can't be played, 2 used wrongly, 3 no weir answers (record)",
    .run = run,
};
