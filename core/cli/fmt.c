/* cli/fmt.c - weir fmt: pipelines in one layout.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "author/fmt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "author/diff.h"
#include "cli/commands.h"
#include "cli/setup.h"
#include "pipeline/load.h"
#include "pipeline/yaml.h"

#define LAID_OUT_MAX (16u * YAML_MAX) /* deep nesting makes a text grow */

/* What came of all files. */
struct count {
    unsigned files;
    unsigned changed;
    unsigned refused;
};

/* Writes TEXT beside PATH and puts it in its place, so that no reader sees half of it. */
static bool
replace_file(const char *path, struct weir_text text)
{
    char fresh[4096], real[4096];
    struct stat s;
    if (realpath(path, real) == NULL || stat(real, &s) != 0)
        return false;
    if (snprintf(fresh, sizeof fresh, "%s.fmt.XXXXXX", real) >= (int)sizeof fresh)
        return false;
    int fd = mkstemp(fresh);
    if (fd < 0)
        return false;
    bool good = fchmod(fd, s.st_mode & 07777) == 0;
    while (good && text.len > 0) {
        ssize_t n = write(fd, text.bytes, text.len);
        good = n > 0 || (n < 0 && errno == EINTR);
        if (n > 0)
            text = (struct weir_text){ text.bytes + n, text.len - (size_t)n };
    }
    good = close(fd) == 0 && good && rename(fresh, real) == 0;
    if (!good)
        (void)unlink(fresh);
    return good;
}

/* What is to be done with the text of one file that was laid out as FRESH. */
static void
finish(const struct args *a, const char *path, struct weir_text text, struct weir_text fresh,
       struct count *c)
{
    bool input = strcmp(path, "-") == 0, differs = !text_equal(text, fresh);
    bool check = args_given(a, "check"), diff = args_given(a, "diff");
    c->changed += differs;
    if (diff) {
        struct buf out;
        buf_init(&out, 2 * LAID_OUT_MAX);
        diff_text(text, fresh, input ? "standard input" : path, colour_wanted(STDOUT_FILENO),
                  &out);
        fwrite(out.bytes, 1, out.len, stdout);
        buf_fini(&out);
    } else if (input && !check) {
        fwrite(fresh.bytes, 1, fresh.len, stdout);
    } else if (differs) {
        printf("%s\n", input ? "standard input" : path);
    }
    if (differs && !input && !check && !diff && !replace_file(path, fresh)) {
        fprintf(stderr, "weir fmt: %s: %s\n", path, strerror(errno));
        c->refused++;
    }
}

static void
format_one(const struct args *a, const char *path, struct count *c)
{
    size_t len = 0;
    struct weir_error err = { 0 };
    char *text = read_whole_file(path, YAML_MAX, &len);
    c->files++;
    if (text == NULL) {
        c->refused++;
        return;
    }
    struct diags d;
    struct buf fresh;
    diags_init(&d);
    buf_init(&fresh, LAID_OUT_MAX);
    struct weir_text given = { text, len };
    enum weir_code code =
        fmt_text(strcmp(path, "-") == 0 ? "standard input" : path, given, &fresh, &d, &err);
    if (code == WEIR_OK)
        finish(a, path, given, buf_content(&fresh), c);
    else if (d.n > 0)
        print_diags(&d, false);
    else
        fprintf(stderr, "weir fmt: %s: %s\n", path, err.text);
    c->refused += code != WEIR_OK;
    buf_fini(&fresh);
    diags_fini(&d);
    free(text);
}

static int
run(const struct args *a)
{
    static const char *const usual[] = { "pipelines" };
    struct count c = { 0 };
    bool look = args_given(a, "check") || args_given(a, "diff");
    bool input = a->n_words == 1 && strcmp(a->words[0], "-") == 0;
    if (input) {
        format_one(a, "-", &c);
    } else {
        char **files;
        unsigned n;
        struct diags d;
        diags_init(&d);
        load_find_all(a->n_words ? a->words : usual, a->n_words ? a->n_words : 1, &files, &n,
                      &d);
        c.refused += d.errors;
        if (d.n > 0)
            print_diags(&d, false);
        for (unsigned i = 0; i < n; i++)
            format_one(a, files[i], &c);
        load_find_free(&files, n);
        diags_fini(&d);
    }
    if (!input)
        fprintf(stderr, "%u file%s, %u %s\n", c.files, c.files == 1 ? "" : "s", c.changed,
                look ? "to be formatted" : "formatted anew");
    return c.refused > 0 || (look && c.changed > 0) ? EXIT_WRONG : EXIT_GOOD;
}

static const struct option options[] = {
    { 0, "check", NULL, "change nothing; name the files that would change, and exit with 1" },
    { 0, "diff", NULL,
      "change nothing; show what would change, and exit with 1 if anything does" },
};

const struct command command_fmt = {
    .name = "fmt",
    .summary = "lay pipelines out in the one usual way",
    .usage = "[FILE|FOLDER ...|-]",
    .description = "Rewrites files (default: all *.yaml and *.yml of the folder pipelines, "
                   "tests and settings\n"
                   "too) with one indentation, one spacing and no superfluous empty lines, and "
                   "prints the\n"
                   "names of those that it changed. With - it reads standard input and writes "
                   "standard output.\n\n"
                   "A map in braces whose opening brace ends its line becomes a block; other "
                   "brackets keep\n"
                   "their line breaks. The order of keys, texts, quotes and comments stay as "
                   "they are. The\n"
                   "result is read again before it is written: a file whose meaning would "
                   "change is refused.\n",
    .examples = "  weir fmt\n  weir fmt --check pipelines tests\n  weir fmt --diff "
                "pipelines/orders.yaml\n"
                "  weir fmt - < draft.yaml\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .max_words = 1000,
    .exits = "0 good, 1 a file is wrong, or would change (--check, --diff), 2 used wrongly",
    .run = run,
};
