/* author/n8n_if.c - the conditions of n8n, old and new, as expressions.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "author/n8n_impl.h"

/* What an operation becomes: A and B are the operands, N is A where it may be absent. */
static const struct {
    const char *names; /* with a blank before and behind each */
    const char *as;
} operations[] = {
    { " equal equals ", "N == B" },
    { " notEqual notEquals ", "N != B" },
    { " contains ", "A.contains(B)" },
    { " notContains ", "!A.contains(B)" },
    { " startsWith ", "A.startsWith(B)" },
    { " notStartsWith ", "!A.startsWith(B)" },
    { " endsWith ", "A.endsWith(B)" },
    { " notEndsWith ", "!A.endsWith(B)" },
    { " regex ", "A.matches(B)" },
    { " notRegex ", "!A.matches(B)" },
    { " larger gt ", "A > B" },
    { " largerEqual gte ", "A >= B" },
    { " smaller lt ", "A < B" },
    { " smallerEqual lte ", "A <= B" },
    { " exists ", "N != null" },
    { " notExists ", "N == null" },
    { " isEmpty empty ", "N in [null, \"\", [], {}]" },
    { " isNotEmpty notEmpty ", "!(N in [null, \"\", [], {}])" },
    { " true ", "N == true" },
    { " false ", "N == false" },
    { " lengthEquals ", "size(A) == B" },
    { " lengthNotEquals ", "size(A) != B" },
    { " lengthGt ", "size(A) > B" },
    { " lengthLt ", "size(A) < B" },
    { " lengthGte ", "size(A) >= B" },
    { " lengthLte ", "size(A) <= B" },
    { " after ", "time.parse(A) > time.parse(B)" },
    { " before ", "time.parse(A) < time.parse(B)" },
};

static bool
has_word(const char *words, struct weir_text word)
{
    const char *at = words;
    for (; word.len > 0 && (at = memmem(at, strlen(at), word.bytes, word.len)) != NULL; at++)
        if (at > words && at[-1] == ' ' && at[word.len] == ' ')
            return true;
    return false;
}

/* Whether TEXT is a chain of names and members, which may stand before ?? and '.'. */
static bool
is_chain(const char *text)
{
    return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.?") ==
           strlen(text);
}

/* Whether TEXT needs no brackets beside an operator: it has none outside of its own brackets.
 */
static bool
is_simple(const char *text)
{
    char quote = '\0';
    unsigned open = 0;
    if (*text == '!' || *text == '-')
        return false;
    for (; *text; text++) {
        if (quote != '\0') {
            if (*text == '\\' && text[1])
                text++;
            else if (*text == quote)
                quote = '\0';
        } else if (*text == '"') {
            quote = '"';
        } else if (strchr("([{", *text) != NULL) {
            open++;
        } else if (strchr(")]}", *text) != NULL) {
            open -= open > 0;
        } else if (*text == ' ' && open == 0) {
            return false;
        }
    }
    return true;
}

static const char *
placed(struct step *s, const char *as, const char *a, const char *b)
{
    struct n8n *w = s->w;
    const char *all = "";
    for (; *as; as++) {
        const char *operand = *as == 'A' ? a : *as == 'B' ? b : NULL;
        if (operand != NULL)
            all = n8n_printf(w, is_simple(operand) || as[1] == ')' ? "%s%s" : "%s(%s)", all,
                             operand);
        else if (*as == 'N')
            all = n8n_printf(w,
                             is_chain(a)    ? "%s(%s ?? null)"
                             : is_simple(a) ? "%s%s"
                                            : "%s(%s)",
                             all, a);
        else
            all = n8n_printf(w, "%s%c", all, *as);
    }
    return all;
}

/* Whether a row of conditions was left empty. */
static bool
is_empty(const struct weir_value *a, const struct weir_value *b)
{
    bool left = a == NULL || (a->type == WEIR_STRING && a->len == 0);
    return left && (b == NULL || (b->type == WEIR_STRING && b->len == 0));
}

/* Whether V is a text as it stands, and no expression. */
static bool
is_fixed(const struct weir_value *v)
{
    return v == NULL || v->type != WEIR_STRING || v->len == 0 || v->bytes[0] != '=';
}

/* A condition that fails when it is evaluated, in place of one that is not there, or says nothing. */
static const char *
no_condition(struct step *s, const char *why)
{
    n8n_todo(s->w, s->node, s->id, why);
    n8n_fate(s->node, FATE_PARTLY);
    return n8n_printf(s->w, "input[\"TODO condition %u\"]", ++s->w->conditions);
}

