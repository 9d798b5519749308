/* validate/hide.h - characters that an HTML parser would replace.
 *
 * Control characters and noncharacters are errors in HTML, and gumbo makes U+FFFD of them; DOM
 * parsers keep them. So each of them is hidden behind a private-use character that the text
 * does not have, and comes back in what is left of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VALIDATE_HIDE_H
#define VALIDATE_HIDE_H

#include <stdint.h>
#include <weir.h>

#define HIDDEN_MAX 160u /* there are 130 such characters below plane 1, and 32 above */

struct hiding {
    unsigned n;
    uint32_t what[HIDDEN_MAX];
    uint32_t behind[HIDDEN_MAX];
};

/* Whether TEXT (UTF-8) has such a character. */
bool hide_wanted(struct weir_text text);
/* TEXT with such characters hidden, in malloc'ed memory at RET.bytes, which is the caller's; H
 * notes which. Those for which there is no room stay. */
struct weir_text hide(struct hiding *h, struct weir_text text);
/* TEXT with what H hides brought back, in malloc'ed memory at RET.bytes, which is the caller's.
 */
struct weir_text unhide(const struct hiding *h, struct weir_text text);

#endif
