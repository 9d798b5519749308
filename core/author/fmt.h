/* author/fmt.h - weir fmt: one way to lay out a pipeline, whoever wrote it.
 *
 * Blocks are indented by two blanks, lists below their key too; one blank behind colons, commas
 * and before comments; at most one empty line in a row; brackets whose first line holds nothing
 * else become blocks. Keys, texts, quotes, comments and line breaks between entries stay as
 * they are. What comes out means the same, has the same comments, and formats to itself: the
 * first two are checked each time, and a text of which that can't be said is refused. Any
 * thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AUTHOR_FMT_H
#define AUTHOR_FMT_H

#include "pipeline/diag.h"

/* Appends TEXT laid out to OUT. WEIR_INVALID if it is no YAML that weir reads: why is in D.
 * WEIR_INTERNAL with ERR if it has a form that can't be laid out; OUT is unchanged then. */
enum weir_code fmt_text(const char *file, struct weir_text text, struct buf *out,
                        struct diags *d, struct weir_error *err) MUST_USE;

#endif
