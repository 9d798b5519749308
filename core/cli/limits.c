/* cli/limits.c - weir limits: rate limits of a running weir, what a key has used, and its reset.
 *
 * A key may be a credential: it can be read from standard input, so that no list of processes has
 * it, and it is never printed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "cli/answer.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/setup.h"
#include "cli/table.h"
#include "value/json.h"

#define KEY_MAX (16u << 10)

/* "llama 10/60s, default 100/60s" */
static void
add_limits(struct table *t, const struct weir_value *limits)
{
    struct buf b;
    struct weir_text name;
    const struct weir_value *rate;
    buf_init(&b, 1u << 20);
    for (size_t i = 0; value_member(limits, i, &name, &rate); i++) {
        (void)buf_puts(&b, i > 0 ? ", " : "");
        (void)buf_text(&b, name);
        (void)buf_puts(&b, " ");
        (void)buf_text(&b, value_as_text(rate));
    }
    table_add(t, buf_content(&b), NULL);
    buf_fini(&b);
}

/* "gateway/limit and 2 more" */
static void
add_uses(struct table *t, const struct weir_value *uses)
{
    const struct weir_value *first = value_at(uses, 0);
    struct weir_text pipeline = answer_member_text(first, "pipeline"), step = answer_member_text(first, "step");
    char more[32] = "";
    if (first == NULL) {
        table_printf(t, "-");
        return;
    }
    if (uses->len > 1)
        (void)snprintf(more, sizeof more, " and %u more", (unsigned)uses->len - 1);
    table_printf(t, "%.*s/%.*s%s", (int)pipeline.len, pipeline.bytes, (int)step.len, step.bytes, more);
}

static void
add_policy(struct table *t, const struct weir_value *v)
{
    table_add(t, answer_member_text(v, "name"), NULL);
    table_add(t, answer_member_text(v, "store"), NULL);
    table_add(t, answer_member_text(v, "algorithm"), NULL);
    if (value_field(v, "keys"))
        table_printf(t, "%.0f", answer_member_number(v, "keys"));
    else
        table_printf(t, "-");
    add_limits(t, value_field(v, "limits"));
    add_uses(t, value_field(v, "uses"));
}

/* One policy or a list of them. */
static void
print_policies(const struct weir_value *v)
{
    struct table t;
    bool list = value_type(v) == WEIR_LIST;
    if (list && v->len == 0) {
        printf("No pipeline has a rate limit.\n");
        return;
    }
    table_headed(&t, "NAME|STORE|ALGORITHM|KEYS|LIMITS|USED BY", false);
    for (size_t i = 0; list && value_at(v, i) != NULL; i++)
        add_policy(&t, value_at(v, i));
    if (!list)
        add_policy(&t, v);
    table_print(&t);
}

/* What a key has used. */
static void
print_key(const struct weir_value *v)
{
    struct table t;
    const struct weir_value *list = value_field(v, "limits"), *one;
    if (list == NULL || list->len == 0) {
        printf("Nothing was counted by these limits yet.\n");
        return;
    }
    table_headed(&t, "LIMIT|RATE|USED|LEFT|RESET", colour_wanted(STDOUT_FILENO));
    for (size_t i = 0; (one = value_at(list, i)) != NULL; i++) {
        char left[32], reset[CLOCK_TEXT] = "-";
        double remaining = answer_member_number(one, "remaining"), used = answer_member_number(one, "used");
        if (used > 0)
            clock_text((uint64_t)answer_member_number(one, "reset"), reset);
        (void)snprintf(left, sizeof left, "%.0f", remaining);
        table_add(&t, answer_member_text(one, "limit"), NULL);
        table_add(&t, answer_member_text(one, "rate"), NULL);
        table_printf(&t, "%.0f", used);
        table_add(&t, text_of(left), remaining > 0 ? "32" : "31");
        table_add(&t, text_of(reset), NULL);
    }
    table_print(&t);
}

/* The key of the command line, or of standard input ("-") without its line end; NULL after saying
 * what is wrong. Owned by the caller. */
static char *
read_key(const char *given, size_t *ret_len)
{
    char *key = strcmp(given, "-") == 0 ? read_whole_file("-", KEY_MAX, ret_len) : strdup(given);
    if (key == NULL)
        return NULL;
    if (strcmp(given, "-") != 0)
        *ret_len = strlen(key);
    else if (*ret_len > 0 && key[*ret_len - 1] == '\n')
        *ret_len -= 1 + (*ret_len > 1 && key[*ret_len - 2] == '\r');
    struct weir_text text = { key, *ret_len };
    if (text.len > 0 && text.len <= KEY_MAX && utf8_valid(text))
        return key;
    fprintf(stderr, "weir limits: the key is %s\n",
            text.len == 0 ? "empty" : text.len > KEY_MAX ? "longer than 16 KiB" : "not UTF-8");
    free(key);
    return NULL;
}

