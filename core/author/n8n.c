/* author/n8n.c - see n8n.h; which pipelines a workflow becomes.
 *
 * Triggers that lead to the same nodes start one pipeline; others one each.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "author/n8n.h"

#include <stdlib.h>
#include <string.h>

#include "author/n8n_impl.h"
#include "base/units.h"
#include "pipeline/yaml.h"
#include "value/json.h"

/* Whether two triggers lead to the same nodes. */
static bool
same_outs(const struct n8n_node *a, const struct n8n_node *b)
{
    const struct n8n_edge *x = a->outs[0], *y = b->outs[0];
    for (; x != NULL && y != NULL; x = x->next, y = y->next)
        if (x->to != y->to)
            return false;
    return x == NULL && y == NULL;
}

/* Forgets what belongs to the pipeline before. */
static void
begin(struct n8n *w)
{
    for (struct n8n_node *n = w->first; n != NULL; n = n->next) {
        n->made = NULL;
        n->open = 0;
    }
    w->n_steps = 0;
    map_fini(&w->ids);
    map_init(&w->ids);
    w->js = (struct js_names){ .node = n8n_data, .note = n8n_differs, .arg = w };
}

/* A file has at most so many values and levels: what comes of a workflow that has more can't be
 * read. */
static void
read_again(const struct n8n *w, struct weir_text text, struct weir_error *err)
{
    struct diags d;
    diags_init(&d);
    struct yaml *y = yaml_read("", text, &d);
    if (y == NULL)
        err_set(err, WEIR_TOO_LARGE, "the pipeline %.*s would be no file that weir reads: %s",
                (int)w->pipeline.len, w->pipeline.bytes, d.n > 0 ? d.items[0].message : "");
    yaml_free(&y);
    diags_fini(&d);
}

static void
add_pipeline(struct n8n *w, struct weir_builder *pipelines, const struct out *doc,
             struct weir_error *err)
{
    struct buf b;
    buf_init(&b, YAML_MAX);
    if (!out_write(doc, &b))
        err_set(err, WEIR_TOO_LARGE, "the pipeline %.*s would be larger than 1 MiB",
                (int)w->pipeline.len, w->pipeline.bytes);
    else
        read_again(w, buf_content(&b), err);
    if (err->code != WEIR_OK) {
        buf_fini(&b);
        return;
    }
    struct weir_builder *one = builder_map();
    builder_take(one, "name", value_string(w->pipeline.bytes, w->pipeline.len));
    builder_take(one, "yaml", value_string(b.bytes, b.len));
    const struct weir_value *v = builder_end(&one);
    builder_add(pipelines, &v);
    buf_fini(&b);
}

/* Seconds of the workflow's longest run, if they are told. */
static void
put_timeout(struct n8n *w, struct out *doc)
{
    const struct weir_value *v =
        value_field(value_field(w->workflow, "settings"), "executionTimeout");
    char text[64];
    if (v == NULL || v->type != WEIR_INT || v->integer <= 0 || v->integer > 86400)
        return;
    duration_text((uint64_t)v->integer * 1000, text, sizeof text);
    out_set(&w->arena, doc, TEXT("timeout"), out_text(&w->arena, text_of(text)));
}

/* What $json is behind several triggers, of which N gives DATA: what a webhook gives if there is
 * one, since whoever reads a body, headers or a query means that. */
static struct js_base
one_of(struct n8n *w, struct n8n_node *n, struct js_base in, struct js_base data)
{
    if (in.shape == data.shape) {
        if (in.shape == JS_REQUEST)
            in.params = n8n_printf(w, "%s%s", in.params, data.params);
        return in;
    }
    n8n_note(w, n,
             "triggers of several kinds start the pipeline: what $json is read as the event of a "
             "webhook, or of the first of them");
    n8n_fate(n, FATE_PARTLY);
    return data.shape == JS_REQUEST ? data : in;
}

/* Writes the pipeline that FIRST starts, and the triggers that lead where it leads. */
static void
write_pipeline(struct n8n *w, struct n8n_node *first, struct weir_builder *pipelines,
               struct weir_error *err)
{
    struct arena *a = &w->arena;
    struct out *doc = out_map(a), *triggers = out_list(a), *steps = out_list(a);
    struct js_base in = { .text = "request.body" };
    begin(w);
    w->pipeline = n8n_name(w, &w->names, w->name, "workflow");
    out_set(a, doc, TEXT("name"), out_text(a, w->pipeline));
    out_set(a, doc, TEXT("description"),
            out_text(a, js_escaped(
                            a, text_of(n8n_printf(w, "Imported from the workflow %.*s of n8n.",
                                                  (int)(w->name.len > 200 ? 200 : w->name.len),
                                                  w->name.bytes)))));
    struct out *answers = out_map(a);
    bool first_of_all = true;
    for (struct n8n_node *n = w->first; n != NULL; n = n->next) {
        if (n != first &&
            !(first->trigger && n->trigger && n->fate == FATE_NONE && same_outs(first, n)))
            continue;
        struct js_base data = n->trigger ? n8n_trigger(w, n, triggers, answers) : in;
        in = first_of_all ? data : one_of(w, n, in, data);
        first_of_all = false;
        n8n_remember(w, n, data);
    }
    if (triggers->first != NULL)
        out_set(a, doc, TEXT("trigger"),
                triggers->first->next == NULL ? triggers->first : triggers);
    if (out_get(answers, "respond") != NULL)
        out_set(a, doc, TEXT("respond"), out_text(a, TEXT("accepted")));
    put_timeout(w, doc);
    struct way way = { .w = w };
    const struct n8n_edge *edges = first->trigger ? first->outs[0] : n8n_edge_to(w, first);
    w->waits = false;
    (void)n8n_walk(&way, edges, steps, in);
    if (w->waits) /* a run that waits has to outlive the process */
        out_set(a, doc, TEXT("durable"), out_plain(a, "true"));
    out_set(a, doc, TEXT("steps"), steps)->comments = answers->comments;
    add_pipeline(w, pipelines, doc, err);
}

