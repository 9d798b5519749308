/* expr/lex.c - see lex.h. Strings are decoded in lex_string.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expr/lex.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "expr/lex_string.h"
#include "expr/term.h"

bool
lex_fail(struct lexer *l, struct expr_place place, const char *fmt, ...)
{
    char text[sizeof(l->err->text)];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args); /* cut by err_set if it is too long */
    va_end(args);
    (void)err_set(l->err, WEIR_INVALID, "%s", text);
    *l->ret_place = place;
    return false;
}

void
lex_where(const struct lexer *l, size_t offset, char ret[LEX_WHERE])
{
    size_t line = 1;
    size_t start = 0;
    for (size_t i = 0; i < offset; i++)
        if (l->text.bytes[i] == '\n') {
            line++;
            start = i + 1;
        }
    size_t column = 1 + utf8_count((struct weir_text){ l->text.bytes + start, offset - start });
    if (line == 1)
        (void)snprintf(ret, LEX_WHERE, "column %zu", column);
    else
        (void)snprintf(ret, LEX_WHERE, "line %zu, column %zu", line, column);
}

struct weir_text
lex_quote(const struct lexer *l, struct expr_place place)
{
    struct weir_text all = { l->text.bytes + place.offset, place.len };
    size_t len = all.len < 60 ? all.len : 60;
    while (len < all.len && len > 0 && (all.bytes[len] & 0xc0) == 0x80)
        len--;
    return (struct weir_text){ all.bytes, len };
}

bool
lex_reserved(struct weir_text word)
{
    static const char *const words[] = { "true",     "false", "null",     "in",     "as",
                                         "break",    "const", "continue", "else",   "for",
                                         "if",       "let",   "loop",     "var",    "void",
                                         "return",   "while", "function", "import", "package",
                                         "namespace" };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (text_is(word, words[i]))
            return true;
    return false;
}

