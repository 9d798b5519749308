/* cli/api.h - asking a running weir over its admin address. Blocking; for commands only.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_API_H
#define CLI_API_H

#include "base/buf.h"
#include "cli/args.h"

/* Options that api_ask understands; commands put them into their tables. The second is for those whose --set says
 * something else besides, the third for those that read settings anyway. */
#define API_OPTIONS API_OPTIONS_BUT_SET, { 0, "set", "KEY=VALUE", "set any setting, such as admin.token" }
#define API_OPTIONS_BUT_SET                                                                  \
    API_REACH_OPTIONS,                                                                       \
    { 0, "config", "FILE", "read settings from FILE (default: weir.yaml, if there is one)" }
#define API_REACH_OPTIONS                                                                    \
    { 0, "admin", "ADDRESS", "the admin address, or https://NAME:PORT (default: that of the settings)" }, \
    { 0, "ca", "FILE", "trust the certificates of FILE (default: admin.tls.ca, else the system's)" }, \
    { 0, "insecure", NULL, "take any certificate of the admin: whoever stands between reads the token" }

/* Sends METHOD PATH, with BODY as JSON if it is not NULL. *ret_status and OUT are the answer; PIECE, if
 * not NULL, is called with each piece of the body instead, as it arrives, and ends the call by
 * returning false. EXIT_GOOD if there was an answer; else, after printing why, EXIT_USAGE (a wrong
 * setting or flag) or EXIT_NO_SERVER. */
int api_ask(const struct args *a, const char *method, const char *path, const char *body, unsigned *ret_status,
            struct buf *out, bool (*piece)(void *arg, struct weir_text bytes), void *arg);

#endif
