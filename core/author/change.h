/* author/change.h - whether a pipeline has changed where it matters for a run that goes on in the middle of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AUTHOR_CHANGE_H
#define AUTHOR_CHANGE_H

#include "base/err.h"
#include "pipeline/model.h"

/* Whether the text WAS differs from P's in vars, or in steps before the node N (NULL: in steps at all);
 * comments, blank lines and blanks at the end of lines aside. Any thread. */
bool change_before(struct weir_text was, const struct pipeline *p, const struct node *n);

#endif
