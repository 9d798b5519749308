/* cli/breakers.c - weir breakers: circuit breakers of a running weir, looked at and held.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/encode.h"
#include "cli/answer.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/setup.h"
#include "cli/table.h"

#define NAME_LONGEST 1000

static void
add_state(struct table *t, const struct weir_value *v)
{
    struct weir_text state = answer_member_text(v, "state");
    const char *paint = text_is(state, "open") ? "31" : text_is(state, "closed") ? "32" : "33";
    char text[64];
    bool forced = answer_member_text(v, "forced").len > 0;
    int len = snprintf(text, sizeof text, "%.*s%s", (int)state.len, state.bytes, forced ? " (held)" : "");
    table_add(t, (struct weir_text){ text, len > 0 ? strlen(text) : 0 }, paint);
}

static void
print_list(const struct weir_value *list)
{
    struct table t;
    if (list->len == 0) {
        printf("No pipeline has a breaker.\n");
        return;
    }
    table_headed(&t, "NAME|STATE|CALLS|FAILED|RATE|REJECTED|UNDER WAY|NEXT TRY|USED BY", colour_wanted(STDOUT_FILENO));
    const struct weir_value *v;
    for (size_t i = 0; (v = value_at(list, i)) != NULL; i++) {
        const struct weir_value *used = value_field(v, "used_by");
        double wait = answer_member_number(v, "retry_in_ms");
        table_add(&t, answer_member_text(v, "name"), NULL);
        add_state(&t, v);
        table_printf(&t, "%.0f", answer_member_number(v, "calls"));
        table_printf(&t, "%.0f", answer_member_number(v, "failures"));
        table_printf(&t, "%.0f%%", 100 * answer_member_number(v, "error_rate"));
        table_printf(&t, "%.0f", answer_member_number(v, "rejected"));
        table_printf(&t, "%.0f", answer_member_number(v, "in_flight"));
        if (wait > 0)
            table_printf(&t, "in %.1f s", wait / 1000);
        else
            table_printf(&t, "-");
        struct weir_text first = value_at(used, 0) ? value_as_text(value_at(used, 0)) : TEXT("-");
        size_t more = used && used->len > 1 ? used->len - 1 : 0;
        if (more > 0)
            table_printf(&t, "%.*s and %zu more", (int)first.len, first.bytes, more);
        else
            table_add(&t, first, NULL);
    }
    table_print(&t);
}

/* "/api/v1/breakers", with NAME and VERB if they are given. */
static void
make_path(struct buf *path, const char *name, const char *verb)
{
    buf_init(path, 16384);
    (void)buf_puts(path, "/api/v1/breakers");
    if (name != NULL) {
        (void)buf_puts(path, "/");
        (void)url_encode(path, text_of(name));
    }
    if (verb != NULL)
        (void)buf_printf(path, "/%s", verb);
}

static bool
is_verb(const char *word)
{
    return strcmp(word, "open") == 0 || strcmp(word, "close") == 0 || strcmp(word, "auto") == 0;
}

static int
run(const struct args *a)
{
    const char *verb = a->n_words > 0 && is_verb(a->words[0]) ? a->words[0] : NULL;
    const char *name = a->n_words > 0 ? a->words[verb ? 1 : 0] : NULL;
    if (verb && a->n_words < 2) {
        fprintf(stderr, "weir breakers: %s which one? weir breakers %s NAME\n", verb, verb);
        return EXIT_USAGE;
    }
    if (verb == NULL && a->n_words > 1) {
        fprintf(stderr, "weir breakers: '%s' is not open, close or auto\n", a->words[0]);
        return EXIT_USAGE;
    }
    if (name != NULL && strlen(name) > NAME_LONGEST) {
        fprintf(stderr, "weir breakers: that NAME is too long\n");
        return EXIT_USAGE;
    }
    struct buf path;
    const struct weir_value *v;
    make_path(&path, name, verb);
    int code = answer_get(a, verb ? "POST" : "GET", path.bytes, NULL, &v);
    buf_fini(&path);
    if (v == NULL)
        return code;
    struct weir_text state = answer_member_text(v, "state"), forced = answer_member_text(v, "forced");
    if (verb)
        printf("%s: %.*s%s\n", name, (int)state.len, state.bytes, forced.len ? ", held until weir breakers auto" : "");
    else if (name)
        answer_print_members(v);
    else
        print_list(v);
    value_unref(&v);
    return EXIT_GOOD;
}

static const struct option options[] = {
    { 0, "json", NULL, "print the answer as JSON" },
    API_OPTIONS,
};

const struct command command_breakers = {
    .name = "breakers",
    .summary = "show the circuit breakers of a running weir, hold one open or closed",
    .usage = "[NAME | open NAME | close NAME | auto NAME] [--json]",
    .description = "Without a word all breakers are listed: their state, what the calls in their window came to,\n"
                   "and when the next one is let through. With a NAME: all that is known of one.\n\n"
                   "open holds a breaker open, so that nothing is asked of its peer and fallbacks run; close holds\n"
                   "it closed, whatever fails; both last over reloads, until auto gives it back to itself, or the\n"
                   "process ends. After auto an open one lets a single call through first.\n\n"
                   "With --json a breaker is { name, state, forced, calls, failures, error_rate, successes,\n"
                   "timeouts, rejected, in_flight, capacity, threshold, volume, window_ms, reset_after_ms, since,\n"
                   "retry_in_ms, used_by }, and without a NAME it is a list of them.\n",
    .examples = "  weir breakers\n  weir breakers payment\n  weir breakers open payment\n"
                "  weir breakers auto payment\n  weir breakers --json | jq '.[] | select(.state != \"closed\").name'\n",
    .exits = "0 good, 1 there is no such breaker, or it was refused, 2 used wrongly, 3 no weir answers",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .max_words = 2,
    .words = "open close auto",
    .run = run,
};
