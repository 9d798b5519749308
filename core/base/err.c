/* base/err.c - see err.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct code {
    char name[16]; /* lower case once the program runs */
    bool later;
    unsigned status;
    const char *text;
};

enum { NEVER, LATER };

static struct code codes[] = { { "ok", false, 200, "all is well" },
#define X(name, number, retry, http, text) [number] = { #name, (retry) == LATER, http, text },
                               WEIR_CODES(X)
#undef X
};

#define N_CODES (sizeof(codes) / sizeof(codes[0]))

/* The table of the ABI has the names as C writes them, authors write them in lower case. */
__attribute__((constructor)) static void
lower_names(void)
{
    for (size_t i = 0; i < N_CODES; i++)
        for (char *c = codes[i].name; *c != '\0'; c++)
            if (*c >= 'A' && *c <= 'Z')
                *c = (char)(*c + ('a' - 'A'));
}

/* Ends S, of which LEN bytes were kept of a longer text, before a character that is cut. */
static void
end_whole(char *s, size_t len)
{
    size_t tail = 0;
    while (tail < len && tail < 3 && (s[len - 1 - tail] & 0xc0) == 0x80)
        tail++;
    if (tail < len) {
        unsigned char lead = (unsigned char)s[len - 1 - tail];
        size_t need = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
        if (tail < need)
            len -= tail + 1;
    }
    s[len] = '\0';
}

/* Formats into ROOM bytes and returns the length of what is there. */
static size_t
format(char *ret, size_t room, const char *fmt, va_list args)
{
    int n = vsnprintf(ret, room, fmt, args);
    if (n < 0)
        ret[0] = '\0';
    else if ((size_t)n >= room)
        end_whole(ret, room - 1);
    return strlen(ret);
}

enum weir_code
err_set(struct weir_error *err, enum weir_code code, const char *fmt, ...)
{
    if (err == NULL)
        return code;

    char text[sizeof(err->text)]; /* the arguments may point into the old text */
    va_list args;
    va_start(args, fmt);
    size_t len = format(text, sizeof(text), fmt, args);
    va_end(args);

    err->code = code;
    err->status = 0;
    err->retry_after_ms = 0;
    err->sent = 0;
    err->detail = NULL;
    memcpy(err->text, text, len + 1);
    return code;
}

enum weir_code
err_in(struct weir_error *err, const char *fmt, ...)
{
    if (err == NULL)
        return WEIR_INTERNAL;

    char place[sizeof(err->text) - 2];
    va_list args;
    va_start(args, fmt);
    size_t len = format(place, sizeof(place), fmt, args);
    va_end(args);

    size_t old = strnlen(err->text, sizeof(err->text) - 1);
    size_t room = sizeof(err->text) - 1 - (len + 2);
    size_t kept = old < room ? old : room;
    memmove(err->text + len + 2, err->text, kept);
    memcpy(err->text, place, len);
    memcpy(err->text + len, ": ", 2);
    if (kept < old)
        end_whole(err->text, len + 2 + kept);
    else
        err->text[len + 2 + kept] = '\0';
    return (enum weir_code)err->code;
}

/* The row of a code; that of INTERNAL for what is none. */
static const struct code *
row(uint32_t code)
{
    return &codes[code < N_CODES ? code : WEIR_INTERNAL];
}

const char *
code_name(uint32_t code)
{
    return row(code)->name;
}

uint32_t
code_find(const char *name, size_t len)
{
    for (uint32_t i = 1; i < N_CODES; i++)
        if (text_is((struct weir_text){ name, len }, codes[i].name))
            return i;
    return 0;
}

unsigned
code_status(uint32_t code)
{
    return row(code)->status;
}

const char *
code_text(uint32_t code)
{
    return row(code)->text;
}

bool
code_is_later(uint32_t code)
{
    return row(code)->later;
}
