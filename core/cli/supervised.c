/* cli/supervised.c - see supervised.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/supervised.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/listening.h"
#include "cli/neighbour.h"
#include "guard/activation.h"
#include "guard/order.h"
#include "guard/privileges.h"
#include "guard/supervisor.h"
#include "guard/worker.h"

static enum log_format
log_format(const struct settings *s)
{
    const char *format = settings_text(s, "log.format");
    if (strcmp(format, "json") == 0)
        return LOG_JSON;
    if (strcmp(format, "text") == 0)
        return LOG_TEXT;
    return isatty(STDOUT_FILENO) ? LOG_TEXT : LOG_JSON;
}

static enum weir_level
log_level(const struct settings *s)
{
    static const char *const names[] = { "debug", "info", "warn", "error" };
    for (unsigned i = 0; i < 4; i++)
        if (strcmp(settings_text(s, "log.level"), names[i]) == 0)
            return (enum weir_level)i;
    return WEIR_INFO;
}

void
start_log(const struct settings *s)
{
    log_start(STDOUT_FILENO, log_format(s), log_level(s));
}

/* Who takes callers from everywhere needs no rights over the machine. */
static bool
drop_privileges(const struct settings *s)
{
    struct weir_error err = { 0 };
    const char *user = settings_text(s, "user");
    if (*user == '\0') {
        if (privileges_root())
            log_say(WEIR_WARN, "weir runs as root, which it has no need of: start it as another user, or set user: NAME");
        return true;
    }
    if (privileges_drop(user, &err) == WEIR_OK)
        return true;
    fprintf(stderr, "weir: user: %s\n", err.text);
    return false;
}

/* Opens the sockets, if that is to be done before the work begins, and gives up what it took.
 * False, after saying why, if that can't be done. */
static bool
prepare(struct settings *s, bool supervise, struct handover *h)
{
    privileges_never_more();
    h->hang_ms = settings_number(s, "hang_timeout");
    if (supervise || activation_there() || *settings_text(s, "user"))
        listening_open(s, h);
    return drop_privileges(s);
}

/* Supervises until the end and returns the exit code: as a small program of its own (then this
 * does not return), or as this one, if that can't be had. */
static int
supervise_by(struct order *o)
{
    char path[4096];
    neighbour("weir-supervisor", path, sizeof path);
    o->n_files = listening_files(o->files);
    o->final_code = EXIT_USAGE;
    log_stop(); /* exec takes its thread away */
    order_give(o, path, program_argv);
    int why = errno;
    log_start(STDOUT_FILENO, o->log_format, o->log_level);
    log_say(WEIR_DEBUG, "%s: %s: the supervisor is all of weir, and takes more memory", path, strerrordesc_np(why));
    struct supervisor_plan plan = {
        .argv = program_argv, .program = -1, .handover = &o->handover, .final_code = o->final_code
    };
    int code = supervise(&plan);
    listening_end();
    return code;
}

bool
supervised(const struct args *a, int *ret_code)
{
    static struct order o;
    struct setup s;
    bool read = setup_settings(&s, a);
    bool good = read && s.diags.errors == 0;
    bool supervise_it = good && settings_bool(s.settings, "supervise");
    *ret_code = s.exit;
    if (good) {
        start_log(s.settings);
        o.log_format = log_format(s.settings);
        o.log_level = log_level(s.settings);
    }
    if (good && !prepare(s.settings, supervise_it, &o.handover)) {
        *ret_code = EXIT_WRONG;
        read = supervise_it = false;
    }
    setup_end(&s);
    if (supervise_it)
        *ret_code = supervise_by(&o);
    else if (o.handover.n_settings > 0)
        worker_take(&o.handover);
    log_stop();
    return supervise_it || !read;
}
