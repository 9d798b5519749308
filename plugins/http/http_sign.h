/* http/http_sign.h - requests that are signed for who gets them: see README.md, Signatures.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_HTTP_SIGN_H
#define HTTP_HTTP_SIGN_H

#include "http.h"

#define SIGN_HEADERS 3u /* that sign_add adds at most */

/* Reads sign: of the node that is opened; *ret is owned by the caller. */
uint32_t sign_new(struct weir_open *open, const struct weir_value *config, struct sign **ret,
                  struct weir_error *err);
void sign_free(struct sign *s);

/* Signs R, whose method, headers and body are complete, for this attempt. */
uint32_t sign_add(struct weir_call *call, const struct sign *s, struct request *r, struct weir_error *err);

#endif
