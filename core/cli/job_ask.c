/* cli/job_ask.c - see job_ask.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/job_ask.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/id.h"
#include "cli/answer.h"
#include "cli/api.h"
#include "cli/setup.h"
#include "value/json.h"

#define ANSWER_MAX (64u << 20)

int
job_ask(const struct args *a, const char *method, const char *path, const char *body,
        const struct weir_value **ret)
{
    struct buf out;
    struct weir_error err = { 0 };
    const struct weir_value *v = NULL;
    unsigned status = 0;
    *ret = NULL;
    buf_init(&out, ANSWER_MAX);
    int code = api_ask(a, method, path, body, &status, &out, NULL, NULL);
    if (code == EXIT_GOOD && json_read(buf_content(&out), NULL, NULL, &v, &err) != WEIR_OK) {
        fprintf(stderr, "weir %s: the answer of the server (%u) can't be read: %s\n",
                a->command->name, status, err.text);
        code = EXIT_WRONG;
    } else if (code == EXIT_GOOD && status >= 400) {
        struct weir_text detail = answer_member_text(v, "detail"), diff = answer_member_text(v, "diff");
        if (args_given(a, "json"))
            printf("%s", out.bytes);
        else if (detail.len > 0)
            fprintf(stderr, "weir %s: %.*s\n%.*s", a->command->name, (int)detail.len, detail.bytes,
                    (int)diff.len, diff.bytes);
        else
            fprintf(stderr, "weir %s: the server answered %u\n", a->command->name, status);
        value_unref(&v);
        code = status == 400 ? EXIT_USAGE : EXIT_WRONG;
    }
    buf_fini(&out);
    *ret = v;
    return code;
}

const char *
order_giver(void)
{
    const char *sudo = getenv("SUDO_USER"), *user = getenv("USER");
    if (sudo && *sudo)
        return sudo;
    if (user && *user)
        return user;
    const struct passwd *p = getpwuid(getuid());
    return p && p->pw_name && *p->pw_name ? p->pw_name : "api";
}

bool
job_given_once(const struct args *a, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (args_each(a, *names, 1) == NULL)
            continue;
        fprintf(stderr, "weir %s: --%s is given twice, and can have one value\n", a->command->name, *names);
        return false;
    }
    return true;
}

static bool
can_ask(const struct args *a)
{
    return !args_given(a, "yes") && !args_given(a, "json") && isatty(STDIN_FILENO);
}

bool
order_has_reason(const struct args *a)
{
    const char *given = args_text(a, "reason");
    if ((given && *given) || (given == NULL && can_ask(a)))
        return true;
    fprintf(stderr, "weir %s: --reason TEXT is needed%s: it stands in the audit\n", a->command->name,
            args_given(a, "yes") ? " with --yes" : given ? "" : args_given(a, "json") ? " with --json" : " without a terminal");
    return false;
}

const char *
order_reason(const struct args *a, int *ret_code)
{
    static char line[1024];
    const char *given = args_text(a, "reason");
    *ret_code = EXIT_USAGE;
    if (!order_has_reason(a))
        return NULL;
    if (given)
        return given;
    printf("Why? It stands in the audit: ");
    fflush(stdout);
    if (fgets(line, sizeof line, stdin) == NULL)
        *line = '\0';
    line[strcspn(line, "\n")] = '\0';
    if (*line)
        return line;
    printf("Nothing was done.\n");
    *ret_code = EXIT_GOOD;
    return NULL;
}

static void
write_order(struct buf *b, const char *reason, bool force)
{
    (void)buf_puts(b, "{\"who\":");
    (void)json_write_string(b, text_of(order_giver()));
    if (reason != NULL) {
        (void)buf_puts(b, ",\"reason\":");
        (void)json_write_string(b, text_of(reason));
    }
    (void)buf_puts(b, force ? ",\"force\":true}" : "}");
}

int
job_ask_one(const struct args *a, const char *id, const char *verb, const char *reason,
            bool force, const struct weir_value **ret)
{
    struct buf path, body;
    buf_init(&path, 4096);
    buf_init(&body, 256u << 10);
    (void)buf_puts(&path, "/api/v1/jobs/");
    (void)url_encode(&path, text_of(id));
    if (verb != NULL) {
        (void)buf_printf(&path, "/%s", verb);
        write_order(&body, reason, force);
    }
    int code = job_ask(a, verb ? "POST" : "GET", path.bytes, verb ? body.bytes : NULL, ret);
    buf_fini(&path);
    buf_fini(&body);
    return code;
}

void
job_path_add(struct buf *path, const char *name, const char *value)
{
    if (value == NULL)
        return;
    (void)buf_printf(path, "%c%s=", strchr(path->bytes, '?') ? '&' : '?', name);
    (void)url_encode(path, text_of(value));
}

int
job_ask_list(const struct args *a, const char *path, const char *const *names,
             const struct weir_value **ret)
{
    struct buf whole;
    buf_init(&whole, 64u << 10);
    (void)buf_puts(&whole, path);
    for (; *names != NULL; names++) {
        char option[32];
        const char *equals = strchr(*names, '=');
        (void)snprintf(option, sizeof option, "%.*s", (int)(equals - *names), *names);
        job_path_add(&whole, equals + 1, args_text(a, option));
    }
    int code = job_ask(a, "GET", whole.bytes, NULL, ret);
    buf_fini(&whole);
    if (*ret == NULL || !args_given(a, "json"))
        return code;
    print_value(*ret);
    value_unref(ret);
    return code;
}

bool
job_id_looks_good(const struct args *a, const char *word)
{
    if (strlen(word) == ID_UUID - 1 && strspn(word, "0123456789abcdef-") == ID_UUID - 1)
        return true;
    fprintf(
        stderr,
        "weir %s: '%.60s' is not the id of a job; weir jobs lists them: 36 characters each\n",
        a->command->name, word);
    return false;
}

/* Prints TEXT so that a shell reads it as one word. */
static void
print_word(const char *text)
{
    bool plain = *text != '\0';
    for (const char *c = text; *c; c++)
        plain = plain && (strchr("-_./:,=@%+", *c) || (*c >= '0' && *c <= '9') ||
                          (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z'));
    if (plain) {
        printf("%s", text);
        return;
    }
    printf("'");
    for (const char *c = text; *c; c++)
        printf(*c == '\'' ? "'\\''" : "%c", *c);
    printf("'");
}

void
job_print_next(const struct args *a, const struct weir_value *v)
{
    struct weir_text next = answer_member_text(v, "next");
    if (next.len == 0)
        return;
    printf("\nThere are more: weir %s", a->command->name);
    for (unsigned i = 0; i < a->n_given; i++) {
        if (strcmp(a->given[i].option->name, "after") == 0)
            continue;
        printf(" --%s", a->given[i].option->name);
        if (a->given[i].value == NULL)
            continue;
        printf(" ");
        /* a setting may be the admin token */
        print_word(strcmp(a->given[i].option->name, "set") == 0 ? "..." : a->given[i].value);
    }
    printf(" --after %.*s\n", (int)next.len, next.bytes);
}

const char *
job_state_paint(struct weir_text state)
{
    if (text_is(state, "dead"))
        return "31";
    if (text_is(state, "completed"))
        return "32";
    if (text_is(state, "cancelled") || text_is(state, "discarded"))
        return "2";
    return text_is(state, "running") ? "36" : "33";
}

void
job_span(uint64_t ms, char ret[JOB_SPAN])
{
    uint64_t s = ms / 1000;
    if (s < 120)
        (void)snprintf(ret, JOB_SPAN, "%llus", (unsigned long long)s);
    else if (s < 120 * 60)
        (void)snprintf(ret, JOB_SPAN, "%llum", (unsigned long long)(s / 60));
    else if (s < 48 * 3600)
        (void)snprintf(ret, JOB_SPAN, "%lluh", (unsigned long long)(s / 3600));
    else
        (void)snprintf(ret, JOB_SPAN, "%llud", (unsigned long long)(s / 86400));
}

void
job_add_age(struct table *t, const struct weir_value *v, const char *key)
{
    char text[JOB_SPAN] = "-";
    uint64_t at = (uint64_t)answer_member_number(v, key), now = clock_wall_ms();
    if (at > 0)
        job_span(now > at ? now - at : 0, text);
    table_add(t, text_of(text), NULL);
}

size_t
job_cut(struct weir_text t, size_t max)
{
    const char *end = t.len > 0 ? memchr(t.bytes, '\n', t.len) : NULL;
    if (end != NULL)
        t.len = (size_t)(end - t.bytes);
    return utf8_valid(t) ? utf8_prefix(t, max) : t.len < max ? t.len : max;
}

void
job_add_text(struct table *t, const struct weir_value *v, const char *key, size_t max)
{
    struct weir_text text = answer_member_text(v, key);
    size_t len = job_cut(text, max);
    if (len == text.len) {
        table_add(t, len > 0 ? text : TEXT("-"), NULL);
        return;
    }
    struct buf b;
    buf_init(&b, len + 8);
    (void)buf_add(&b, text.bytes, len, NULL);
    (void)buf_puts(&b, "...");
    table_add(t, buf_content(&b), NULL);
    buf_fini(&b);
}
