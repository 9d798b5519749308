/* cli/test_play.c - each test in a process of its own. See test.h. SPDX-License-Identifier: Apache-2.0 */
#define _XOPEN_SOURCE 700
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/test.h"
#include "edge/route_tree.h"
#include "expr/template.h"
#include "value/json.h"

#define RESULT_MAX (256u << 20)
#define ENV_MAX (128u << 10) /* bytes of one value: more is not passed to any program either */

static const struct weir_value *
problem(const char *text)
{
    struct weir_builder *b = builder_map();
    builder_take(b, "problem", value_text(text));
    builder_take(b, "unplayed", value_ref(&value_true));
    return builder_end(&b);
}

/* In the process of a test, which ends if it can't be. */
static void
set_environment(const struct weir_value *env)
{
    struct weir_text key;
    const struct weir_value *v;
    for (size_t i = 0; env && value_member(env, i, &key, &v); i++) {
        struct buf value;
        struct weir_error err;
        char name[256];
        snprintf(name, sizeof name, "%.*s", (int)key.len, key.bytes);
        buf_init(&value, ENV_MAX);
        if (text_of_value(v, &value, &err) != WEIR_OK || setenv(name, buf_content(&value).bytes, 1) != 0) {
            fprintf(stderr, "weir test: env: %s can't be set to its value\n", name);
            _exit(EXIT_FAILURE);
        }
        buf_fini(&value);
    }
}

struct generation *
test_generation(const struct setup *s, const struct test_case *t, struct diags *d)
{
    const struct weir_value *with = value_field(t->file->document, "with");
    unsigned n = 1 + (with && value_type(with) == WEIR_LIST ? with->len : 0);
    char (*paths)[4096] = calloc(n, sizeof *paths);
    const char **list = calloc(n, sizeof *list);
    if (paths == NULL || list == NULL)
        abort();
    for (unsigned i = 0; i < n; i++) {
        struct weir_text name =
            value_as_text(i == 0 ? value_field(t->file->document, "pipeline") : value_at(with, i - 1));
        snprintf(paths[i], sizeof paths[i], "%s%.*s", t->file->folder, (int)name.len, name.bytes);
        list[i] = paths[i];
    }
    struct generation_source source = setup_source(s, list, n, &edge_routes_port);
    source.load.have_store = true;
    source.load.secrets = NULL; /* env: of the test, and nothing from files and afar */
    struct generation *g = generation_new(&source, d);
    free(list);
    free(paths);
    return g;
}

/* Reads all that the process tells. */
static const struct weir_value *
read_result(int fd)
{
    struct buf b;
    struct weir_error err;
    const struct weir_value *v = NULL;
    char piece[65536];
    buf_init(&b, RESULT_MAX);
    for (ssize_t n; (n = read(fd, piece, sizeof piece)) != 0;) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || buf_add(&b, piece, (size_t)n, NULL) != WEIR_OK)
            break;
    }
    if (json_read(buf_content(&b), NULL, NULL, &v, &err) != WEIR_OK)
        v = NULL;
    buf_fini(&b);
    return v;
}

/* One process; *RET_CUT: it ended as the test wants it to crash. */
static const struct weir_value *
play_once(const struct setup *s, const struct test_case *t, const struct weir_value *before, const char *folder, bool *ret_cut)
{
    int ends[2], status = 0;
    if (pipe(ends) != 0)
        return problem("no pipe can be had");
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        set_environment(value_field(t->file->document, "env"));
        set_environment(value_field(t->value, "env"));
        test_scene(s, t, before, folder, ends[1]);
    }
    close(ends[1]);
    const struct weir_value *v = pid > 0 ? read_result(ends[0]) : NULL;
    close(ends[0]);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    *ret_cut = WIFEXITED(status) && WEXITSTATUS(status) == TEST_CUT_EXIT;
    if (v)
        return v;
    char text[120];
    snprintf(text, sizeof text, "the process that played it ended with %s %d", WIFSIGNALED(status) ? "signal" : "status",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return problem(pid > 0 ? text : "no process can be had");
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

const struct weir_value *
test_play(const struct setup *s, const struct test_case *t)
{
    char folder[] = "/tmp/weir-test-XXXXXX";
    bool was_cut = false, again;
    if (mkdtemp(folder) == NULL)
        return problem("no folder can be made in /tmp");
    const struct weir_value *v = play_once(s, t, NULL, folder, &was_cut);
    if (was_cut) {
        const struct weir_value *before = v;
        v = play_once(s, t, before, folder, &again);
        value_unref(&before);
    } else if (value_field(t->value, "crash") && value_field(v, "problem") == NULL) {
        value_unref(&v);
        v = problem("crash: the step was not reached, so nothing was cut");
    }
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return v;
}
