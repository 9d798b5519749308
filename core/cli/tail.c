/* cli/tail.c - weir tail: runs of a running weir as they happen. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/encode.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/setup.h"
#include "value/json.h"

/* The lines of an event stream, put together from pieces. */
struct lines {
    struct buf rest;
    bool json;
    bool colour;
    unsigned left; /* runs that are still to be shown; 0: no bound */
    bool bounded;
};

static struct weir_text
text_field(const struct weir_value *v, const char *key)
{
    const struct weir_value *f = value_field(v, key);
    return f ? value_as_text(f) : (struct weir_text){ "", 0 };
}

static void
print_people(const struct lines *l, const struct weir_value *v)
{
    struct weir_text event = text_field(v, "event"), run = text_field(v, "run");
    struct weir_text pipeline = text_field(v, "pipeline"), time = text_field(v, "time");
    struct weir_text error = text_field(v, "error"), code = text_field(v, "code");
    const struct weir_value *ms = value_field(v, "duration_ms");
    const char *red = l->colour && code.len ? "\033[31m" : "", *off = l->colour && code.len ? "\033[0m" : "";
    size_t skip = time.len > 12 ? 11 : 0;
    printf("%.*s %.8s %s%-12.*s ", (int)(time.len - skip), time.bytes + skip, run.len >= 8 ? run.bytes + run.len - 8 : "",
           red, (int)event.len, event.bytes);
    if (text_is(event, "run.started")) {
        struct weir_text method = text_field(v, "method"), path = text_field(v, "path");
        printf("%.*s  %.*s %.*s", (int)pipeline.len, pipeline.bytes, (int)method.len, method.bytes, (int)path.len,
               path.bytes);
    } else if (text_is(event, "node.ended")) {
        struct weir_text node = text_field(v, "node"), type = text_field(v, "type");
        printf("%.*s  %.*s (%.*s) %.2f ms", (int)pipeline.len, pipeline.bytes, (int)node.len, node.bytes, (int)type.len,
               type.bytes, ms ? ms->number : 0);
    } else {
        struct weir_text outcome = text_field(v, "outcome");
        const struct weir_value *status = value_field(v, "status");
        printf("%.*s  %.*s %d %.2f ms", (int)pipeline.len, pipeline.bytes, (int)outcome.len, outcome.bytes,
               status ? (int)status->integer : 0, ms ? ms->number : 0);
    }
    if (code.len)
        printf("  %.*s: %.*s", (int)code.len, code.bytes, (int)error.len, error.bytes);
    printf("%s\n", off);
}

/* One line of the stream; false when enough was shown. */
static bool
take_line(struct lines *l, struct weir_text line)
{
    if (line.len < 6 || memcmp(line.bytes, "data: ", 6) != 0)
        return true;
    struct weir_text data = { line.bytes + 6, line.len - 6 };
    const struct weir_value *v = NULL;
    struct weir_error err = { 0 };
    if (json_read(data, NULL, NULL, &v, &err) != WEIR_OK)
        return true;
    if (l->json)
        printf("%.*s\n", (int)data.len, data.bytes);
    else
        print_people(l, v);
    fflush(stdout);
    bool ended = text_is(text_field(v, "event"), "run.ended");
    value_unref(&v);
    return !(l->bounded && ended && --l->left == 0);
}

static bool
take_piece(void *arg, struct weir_text bytes)
{
    struct lines *l = arg;
    if (!buf_text(&l->rest, bytes))
        buf_reset(&l->rest);
    for (char *end; (end = memchr(l->rest.bytes, '\n', l->rest.len)) != NULL;) {
        struct weir_text line = { l->rest.bytes, (size_t)(end - l->rest.bytes) };
        if (!take_line(l, line))
            return false;
        buf_shift(&l->rest, line.len + 1);
    }
    return true;
}

static void
add_filter(const struct args *a, struct buf *path, const char *name)
{
    const char *value = args_text(a, name);
    if (value == NULL)
        return;
    (void)buf_printf(path, "%c%s=", strchr(path->bytes, '?') ? '&' : '?', name);
    (void)url_encode(path, text_of(value));
}

static int
run(const struct args *a)
{
    struct buf path, error;
    unsigned status = 0;
    const char *count = args_text(a, "count");
    struct lines l = { .json = args_given(a, "json"),
                       .colour = colour_wanted(STDOUT_FILENO),
                       .bounded = count != NULL,
                       .left = count ? (unsigned)strtoul(count, NULL, 10) : 0 };
    if (count && l.left == 0) {
        fprintf(stderr, "weir tail: --count takes a number from 1\n");
        return EXIT_USAGE;
    }
    buf_init(&path, 8192);
    buf_init(&error, 1u << 20);
    buf_init(&l.rest, 1u << 20);
    (void)buf_puts(&path, "/api/v1/events");
    add_filter(a, &path, "pipeline");
    add_filter(a, &path, "event");
    add_filter(a, &path, "outcome");
    int code = api_ask(a, "GET", path.bytes, NULL, &status, &error, take_piece, &l);
    if (code == EXIT_GOOD && status >= 400) {
        fprintf(stderr, "weir tail: the server answered %u\n", status);
        code = EXIT_WRONG;
    }
    buf_fini(&path);
    buf_fini(&error);
    buf_fini(&l.rest);
    return code;
}

static const struct option options[] = {
    { 'p', "pipeline", "NAME", "only runs of this pipeline" },
    { 0, "event", "NAME", "only this kind: run.started, node.ended, run.ended" },
    { 0, "outcome", "NAME", "only ends with this outcome: completed, failed, cancelled" },
    { 'n', "count", "N", "end after N runs have ended" },
    { 0, "json", NULL, "one JSON object a line" },
    API_OPTIONS,
};

const struct command command_tail = {
    .name = "tail",
    .summary = "show runs of a running weir as they happen",
    .usage = "[--pipeline NAME] [--event NAME] [--outcome NAME] [--count N] [--json]",
    .description = "Shows the start of each run, each node with its time, and the end of each run, until it\n"
                   "is interrupted or weir ends. Watching costs a run little, and not watching costs it\n"
                   "nothing; a reader that is too slow misses events. Secrets are masked.\n\n"
                   "With --json each line is one object: { event, time, run, pipeline, ... }, with method\n"
                   "and path (run.started), node, type, attempt, input, output (node.ended), outcome and\n"
                   "status (run.ended), duration_ms, and code and error of what failed.\n",
    .exits = "0 ended, 1 refused by the server, 2 used wrongly, 3 no weir answers",
    .examples = "  weir tail\n  weir tail --pipeline orders --outcome failed --json\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .run = run,
};
