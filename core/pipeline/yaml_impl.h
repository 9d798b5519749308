/* pipeline/yaml_impl.h - what the files of the YAML reader share with each other only.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_YAML_IMPL_H
#define PIPELINE_YAML_IMPL_H

#include "pipeline/yaml.h"

/* Copies TEXT into Y with LF line ends and finds its lines; size, UTF-8, control characters,
 * directives and tabs at the start of lines are checked. False if an error was added. */
bool yaml_check(struct yaml *y, struct weir_text text, struct diags *d);

struct fy_parser;
struct fy_diag;

/* A parser of Y's text that prints nothing; both are the caller's to destroy, the parser first. */
struct fy_parser *yaml_parser_open(const struct yaml *y, struct fy_diag **ret_diag);

/* Adds a diagnostic at the source bytes START to END of Y. */
void yaml_report(struct yaml *y, struct diags *d, size_t start, size_t end, enum diag_code code,
                 const char *fmt, ...) PRINTF(6, 7);

/* Adds what the parser SAID at MARK, in words of authors; a bare expression that YAML can't
 * read gets its quoted line as hint. */
void yaml_syntax_error(struct yaml *y, struct diags *d, struct mark mark, const char *said);

/* Finds what the plain scalar N stands for by the core schema. Its text must have a NUL behind
 * it. False if it is a number that can't be used (.nan, .inf, out of range). */
bool yaml_resolve(struct yaml_node *n);

/* Decodes the source RAW of a plain or quoted scalar: escapes decoded, lines folded. OUT has
 * room for as many bytes and half as many more. False if an escape stands for no character. */
bool yaml_decode(struct weir_text raw, enum yaml_style style, char *out, size_t *ret_len);

/* Decodes the block scalar N, whose place is known. FROM is where the token before it ended;
 * SHOWN is what libfyaml makes of it, from which an indentation by indicator is told. False if
 * its lines are not indented more than OUTER blanks: then it is empty, and libfyaml took what
 * follows for its text. */
bool yaml_unblock(struct yaml *y, struct yaml_node *n, size_t from, struct weir_text shown,
                  int outer);

/* How many bytes the escape at AT takes, and what it stands for; UINT32_MAX for an escaped line
 * end and for what is no escape. */
size_t yaml_escape(struct weir_text raw, size_t at, uint32_t *ret);

/* Memory of Y, zeroed; the reader's limits bound it, so it never fails. */
void *yaml_alloc(struct yaml *y, size_t size);

#endif
