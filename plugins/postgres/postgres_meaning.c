/* postgres/postgres_meaning.c - what a SQLSTATE means, and what a statement does by its first
 * word; see postgres_value.h and the tables of README.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>
#include <strings.h>

#include "postgres_value.h"

/* By the longest prefix; what is not here is for the author to mend. */
static const struct {
    const char *prefix;
    struct pg_meaning means;
} meanings[] = {
    { "08", { WEIR_UNAVAILABLE, 0 } },    /* connection */
    { "22", { WEIR_INVALID, 422 } },      /* data */
    { "23", { WEIR_CONFLICT, 0 } },       /* constraints */
    { "25006", { WEIR_UNAVAILABLE, 0 } }, /* read only: a standby since a failover */
    { "25P03", { WEIR_UNAVAILABLE, 0 } }, /* idle for too long in a transaction */
    { "40", { WEIR_UNAVAILABLE, 0 } },    /* rolled back: serialization, deadlock */
    { "40002", { WEIR_CONFLICT, 0 } },    /* rolled back for a constraint */
    { "53", { WEIR_UNAVAILABLE, 0 } },    /* connections, memory, disk */
    { "55P03", { WEIR_UNAVAILABLE, 0 } }, /* a lock is not to be had */
    { "57014", { WEIR_TIMEOUT, 0 } },     /* statement_timeout */
    { "57P", { WEIR_UNAVAILABLE, 0 } },   /* shutting down, crashed, starting up */
    { "58", { WEIR_UPSTREAM, 0 } },       /* the server's system */
    { "F0", { WEIR_UPSTREAM, 0 } },       /* the server's configuration */
    { "P0002", { WEIR_NOT_FOUND, 0 } },   /* no data found */
    { "XX", { WEIR_UPSTREAM, 0 } },       /* the server's bugs */
};

struct pg_meaning
pg_meaning(const char *sqlstate)
{
    struct pg_meaning best = { WEIR_SCRIPT, 0 };
    size_t longest = 0;
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        size_t len = strlen(meanings[i].prefix);
        if (len > longest && strncmp(sqlstate, meanings[i].prefix, len) == 0) {
            longest = len;
            best = meanings[i].means;
        }
    }
    return best;
}

void
pg_message(const char *sqlstate, const char *message, char *ret, size_t size)
{
    bool hide = strncmp(sqlstate, "22", 2) == 0;
    size_t len = 0;
    const char *at = message;
    for (; *at != '\0' && len + 5 < size; at++) {
        ret[len++] = *at;
        if (!hide || *at != '"')
            continue;
        const char *end = strrchr(at + 1, '"'); /* the value may have quotes in it */
        len += (size_t)(stpcpy(ret + len, "...") - (ret + len));
        if (end == NULL)
            break;
        at = end - 1;
        hide = false;
    }
    for (; len > 0 && (*at & 0xC0) == 0x80; at--)
        len--;
    ret[len] = '\0';
}

/* Skips blanks, comments and opening parentheses. */
static struct weir_text
past_blanks(struct weir_text t)
{
    while (t.len > 0) {
        size_t n = 1;
        if (t.len > 1 && memcmp(t.bytes, "--", 2) == 0) {
            const char *end = memchr(t.bytes, '\n', t.len);
            n = end ? (size_t)(end - t.bytes) : t.len;
        } else if (t.len > 1 && memcmp(t.bytes, "/*", 2) == 0) {
            const char *end = memmem(t.bytes + 2, t.len - 2, "*/", 2);
            n = end ? (size_t)(end - t.bytes) + 2 : t.len;
        } else if (strchr(" \t\r\n\f\v(", t.bytes[0]) == NULL || t.bytes[0] == '\0')
            break;
        t = (struct weir_text){ t.bytes + n, t.len - n };
    }
    return t;
}

static bool
is_letter(char c)
{
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
}

static bool
begins_with(struct weir_text t, const char *word)
{
    size_t len = strlen(word);
    return t.len >= len && strncasecmp(t.bytes, word, len) == 0 &&
           (t.len == len || !is_letter(t.bytes[len]));
}

/* Whether WORD stands anywhere, be it in a quoted text. */
static bool
has_word(struct weir_text t, const char *word)
{
    for (size_t i = 0; i < t.len; i++)
        if ((i == 0 || !is_letter(t.bytes[i - 1])) &&
            begins_with((struct weir_text){ t.bytes + i, t.len - i }, word))
            return true;
    return false;
}

bool
pg_reads_only(struct weir_text query)
{
    static const char *const words[] = { "select", "values", "show", "table" };
    struct weir_text t = past_blanks(query);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (begins_with(t, words[i]))
            return !has_word(t, "into"); /* select into makes a table */
    return false;
}

bool
pg_may_commit(struct weir_text query)
{
    struct weir_text t = past_blanks(query);
    return begins_with(t, "call") || begins_with(t, "do");
}
