/* expr/lex_string.h - inside the room: string and bytes literals.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EXPR_LEX_STRING_H
#define EXPR_LEX_STRING_H

#include "expr/lex.h"

/* Whether a string or bytes literal, with its prefixes, starts at the place at hand. */
bool string_starts(const struct lexer *l);

/* Reads it. False: it is malformed, and the error is set. */
bool lex_string(struct lexer *l, struct token *t) MUST_USE;

#endif