static inline bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool
is_hex(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static inline bool
is_name(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
}

/* The byte that is AHEAD behind the place at hand; NUL past the end. */
static inline char
peek(const struct lexer *l, size_t ahead)
{
    return l->at + ahead < l->text.len ? l->text.bytes[l->at + ahead] : '\0';
}

static bool
end_token(struct lexer *l, struct token *t, enum token_kind kind)
{
    t->kind = kind;
    t->place.len = l->at - t->place.offset;
    return true;
}

static bool
lex_hex(struct lexer *l, struct token *t)
{
    l->at += 2;
    size_t first = l->at;
    bool large = false;
    for (; is_hex(peek(l, 0)); l->at++) {
        char c = peek(l, 0);
        unsigned digit = is_digit(c) ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
        large |= t->integer >> 60 != 0;
        t->integer = t->integer << 4 | digit;
    }
    (void)end_token(l, t, TOKEN_INT);
    if (l->at == first)
        return lex_fail(l, t->place, "0x needs hexadecimal digits behind it");
    return !large || lex_fail(l, t->place, "the number is too large for an int of 64 bits");
}

static void
skip_digits(struct lexer *l)
{
    while (is_digit(peek(l, 0)))
        l->at++;
}

/* Moves over what makes a double of an int: .5, e10, .5e-10. False: nothing does. */
static bool
skip_fraction(struct lexer *l)
{
    size_t start = l->at;
    if (peek(l, 0) == '.' && is_digit(peek(l, 1))) {
        l->at++;
        skip_digits(l);
    }
    size_t sign = peek(l, 1) == '+' || peek(l, 1) == '-' ? 1 : 0;
    if ((peek(l, 0) | 0x20) == 'e' && is_digit(peek(l, 1 + sign))) {
        l->at += 1 + sign;
        skip_digits(l);
    }
    return l->at > start;
}

static bool
read_int(struct lexer *l, struct token *t)
{
    uint64_t n = 0;
    for (size_t i = t->place.offset; i < l->at; i++)
        if (__builtin_mul_overflow(n, 10u, &n) ||
            __builtin_add_overflow(n, (uint64_t)(l->text.bytes[i] - '0'), &n)) {
            (void)end_token(l, t, TOKEN_INT);
            return lex_fail(l, t->place, "the number is too large for an int of 64 bits");
        }
    t->integer = n;
    return end_token(l, t, TOKEN_INT);
}

static bool
read_double(struct lexer *l, struct token *t)
{
    (void)end_token(l, t, TOKEN_DOUBLE);
    char *copy = arena_copy(l->arena, l->text.bytes + t->place.offset, t->place.len);
    assert(copy != NULL);
    t->number = strtod(copy, NULL);
    if (!isfinite(t->number))
        return lex_fail(l, t->place, "the number is too large for a double");
    return true;
}

static bool
lex_number(struct lexer *l, struct token *t)
{
    bool good;
    if (peek(l, 0) == '0' && (peek(l, 1) | 0x20) == 'x') {
        good = lex_hex(l, t);
    } else {
        skip_digits(l);
        good = skip_fraction(l) ? read_double(l, t) : read_int(l, t);
    }
    if (!good || !is_name(peek(l, 0)))
        return good;

    struct expr_place rest = { l->at, 1 };
    if ((peek(l, 0) | 0x20) == 'u' && !is_name(peek(l, 1)))
        return lex_fail(l, rest, "there are no unsigned numbers; leave the 'u' out");
    return lex_fail(l, rest,
                    "a number can't be followed by a letter; names start with a letter");
}

/* A symbol of the language, or what other languages write and what to write instead. */
struct symbol {
    char text[4];
    enum token_kind kind;
    const char *advice;
};

/* Longer ones first. */
static const struct symbol symbols[] = {
    { "===", 0, "there is no '==='; write '=='" },
    { "!==", 0, "there is no '!=='; write '!='" },
    { "??", TOKEN_COALESCE, NULL },
    { "<=", TOKEN_LE, NULL },
    { ">=", TOKEN_GE, NULL },
    { "==", TOKEN_EQ, NULL },
    { "!=", TOKEN_NE, NULL },
    { "&&", TOKEN_AND, NULL },
    { "||", TOKEN_OR, NULL },
    { "=~", 0, "there is no '=~'; write x.matches('...')" },
    { "=>", 0, "there is no '=>'; write list.map(x, ...)" },
    { "//", 0, "there are no comments here, and no '//'" },
    { "**", 0, "there is no '**'; write x * x" },
    { "++", 0, "there is no '++'; write x + 1" },
    { ".?", 0, "there is no '.?'; write '?.'" },
    { ".", TOKEN_DOT, NULL },
    { "(", TOKEN_OPEN, NULL },
    { ")", TOKEN_CLOSE, NULL },
    { "[", TOKEN_OPEN_LIST, NULL },
    { "]", TOKEN_CLOSE_LIST, NULL },
    { "{", TOKEN_OPEN_MAP, NULL },
    { "}", TOKEN_CLOSE_MAP, NULL },
    { ",", TOKEN_COMMA, NULL },
    { ":", TOKEN_COLON, NULL },
    { "?", TOKEN_QUESTION, NULL },
    { "!", TOKEN_NOT, NULL },
    { "-", TOKEN_MINUS, NULL },
    { "+", TOKEN_PLUS, NULL },
    { "*", TOKEN_TIMES, NULL },
    { "/", TOKEN_DIVIDE, NULL },
    { "%", TOKEN_REMAINDER, NULL },
    { "<", TOKEN_LT, NULL },
    { ">", TOKEN_GT, NULL },
    { "=", 0, "'=' is not an operator; write '==' to compare" },
    { "&", 0, "'&' is not an operator; write '&&'" },
    { "|", 0, "'|' is not an operator; write '||', and call functions as x.f()" },
    { "`", 0, "strings stand between ' or \"" },
    { "$", 0, "'$' starts nothing here; names stand alone, as in steps.x" },
    { ";", 0, "an expression does not end with ';'" },
};

/* Moves over the symbol at hand. */
static bool
lex_symbol(struct lexer *l, struct token *t)
{
    if (peek(l, 0) == '?' && peek(l, 1) == '.' && !is_digit(peek(l, 2))) {
        l->at += 2;
        return end_token(l, t, TOKEN_OPTIONAL_DOT);
    }
    for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
        const struct symbol *s = &symbols[i];
        size_t len = strlen(s->text);
        if (l->text.len - l->at < len || memcmp(l->text.bytes + l->at, s->text, len) != 0)
            continue;
        l->at += len;
        (void)end_token(l, t, s->kind);
        return s->advice == NULL || lex_fail(l, t->place, "%s", s->advice);
    }
    uint32_t c = utf8_next(l->text, &l->at);
    (void)end_token(l, t, TOKEN_END);
    if (c < 0x20 || c == 0x7f)
        return lex_fail(l, t->place, "a control character (U+%04X) can't stand here", c);
    struct weir_text quote = lex_quote(l, t->place);
    return lex_fail(l, t->place, "'%.*s' can't stand here", (int)quote.len, quote.bytes);
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

bool
lex(struct lexer *l, struct token *ret)
{
    while (l->at < l->text.len && is_blank(l->text.bytes[l->at]))
        l->at++;
    *ret = (struct token){ .place = { l->at, 0 } };
    if (l->at - l->start > EXPR_TEXT_MAX)
        return lex_fail(l, (struct expr_place){ l->start, 0 },
                        "an expression may have at most %d KiB", EXPR_TEXT_MAX / 1024);
    if (l->at == l->text.len)
        return true;

    char c = peek(l, 0);
    if (is_digit(c) || (c == '.' && is_digit(peek(l, 1))))
        return lex_number(l, ret);
    if (string_starts(l))
        return lex_string(l, ret);
    if (is_name(c)) {
        while (is_name(peek(l, 0)))
            l->at++;
        ret->text =
            (struct weir_text){ l->text.bytes + ret->place.offset, l->at - ret->place.offset };
        return end_token(l, ret, TOKEN_NAME);
    }
    return lex_symbol(l, ret);
}