/* Whether something starts at N: a trigger, or, if there is none, a node that nothing leads to.
 */
static bool
starts(const struct n8n *w, const struct n8n_node *n, bool triggers)
{
    if (triggers)
        return n->trigger && n->fate == FATE_NONE;
    if (n->n_ins > 0 || n->sub || text_is(n->type, "stickyNote") || n->fate != FATE_NONE)
        return false;
    return n->n_outs > 0 || w->n_edges == 0;
}

/* What no pipeline has. */
static void
finish(struct n8n *w)
{
    w->pipeline = TEXT("");
    for (struct n8n_node *n = w->first; n != NULL; n = n->next) {
        if (n->fate != FATE_NONE)
            continue;
        n8n_fate(n, n->sub ? FATE_TODO : FATE_DROPPED);
        if (n->sub)
            n8n_todo(w, n, TEXT(""), "is a part of another node, which has no counterpart");
        else if (!text_is(n->type, "stickyNote"))
            n8n_note(w, n, "nothing leads to it: it was left out");
    }
}

static void
write_all(struct n8n *w, struct weir_builder *pipelines, struct weir_error *err)
{
    bool triggers = false;
    unsigned n_pipelines = 0;
    for (const struct n8n_node *n = w->first; n != NULL; n = n->next)
        triggers |= n->trigger;
    for (struct n8n_node *n = w->first; n != NULL && err->code == WEIR_OK; n = n->next) {
        if (!starts(w, n, triggers))
            continue;
        if (n_pipelines++ == N8N_PIPELINES) {
            n8n_note(w, n,
                     "the workflow starts at more than 20 places; the others were left out");
            break;
        }
        write_pipeline(w, n, pipelines, err);
    }
    const struct weir_value *after =
        value_field(value_field(w->workflow, "settings"), "errorWorkflow");
    struct weir_text name = after != NULL ? value_as_text(after) : TEXT("");
    if (name.len > 0)
        n8n_note(
            w, NULL,
            n8n_printf(w,
                       "its errors go to the workflow \"%.*s\": a pipeline with the trigger "
                       "event: job.dead hears of them",
                       (int)(name.len > 60 ? 60 : name.len), name.bytes));
    finish(w);
}

static struct n8n *
n8n_new(const struct weir_value *workflow, const char *fallback)
{
    struct n8n *w = calloc(1, sizeof *w);
    if (w == NULL)
        abort();
    arena_init(&w->arena, 65536, SIZE_MAX);
    w->workflow = workflow;
    const struct weir_value *name = value_field(workflow, "name");
    w->name =
        name != NULL && value_as_text(name).len > 0 ? value_as_text(name) : text_of(fallback);
    map_init(&w->by_name);
    map_init(&w->by_id);
    map_init(&w->ids);
    map_init(&w->names);
    map_init(&w->routes);
    w->todos_end = &w->todos;
    w->notes_end = &w->notes;
    w->steps = arena_alloc(&w->arena, N8N_STEPS * sizeof *w->steps);
    if (w->steps == NULL)
        abort();
    return w;
}

static void
n8n_free(struct n8n *w)
{
    map_fini(&w->by_name);
    map_fini(&w->by_id);
    map_fini(&w->ids);
    map_fini(&w->names);
    map_fini(&w->routes);
    value_unref(&w->workflow);
    arena_fini(&w->arena);
    free(w);
}

enum weir_code
n8n_import(struct weir_text text, const char *fallback, const struct weir_value **ret,
           struct weir_error *err)
{
    const struct weir_value *workflow = NULL;
    if (text.len > N8N_MAX)
        return err_set(err, WEIR_TOO_LARGE, "more than 16 MiB");
    enum weir_code code = json_read(text, NULL, NULL, &workflow, err);
    if (code != WEIR_OK)
        return code;
    struct n8n *w = n8n_new(workflow, fallback);
    struct weir_builder *pipelines = builder_list();
    struct weir_error failed = { 0 };
    if (n8n_read(w, &failed)) {
        n8n_joins(w);
        write_all(w, pipelines, &failed);
    }
    const struct weir_value *made = builder_end(&pipelines);
    if (failed.code == WEIR_OK)
        *ret = n8n_report(w, &made);
    value_unref(&made);
    n8n_free(w);
    if (failed.code != WEIR_OK)
        return err_set(err, failed.code, "%s", failed.text);
    return WEIR_OK;
}
