/* admin/health.c - /livez, /readyz. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "admin/parts.h"

/* One thing that has to be so. */
struct check {
    const char *name;
    bool good;
};

/* The part behind /readyz/, or empty. */
static struct weir_text
name_in(struct weir_text path)
{
    const char *slash = path.len > 1 ? memchr(path.bytes + 1, '/', path.len - 1) : NULL;
    if (slash == NULL)
        return (struct weir_text){ "", 0 };
    return (struct weir_text){ slash + 1, path.len - (size_t)(slash + 1 - path.bytes) };
}

/* Answers 200 if all that is asked for is good; ?verbose lists, ?exclude= leaves out, and
 * /readyz/NAME asks for one (the conventions of Kubernetes' health endpoints). */
static void
answer_checks(struct weir_event *e, const struct check *checks, unsigned n)
{
    struct weir_text one = name_in(e->path);
    struct weir_text exclude = query_get(e, "exclude");
    bool verbose = query_get(e, "verbose").bytes != NULL;
    bool good = true, found = one.len == 0;
    struct buf b;
    buf_init(&b, 4096);
    for (unsigned i = 0; i < n; i++) {
        if (text_is(exclude, checks[i].name) || (one.len && !text_is(one, checks[i].name)))
            continue;
        found = true;
        good = good && checks[i].good;
        (void)buf_printf(&b, "[%c]%s %s\n", checks[i].good ? '+' : '-', checks[i].name,
                         checks[i].good ? "ok" : "failed");
    }
    if (!found)
        answer_problem(e, WEIR_NOT_FOUND, "there is no check '%.*s'", (int)one.len, one.bytes);
    else if (verbose || !good)
        answer_text(e, good ? 200 : 503, "text/plain; charset=utf-8", buf_content(&b));
    else
        answer_text(e, 200, "text/plain; charset=utf-8", TEXT("ok\n"));
    buf_fini(&b);
}

void
health_live(struct admin *a, struct weir_event *e)
{
    struct check checks[] = { { "loop", a->shard->lag_ms < 10000 } };
    answer_checks(e, checks, 1);
}

void
health_ready(struct admin *a, struct weir_event *e)
{
    struct check checks[] = { { "generation", engine_generation(a->shard) != NULL },
                              { "shutdown", !a->shutting_down } };
    answer_checks(e, checks, 2);
}
