/* expr/errors.h - inside the room: errors that another operand may make good.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EXPR_ERRORS_H
#define EXPR_ERRORS_H

#include "expr/eval.h"

/* From now on errors are ignored; returns where the earlier one stands. */
struct weir_error *errors_ignore(struct eval *ev);

/* Ends that. FORGIVEN: the earlier error, CODE, does not matter; then WEIR_OK is returned. If
 * the cost was too high meanwhile, that is the error. */
enum weir_code errors_restore(struct eval *ev, struct weir_error *first, enum weir_code code,
                              bool forgiven);

#endif
