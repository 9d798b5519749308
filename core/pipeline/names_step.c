/* pipeline/names_step.c - steps.ID, and names that are unknown.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "pipeline/names.h"

/* Whether any node type brings NAME into one of its blocks; that type's name. */
static const char *
brought_by(const struct reading *r, struct weir_text name)
{
    const struct node_type *const *types;
    unsigned n = registry_nodes(r->l->options->registry, &types);
    for (unsigned i = 0; i < n; i++)
        for (unsigned b = 0; b < types[i]->abi.n_blocks; b++) {
            const char *names = types[i]->abi.blocks[b].names;
            const char *at =
                names != NULL ? memmem(names, strlen(names), name.bytes, name.len) : NULL;
            if (at != NULL && (at[name.len] == ' ' || at[name.len] == '\0') &&
                (at == names || at[-1] == ' '))
                return types[i]->abi.name;
        }
    return NULL;
}

/* What the name probably means: a step, a variable, a field of the request, another name. */
static void
hint_name(const struct reading *r, struct weir_text name, char *ret, size_t room)
{
    static const struct weir_text names[] = {
        WORD("request"), WORD("input"), WORD("steps"),   WORD("run"),
        WORD("vars"),    WORD("env"),   WORD("secrets"), WORD("item"),
        WORD("index"),   WORD("error"), WORD("reply"),
    };
    ret[0] = '\0';
    if (pipeline_node(r->l->p, name) != NULL)
        (void)snprintf(ret, room, "did you mean 'steps.%.*s'?", CLIP(name));
    else if (value_get(r->l->p->vars, name.bytes, name.len) != NULL)
        (void)snprintf(ret, room, "did you mean 'vars.%.*s'?", CLIP(name));
    else if (text_is(name, "body") || text_is(name, "headers") || text_is(name, "params") ||
             text_is(name, "query") || text_is(name, "method"))
        (void)snprintf(ret, room, "did you mean 'request.%.*s'?", CLIP(name));
    else
        hint_nearest(name, names, sizeof names / sizeof *names, ret, room);
}

void
names_unknown(struct reading *r, const struct expr_access *a)
{
    struct weir_text name = a->path[0];
    struct mark mark = names_mark(r, a, 0);
    bool elsewhere = text_is(name, "request") || text_is(name, "input") ||
                     text_is(name, "run") || text_is(name, "steps");
    if (elsewhere) {
        load_say_at(r->l, mark, DIAG_NAME_PLACE, NULL, "'%.*s' is not there yet: here are %s",
                    CLIP(name),
                    r->place == PLACE_TRIGGER
                        ? "vars, env and secrets only"
                        : "request, input, run, vars, env and secrets only");
        return;
    }
    if (text_is(name, "error") || text_is(name, "reply")) {
        load_say_at(r->l, mark, DIAG_NAME_PLACE, NULL, "'%.*s' is there inside '%s' only",
                    CLIP(name), text_is(name, "error") ? "catch" : "finally");
        return;
    }
    const char *type = brought_by(r, name);
    if (type != NULL) {
        load_say_at(r->l, mark, DIAG_NAME_PLACE, NULL,
                    "'%.*s' is there only in the blocks of '%s'", CLIP(name), type);
        return;
    }
    char hint[128];
    hint_name(r, name, hint, sizeof hint);
    load_say_at(r->l, mark, DIAG_NAME_UNKNOWN, hint[0] != '\0' ? hint : NULL,
                "unknown name '%.*s'", CLIP(name));
}

static void
unknown_step(struct reading *r, const struct expr_access *a)
{
    struct weir_text id = a->path[1];
    struct weir_text *ids = malloc((r->l->p->n_nodes + 1) * sizeof *ids);
    if (ids == NULL)
        abort();
    unsigned n = 0;
    for (unsigned i = 0; i < r->l->p->n_nodes && n < 1000; i++)
        if (r->l->p->nodes[i]->id_given)
            ids[n++] = text_of(r->l->p->nodes[i]->id);
    char hint[128];
    hint_nearest(id, ids, n, hint, sizeof hint);
    free(ids);
    load_say_at(r->l, names_mark(r, a, 1), DIAG_STEP_UNKNOWN, hint[0] != '\0' ? hint : NULL,
                "there is no step '%.*s'", CLIP(id));
}

