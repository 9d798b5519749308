/* pipeline/diag_codes.h - the table of diagnostics: name, W-number, severity, title, explanation.
 *
 * Numbers are stable: append only. W01xx YAML, W02xx shape, W03xx names and steps,
 * W04xx expressions, W05xx routes and resources, W06xx what a node type refuses, W08xx advice.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_DIAG_CODES_H
#define PIPELINE_DIAG_CODES_H

#define DIAG_CODES(X)                                                                        \
    X(YAML_SYNTAX, "W0101", ERROR, "the file is not YAML",                                   \
      "The YAML parser stopped here. Often a quote or a bracket is not closed, or the\n"     \
      "indentation changed.\n")

enum diag_code {
    DIAG_NONE,
#define X(name, number, severity, title, explanation) DIAG_##name,
    DIAG_CODES(X)
#undef X
    DIAG_CODE_COUNT
};

#endif
