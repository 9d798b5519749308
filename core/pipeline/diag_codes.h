/* pipeline/diag_codes.h - the table of diagnostics: name, number, severity, title, explanation.
 *
 * Numbers are stable: append only. W01xx YAML, W02xx shape, W03xx names and steps,
 * W04xx expressions, W05xx routes, resources and settings, W06xx what a node type refuses,
 * W08xx advice. weir explain and docs/diagnostics.md are made from it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_DIAG_CODES_H
#define PIPELINE_DIAG_CODES_H

#include "pipeline/diag_codes_names.h"
#include "pipeline/diag_codes_other.h"
#include "pipeline/diag_codes_shape.h"
#include "pipeline/diag_codes_yaml.h"

#define DIAG_CODES(X)   \
    DIAG_CODES_YAML(X)  \
    DIAG_CODES_SHAPE(X) \
    DIAG_CODES_NAMES(X) \
    DIAG_CODES_OTHER(X)

enum diag_code {
    DIAG_NONE,
#define X(name, number, severity, title, explanation) DIAG_##name,
    DIAG_CODES(X)
#undef X
        DIAG_CODE_COUNT
};

#endif
