/* pipeline/load_common.c - the keys that every node may have: if, timeout, retry, effect.
 *
 * id is read in load_ids.c, catch and uses in load_children.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pipeline/loading.h"
#include "pipeline/owned.h"

const struct weir_text common_keys[] = {
    WORD("id"),     WORD("if"),    WORD("timeout"), WORD("retry"),
    WORD("effect"), WORD("catch"), WORD("uses"),
};
const size_t n_common_keys = sizeof common_keys / sizeof *common_keys;

bool
is_common_key(struct weir_text key)
{
    for (size_t i = 0; i < n_common_keys; i++)
        if (text_equal(common_keys[i], key))
            return true;
    return false;
}

/* if: holds one whole ${ }; its expression is kept without the braces. */
static void
load_condition(struct loading *l, struct node *node, const struct yaml_node *n)
{
    const char *hint = yaml_is_string(n) ? "write it in ${ }" : NULL;
    if (!yaml_is_string(n) || !template_needed(n->text)) {
        load_say(l, n, DIAG_EXPR_NEEDED, hint, "'if' must be an expression in ${ }");
        return;
    }
    struct part *whole = load_expression(l, n);
    if (whole == NULL)
        return;
    struct weir_text t = n->text;
    if (whole->kind != PART_TEMPLATE || !template_is_whole(whole->template)) {
        load_say(l, n, DIAG_EXPR_NEEDED, NULL, "'if' must be one whole expression in ${ }");
        return;
    }
    struct weir_text inner = { t.bytes + 2, t.len - 3 };
    struct expr *e = NULL;
    struct expr_place place;
    struct weir_error err;
    if (expr_parse(inner, &e, &place, &err) != WEIR_OK) {
        load_say_at(l, yaml_place(l->yaml, n, place.offset + 2, place.len), DIAG_EXPR_SYNTAX,
                    NULL, "%s", err.text);
        return;
    }
    node->condition = own_expr(l->p, e);
    node->condition_text = own_text(l->p, n->text);
}

void
load_common(struct loading *l, struct draft *d)
{
    struct node *node = d->node;
    const struct yaml_node *n = d->yaml;
    const struct yaml_node *at;
    node->retry.attempts = 1;
    if ((at = yaml_get(n, "if")) != NULL)
        load_condition(l, node, at);
    if ((at = yaml_get(n, "timeout")) != NULL)
        (void)load_duration(l, at, "timeout", &node->timeout_ms);
    if ((at = yaml_get(n, "retry")) != NULL)
        (void)load_retry(l, at, false, &node->retry);
    unsigned effect = 0;
    if ((at = yaml_get(n, "effect")) != NULL &&
        load_choice(l, at, "effect", "none|idempotent|unsafe", &effect)) {
        node->effect_given = true;
        node->effect = effect;
    }
}
