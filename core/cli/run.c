/* cli/run.c - weir run: loads, and serves until told to end. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/crash.h"
#include "base/log.h"
#include "cli/commands.h"
#include "cli/listening.h"
#include "cli/serve.h"
#include "cli/supervised.h"
#include "guard/worker.h"

/* A report of a crash names the plugin whose code it was in. */
static void
name_plugins(const struct registry *r)
{
    const struct plugin *const *all;
    unsigned n = registry_plugins(r, &all);
    for (unsigned i = 0; i < n; i++)
        crash_plugin(all[i]->path, all[i]->name);
}

/* Loads and serves, in this process. */
static int
work(const struct args *a)
{
    struct setup s;
    int code = EXIT_WRONG;
    crash_catch();
    crash_tell(worker_report);
    engine_describe_crashes();
    if (!setup_begin(&s, a)) {
        code = s.exit;
    } else {
        name_plugins(s.registry);
        setup_find_secrets(&s, a->words, a->n_words, &s.diags);
        struct generation_source source = setup_source(&s, a->words, a->n_words, &edge_routes_port);
        struct generation *g = generation_new(&source, &s.diags);
        if (s.diags.n > 0)
            print_diags(&s.diags, false);
        if (g) {
            start_log(s.settings);
            listening_settings(s.settings, false);
            code = serve(&s, a->words, a->n_words, g);
            log_stop();
        } else {
            fprintf(stderr, "\n%u error%s: weir does not start with them (weir check finds the same)\n",
                    s.diags.errors, s.diags.errors == 1 ? "" : "s");
        }
    }
    setup_end(&s);
    return code;
}

static int
run(const struct args *a)
{
    int code;
    if (!worker_begin() && supervised(a, &code))
        return code;
    code = work(a);
    listening_end();
    return code;
}

static const struct option options[] = {
    { 0, "edge", "ADDRESS", "listen for events there (127.0.0.1:8080; several with commas)" },
    { 0, "admin", "ADDRESS", "listen for operators there (127.0.0.1:8081)" },
    { 0, "shards", "N", "run N event loops (0: one for each core)" },
    { 0, "store", "URL", "keep jobs there (sqlite:var/weir.db; none: nowhere)" },
    { 0, "log", "text|json", "how the log is written (text on a terminal, else json)" },
    { 0, "no-supervise", NULL, "one process, which nobody starts again when it dies" },
    SETUP_OPTIONS,
};

const struct command command_run = {
    .name = "run",
    .summary = "run the gateway with pipelines",
    .usage = "[FILE|FOLDER ...]",
    .description = "Loads pipeline files (default: the folder pipelines), listens, and runs them for every\n"
                   "event until SIGTERM or SIGINT (a second one ends at once). SIGHUP, weir reload and\n"
                   "POST /api/v1/reload load all files anew without a failed request.\n\n"
                   "Every setting stands in weir.yaml, in the environment (WEIR_EDGE_LISTEN) or in a flag,\n"
                   "in this order of rising strength: weir explain settings. Secrets (secrets.NAME in a\n"
                   "pipeline) come from WEIR_SECRET_NAME, files, or AWS (weir secrets), and are shown nowhere.\n\n"
                   "There are two processes: one that works, and a small one that starts it again when it dies,\n"
                   "with the same listening sockets. Signals go to the small one, which is the one that was\n"
                   "started; supervise: false (--no-supervise) does without it.\n\n"
                   "GET /livez, /readyz and /metrics on the admin address say how it is. The log goes to\n"
                   "standard output. Under systemd it tells when it is ready and that it is alive.\n",
    .examples = "  weir run\n  weir run pipelines/ more/extra.yaml --edge 0.0.0.0:8080\n"
                "  weir run --set edge.max_body=4MiB --log json\n"
                "  WEIR_SECRET_CRM=abc weir run --config /etc/weir/weir.yaml /etc/weir/pipelines\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .max_words = 1000,
    .exits = "0 ended as asked, 1 something is wrong (weir check, a port in use), 2 used wrongly",
    .run = run,
};
