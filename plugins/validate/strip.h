/* validate/strip.h - from HTML to its text.
 *
 * The parser is gumbo, which follows the HTML standard's tree construction. It neither checks
 * that it gets memory, nor how deep elements are nested, nor how long it works: some inputs
 * cost the square of their length. So its memory comes from here, and is the place where it is
 * stopped: beyond so many bytes, or so much time on the CPU, it is left by a longjmp.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VALIDATE_STRIP_H
#define VALIDATE_STRIP_H

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <weir.h>

struct strip_block;

struct strip {
    struct strip_block *blocks; /* what the parser was given */
    size_t used;                /* bytes of the first block */
    size_t given;               /* bytes since the last reset */
    size_t most;                /* bytes that may be given */
    uint64_t budget_ns;         /* time on the CPU for all texts together */
    uint64_t begun_ns;
    unsigned asked;
    jmp_buf out;
    char *text; /* what is being written, then the result; owned */
    size_t len;
    size_t size;
    char *html; /* the document that is parsed; owned */
    size_t html_size;
};

/* One for all the texts of a value; strip_fini frees what it holds. */
void strip_init(struct strip *s);
void strip_fini(struct strip *s);

/* The text nodes of HTML, what stands in a body, in order, without those of script and style;
 * &, < and > are escaped. *RET lives until the next call. False if it takes too much memory or
 * time. */
bool strip_html(struct strip *s, struct weir_text html, struct weir_text *ret);

#endif
