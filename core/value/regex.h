/* value/regex.h - regular expressions, by PCRE2, with an end. Compiled once; matching is for any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VALUE_REGEX_H
#define VALUE_REGEX_H

#include "base/err.h"

struct regex;

enum regex_answer { REGEX_NO, REGEX_YES, REGEX_TOO_COSTLY };

/* Compiles PATTERN for UTF-8 text; not anchored. ECMA: as ECMA-262 with flag u has it where it
 * differs (\d \w \s, \Z, $), for JSON Schema. WEIR_INVALID with the offset and reason. */
enum weir_code regex_new(struct weir_text pattern, bool ecma, struct regex **ret, struct weir_error *err) MUST_USE;

/* Frees; NULL is accepted and left. */
void regex_free(struct regex **re);

/* Whether TEXT (well-formed UTF-8) holds a match. Steps are bounded: a pattern that
 * backtracks without end answers REGEX_TOO_COSTLY within milliseconds. */
enum regex_answer regex_match(const struct regex *re, struct weir_text text);

#endif
