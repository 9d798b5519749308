/* cli/graph.c - weir graph: a pipeline as a drawing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "author/graph.h"

#include <stdio.h>
#include <unistd.h>

#include "cli/answer.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/job_ask.h"
#include "cli/setup.h"
#include "cli/way.h"

static enum step_mark
mark_of(void *arg, struct weir_text id)
{
    const struct way_step *s = way_find(arg, id);
    return s != NULL ? s->mark : STEP_NOT_REACHED;
}

static void
draw(const struct pipeline *p, enum graph_format format, const struct graph_marks *marks)
{
    struct buf out;
    buf_init(&out, GRAPH_ROOM);
    graph_draw(p, format, marks, colour_wanted(STDOUT_FILENO), &out);
    fwrite(out.bytes, 1, out.len, stdout);
    buf_fini(&out);
}

/* Draws P with the way of the job ID, which must be one of P. */
static int
draw_job(const struct args *a, const struct pipeline *p, enum graph_format format,
         const char *id)
{
    const struct weir_value *job;
    if (!job_id_looks_good(a, id))
        return EXIT_USAGE;
    int code = job_ask_one(a, id, NULL, NULL, false, &job);
    if (job == NULL)
        return code;
    struct weir_text name = answer_member_text(job, "pipeline");
    struct weir_text revision = answer_member_text(job, "revision");
    if (!text_is(name, p->name)) {
        fprintf(stderr, "weir graph: the job is one of %.*s, and the file is %s\n",
                (int)name.len, name.bytes, p->name);
        value_unref(&job);
        return EXIT_WRONG;
    }
    if (revision.len > 0 && !text_is(revision, p->revision))
        fprintf(stderr, "weir graph: the file has changed since the job ran\n");
    struct way w;
    way_init(&w, a, job);
    if (!w.known)
        fprintf(stderr, "weir graph: no way is marked: %s\n",
                way_unknown(job));
    draw(p, format, w.known ? &(struct graph_marks){ mark_of, &w } : NULL);
    way_fini(&w);
    value_unref(&job);
    return EXIT_GOOD;
}

static int
run(const struct args *a)
{
    const char *word = args_text(a, "format"), *job = args_text(a, "job");
    int format = graph_format_find(word != NULL ? word : "text");
    if (format < 0 || a->n_words == 0) {
        fprintf(stderr,
                a->n_words == 0 ? "weir graph: which pipeline? Name its file\n"
                                : "weir graph: --format takes text, mermaid, dot or svg, not "
                                  "'%.60s'\n",
                word);
        return EXIT_USAGE;
    }
    struct setup s;
    struct pipelines all = { 0 };
    int code = EXIT_GOOD;
    if (!setup_begin(&s, a)) {
        code = s.exit;
        setup_end(&s);
        return code;
    }
    struct generation_source source = setup_source(&s, a->words, 1, NULL);
    source.load.have_store = true; /* whoever draws a durable pipeline need not have one */
    pipelines_load((const char *const *)a->words, 1, &source.load, &all, &s.diags);
    if (all.n == 0) {
        print_diags(&s.diags, false);
        code = EXIT_WRONG;
    } else if (job != NULL) {
        code = draw_job(a, all.items[0], (enum graph_format)format, job);
    } else {
        draw(all.items[0], (enum graph_format)format, NULL);
    }
    pipelines_free(&all);
    setup_end(&s);
    return code;
}

static const struct option options[] = {
    { 'f', "format", "text|mermaid|dot|svg", "how to draw it (text)" },
    { 'j', "job", "ID", "mark the way that a job took, as weir jobs show tells it" },
    { 0, "plugins", "FOLDER", "load plugins from FOLDER" },
    API_OPTIONS,
};

const struct command command_graph = {
    .name = "graph",
    .summary = "draw a pipeline, and the way that a job took through it",
    .usage = "FILE [--format text|mermaid|dot|svg] [--job ID]",
    .description =
        "Prints a drawing of the pipeline in FILE: its triggers, its steps in order, and the "
        "blocks\n"
        "that steps hold. text is a tree for the terminal; mermaid is a flow chart for "
        "Markdown; dot\n"
        "is one for Graphviz; svg stands alone, and is light or dark as its viewer is.\n\n"
        "With --job the steps bear what is known of them: done, failed, not reached. It is "
        "asked of\n"
        "a running weir. Of single steps something is known if the last attempt failed, and, "
        "with\n"
        "durable: steps, while the job is not over; of a job that is completed they are not "
        "kept, and\n"
        "the drawing has no marks.\n",
    .examples =
        "  weir graph pipelines/gateway.yaml\n"
        "  weir graph pipelines/gateway.yaml --format svg > gateway.svg\n"
        "  weir graph pipelines/bookings.yaml --job 01890a5d-ac96-774b-bcce-b302099a8057\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .max_words = 1,
    .exits = "0 good, 1 the pipeline has mistakes or the job is another's, 2 used wrongly, 3 "
             "no weir "
             "answers",
    .run = run,
};
