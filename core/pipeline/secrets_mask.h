/* pipeline/secrets_mask.h - finding secrets in a text, in the forms in which they get there.
 *
 * The forms of a secret: as it is; escaped as in JSON (in the ways of several writers), and in JSON that stands in
 * JSON; percent-encoded, with either case of hex, with + for a blank, and with less encoded than may be; as in HTML; as
 * hex; inside base64 of either alphabet, wherever it begins in what was encoded (Basic credentials are "user:" and the secret); a long line of one that has
 * several; the password of one that is a URL. What a digest made of it is nobody's secret.
 *
 * Built once, then immutable. Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_SECRETS_MASK_H
#define PIPELINE_SECRETS_MASK_H

#include "base/buf.h"

#define MASK_MIN 4 /* bytes; shorter ones stand in too many innocent texts */
#define MASK_CUT 8 /* bytes of one that was cut; fewer may be the begin of an innocent word */

struct masks;

/* Makes an empty set; frees one. */
struct masks *masks_new(void);
void masks_free(struct masks **m);

/* Adds all forms of SECRET. */
void masks_add(struct masks *m, struct weir_text secret);

/* Ends the adding: from now on it may be used. */
void masks_end(struct masks *m);

/* Replaces what stands in B by "***", the longest form first; forms of fewer than MIN bytes stay. */
void masks_apply(const struct masks *m, struct buf *b, size_t min);

/* Replaces the end of B by "***", if a form begins with it: B may have been cut there. Ends of fewer than MIN bytes
 * stay. */
void masks_apply_cut(const struct masks *m, struct buf *b, size_t min);

/* Whether a form of at least MIN bytes stands in TEXT. */
bool masks_find(const struct masks *m, struct weir_text text, size_t min);

/* Whether TEXT is one of the forms, from its first byte to its last. */
bool masks_is(const struct masks *m, struct weir_text text);

#endif
