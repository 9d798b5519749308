/* expr/lex_string.c - string and bytes literals, see lex_string.h.
 *
 * The forms are those of CEL: '...', "...", three quotes for text with line breaks, r before
 * a string in which \ is no escape, b before bytes. In bytes \x and octal escapes are octets,
 * in strings code points.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expr/lex_string.h"

#include <assert.h>
#include <string.h>

#include "base/encode.h"
#include "expr/term.h"

struct quote {
    char mark;
    bool raw;
    bool bytes;
    bool triple;
    struct expr_place open; /* prefixes and opening quotes */
};

static inline char
peek(const struct lexer *l, size_t ahead)
{
    return l->at + ahead < l->text.len ? l->text.bytes[l->at + ahead] : '\0';
}

static inline bool
is_quote(char c)
{
    return c == '\'' || c == '"';
}

/* How many of the letters at hand are prefixes of a string: r, b, rb, br; 0 if none. */
static size_t
prefixes(const struct lexer *l, struct quote *ret)
{
    size_t n = 0;
    for (; n < 2; n++) {
        char c = peek(l, n) | 0x20;
        bool *flag = c == 'r' ? &ret->raw : c == 'b' ? &ret->bytes : NULL;
        if (flag == NULL || *flag)
            break;
        *flag = true;
    }
    return n;
}

bool
string_starts(const struct lexer *l)
{
    return is_quote(peek(l, prefixes(l, &(struct quote){ 0 })));
}

static void
open_quote(struct lexer *l, struct quote *ret)
{
    *ret = (struct quote){ .open = { l->at, 0 } };
    l->at += prefixes(l, ret);
    ret->mark = peek(l, 0);
    ret->triple = peek(l, 1) == ret->mark && peek(l, 2) == ret->mark;
    l->at += ret->triple ? 3 : 1;
    ret->open.len = l->at - ret->open.offset;
}

/* Whether the closing quote stands at hand. */
static bool
closes(const struct lexer *l, const struct quote *q)
{
    if (peek(l, 0) != q->mark || l->at >= l->text.len)
        return false;
    return !q->triple || (peek(l, 1) == q->mark && peek(l, 2) == q->mark);
}

/* Reads N digits of a base that is a power of two. False: there are fewer. */
static bool
digits(struct lexer *l, unsigned n, unsigned bits, uint32_t *ret)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < n; i++) {
        char c = peek(l, i);
        uint32_t digit = c >= '0' && c <= '9' ? (uint32_t)(c - '0')
                         : (c | 0x20) >= 'a' && (c | 0x20) <= 'f'
                             ? (uint32_t)((c | 0x20) - 'a') + 10
                             : UINT32_MAX;
        if (digit >= 1u << bits)
            return false;
        value = value << bits | digit;
    }
    l->at += n;
    *ret = value;
    return true;
}

/* Reads the code of a numeric escape, behind its \. *ret_known: it is one at all. */
static bool
numeric_escape(struct lexer *l, const struct quote *q, uint32_t *ret, bool *ret_known)
{
    char c = peek(l, 0);
    *ret_known = true;
    if (c >= '0' && c <= '3')
        return digits(l, 3, 3, ret);
    unsigned n = c == 'x' || c == 'X'    ? 2
                 : c == 'u' && !q->bytes ? 4
                 : c == 'U' && !q->bytes ? 8
                                         : 0;
    *ret_known = n > 0;
    if (n == 0)
        return false;
    l->at++;
    return digits(l, n, 4, ret);
}

/* What a single letter stands for behind a \; 0 if nothing. */
static char
letter_escape(char c)
{
    static const char letters[] = "\\\\??\"\"''``a\ab\bf\fn\nr\rt\tv\v";
    for (size_t i = 0; letters[i] != '\0'; i += 2)
        if (letters[i] == c)
            return letters[i + 1];
    return '\0';
}

/* Decodes the escape at hand to RET. */
static bool
escape(struct lexer *l, const struct quote *q, char ret[4], size_t *ret_len)
{
    size_t start = l->at++;
    *ret_len = 1;
    ret[0] = letter_escape(peek(l, 0));
    if (ret[0] != '\0') {
        l->at++;
        return true;
    }

    uint32_t code;
    bool known;
    bool good = numeric_escape(l, q, &code, &known);
    struct expr_place place = { start, 2 };
    if (!known)
        return lex_fail(l, place,
                        q->bytes ? "unknown escape; there are \\\\ \\' \\\" \\n \\r \\t \\xHH"
                                 : "unknown escape; there are \\\\ \\' \\\" \\n \\r \\t \\xHH "
                                   "\\uHHHH, and r'...' has none");
    if (!good)
        return lex_fail(l, place,
                        "the escape is too short; write \\xHH, \\uHHHH, \\UHHHHHHHH "
                        "or \\OOO");
    if (q->bytes) {
        ret[0] = (char)code;
        return true;
    }
    place.len = l->at - start;
    *ret_len = utf8_write(ret, code);
    return *ret_len > 0 || lex_fail(l, place, "the escape is no character of Unicode");
}

static bool
unclosed(struct lexer *l, const struct quote *q)
{
    if (q->triple)
        return lex_fail(l, q->open, "the string is not closed: three %c are missing", q->mark);
    return lex_fail(l, q->open, "the string is not closed: a %c is missing", q->mark);
}

/* How many bytes stand before the closing quote. */
static bool
measure(struct lexer *l, const struct quote *q, size_t *ret)
{
    struct lexer ahead = *l;
    while (!closes(&ahead, q)) {
        char c = peek(&ahead, 0);
        if (ahead.at >= l->text.len || (!q->triple && (c == '\n' || c == '\r')))
            return unclosed(l, q);
        ahead.at += c == '\\' && !q->raw && peek(&ahead, 1) != '\n' ? 2 : 1;
        if (ahead.at - l->start > EXPR_TEXT_MAX)
            return lex_fail(l, q->open, "an expression may have at most %d KiB",
                            EXPR_TEXT_MAX / 1024);
    }
    *ret = ahead.at - l->at;
    return true;
}

/* Decodes LEN bytes into OUT, which has room for as many. */
static bool
content(struct lexer *l, const struct quote *q, size_t len, char *out, size_t *ret_len)
{
    size_t end = l->at + len;
    size_t n = 0;
    while (l->at < end) {
        char c = peek(l, 0);
        if (c != '\\' || q->raw) {
            out[n++] = c;
            l->at++;
            continue;
        }
        char decoded[4];
        size_t n_decoded;
        if (!escape(l, q, decoded, &n_decoded))
            return false;
        memcpy(out + n, decoded, n_decoded);
        n += n_decoded;
    }
    *ret_len = n;
    return true;
}

bool
lex_string(struct lexer *l, struct token *t)
{
    struct quote q;
    size_t len = 0;
    open_quote(l, &q);
    if (!measure(l, &q, &len))
        return false;
    char *out = arena_take(l->arena, len + 1);
    assert(out != NULL);
    if (!content(l, &q, len, out, &len))
        return false;
    l->at += q.triple ? 3 : 1;
    t->kind = q.bytes ? TOKEN_BYTES : TOKEN_STRING;
    t->text = (struct weir_text){ out, len };
    t->place.len = l->at - t->place.offset;
    return true;
}
