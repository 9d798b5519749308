/* author/diff.h - what differs between two texts, line by line, as diff -u shows it. Any
 * thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AUTHOR_DIFF_H
#define AUTHOR_DIFF_H

#include "base/buf.h"

/* Appends how B comes from A to OUT, three lines around each change; nothing if they are equal.
 * NAME stands in the head. COLOUR: with ANSI colours. Texts that differ in thousands of lines
 * are shown as one change. */
void diff_text(struct weir_text a, struct weir_text b, const char *name, bool colour,
               struct buf *out);

#endif
