/* engine/tail.h - runs as they happen, for those who watch: weir tail and the console.
 *
 * While somebody watches, each shard mails what happens to the mailbox TAIL_MAILBOX, which the
 * watcher has opened; what it can't take is lost and counted. Nobody watches: it costs a load.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_TAIL_H
#define ENGINE_TAIL_H

#include <stdint.h>

#define TAIL_MAILBOX "tail"

/* One more (one less) who watches. Any thread. */
void tail_begin(void);
void tail_end(void);

/* Messages that were lost because the watcher was slow. */
uint64_t tail_lost(void);

#endif
