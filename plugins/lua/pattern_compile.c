/* lua/pattern_compile.c - see pattern.h: from text to items.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <string.h>

#include "pattern.h"

struct compiling {
    struct pattern *p;
    const unsigned char *at;
    const unsigned char *end;
    const char *why;
    bool open[PATTERN_CAPTURES]; /* captures that are not closed yet */
};

static bool
wrong(struct compiling *c, const char *why)
{
    c->why = why;
    return false;
}

/* Whether BYTE is of the class LETTER, and whether LETTER names a class at all. ASCII alone, so
 * that no locale changes what a script does. */
static bool
of_class(unsigned char letter, unsigned char byte, bool *ret_known)
{
    bool ascii = byte < 128;
    bool in = false;
    *ret_known = true;
    switch (letter | 0x20) {
    case 'a':
        in = ascii && isalpha(byte);
        break;
    case 'c':
        in = ascii && iscntrl(byte);
        break;
    case 'd':
        in = byte >= '0' && byte <= '9';
        break;
    case 'g':
        in = byte > 32 && byte < 127;
        break;
    case 'l':
        in = byte >= 'a' && byte <= 'z';
        break;
    case 'p':
        in = ascii && ispunct(byte);
        break;
    case 's':
        in = byte == ' ' || (byte >= 9 && byte <= 13);
        break;
    case 'u':
        in = byte >= 'A' && byte <= 'Z';
        break;
    case 'w':
        in = ascii && isalnum(byte);
        break;
    case 'x':
        in = ascii && isxdigit(byte);
        break;
    default:
        *ret_known = false;
        return false;
    }
    return isupper(letter) ? !in : in;
}

static bool
is_class(unsigned char letter)
{
    bool known = false;
    (void)of_class(letter, 0, &known);
    return known && letter < 128 && isalpha(letter);
}

static void
set_add(uint64_t set[4], unsigned char byte)
{
    set[byte / 64] |= UINT64_C(1) << byte % 64;
}

static void
set_add_class(uint64_t set[4], unsigned char letter)
{
    bool known;
    for (unsigned i = 0; i < 256; i++)
        if (of_class(letter, (unsigned char)i, &known))
            set_add(set, (unsigned char)i);
}

static bool
new_set(struct compiling *c, uint16_t *ret)
{
    if (c->p->n_sets == PATTERN_SETS)
        return wrong(c, "the pattern has more than 32 classes and sets");
    memset(c->p->sets[c->p->n_sets], 0, sizeof c->p->sets[0]);
    *ret = (uint16_t)c->p->n_sets++;
    return true;
}

/* One member of a set in brackets: a class, a range, or a byte. */
static bool
read_member(struct compiling *c, uint64_t set[4])
{
    unsigned char byte = *c->at++;
    if (byte == '%') {
        if (c->at == c->end)
            return wrong(c, "the pattern ends in '%'");
        byte = *c->at++;
        if (is_class(byte))
            set_add_class(set, byte);
        else
            set_add(set, byte);
        return true;
    }
    if (c->end - c->at >= 2 && c->at[0] == '-' && c->at[1] != ']') {
        for (unsigned i = byte; i <= c->at[1]; i++)
            set_add(set, (unsigned char)i);
        c->at += 2;
        return true;
    }
    set_add(set, byte);
    return true;
}

/* What follows '['. A ']' that comes first is a member. */
static bool
read_set(struct compiling *c, uint16_t *ret)
{
    if (!new_set(c, ret))
        return false;
    uint64_t *set = c->p->sets[*ret];
    bool not = c->at < c->end && *c->at == '^';
    if (not )
        c->at++;
    bool first = true;
    while (c->at < c->end && (*c->at != ']' || first)) {
        first = false;
        if (!read_member(c, set))
            return false;
    }
    if (c->at == c->end)
        return wrong(c, "the pattern lacks a ']'");
    c->at++;
    for (unsigned i = 0; not &&i < 4; i++)
        set[i] = ~set[i];
    return true;
}

static bool
read_balance(struct compiling *c, struct pattern_item *item)
{
    if (c->end - c->at < 2)
        return wrong(c, "'%b' in the pattern needs two characters");
    item->kind = PATTERN_BALANCE;
    item->a = *c->at++;
    item->b = *c->at++;
    return true;
}

