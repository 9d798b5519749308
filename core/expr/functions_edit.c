/* expr/functions_edit.c - making texts of texts: replace, split, join, lowerAscii, upperAscii.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/encode.h"
#include "expr/function.h"

/* The occurrences of a part in a text, one after the other. An empty part stands before each
 * character and at the end. */
struct finder {
    struct weir_text text;
    struct weir_text part;
    size_t at;     /* where to look on                  */
    uint64_t left; /* how many more of them are wanted  */
    bool over;     /* the empty part at the end was met */
};

/* Where the next occurrence is; false: there is none, or no more are wanted. */
static bool
find_next(struct finder *f, size_t *ret)
{
    if (f->left == 0 || f->over)
        return false;
    *ret = f->at;
    if (f->part.len == 0) {
        f->over = f->at == f->text.len;
        if (!f->over)
            (void)utf8_next(f->text, &f->at);
    } else {
        const char *found =
            memmem(f->text.bytes + f->at, f->text.len - f->at, f->part.bytes, f->part.len);
        if (found == NULL)
            return false;
        *ret = (size_t)(found - f->text.bytes);
        f->at = *ret + f->part.len;
    }
    f->left--;
    return true;
}

/* Argument I as a number of times; negative or absent: no limit. */
static enum weir_code
times(const struct args *a, unsigned i, uint64_t *ret)
{
    int64_t n = -1;
    enum weir_code code = i < a->n ? arg_int(a, i, &n) : WEIR_OK;
    *ret = n < 0 ? UINT64_MAX : (uint64_t)n;
    return code;
}

/* How many bytes the text has when N occurrences of PART are replaced by BY. */
static size_t
replaced_len(struct weir_text text, struct weir_text part, struct weir_text by, size_t n)
{
    size_t more;
    if (__builtin_mul_overflow(n, by.len, &more) ||
        __builtin_add_overflow(more, text.len - n * part.len, &more))
        return SIZE_MAX;
    return more;
}

/* Writes the text of F with the occurrences replaced to OUT. */
static void
write_replaced(struct finder f, struct weir_text by, char *out)
{
    size_t done = 0;
    size_t at;
    while (find_next(&f, &at)) {
        memcpy(out, f.text.bytes + done, at - done);
        out += at - done;
        memcpy(out, by.bytes, by.len);
        out += by.len;
        done = at + f.part.len;
    }
    memcpy(out, f.text.bytes + done, f.text.len - done);
}

enum weir_code
function_replace(const struct args *a, struct weir_value *room, const struct weir_value **ret)
{
    struct finder f = { 0 };
    struct weir_text by;
    enum weir_code code = arg_string(a, 0, &f.text);
    if (code == WEIR_OK)
        code = arg_string(a, 1, &f.part);
    if (code == WEIR_OK)
        code = arg_string(a, 2, &by);
    if (code == WEIR_OK)
        code = times(a, 3, &f.left);
    if (code == WEIR_OK)
        code = arg_read(a, 2 * (size_t)a->at[0]->len);
    if (code != WEIR_OK)
        return code;

    size_t n = 0;
    size_t at;
    for (struct finder count = f; find_next(&count, &at);)
        n++;
    *ret = a->at[0];
    code = eval_spend(a->eval, a->term, 2 * n);
    if (n == 0 || code != WEIR_OK)
        return code;
    size_t len = replaced_len(f.text, f.part, by, n);
    char *out = eval_new_text(a->eval, a->term, WEIR_STRING, len, room, ret);
    if (out == NULL)
        return WEIR_SCRIPT;
    write_replaced(f, by, out);
    return WEIR_OK;
}

/* Adds the bytes from START to END of argument 0 to B. */
static enum weir_code
add_piece(const struct args *a, size_t start, size_t end, struct weir_builder *b)
{
    enum weir_code code = eval_spend(a->eval, a->term, EVAL_STEP);
    if (code != WEIR_OK)
        return code;
    struct weir_value slice;
    const struct weir_value *piece;
    arg_slice(a, (struct weir_text){ a->at[0]->bytes + start, end - start }, &slice, &piece);
    piece = value_box(piece);
    builder_add(b, &piece);
    return WEIR_OK;
}

/* Adds the pieces between the separators that F finds to B. */
static enum weir_code
add_pieces(const struct args *a, struct finder f, struct weir_builder *b)
{
    size_t done = 0;
    size_t at;
    enum weir_code code = WEIR_OK;
    while (code == WEIR_OK && find_next(&f, &at)) {
        if (f.part.len == 0 && (at == 0 || at == f.text.len))
            continue; /* no empty strings around the characters */
        code = add_piece(a, done, at, b);
        done = at + f.part.len;
    }
    return code == WEIR_OK ? add_piece(a, done, f.text.len, b) : code;
}

