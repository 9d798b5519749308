/* cli/jobs_way.c - how far a job came in its pipeline, drawn as the tree of its steps.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/units.h"
#include "cli/answer.h"
#include "cli/job_ask.h"
#include "cli/jobs.h"
#include "cli/table.h"
#include "cli/way.h"
#include "value/json.h"

#define DEPTH_MAX 32u
#define OUTPUT_SHOWN 60u

static unsigned
depth_of(const struct way *w, const struct way_step *s)
{
    unsigned depth = 0;
    while (s->in >= 0 && depth < DEPTH_MAX) {
        s = &w->steps[s->in];
        depth++;
    }
    return depth;
}

/* What is known of S besides its mark. */
static void
add_detail(struct table *t, const struct way *w, const struct way_step *s)
{
    struct buf b;
    struct weir_error err;
    buf_init(&b, 64u << 20);
    if (s->mark == STEP_FAILED && text_equal(s->id, w->failed)) {
        table_add(t, (struct weir_text){ w->message.bytes, job_cut(w->message, 200) }, NULL);
    } else if (s->mark == STEP_WAITS) {
        char text[CLOCK_TEXT];
        clock_text((uint64_t)s->until_ms, text);
        table_printf(t, "until %s", text);
    } else if (s->times > 1) {
        table_printf(t, "%u times", s->times);
    } else if (s->bytes > 0) {
        table_printf(t, "%.0f bytes", s->bytes);
    } else if (s->output != NULL && s->output->type != WEIR_NULL &&
               json_write(&b, s->output, &err) == WEIR_OK) {
        size_t len = job_cut(buf_content(&b), OUTPUT_SHOWN);
        bool cut = len < b.len;
        b.len = len;
        table_printf(t, "%.*s%s", (int)len, b.bytes, cut ? "..." : "");
    } else {
        table_add(t, TEXT(""), NULL);
    }
    buf_fini(&b);
}

/* How long S took, and how often it was tried. */
static void
add_times(struct table *t, const struct way_step *s)
{
    char took[64] = "";
    if (s->took_ms == 0)
        (void)snprintf(took, sizeof took, "< 1ms");
    else if (s->took_ms > 0)
        duration_text((uint64_t)s->took_ms, took, sizeof took);
    if (s->tries > 1)
        table_printf(t, "%s, %.0f tries", took, s->tries);
    else
        table_add(t, text_of(took), NULL);
}

static void
draw(const struct way *w, bool colour)
{
    struct table t;
    bool used[STEP_MARKS] = { false };
    table_init(&t, 4, colour);
    for (unsigned i = 0; i < w->n; i++) {
        const struct way_step *s = &w->steps[i];
        struct buf b;
        buf_init(&b, 4096);
        (void)buf_puts(&b, "  ");
        for (unsigned d = depth_of(w, s); d > 0; d--)
            (void)buf_puts(&b, "|  ");
        (void)buf_printf(&b, "%c %.*s", mark_sign(s->mark), (int)s->id.len, s->id.bytes);
        table_add(&t, buf_content(&b), mark_paint(s->mark));
        table_add(&t, s->type, NULL);
        add_times(&t, s);
        add_detail(&t, w, s);
        buf_fini(&b);
        used[s->mark] = true;
    }
    table_print(&t);
    const char *between = "  (";
    for (enum step_mark m = STEP_NOT_REACHED; m < STEP_MARKS; m++)
        if (used[m]) {
            printf("%s%c %s", between, mark_sign(m), mark_word(m));
            between = ", ";
        }
    printf(")\n");
}

void
jobs_way(const struct args *a, const struct weir_value *job, bool colour)
{
    struct way w;
    way_init(&w, a, job);
    struct weir_text name = answer_member_text(job, "pipeline"),
                     revision = answer_member_text(job, "revision");
    printf("\nThe way through %.*s\n", (int)name.len, name.bytes);
    if (w.pipeline == NULL)
        printf("  (there is no such pipeline any more)\n");
    else if (revision.len > 0 &&
             !text_equal(revision, answer_member_text(w.pipeline, "revision")))
        printf("  (it has changed since: the steps are those that it has now)\n");
    if (w.known)
        draw(&w, colour);
    else
        printf("  not known: %s\n", way_unknown(job));
    way_fini(&w);
}
