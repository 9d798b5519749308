/* author/n8n_blocks.c - nodes at which ways part: if, filter, switch, loops, error outputs.
 *
 * Each writes its step with a block for each way, and tells where the flow goes on behind it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "author/n8n_impl.h"

/* All edges of a node in one row, so that they can be joined. */
static struct n8n_edge *
all_edges(struct n8n *w, const struct n8n_node *n)
{
    struct n8n_edge *all = NULL, **end = &all;
    for (unsigned i = 0; i < n->n_outs; i++)
        for (const struct n8n_edge *e = n->outs[i]; e != NULL; e = e->next) {
            struct n8n_edge *copy = arena_alloc(&w->arena, sizeof *copy);
            if (copy == NULL)
                abort();
            *copy = *e;
            copy->next = NULL;
            *end = copy;
            end = &copy->next;
        }
    return all;
}

static struct out *
add_case(struct n8n *w, struct out *cases, struct out *when)
{
    struct out *one = out_add(cases, out_map(&w->arena));
    out_set(&w->arena, one, TEXT("when"), when);
    return out_set(&w->arena, one, TEXT("do"), out_list(&w->arena));
}

/* An if or a filter. *EDGES: where it goes on. */
struct js_base
n8n_if(const struct way *way, struct step *s, const struct n8n_edge **edges)
{
    struct n8n *w = way->w;
    struct n8n_node *n = s->node, *join = n8n_may_end(n) ? NULL : n8n_join(all_edges(w, n));
    struct lanes lanes = { 0 };
    struct out *step = step_extra(s);
    const char *when = n8n_condition(s, param(n, "conditions"), NULL);
    out_set(&w->arena, step, TEXT("switch"), out_plain(&w->arena, ""));
    struct out *cases = out_set(&w->arena, step, TEXT("cases"), out_list(&w->arena));
    struct out *yes = add_case(w, cases, step_expression(s, when));
    struct out *no = out_set(&w->arena, step, TEXT("default"), out_list(&w->arena));
    n8n_lane(way, n->outs[0], join, yes, s->in, &lanes);
    n8n_lane(way, n->n_outs > 1 ? n->outs[1] : NULL, join, no, s->in, &lanes);
    n8n_fate(n, FATE_MAPPED);
    *edges = n8n_edge_to(w, join);
    return n8n_behind(&lanes);
}

/* What the rules of an older switch compare with constants. */
static const char *
compared(struct step *s)
{
    const struct weir_value *value = param(s->node, "value1");
    struct weir_text property = param_text(s->node, "dataPropertyName");
    const char *as;
    if (value != NULL || property.len == 0)
        as = step_operand(s, value != NULL ? value : &value_null, false);
    else
        as = step_operand_text(s, text_of(n8n_printf(s->w, "={{ $json.%.*s }}",
                                                     (int)property.len, property.bytes)));
    bool chain = strpbrk(as, " ([\"'") == NULL; /* what is absent takes the default */
    return chain ? n8n_printf(s->w, "%s ?? null", as) : as;
}

static struct weir_text
rule_value(const struct weir_value *rule)
{
    const struct weir_value *value = value_field(rule, "value2");
    if (value == NULL)
        value = value_field(rule, "value");
    return value != NULL ? value_as_text(value) : TEXT("");
}

/* Whether the rules of a switch compare one value with constant texts: then they are cases by
 * value. */
static bool
by_value(const struct n8n_node *n)
{
    const struct weir_value *rules = param(n, "rules/rules"), *rule;
    bool good = rules != NULL && rules->len > 0;
    for (size_t i = 0; good && (rule = value_at(rules, i)) != NULL; i++) {
        const struct weir_value *op = value_field(rule, "operation");
        struct weir_text text = rule_value(rule);
        good = (op == NULL || text_is(value_as_text(op), "equal")) && text.len > 0 &&
               text.bytes[0] != '=' && memchr(text.bytes, '{', text.len) == NULL;
        for (size_t k = 0; good && k < i; k++)
            good = !text_equal(rule_value(value_at(rules, k)), text);
    }
    return good;
}

