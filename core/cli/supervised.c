/* cli/supervised.c - see supervised.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/supervised.h"

#include <malloc.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/listening.h"
#include "guard/activation.h"
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

bool
supervised(const struct args *a, int *ret_code)
{
    static struct handover h;
    struct setup s;
    bool read = setup_settings(&s, a);
    bool good = read && s.diags.errors == 0;
    bool wanted = good && settings_bool(s.settings, "supervise");
    *ret_code = s.exit;
    if (wanted)
        start_log(s.settings);
    if (wanted || (good && activation_there())) {
        h.hang_ms = settings_number(s.settings, "hang_timeout");
        listening_open(s.settings, &h);
    }
    setup_end(&s);
    if (!wanted) {
        if (h.n_settings > 0)
            worker_take(&h);
        return !read;
    }
    (void)malloc_trim(0);
    struct supervisor_plan plan = { .argv = program_argv, .handover = &h, .final_code = EXIT_USAGE };
    *ret_code = supervise(&plan);
    log_stop();
    return true;
}