/* { key, limit } as JSON, for a reset. */
static void
write_body(struct buf *b, struct weir_text key, const char *limit)
{
    struct weir_error err;
    struct weir_builder *map = builder_map();
    builder_take(map, "key", value_string(key.bytes, key.len));
    if (limit != NULL)
        builder_take(map, "limit", value_text(limit));
    const struct weir_value *v = builder_end(&map);
    bool fits = json_write(b, v, &err) == WEIR_OK;
    assert(fits); /* six bytes of JSON for each of KEY_MAX */
    (void)fits;
    value_unref(&v);
}

static int
ask(const struct args *a, const char *name, bool reset, struct weir_text key)
{
    struct buf path, body;
    const struct weir_value *v;
    const char *limit = args_text(a, "limit");
    buf_init(&path, 128u << 10);
    buf_init(&body, 128u << 10);
    (void)buf_puts(&path, "/api/v1/limits");
    if (name != NULL) {
        (void)buf_puts(&path, "/");
        (void)url_encode(&path, text_of(name));
    }
    if (reset) {
        (void)buf_puts(&path, "/reset");
        write_body(&body, key, limit);
    } else if (key.len > 0) {
        (void)buf_puts(&path, "?key=");
        (void)url_encode(&path, key);
        if (limit != NULL && buf_puts(&path, "&limit="))
            (void)url_encode(&path, text_of(limit));
    }
    int code = answer_get(a, reset ? "POST" : "GET", path.bytes, reset ? body.bytes : NULL, &v);
    buf_fini(&path);
    buf_fini(&body);
    if (v == NULL)
        return code;
    const struct weir_value *did = value_field(v, "reset");
    if (reset)
        printf("%s: %s\n", name, did && did->boolean ? "the key begins anew" : "nothing was counted for the key");
    else if (key.len > 0)
        print_key(v);
    else
        print_policies(v);
    value_unref(&v);
    return EXIT_GOOD;
}

static int
run(const struct args *a)
{
    bool reset = a->n_words > 0 && strcmp(a->words[0], "reset") == 0;
    const char *name = a->n_words > (reset ? 1 : 0) ? a->words[reset ? 1 : 0] : NULL;
    const char *given = args_text(a, "key"), *limit = args_text(a, "limit");
    const char *wrong = !reset && a->n_words > 1                ? "one NAME, or reset NAME"
                        : reset && (name == NULL || !given)     ? "write weir limits reset NAME --key KEY"
                        : given && name == NULL                 ? "--key needs the NAME of a limit"
                        : limit != NULL && given == NULL ? "--limit needs a --key"
                        : name != NULL && strlen(name) > KEY_MAX  ? "that NAME is too long"
                        : limit != NULL && (strlen(limit) > 256 || !utf8_valid(text_of(limit)))
                            ? "there is no such --limit"
                                                                : NULL;
    if (wrong != NULL) {
        fprintf(stderr, "weir limits: %s\n", wrong);
        return EXIT_USAGE;
    }
    if (given == NULL)
        return ask(a, name, false, (struct weir_text){ "", 0 });
    size_t len = 0;
    char *key = read_key(given, &len);
    if (key == NULL)
        return EXIT_USAGE;
    int code = ask(a, name, reset, (struct weir_text){ key, len });
    free(key);
    return code;
}

static const struct option options[] = {
    { 0, "key", "KEY", "what this key has used; - reads it from standard input" },
    { 0, "limit", "NAME", "only this one of the limits" },
    { 0, "json", NULL, "print the answer as JSON" },
    API_OPTIONS,
};

const struct command command_limits = {
    .name = "limits",
    .summary = "show the rate limits of a running weir, what a key has used, or reset it",
    .usage = "[NAME [--key KEY [--limit NAME]] | reset NAME --key KEY [--limit NAME]] [--json]",
    .description = "Without a word all limits are listed: where they count, how, and how many keys they know.\n"
                   "A ratelimit node without a name is called PIPELINE/STEP. With --key: what that key has\n"
                   "used of each, what is left, and when all of it is back. reset forgets what a key has used.\n\n"
                   "A key may be a credential: --key - reads it from standard input, so that no list of\n"
                   "processes shows it. It is not printed, and weir itself keeps only its hash.\n\n"
                   "With --json: a list of { name, store, algorithm, limits, keys, uses }, one of them, or\n"
                   "{ policy, limits: [{ limit, rate, used, remaining, reset }] } of a key (reset in\n"
                   "milliseconds since 1970), or { policy, reset }.\n",
    .examples = "  weir limits\n  weir limits gateway/limit --key 203.0.113.7\n"
                "  weir limits reset gateway/limit --key - < key.txt\n"
                "  weir limits reset gateway/limit --key 203.0.113.7 --limit llama\n",
    .exits = "0 good, 1 there is no such limit, or it was refused, 2 used wrongly, 3 no weir answers",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .max_words = 2,
    .words = "reset",
    .run = run,
};
