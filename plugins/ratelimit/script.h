/* ratelimit/script.h - the decision as Redis makes it: one script, one key.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RATELIMIT_SCRIPT_H
#define RATELIMIT_SCRIPT_H

#include <weir.h>

#include "decide.h"

/* By algorithm. KEYS: the bucket. ARGV: limit, window in ms, cost; then, of the log, the step in ms and a
 * text that no other request has, and, of the token bucket, its capacity. Answers "ALLOWED USED
 * REMAINING RESET RETRY NOW": milliseconds, the first two from now, as in struct verdict. It is a text
 * because that is one reply to be read, and not seven. */
extern const struct weir_text limit_scripts[TOKEN_BUCKET + 1];

#endif