enum weir_code
function_split(const struct args *a, struct weir_value *room, const struct weir_value **ret)
{
    (void)room;
    struct finder f = { 0 };
    enum weir_code code = arg_string(a, 0, &f.text);
    if (code == WEIR_OK)
        code = arg_string(a, 1, &f.part);
    if (code == WEIR_OK)
        code = times(a, 2, &f.left);
    if (code == WEIR_OK)
        code = arg_read(a, f.text.len);
    if (code == WEIR_OK)
        code = eval_spend_bytes(a->eval, a->term, f.text.len);
    if (code != WEIR_OK)
        return code;

    struct weir_builder *b = builder_list();
    bool any = f.left > 0 && (f.part.len > 0 || f.text.len > 0);
    if (f.left > 0 && f.left != UINT64_MAX)
        f.left -= f.part.len > 0 ? 1 : 0; /* the rest is the last item */
    if (any)
        code = add_pieces(a, f, b);
    if (code != WEIR_OK) {
        builder_free(&b);
        return code;
    }
    const struct weir_value *list = builder_end(&b);
    *ret = eval_keep(a->eval, &list);
    return WEIR_OK;
}

/* How many bytes the strings of argument 0 have with SEPARATOR between them. */
static enum weir_code
joined_len(const struct args *a, struct weir_text separator, size_t *ret)
{
    const struct weir_value *list = a->at[0];
    size_t len = 0;
    for (size_t i = 0; i < list->len; i++) {
        const struct weir_value *item = value_at(list, i);
        if (item->type != WEIR_STRING)
            return eval_fail(a->eval, a->term,
                             "item %zu is %s and no string; x.map(i, string(i))"
                             " makes strings",
                             i, eval_a(item));
        len += item->len + (i > 0 ? separator.len : 0);
    }
    *ret = len;
    return eval_spend(a->eval, a->term, list->len);
}

enum weir_code
function_join(const struct args *a, struct weir_value *room, const struct weir_value **ret)
{
    struct weir_text separator = { "", 0 };
    size_t len = 0;
    const struct weir_value *list = a->at[0];
    if (list->type != WEIR_LIST)
        return eval_fail(a->eval, a->term, "a list of strings is needed, and this is %s",
                         eval_a(list));
    enum weir_code code = a->n > 1 ? arg_string(a, 1, &separator) : WEIR_OK;
    if (code == WEIR_OK)
        code = joined_len(a, separator, &len);
    if (code != WEIR_OK)
        return code;

    char *out = eval_new_text(a->eval, a->term, WEIR_STRING, len, room, ret);
    if (out == NULL)
        return WEIR_SCRIPT;
    for (size_t i = 0; i < list->len; i++) {
        struct weir_text item = value_as_text(value_at(list, i));
        if (i > 0)
            out = (char *)mempcpy(out, separator.bytes, separator.len);
        out = (char *)mempcpy(out, item.bytes, item.len);
    }
    return WEIR_OK;
}

/* Argument 0 with the letters from FIRST to FIRST + 25 in the other case. */
static enum weir_code
change_case(const struct args *a, char first, struct weir_value *room,
            const struct weir_value **ret)
{
    struct weir_text text;
    enum weir_code code = arg_string(a, 0, &text);
    if (code == WEIR_OK)
        code = arg_read(a, text.len);
    if (code != WEIR_OK)
        return code;
    size_t same = 0;
    while (same < text.len && (unsigned char)(text.bytes[same] - first) > 25)
        same++;
    *ret = a->at[0];
    if (same == text.len)
        return WEIR_OK;

    char *out = eval_new_text(a->eval, a->term, WEIR_STRING, text.len, room, ret);
    if (out == NULL)
        return WEIR_SCRIPT;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.bytes[i];
        out[i] = (char)((unsigned char)(c - first) > 25 ? c : c ^ 0x20);
    }
    return WEIR_OK;
}

enum weir_code
function_lower_ascii(const struct args *a, struct weir_value *room,
                     const struct weir_value **ret)
{
    return change_case(a, 'A', room, ret);
}

enum weir_code
function_upper_ascii(const struct args *a, struct weir_value *room,
                     const struct weir_value **ret)
{
    return change_case(a, 'a', room, ret);
}
