/* base/err.h - failing is a value.
 *
 * A function that can fail returns enum weir_code and fills its caller's struct weir_error.
 * err_set starts the text, err_in puts a place in front while it travels outwards:
 * "pipeline orders: step book: 'timeout' must be a duration such as 5s".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <string.h>

#include "abi/weir.h"

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
/* What goes wrong: whatever leads there is out of the way of what goes right. */
#define COLD __attribute__((cold))

/* Fills ERR (which may be NULL) with CODE and the text; an earlier content is dropped, its
 * detail is not freed. Returns CODE. A text that is too long is cut at a whole character. */
enum weir_code err_set(struct weir_error *err, enum weir_code code, const char *fmt, ...) PRINTF(3, 4) COLD;

/* Puts "TEXT: " in front of ERR's text. Returns ERR's code. */
enum weir_code err_in(struct weir_error *err, const char *fmt, ...) PRINTF(2, 3) COLD;

/* The name of a code as authors write it: "too_large"; "ok" for 0; "internal" for others. */
const char *code_name(uint32_t code);

/* The code of a name such as "too_large"; 0 if there is none. */
uint32_t code_find(const char *name, size_t len);

/* The HTTP status that stands for a code; 500 for unknown ones. */
unsigned code_status(uint32_t code);

/* One phrase that says what the code means, for titles of problem documents. */
const char *code_text(uint32_t code);

/* Whether trying again later may help. */
bool code_is_later(uint32_t code);

/* A text from a C string (NULL: empty) or from a literal; struct weir_text is passed by value. Inline, as the two
 * below: compared with a literal they are a comparison of two numbers and one of a few bytes. */
static inline struct weir_text
text_of(const char *s)
{
    return (struct weir_text){ s, s != NULL ? strlen(s) : 0 };
}
#define TEXT(literal) ((struct weir_text){ "" literal, sizeof(literal) - 1 })

/* Whether A holds exactly the bytes of B. */
static inline bool
text_equal(struct weir_text a, struct weir_text b)
{
    if (a.len != b.len || a.len == 0)
        return a.len == b.len;
    return a.bytes[0] == b.bytes[0] && memcmp(a.bytes, b.bytes, a.len) == 0; /* names differ early */
}

/* Whether A holds exactly the bytes of the C string S. */
static inline bool
text_is(struct weir_text a, const char *s)
{
    return text_equal(a, text_of(s));
}

#endif
