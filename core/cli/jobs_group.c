/* cli/jobs_group.c - jobs that failed alike, counted. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/map.h"
#include "cli/answer.h"
#include "cli/job_ask.h"
#include "cli/jobs.h"
#include "cli/setup.h"

#define PAGES_MAX 50u /* of 1000 jobs each */

/* Jobs of one fingerprint. */
struct group {
    const struct weir_value *newest; /* owned; lists begin with the newest */
    unsigned n;
    double first_ms;
};

struct groups {
    struct map by_fingerprint; /* to struct group, owned */
    unsigned n_jobs;
    bool whole; /* all pages were read */
    double left_out; /* jobs for which --where is an error */
    char because[300];
};

static void
add_job(struct groups *g, const struct weir_value *job)
{
    struct weir_text print = answer_member_text(job, "fingerprint");
    if (print.len == 0)
        return; /* it did not fail */
    struct group *one = map_get(&g->by_fingerprint, print.bytes, print.len);
    if (one == NULL) {
        one = calloc(1, sizeof *one);
        if (one == NULL)
            abort();
        one->newest = value_ref(job);
        (void)map_set(&g->by_fingerprint, print.bytes, print.len, one);
    }
    one->n++;
    one->first_ms = answer_member_number(job, "created_ms");
    g->n_jobs++;
}

/* Reads all pages, one after another. */
static int
collect(const struct args *a, const char *const *filters, struct groups *g)
{
    char *after = args_text(a, "after") ? strdup(args_text(a, "after")) : NULL;
    int code = EXIT_GOOD;
    for (unsigned page = 0; page < PAGES_MAX && !g->whole && code == EXIT_GOOD; page++) {
        struct buf path;
        const struct weir_value *v, *job;
        buf_init(&path, 64u << 10);
        (void)buf_puts(&path, "/api/v1/jobs?limit=1000");
        for (const char *const *f = filters; *f != NULL; f++) {
            char option[32];
            const char *equals = strchr(*f, '=');
            (void)snprintf(option, sizeof option, "%.*s", (int)(equals - *f), *f);
            if (strcmp(option, "limit") != 0 && strcmp(option, "after") != 0)
                job_path_add(&path, equals + 1, args_text(a, option));
        }
        job_path_add(&path, "after", after);
        code = job_ask(a, "GET", path.bytes, NULL, &v);
        buf_fini(&path);
        for (size_t i = 0; v && (job = value_at(value_field(v, "jobs"), i)) != NULL; i++)
            add_job(g, job);
        struct weir_text because = answer_member_text(v, "because");
        if (because.len > 0 && g->left_out <= 0)
            (void)snprintf(g->because, sizeof g->because, "%.*s", (int)because.len, because.bytes);
        g->left_out += answer_member_number(v, "left_out");
        struct weir_text next = v ? answer_member_text(v, "next") : TEXT("");
        free(after);
        after = strndup(next.bytes, next.len);
        g->whole = next.len == 0;
        value_unref(&v);
    }
    free(after);
    return code;
}

static int
by_number(const void *a, const void *b)
{
    const struct group *x = *(struct group *const *)a, *y = *(struct group *const *)b;
    return x->n < y->n ? 1 : x->n > y->n ? -1 : 0;
}

static void
print_table(struct group *const *all, unsigned n, const struct groups *g)
{
    struct table t;
    if (n == 0) {
        printf("No such job has failed.\n");
        return;
    }
    table_headed(&t, "JOBS|PIPELINE|STEP|CODE|LAST|FIRST|NEWEST|MESSAGE", false);
    for (unsigned i = 0; i < n; i++) {
        char age[JOB_SPAN];
        const struct weir_value *job = all[i]->newest;
        double since = answer_member_number(job, "created_ms") - all[i]->first_ms;
        job_span(since > 0 ? (uint64_t)since : 0, age);
        table_printf(&t, "%u", all[i]->n);
        job_add_text(&t, job, "pipeline", 64);
        job_add_text(&t, job, "node", 64);
        job_add_text(&t, job, "code", 64);
        job_add_age(&t, job, "created_ms");
        table_printf(&t, "%s before", age);
        table_add(&t, answer_member_text(job, "id"), NULL);
        job_add_text(&t, job, "message", 80);
    }
    table_print(&t);
    if (!g->whole)
        printf("\nOnly the newest %u jobs were counted: --since, --pipeline or --code narrow "
               "it.\n",
               g->n_jobs);
}

static void
print_json(struct group *const *all, unsigned n, const struct groups *g)
{
    static const char *const keys[] = { "fingerprint", "pipeline", "node", "code", "message" };
    struct weir_builder *list = builder_list(), *whole = builder_map();
    for (unsigned i = 0; i < n; i++) {
        const struct weir_value *job = all[i]->newest, *v;
        struct weir_builder *b = builder_map();
        builder_take(b, "jobs", value_int(all[i]->n));
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
            if ((v = value_field(job, keys[k])) != NULL)
                builder_put(b, keys[k], v);
        builder_take(b, "first_ms", value_int((int64_t)all[i]->first_ms));
        builder_take(b, "last_ms", value_int((int64_t)answer_member_number(job, "created_ms")));
        builder_put(b, "newest", value_field(job, "id"));
        v = builder_end(&b);
        builder_add(list, &v);
    }
    builder_take(whole, "groups", builder_end(&list));
    builder_take(whole, "jobs", value_int(g->n_jobs));
    builder_take(whole, "whole", value_ref(g->whole ? &value_true : &value_false));
    const struct weir_value *v = builder_end(&whole);
    print_value(v);
    value_unref(&v);
}

int
jobs_group(const struct args *a, const char *const *filters)
{
    struct groups g = { 0 };
    map_init(&g.by_fingerprint);
    int code = collect(a, filters, &g);
    unsigned n = 0;
    struct group **all = calloc(g.by_fingerprint.count + 1, sizeof *all);
    if (all == NULL)
        abort();
    const struct map_entry *entry;
    for (uint32_t at = 0; (entry = map_next(&g.by_fingerprint, &at)) != NULL;)
        all[n++] = entry->value;
    qsort(all, n, sizeof *all, by_number);
    if (code == EXIT_GOOD && args_given(a, "json"))
        print_json(all, n, &g);
    else if (code == EXIT_GOOD)
        print_table(all, n, &g);
    if (code == EXIT_GOOD && g.left_out > 0)
        fprintf(stderr, "weir jobs: %.0f jobs are left out, since --where is an error for them: %s\n", g.left_out,
                g.because);
    for (unsigned i = 0; i < n; i++) {
        value_unref(&all[i]->newest);
        free(all[i]);
    }
    free(all);
    map_fini(&g.by_fingerprint);
    return code;
}