/* Why STEP may be absent, for the message. */
static const char *
why_maybe(const struct reading *r, const struct node *step)
{
    if (in_catch(r->l->p, r->node->in))
        return "after an error";
    if (in_finally(r->l->p, r->node->in))
        return "when finally runs";
    return step->condition != NULL ? "because of its 'if'"
                                   : "because its block may be passed over";
}

static void
say_sight(struct reading *r, const struct expr_access *a, enum sight sight,
          const struct node *step)
{
    static const struct {
        enum diag_code code;
        const char *text;
    } hidden[] = {
        [SIGHT_OWN] = { DIAG_STEP_OWN,
                        "is the node itself: it has no output yet; 'input' is what it gets" },
        [SIGHT_INSIDE] = { DIAG_STEP_LATER, "runs inside this node, so later" },
        [SIGHT_AROUND] = { DIAG_STEP_LATER,
                           "is the node around this one: it has no output yet" },
        [SIGHT_LATER] = { DIAG_STEP_LATER, "runs later" },
        [SIGHT_MANY] = { DIAG_STEP_HIDDEN,
                         "runs many times: use the output of the node around it" },
        [SIGHT_APART] = { DIAG_STEP_HIDDEN, "runs in a branch beside this one" },
        [SIGHT_LENT] = { DIAG_STEP_HIDDEN, "is lent to another node" },
    };
    struct weir_text id = a->path[1];
    if (sight != SIGHT_MAYBE) {
        load_say_at(r->l, names_mark(r, a, 1), hidden[sight].code, NULL, "step '%.*s' %s",
                    CLIP(id), hidden[sight].text);
        return;
    }
    char hint[192];
    if (a->n > 2)
        (void)snprintf(hint, sizeof hint,
                       "write steps.%.*s?.%.*s, or ?? and what counts instead", CLIP(id),
                       CLIP(a->path[2]));
    else
        (void)snprintf(hint, sizeof hint, "write steps.%.*s ?? and what counts instead",
                       CLIP(id));
    load_say_at(r->l, names_mark(r, a, 1), DIAG_STEP_MAYBE, hint,
                "step '%.*s' may have no output %s", CLIP(id), why_maybe(r, step));
}

/* A stream passes by once: it can be the body of a reply and nothing else. */
static void
check_stream(struct reading *r, const struct expr_access *a, const struct node *step)
{
    const struct weir_value *stream = value_field(step->config_value, "stream");
    bool streams = stream != NULL && value_type(stream) == WEIR_BOOL && stream->boolean;
    bool body = a->n > 2 ? text_is(a->path[2], "body") : a->whole;
    if (!streams || !body)
        return;
    bool reply = strcmp(r->node->type->abi.name, "reply") == 0 &&
                 strcmp(r->site->part->pointer, "/body") == 0;
    bool alone = template_is_whole(r->site->part->template) && a->whole && a->n == 3;
    if (!reply || !alone)
        load_say_at(r->l, names_mark(r, a, 1), DIAG_STREAM_USE, NULL,
                    "step '%.*s' streams: its body can only be the 'body' of a reply",
                    CLIP(a->path[1]));
}

void
names_step(struct reading *r, const struct expr_access *a)
{
    if (a->n < 2) {
        load_say_at(r->l, names_mark(r, a, 0), DIAG_NAME_DYNAMIC, NULL,
                    "'steps' needs a fixed name, as in steps.fetch");
        return;
    }
    const struct node *step = pipeline_node(r->l->p, a->path[1]);
    if (step == NULL) {
        unknown_step(r, a);
        return;
    }
    enum sight sight = sight_of(r->node, step);
    if (sight != SIGHT_ALWAYS && !(sight == SIGHT_MAYBE && names_opted(a, 1)))
        say_sight(r, a, sight, step);
    check_stream(r, a, step);
}
