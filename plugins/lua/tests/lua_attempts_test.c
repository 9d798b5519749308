/* lua/tests/lua_attempts_test.c - hostile scripts, one after another (attempts.lua).
 *
 * Each ends as its node's error, or does no harm; the loop goes on turning meanwhile.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ATTEMPTS WEIR_SOURCE "/plugins/lua/tests/attempts.lua"

struct attempt {
    char name[160];
    char expected[160];
    char *script; /* indented as a block of YAML */
};

static char *
read_attempts(void)
{
    FILE *f = fopen(ATTEMPTS, "r");
    assert_non_null(f);
    char *text = calloc(1, 1u << 17);
    assert_non_null(text);
    assert_true(fread(text, 1, (1u << 17) - 1, f) > 1000);
    fclose(f);
    return text;
}

/* Takes the next attempt of *AT. False at the end. */
static bool
next_attempt(const char **at, struct attempt *a)
{
    const char *head = strstr(*at, "\n--- ");
    if (head == NULL)
        return false;
    head += 5;
    const char *end = head + strcspn(head, "\n");
    const char *colon = memmem(head, (size_t)(end - head), ": ", 2);
    assert_non_null(colon);
    snprintf(a->name, sizeof a->name, "%.*s", (int)(colon - head), head);
    snprintf(a->expected, sizeof a->expected, "%.*s", (int)(end - colon - 2), colon + 2);
    const char *next = strstr(end, "\n--- ");
    size_t len = next ? (size_t)(next - end) : strlen(end);
    a->script = calloc(1, len * 8 + 64);
    assert_non_null(a->script);
    char *to = a->script;
    for (const char *line = end + 1; line < end + len; line += strcspn(line, "\n") + 1)
        to += sprintf(to, "      %.*s\n", (int)strcspn(line, "\n"), line);
    *at = end;
    return true;
}

static double
now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const char body[] = "{\"n\":1,\"items\":[{\"name\":\"a\"},{\"name\":\"b\"}]}";

/* What ends by itself has time to do so, however slow the machine is. */
static void
load(const struct attempt *a)
{
    char *yaml = calloc(1, strlen(a->script) + 512);
    assert_non_null(yaml);
    sprintf(yaml,
            "name: hostile\ntrigger: { webhook: /x }\nsteps:\n  - id: it\n"
            "    uses: { up: { set: \"${ input }\" } }\n    lua:\n     max_items: 262144\n%s   "
            "  script: |\n%s",
            strcmp(a->expected, "a limit") == 0 ? "" : "     max_time: 20s\n", a->script);
    stage_load(
        yaml,
        "name: neighbour\ntrigger: { webhook: /y }\nsteps:\n  - set: \"${ request.body }\"\n",
        NULL);
    free(yaml);
}

static bool
is_as_expected(const struct attempt *a, const struct play *p)
{
    if (a->expected[0] == '=')
        return (p->status == 200 && strcmp(p->body, a->expected + 2) == 0) ||
               (p->status == 204 && strcmp(a->expected, "= null") == 0);
    char plain[4096];
    size_t n = 0;
    for (const char *at = p->body; *at && n < sizeof plain - 1; at++)
        if (*at != '\\')
            plain[n++] = *at;
    plain[n] = '\0';
    bool depth = strcmp(a->expected, "a depth") == 0;
    bool limit = depth || strcmp(a->expected, "a limit") == 0;
    if (p->status < 400)
        return false;
    return (limit && strstr(plain, "(max_")) || (depth && strstr(plain, "stack overflow")) ||
           strstr(plain, a->expected);
}

/* Plays the attempt; the longest turn of the loop, in ms, is what a neighbour waits. */
static unsigned
play(const struct attempt *a, bool show)
{
    double begun = now_s(), longest = 0;
    struct play *p = stage_begin("POST /x", body, NULL);
    unsigned turns = 0;
    longest = now_s() - begun;
    while (!p->released) {
        double turn = now_s();
        stage_turn(0);
        turn = now_s() - turn;
        longest = turn > longest ? turn : longest;
        turns++;
        assert_true(turns < 50000000);
    }
    if (show)
        printf("%7.1f ms in all, %6.1f ms at once  %s\n", (now_s() - begun) * 1000,
               longest * 1000, a->name);
    bool good = is_as_expected(a, p);
    if (!good)
        printf("FAILED: %s\n  is answered %u %s\n  instead of %s\n", a->name, p->status,
               p->body, a->expected);
    stage_end(&p);
    stage_expect("POST /y", "[1]", 200, "[1]"); /* others are served as before */
    return !good;
}

static void
no_attempt_gets_out_or_goes_on(void **state)
{
    (void)state;
    char *text = read_attempts();
    const char *at = text;
    unsigned n = 0, failed = 0;
    const char *only = getenv("ATTEMPT"); /* for trying one */
    bool show = getenv("ATTEMPTS_SHOW") != NULL;
    struct attempt a;
    while (next_attempt(&at, &a)) {
        if (only == NULL || strstr(a.name, only)) {
            load(&a);
            failed += play(&a, show);
            free(stage_log());
            n++;
        }
        free(a.script);
    }
    free(text);
    assert_int_equal(failed, 0);
    assert_true(n >= 40 || only != NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(no_attempt_gets_out_or_goes_on) };
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}
