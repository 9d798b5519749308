/* pipeline/yaml_tokens.c - see yaml_tokens.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pipeline/yaml_tokens.h"

#include <libfyaml.h>
#include <stdlib.h>

#include "pipeline/yaml_impl.h"

struct row {
    struct yaml_token *tokens;
    size_t n;
    size_t room;
};

static struct yaml_token *
add(struct row *r, enum yaml_token_kind kind, struct fy_event *e)
{
    if (r->n == r->room) {
        r->room = r->room ? 2 * r->room : 256;
        r->tokens = realloc(r->tokens, r->room * sizeof *r->tokens);
        if (r->tokens == NULL)
            abort();
    }
    struct yaml_token *t = &r->tokens[r->n++];
    *t = (struct yaml_token){ .kind = kind };
    if (kind != YAML_TOKEN_END && kind != YAML_TOKEN_ALIAS)
        t->anchored = fy_event_get_anchor_token(e) != NULL;
    return t;
}

static enum yaml_style
style_of(struct fy_token *t)
{
    static const enum yaml_style styles[] = {
        [FYSS_PLAIN] = YAML_PLAIN,          [FYSS_SINGLE_QUOTED] = YAML_SINGLE,
        [FYSS_DOUBLE_QUOTED] = YAML_DOUBLE, [FYSS_LITERAL] = YAML_LITERAL,
        [FYSS_FOLDED] = YAML_FOLDED,
    };
    int style = t != NULL ? (int)fy_token_scalar_style(t) : FYSS_PLAIN;
    bool known = style >= 0 && style < (int)(sizeof styles / sizeof *styles);
    return known ? styles[style] : YAML_PLAIN;
}

/* Where the token stands: BEFORE bytes in front of its mark belong to it, and BEHIND bytes. */
static void
place(struct yaml_token *t, struct fy_token *token, size_t before, size_t behind)
{
    const struct fy_mark *start = token != NULL ? fy_token_start_mark(token) : NULL;
    if (start == NULL)
        return;
    size_t end = fy_token_end_mark(token)->input_pos;
    if (start->input_pos < before || end < start->input_pos)
        return;
    t->start = start->input_pos - before;
    t->end = end + behind;
}

static void
take(struct row *r, struct fy_event *e)
{
    struct fy_token *token = fy_event_get_token(e);
    struct yaml_token *t;
    switch (e->type) {
    case FYET_SCALAR:
        t = add(r, YAML_TOKEN_SCALAR, e);
        t->style = style_of(token);
        bool quoted = t->style == YAML_SINGLE || t->style == YAML_DOUBLE;
        place(t, token, quoted, quoted);
        break;
    case FYET_ALIAS:
        place(add(r, YAML_TOKEN_ALIAS, e), token, 1, 0);
        break;
    case FYET_SEQUENCE_START:
        add(r, YAML_TOKEN_LIST, e);
        break;
    case FYET_MAPPING_START:
        add(r, YAML_TOKEN_MAP, e);
        break;
    case FYET_SEQUENCE_END:
    case FYET_MAPPING_END:
        add(r, YAML_TOKEN_END, e);
        break;
    default:
        break;
    }
}

struct yaml_token *
yaml_tokens(const struct yaml *y, size_t *ret_n)
{
    struct row r = { 0 };
    struct fy_diag *diag;
    struct fy_parser *parser = yaml_parser_open(y, &diag);
    struct fy_event *e;
    while ((e = fy_parser_parse(parser)) != NULL) {
        take(&r, e);
        fy_parser_event_free(parser, e);
    }
    fy_parser_destroy(parser);
    fy_diag_destroy(diag);
    *ret_n = r.n;
    return r.tokens;
}
