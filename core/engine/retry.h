/* engine/retry.h - whether a failed attempt is followed by another, and when.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_RETRY_H
#define ENGINE_RETRY_H

#include "engine/flow.h"

/* Whether attempt number DONE of U, which failed with ERR, is to be repeated: there are
 * attempts left, the code or status asks for it, and the effect allows it. *ret_wait_ms is the
 * pause: backoff with jitter, at least what the other side asked for by Retry-After. */
bool retry_wanted(const struct unit *u, uint32_t done, const struct weir_error *err, uint64_t *ret_wait_ms);

/* Whether a job of P is tried again, of which DONE attempts count and the latest failed with ERR; after
 * *ret_wait_ms. */
bool retry_job_wanted(const struct pipeline *p, uint32_t done, const struct weir_error *err,
                      uint64_t *ret_wait_ms);

#endif