/* The condition of rule number I of a switch; NULL: there are no more. */
static const char *
rule_condition(struct step *s, unsigned i)
{
    const struct weir_value *rule = value_at(param(s->node, "rules/values"), i);
    if (rule != NULL)
        return n8n_condition(s, value_field(rule, "conditions"), NULL);
    rule = value_at(param(s->node, "rules/rules"), i);
    if (rule == NULL)
        return NULL;
    const struct weir_value *value = value_field(rule, "value2"),
                            *op = value_field(rule, "operation");
    return n8n_compare(s, param(s->node, "value1"), value,
                       op != NULL ? value_as_text(op) : TEXT("equal"),
                       param_text(s->node, "dataType"));
}

/* The output that rule number I leads to. */
static unsigned
rule_output(const struct n8n_node *n, unsigned i)
{
    const struct weir_value *output =
        value_field(value_at(param(n, "rules/rules"), i), "output");
    if (output != NULL && output->type == WEIR_INT && output->integer >= 0 &&
        output->integer < N8N_OUTPUTS)
        return (unsigned)output->integer;
    return i;
}

/* Whether a case with that condition is there already, or one that always holds: then another
 * is never reached. */
static bool
is_shadowed(const struct out *cases, struct weir_text when)
{
    for (const struct out *o = cases->first; o != NULL; o = o->next) {
        const struct out *before = out_get(o, "when");
        if (before != NULL &&
            (text_equal(before->text, when) || text_is(before->text, "${ true }")))
            return true;
    }
    return false;
}

/* The block of rule number I in the step of a switch; NULL: it is never reached. *ret_more:
 * there is such a rule. */
static struct out *
rule_block(struct step *s, struct out *step, unsigned i, bool values, bool *ret_more)
{
    struct arena *a = &s->w->arena;
    struct out *cases = out_get(step, "cases");
    const struct weir_value *rule = value_at(param(s->node, "rules/rules"), i);
    const char *when = values ? NULL : rule_condition(s, i);
    *ret_more = values ? rule != NULL : when != NULL;
    if (!*ret_more)
        return NULL;
    if (values)
        return out_set(a, cases, rule_value(rule), out_list(a));
    struct out *text = step_expression(s, when);
    if (!is_shadowed(cases, text->text))
        return add_case(s->w, cases, text);
    n8n_note(s->w, s->node, "a rule that never holds, since one before it does, was left out");
    return NULL;
}

struct js_base
n8n_switch(const struct way *way, struct step *s, const struct n8n_edge **edges)
{
    struct n8n *w = way->w;
    struct n8n_node *n = s->node, *join = n8n_join(all_edges(w, n));
    struct lanes lanes = { 0 };
    struct out *step = step_extra(s), *list;
    bool used[N8N_OUTPUTS] = { false }, values = by_value(n);
    unsigned rules = 0;
    out_set(&w->arena, step, TEXT("switch"),
            values ? step_expression(s, compared(s)) : out_plain(&w->arena, ""));
    out_set(&w->arena, step, TEXT("cases"), values ? out_map(&w->arena) : out_list(&w->arena));
    for (bool more; rules < N8N_OUTPUTS; rules++) {
        unsigned output = rule_output(n, rules);
        list = rule_block(s, step, rules, values, &more);
        if (!more)
            break;
        used[output] = true;
        if (list == NULL)
            continue;
        n8n_lane(way, output < n->n_outs ? n->outs[output] : NULL, join, list, s->in, &lanes);
    }
    struct out *other = out_set(&w->arena, step, TEXT("default"), out_list(&w->arena));
    for (unsigned i = 0; i < n->n_outs; i++)
        if (!used[i] && n->outs[i] != NULL) {
            n8n_lane(way, n->outs[i], join, other, s->in, &lanes);
            break;
        }
    n8n_fate(n, FATE_MAPPED);
    if (rules == 0) {
        out_set(&w->arena, step, TEXT("switch"), step_expression(s, "input[\"TODO rules\"]"));
        step_note_todo(s, step, "its rules are an expression, which has no counterpart");
    }
    if (rules > 0 && join != NULL && other->first == NULL)
        n8n_note(w, n, "n8n ends where no rule holds; here the flow goes on behind the switch");
    *edges = n8n_edge_to(w, join);
    return n8n_behind(&lanes);
}