static bool
read_frontier(struct compiling *c, struct pattern_item *item)
{
    if (c->at == c->end || *c->at != '[')
        return wrong(c, "'%f' in the pattern needs a set in brackets");
    c->at++;
    item->kind = PATTERN_FRONTIER;
    return read_set(c, &item->set);
}

/* What follows '%'. */
static bool
read_escape(struct compiling *c, struct pattern_item *item)
{
    if (c->at == c->end)
        return wrong(c, "the pattern ends in '%'");
    unsigned char letter = *c->at++;
    if (letter == 'b')
        return read_balance(c, item);
    if (letter == 'f')
        return read_frontier(c, item);
    if (letter >= '0' && letter <= '9') {
        unsigned n = letter - '0';
        if (n == 0 || n > c->p->n_captures || c->open[n - 1])
            return wrong(c, "the pattern refers to a capture that is not there or not closed");
        *item = (struct pattern_item){ .kind = PATTERN_BACK, .a = (uint8_t)(n - 1) };
        return true;
    }
    if (!is_class(letter)) {
        item->a = letter;
        return true;
    }
    item->kind = PATTERN_SET;
    if (!new_set(c, &item->set))
        return false;
    set_add_class(c->p->sets[item->set], letter);
    return true;
}

static bool
read_open(struct compiling *c, struct pattern_item *item)
{
    if (c->p->n_captures == PATTERN_CAPTURES)
        return wrong(c, "the pattern has more than 32 captures");
    unsigned n = c->p->n_captures++;
    item->a = (uint8_t)n;
    if (c->at < c->end && *c->at == ')') {
        c->at++;
        item->kind = PATTERN_POSITION;
        return true;
    }
    item->kind = PATTERN_OPEN;
    c->open[n] = true;
    return true;
}

static bool
read_close(struct compiling *c, struct pattern_item *item)
{
    for (unsigned n = c->p->n_captures; n > 0; n--)
        if (c->open[n - 1]) {
            c->open[n - 1] = false;
            *item = (struct pattern_item){ .kind = PATTERN_CLOSE, .a = (uint8_t)(n - 1) };
            return true;
        }
    return wrong(c, "the pattern has a ')' without its '('");
}

static bool
may_repeat(const struct pattern_item *item)
{
    return item->kind == PATTERN_BYTE || item->kind == PATTERN_ANY || item->kind == PATTERN_SET;
}

static bool
read_item(struct compiling *c, struct pattern_item *item)
{
    unsigned char byte = *c->at++;
    *item = (struct pattern_item){ .kind = PATTERN_BYTE, .a = byte };
    switch (byte) {
    case '(':
        return read_open(c, item);
    case ')':
        return read_close(c, item);
    case '%':
        return read_escape(c, item);
    case '[':
        item->kind = PATTERN_SET;
        return read_set(c, &item->set);
    case '.':
        item->kind = PATTERN_ANY;
        return true;
    case '$':
        if (c->at == c->end)
            item->kind = PATTERN_TAIL;
        return true;
    default:
        return true;
    }
}

static bool
read_items(struct compiling *c)
{
    while (c->at < c->end) {
        if (c->p->n_items == PATTERN_ITEMS)
            return wrong(c, "the pattern has more than 512 items");
        struct pattern_item *item = &c->p->items[c->p->n_items++];
        if (!read_item(c, item))
            return false;
        if (c->at < c->end && may_repeat(item) && strchr("*+-?", *c->at) && *c->at != '\0')
            item->repeat = *c->at++;
    }
    for (unsigned i = 0; i < c->p->n_captures; i++)
        if (c->open[i])
            return wrong(c, "the pattern has a '(' without its ')'");
    return true;
}

bool
pattern_compile(struct pattern *p, const char *text, size_t len, const char **ret_why)
{
    struct compiling c = { .p = p,
                           .at = (const unsigned char *)text,
                           .end = (const unsigned char *)text + len };
    p->n_items = p->n_sets = p->n_captures = 0;
    p->anchored = len > 0 && text[0] == '^';
    if (p->anchored)
        c.at++;
    if (read_items(&c))
        return true;
    *ret_why = c.why;
    return false;
}
