/* value/regex.h - regular expressions, by PCRE2, with an end. Compiled once; matching is for
 * any thread.
 *
 * Every step of a match is counted, at the start of each item of the pattern and by the bytes
 * that were passed since the one before, so that not only backtracking without end is cut off
 * but also what is quadratic in the length of the text. There is no JIT: it counts differently,
 * takes executable memory for each pattern, and the texts are short. "$" is the very end of the
 * text, also before a last line break.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VALUE_REGEX_H
#define VALUE_REGEX_H

#include "base/err.h"

struct regex;

enum regex_answer { REGEX_NO, REGEX_YES, REGEX_TOO_COSTLY };

/* Compiles PATTERN for UTF-8 text; not anchored. ECMA: as ECMA-262 with flag u has it where it
 * differs (\d \w \s, \Z, \u{...}, long names of \p), for JSON Schema; what ECMA-262 has not is
 * refused. WEIR_INVALID with the offset and reason. */
enum weir_code regex_new(struct weir_text pattern, bool ecma, struct regex **ret,
                         struct weir_error *err) MUST_USE;

/* Frees; NULL is accepted and left. */
void regex_free(struct regex **re);

/* Whether TEXT (well-formed UTF-8) holds a match. Steps are bounded: a pattern that
 * backtracks without end answers REGEX_TOO_COSTLY within milliseconds. */
enum regex_answer regex_match(const struct regex *re, struct weir_text text);

/* The same with a budget over many matches: takes the steps from *STEPS, and answers
 * REGEX_TOO_COSTLY when it is used up. A step is some 5 ns. */
enum regex_answer regex_match_within(const struct regex *re, struct weir_text text,
                                     uint64_t *steps);

#endif
