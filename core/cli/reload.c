/* cli/reload.c - weir reload and weir drain: what a running weir is told to do.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "cli/api.h"
#include "cli/commands.h"
#include "cli/setup.h"
#include "value/json.h"

/* Prints the answer of the server: as it is, or the sentence in it. */
static int
print_answer(const struct args *a, unsigned status, const struct buf *out)
{
    const struct weir_value *v = NULL;
    struct weir_error err = { 0 };
    bool good = status < 400;
    if (args_given(a, "json")) {
        printf("%s\n", out->bytes);
    } else if (json_read(buf_content(out), NULL, NULL, &v, &err) == WEIR_OK) {
        const struct weir_value *text = value_field(v, "text");
        const struct weir_value *message = value_field(v, good ? "message" : "detail");
        if (text)
            fprintf(stderr, "%.*s", (int)text->len, text->bytes);
        if (message)
            fprintf(good ? stdout : stderr, "%.*s\n", (int)message->len, message->bytes);
    } else {
        fprintf(stderr, "weir: the server answered %u\n", status);
    }
    value_unref(&v);
    return good ? EXIT_GOOD : EXIT_WRONG;
}

static int
post(const struct args *a, const char *path)
{
    struct buf out;
    unsigned status = 0;
    buf_init(&out, 64u << 20);
    int code = api_ask(a, "POST", path, NULL, &status, &out, NULL, NULL);
    if (code == EXIT_GOOD)
        code = print_answer(a, status, &out);
    buf_fini(&out);
    return code;
}

static int
run_reload(const struct args *a)
{
    return post(a, "/api/v1/reload");
}

static int
run_drain(const struct args *a)
{
    return post(a, "/api/v1/drain");
}

static const struct option options[] = {
    { 0, "json", NULL, "print the answer as JSON" },
    API_OPTIONS,
};

const struct command command_reload = {
    .name = "reload",
    .summary = "load all files anew in a running weir",
    .usage = "[--admin ADDRESS] [--json]",
    .description = "The new configuration takes effect as a whole, without a failed request; if anything is\n"
                   "wrong with it nothing changes, and what is wrong is printed as weir check prints it. Runs\n"
                   "that are under way end with the configuration they began with. Pipelines and the resources\n"
                   "of weir.yaml are read anew; settings need a restart. SIGHUP does the same without a report.\n",
    .examples = "  weir reload\n  weir reload --admin 127.0.0.1:9081 --json\n",
    .exits = "0 the new configuration is in force, 1 it is wrong, 2 used wrongly, 3 no weir answers",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .run = run_reload,
};

const struct command command_drain = {
    .name = "drain",
    .summary = "end a running weir: no new work, what runs is finished",
    .usage = "[--admin ADDRESS] [--json]",
    .description = "/readyz answers 503 at once and new work is refused; what runs is finished, for at most\n"
                   "drain_timeout (15s), then it is cancelled, and the process ends. SIGTERM does the same.\n",
    .examples = "  weir drain\n",
    .exits = "0 the drain began, 1 it was refused, 2 used wrongly, 3 no weir answers",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .run = run_drain,
};
