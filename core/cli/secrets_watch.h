/* cli/secrets_watch.h - secrets of a running weir: looked at and fetched again, by the keeper.
 *
 * Files are looked at every secrets.look, AWS is asked every secrets.aws.refresh; where a value
 * has changed, a reload brings it into force. What can't be had stays as it was: that is logged
 * once and counted. Main thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_SECRETS_WATCH_H
#define CLI_SECRETS_WATCH_H

#include "cli/serve.h"

/* Begins and ends it; the keeper has to be there. */
enum weir_code secrets_watch_start(struct server *s, struct weir_error *err);
void secrets_watch_stop(struct server *s);

/* Fetches what a reload needs from AWS, then calls THEN. False: there is nothing to fetch, and
 * THEN is not called. */
bool secrets_watch_fetch(struct server *s, void (*then)(struct server *s));

#endif
