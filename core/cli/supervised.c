/* cli/supervised.c - see supervised.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/supervised.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/serve.h"
#include "guard/supervisor.h"
#include "guard/worker.h"

#define OPEN_ROUNDS 50
#define OPEN_NAP_NS 20000000l

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

unsigned
shards_wanted(const struct settings *s)
{
    const struct handover *h = worker_handover();
    uint64_t shards = h ? h->n_shards : settings_number(s, "shards");
    if (shards == 0)
        shards = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);
    return shards > SHARDS_MAX ? SHARDS_MAX : (unsigned)shards;
}

/* Who was killed a moment ago may still be on its way out, with its sockets. */
static enum weir_code
open_patiently(struct edge_addresses *a, unsigned n_shards, int *fds)
{
    struct weir_error err;
    enum weir_code code = edge_addresses_open(a, n_shards, fds, &err);
    for (unsigned i = 0; i < OPEN_ROUNDS && code == WEIR_CONFLICT; i++) {
        (void)nanosleep(&(struct timespec){ .tv_nsec = OPEN_NAP_NS }, NULL);
        code = edge_addresses_open(a, n_shards, fds, &err);
    }
    return code;
}

/* Opens the sockets of one side. Where that fails none are handed over: then the worker tries it,
 * and says what is wrong. */
static void
open_side(const struct settings *s, const char *key, struct handover *h, struct handover_listen *l)
{
    struct edge_addresses a;
    struct weir_error err;
    const char *text = settings_text(s, key);
    if (strlen(text) >= sizeof l->text ||
        edge_addresses_parse(text_of(text), &a, &err) != WEIR_OK ||
        open_patiently(&a, h->n_shards, h->fds + h->n_fds) != WEIR_OK)
        return;
    memcpy(l->text, text, strlen(text) + 1);
    for (unsigned i = 0; i < a.n; i++) {
        l->first[i] = h->n_fds;
        l->count[i] = h->n_shards;
        h->n_fds += h->n_shards;
    }
    l->n = a.n;
}

bool
supervised(const struct args *a, int *ret_code)
{
    static struct handover h;
    _Static_assert(HANDOVER_SHARDS >= SHARDS_MAX, "each shard has a place for its socket");
    _Static_assert(HANDOVER_ADDRESSES >= EDGE_ADDRESSES, "each address has a place");
    struct diags d;
    diags_init(&d);
    struct settings *s = setup_settings(a, &d);
    bool wanted = s && d.errors == 0 && settings_bool(s, "supervise");
    if (s == NULL)
        *ret_code = EXIT_USAGE;
    if (wanted) {
        h.n_shards = shards_wanted(s);
        h.hang_ms = settings_number(s, "hang_timeout");
        open_side(s, "edge.listen", &h, &h.listen[HANDOVER_EDGE]);
        open_side(s, "admin.listen", &h, &h.listen[HANDOVER_ADMIN]);
        start_log(s);
    }
    bool failed = s == NULL;
    settings_free(&s);
    diags_fini(&d);
    if (wanted) {
        (void)malloc_trim(0);
        struct supervisor_plan plan = { .argv = program_argv, .handover = &h, .final_code = EXIT_USAGE };
        *ret_code = supervise(&plan);
        log_stop();
    }
    return wanted || failed;
}

bool
handed_addresses(const struct settings *s, enum handover_side side, const char *key,
                 struct edge_addresses *ret)
{
    const struct handover *h = worker_handover();
    if (h == NULL || h->listen[side].n == 0)
        return false;
    const struct handover_listen *l = &h->listen[side];
    if (!l->activated && strcmp(l->text, settings_text(s, key)) != 0)
        log_say(WEIR_WARN, "the setting %s has changed: it takes effect when weir is started anew", key);
    *ret = (struct edge_addresses){ .n = l->n };
    for (unsigned i = 0; i < l->n; i++) {
        const int *given = h->fds + l->first[i];
        if (!edge_address_of(given[0], &ret->items[i]))
            return false;
        ret->items[i].given = given;
        ret->items[i].n_given = l->count[i];
    }
    return true;
}
