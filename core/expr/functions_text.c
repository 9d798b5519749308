/* expr/functions_text.c - looking into texts: contains, startsWith, endsWith, matches, indexOf,
 * substring, trim.
 *
 * Places are counted in code points. UTF-8 lets one look for bytes all the same: a character
 * never starts inside another.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/encode.h"
#include "expr/function.h"

/* A text and a part to look for, both strings or both bytes. */
static enum weir_code
text_and_part(const struct args *a, struct weir_text *ret_text, struct weir_text *ret_part)
{
    enum weir_code code = arg_text(a, 0, ret_text);
    if (code == WEIR_OK)
        code = arg_text(a, 1, ret_part);
    if (code != WEIR_OK)
        return code;
    if (a->at[0]->type != a->at[1]->type)
        return eval_fail(a->eval, a->term, "%s can't be looked for in %s", eval_a(a->at[1]),
                         eval_a(a->at[0]));
    return WEIR_OK;
}

enum weir_code
function_contains(const struct args *a, struct weir_value *room, const struct weir_value **ret)
{
    (void)room;
    struct weir_text text;
    struct weir_text part;
    enum weir_code code = text_and_part(a, &text, &part);
    if (code == WEIR_OK)
        code = arg_read(a, text.len);
    if (code != WEIR_OK)
        return code;
    return give_bool(memmem(text.bytes, text.len, part.bytes, part.len) != NULL, ret);
}

/* Whether the part stands at the start, or at the end, of the text. */
static enum weir_code
stands_at(const struct args *a, bool end, const struct weir_value **ret)
{
    struct weir_text text;
    struct weir_text part;
    enum weir_code code = text_and_part(a, &text, &part);
    if (code == WEIR_OK)
        code = arg_read(a, part.len);
    if (code != WEIR_OK)
        return code;
    if (part.len > text.len)
        return give_bool(false, ret);
    size_t from = end ? text.len - part.len : 0;
    return give_bool(part.len == 0 || memcmp(text.bytes + from, part.bytes, part.len) == 0,
                     ret);
}

enum weir_code
function_starts_with(const struct args *a, struct weir_value *room,
                     const struct weir_value **ret)
{
    (void)room;
    return stands_at(a, false, ret);
}

enum weir_code
function_ends_with(const struct args *a, struct weir_value *room, const struct weir_value **ret)
{
    (void)room;
    return stands_at(a, true, ret);
}

/* Steps: a match may backtrack for a while, and compiling is dear. */
enum { MATCH_STEPS = 50, COMPILE_STEPS = 200 };

enum weir_code
function_matches(const struct args *a, struct weir_value *room, const struct weir_value **ret)
{
    (void)room;
    struct weir_text text;
    struct weir_text pattern;
    const struct regex *prepared = a->term->regex;
    uint64_t steps = prepared != NULL ? MATCH_STEPS : MATCH_STEPS + COMPILE_STEPS;
    enum weir_code code = arg_string(a, 0, &text);
    if (code == WEIR_OK)
        code = arg_string(a, 1, &pattern);
    if (code == WEIR_OK)
        code = eval_spend(a->eval, a->term, steps * EVAL_STEP + text.len / 8);
    if (code != WEIR_OK)
        return code;

    struct regex *own = NULL;
    struct weir_error err;
    if (prepared == NULL && regex_new(pattern, false, &own, &err) != WEIR_OK)
        return eval_fail(a->eval, a->term, "%s",
                         value_is_secret(a->at[1]) ? "bad regular expression" : err.text);
    enum regex_answer answer = regex_match(prepared != NULL ? prepared : own, text);
    regex_free(&own);
    if (answer == REGEX_TOO_COSTLY)
        return eval_fail(a->eval, a->term, "the regular expression takes too many steps");
    return give_bool(answer == REGEX_YES, ret);
}

/* Argument I as a place in a text of N code points. */
static enum weir_code
place(const struct args *a, unsigned i, size_t n, size_t *ret)
{
    int64_t at;
    enum weir_code code = arg_int(a, i, &at);
    if (code != WEIR_OK)
        return code;
    if (at < 0 || (uint64_t)at > n)
        return eval_fail(a->eval, a->term, "%lld is no place in a text of %zu characters",
                         (long long)at, n);
    *ret = (size_t)at;
    return WEIR_OK;
}

enum weir_code
function_index_of(const struct args *a, struct weir_value *room, const struct weir_value **ret)
{
    struct weir_text text;
    struct weir_text part;
    size_t from = 0;
    enum weir_code code = arg_string(a, 0, &text);
    if (code == WEIR_OK)
        code = arg_string(a, 1, &part);
    if (code == WEIR_OK)
        code = arg_read(a, text.len);
    if (code == WEIR_OK && a->n > 2)
        code = place(a, 2, utf8_count(text), &from);
    if (code != WEIR_OK)
        return code;

    size_t start = utf8_prefix(text, from);
    const char *found =
        part.len == 0 ? text.bytes + start
                      : memmem(text.bytes + start, text.len - start, part.bytes, part.len);
    if (found == NULL)
        return give_int(-1, room, ret);
    struct weir_text between = { text.bytes + start, (size_t)(found - text.bytes) - start };
    return give_int((int64_t)(from + utf8_count(between)), room, ret);
}

enum weir_code
function_substring(const struct args *a, struct weir_value *room, const struct weir_value **ret)
{
    struct weir_text text;
    size_t from = 0;
    enum weir_code code = arg_string(a, 0, &text);
    if (code == WEIR_OK)
        code = arg_read(a, text.len);
    if (code != WEIR_OK)
        return code;
    size_t n = utf8_count(text);
    size_t to = n;
    code = place(a, 1, n, &from);
    if (code == WEIR_OK && a->n > 2)
        code = place(a, 2, n, &to);
    if (code != WEIR_OK)
        return code;
    if (from > to)
        return eval_fail(a->eval, a->term, "it would end (%zu) before it starts (%zu)", to,
                         from);

    size_t start = utf8_prefix(text, from);
    struct weir_text rest = { text.bytes + start, text.len - start };
    rest.len = utf8_prefix(rest, to - from);
    arg_slice(a, rest, room, ret);
    return WEIR_OK;
}

/* Whether Unicode has C as white space. */
static bool
is_space(uint32_t c)
{
    return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

/* Where the last character before END starts. */
static size_t
step_back(struct weir_text text, size_t end)
{
    do
        end--;
    while (end > 0 && (text.bytes[end] & 0xc0) == 0x80);
    return end;
}

enum weir_code
function_trim(const struct args *a, struct weir_value *room, const struct weir_value **ret)
{
    struct weir_text text;
    enum weir_code code = arg_string(a, 0, &text);
    if (code == WEIR_OK)
        code = arg_read(a, text.len);
    if (code != WEIR_OK)
        return code;

    size_t start = 0;
    for (size_t at = 0; at < text.len && is_space(utf8_next(text, &at)); start = at)
        ;
    size_t end = text.len;
    while (end > start) {
        size_t last = step_back(text, end);
        size_t at = last;
        if (!is_space(utf8_next(text, &at)))
            break;
        end = last;
    }
    arg_slice(a, (struct weir_text){ text.bytes + start, end - start }, room, ret);
    return WEIR_OK;
}
