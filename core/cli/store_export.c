/* cli/store_export.c - weir store export: jobs in whole, one a line, page after page.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/answer.h"
#include "cli/api.h"
#include "cli/job_ask.h"
#include "cli/setup.h"
#include "cli/store.h"
#include "value/json.h"

enum { PAGE = 64, ANSWER_MAX = 64 << 20 };

/* Writes the jobs of PAGE; false: it can't be written. */
static bool
write_page(FILE *out, const struct weir_value *page)
{
    const struct weir_value *jobs = value_field(page, "jobs"), *job;
    struct buf line;
    struct weir_error err;
    buf_init(&line, ANSWER_MAX);
    bool good = true;
    for (size_t i = 0; good && (job = value_at(jobs, i)) != NULL; i++) {
        buf_reset(&line);
        good = json_write(&line, job, &err) == WEIR_OK && buf_putc(&line, '\n') &&
               fwrite(line.bytes, 1, line.len, out) == line.len;
    }
    buf_fini(&line);
    return good && fflush(out) == 0;
}

/* Asks for the page behind AFTER; what is larger than an answer may be comes in smaller ones.
 */
static int
ask_page(const struct args *a, const char *after, unsigned *limit,
         const struct weir_value **ret)
{
    struct buf path, out;
    struct weir_error err;
    unsigned status = 0;
    char number[16];
    *ret = NULL;
    buf_init(&path, 64u << 10);
    buf_init(&out, ANSWER_MAX + (1u << 20));
    (void)snprintf(number, sizeof number, "%u", *limit);
    (void)buf_puts(&path, "/api/v1/store/export");
    job_path_add(&path, "limit", number);
    job_path_add(&path, "state", args_text(a, "state"));
    job_path_add(&path, "pipeline", args_text(a, "pipeline"));
    job_path_add(&path, "since", args_text(a, "since"));
    job_path_add(&path, "after", *after ? after : NULL);
    int code = api_ask(a, "GET", path.bytes, NULL, &status, &out, NULL, NULL);
    if (code == EXIT_GOOD && status == 413 && *limit > 1) {
        *limit /= 2;
    } else if (code == EXIT_GOOD &&
               json_read(buf_content(&out), NULL, NULL, ret, &err) != WEIR_OK) {
        fprintf(stderr, "weir store: the answer of the server (%u) can't be read: %s\n", status,
                err.text);
        code = EXIT_WRONG;
    } else if (code == EXIT_GOOD && status >= 400) {
        struct weir_text detail = answer_member_text(*ret, "detail");
        fprintf(stderr, "weir store: %.*s\n", (int)detail.len, detail.bytes);
        value_unref(ret);
        code = status == 400 ? EXIT_USAGE : EXIT_WRONG;
    }
    buf_fini(&path);
    buf_fini(&out);
    return code;
}

static int
write_all(const struct args *a, FILE *out)
{
    char after[64] = "";
    unsigned limit = PAGE;
    for (bool more = true; more;) {
        const struct weir_value *page;
        int code = ask_page(a, after, &limit, &page);
        if (code != EXIT_GOOD)
            return code;
        if (page == NULL)
            continue;
        struct weir_text next = answer_member_text(page, "next");
        (void)snprintf(after, sizeof after, "%.*s", (int)next.len, next.bytes);
        more = next.len > 0;
        bool good = write_page(out, page);
        value_unref(&page);
        if (!good) {
            fprintf(stderr, "weir store: the jobs can't be written: %s\n", strerror(errno));
            return EXIT_WRONG;
        }
    }
    return EXIT_GOOD;
}

int
store_export(const struct args *a)
{
    const char *name = args_text(a, "output");
    if (name == NULL)
        return write_all(a, stdout);
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (out == NULL) {
        fprintf(stderr, "weir store: %s can't be made: %s\n", name, strerror(errno));
        return EXIT_WRONG;
    }
    int code = write_all(a, out);
    bool empty = code != EXIT_GOOD && ftell(out) == 0;
    if (empty)
        (void)unlink(name); /* nothing was read: the next try finds the name free */
    if (fclose(out) != 0 && code == EXIT_GOOD) {
        fprintf(stderr, "weir store: %s can't be written: %s\n", name, strerror(errno));
        code = EXIT_WRONG;
    }
    return code;
}