const char *
n8n_compare(struct step *s, const struct weir_value *a, const struct weir_value *b,
            struct weir_text operation, struct weir_text type)
{
    bool number = text_is(type, "number");
    if (is_empty(a, b))
        return no_condition(s, "it has no condition");
    if (is_fixed(a) && is_fixed(b))
        return no_condition(s, "its condition compares two constants, and always comes out the same");
    const char *left = step_operand(s, a, number);
    const char *right = step_operand(
        s, b, number || (operation.len > 6 && memcmp(operation.bytes, "length", 6) == 0));
    bool truth = b != NULL && b->type == WEIR_STRING && text_is(type, "boolean");
    if (truth && (text_is(value_as_text(b), "true") || text_is(value_as_text(b), "false")))
        right = text_is(value_as_text(b), "true") ? "true" : "false";
    if (text_is(type, "array") && has_word(" contains notContains ", operation))
        return placed(s, text_is(operation, "contains") ? "B in A" : "!(B in A)", left, right);
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
        if (has_word(operations[i].names, operation))
            return placed(s, operations[i].as, left, right);
    const char *why =
        n8n_printf(s->w, "the comparison '%.*s' has no counterpart",
                   (int)(operation.len > 60 ? 60 : operation.len), operation.bytes);
    n8n_todo(s->w, s->node, s->id, why);
    n8n_fate(s->node, FATE_PARTLY);
    return n8n_printf(s->w, "input[%s]",
                      js_literal(&s->w->arena, text_of(n8n_printf(s->w, "TODO %s", why))));
}

/* One more condition behind those of ALL. */
static const char *
joined(struct step *s, const char *all, const char *one, bool any)
{
    if (*all == '\0')
        return one;
    return n8n_printf(s->w, "%s %s %s", all, any ? "||" : "&&", one);
}

/* What the options of conditions change, and no comparison here does. */
static void
note_options(struct step *s, const struct weir_value *options)
{
    const struct weir_value *exact = value_field(options, "caseSensitive"),
                            *types = value_field(options, "typeValidation");
    if (exact != NULL && exact->type == WEIR_BOOL && !exact->boolean) {
        n8n_note(s->w, s->node, "its conditions ignore upper and lower case in n8n");
        n8n_fate(s->node, FATE_PARTLY);
    }
    if (types != NULL && text_is(value_as_text(types), "loose")) {
        n8n_note(s->w, s->node, "its conditions convert what they compare in n8n");
        n8n_fate(s->node, FATE_PARTLY);
    }
}

/* { conditions: [{ leftValue, rightValue, operator: { type, operation } }], combinator } */
static const char *
newer(struct step *s, const struct weir_value *v)
{
    const struct weir_value *list = value_field(v, "conditions"), *one, *text;
    text = value_field(v, "combinator");
    bool any = text != NULL && text_is(value_as_text(text), "or");
    note_options(s, value_field(v, "options"));
    const char *all = "";
    for (size_t i = 0; (one = value_at(list, i)) != NULL && i < 100; i++) {
        const struct weir_value *op = value_field(one, "operator");
        const struct weir_value *type = value_field(op, "type");
        const struct weir_value *operation = value_field(op, "operation");
        all =
            joined(s, all,
                   n8n_compare(s, value_field(one, "leftValue"), value_field(one, "rightValue"),
                               operation != NULL ? value_as_text(operation) : TEXT("equals"),
                               type != NULL ? value_as_text(type) : TEXT("")),
                   any);
    }
    return all;
}

/* { string: [{ value1, operation, value2 }], number: [...], boolean: [...] } */
static const char *
older(struct step *s, const struct weir_value *v, bool any)
{
    const char *all = "";
    struct weir_text type;
    const struct weir_value *list, *one;
    for (size_t k = 0; value_member(v, k, &type, &list); k++)
        for (size_t i = 0; (one = value_at(list, i)) != NULL && i < 100; i++) {
            const struct weir_value *op = value_field(one, "operation");
            struct weir_text operation = op != NULL ? value_as_text(op) : TEXT("");
            if (is_empty(value_field(one, "value1"), value_field(one, "value2")))
                continue;
            if (operation.len == 0)
                operation = text_is(type, "number")     ? TEXT("smaller")
                            : text_is(type, "dateTime") ? TEXT("after")
                                                        : TEXT("equal");
            all = joined(s, all,
                         n8n_compare(s, value_field(one, "value1"), value_field(one, "value2"),
                                     operation, type),
                         any);
        }
    return all;
}

const char *
n8n_condition(struct step *s, const struct weir_value *conditions, const char *combine)
{
    if (combine == NULL)
        combine = param_is(s->node, "combineOperation", "any", "all") ? "any" : "all";
    const struct weir_value *list = value_field(conditions, "conditions");
    const char *all =
        list != NULL ? newer(s, conditions) : older(s, conditions, strcmp(combine, "any") == 0);
    return *all ? all : no_condition(s, "it has no condition");
}