/* A loop over the items of the node before. */
struct js_base
n8n_loop(const struct way *way, struct step *s, const struct n8n_edge **edges)
{
    struct n8n *w = way->w;
    struct n8n_node *n = s->node;
    unsigned done = n8n_done_output(n), body = 1 - done, from = w->n_steps;
    struct way inner = { .w = w, .outer = way, .stop = n, .depth = way->depth + 1 };
    struct out *step = step_begin(s);
    out_set(&w->arena, step, TEXT("foreach"),
            step_expression(s, s->in.text != NULL ? s->in.text : "input"));
    struct out *list = out_set(&w->arena, step, TEXT("do"), out_list(&w->arena));
    n->open++;
    (void)n8n_walk(&inner, body < n->n_outs ? n->outs[body] : NULL, list,
                   (struct js_base){ .text = "item" });
    n->open--;
    n8n_hide(w, from, SEEN_NOT);
    const struct weir_value *size = param(n, "batchSize");
    if (size == NULL || size->type != WEIR_INT || size->integer > 1)
        n8n_note(w, n, "n8n takes several items at once; foreach takes one, or concurrency");
    n8n_note(w, n, "foreach goes through the list that the step before gives");
    n8n_fate(n, FATE_PARTLY);
    *edges = done < n->n_outs ? n->outs[done] : NULL;
    return s->data;
}

/* A list of which each item goes on by itself, up to where the items are gathered again. */
struct js_base
n8n_split(const struct way *way, struct step *s, const struct n8n_edge **edges)
{
    struct n8n *w = way->w;
    struct n8n_node *gather = s->node->after;
    unsigned from = w->n_steps;
    while (gather != NULL && !text_is(gather->type, "aggregate"))
        gather = gather->after;
    struct way inner = { .w = w, .outer = way, .stop = gather, .depth = way->depth + 1 };
    struct weir_text field = param_text(s->node, "fieldToSplitOut");
    struct out *step = step_begin(s);
    const char *list = n8n_printf(w, "={{ $json.%.*s }}", (int)field.len, field.bytes);
    out_set(&w->arena, step, TEXT("foreach"),
            step_expression(s, step_operand_text(s, text_of(list))));
    struct out *body = out_set(&w->arena, step, TEXT("do"), out_list(&w->arena));
    (void)n8n_walk(&inner, s->node->outs[0], body, (struct js_base){ .text = "item" });
    n8n_hide(w, from, SEEN_NOT);
    n8n_fate(s->node, FATE_MAPPED);
    *edges = n8n_edge_to(w, gather);
    return s->data;
}

/* A node whose errors leave by an output of their own: the step is caught, and a switch parts
 * what went well from what did not. */
struct js_base
n8n_with_errors(const struct way *way, struct step *s, const struct n8n_edge **edges)
{
    struct n8n *w = way->w;
    struct n8n_node *n = s->node, *join = n8n_join(all_edges(w, n));
    struct lanes lanes = { 0 };
    unsigned error = n->n_outs - 1;
    struct out *caught = out_map(&w->arena), *list = out_list(&w->arena);
    out_set(&w->arena, caught, TEXT("failed"), step_expression(s, "error.message"));
    out_set(&w->arena, out_add(list, out_map(&w->arena)), TEXT("set"), caught);
    out_set(&w->arena, s->map, TEXT("catch"), list);
    struct out *step = step_extra(s);
    out_set(&w->arena, step, TEXT("switch"), out_plain(&w->arena, ""));
    struct out *cases = out_set(&w->arena, step, TEXT("cases"), out_list(&w->arena));
    struct out *bad =
        add_case(w, cases,
                 step_expression(s, n8n_printf(w, "(steps.%.*s.failed ?? null) != null",
                                               (int)s->id.len, s->id.bytes)));
    struct out *good = out_set(&w->arena, step, TEXT("default"), out_list(&w->arena));
    struct js_base failed = { .text =
                                  n8n_printf(w, "steps.%.*s", (int)s->id.len, s->id.bytes) };
    n8n_lane(way, n->outs[error], join, bad, failed, &lanes);
    n8n_lane(way, n->outs[0], join, good, s->data, &lanes);
    *edges = n8n_edge_to(w, join);
    return n8n_behind(&lanes);
}
