/* base/crash_text.h - a crash report in words, written by the one that dies. Only for crash.c and
 * log.c. Async-signal-safe.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_CRASH_TEXT_H
#define BASE_CRASH_TEXT_H

#include "base/crash_report.h"

/* Writes to FD what is known, in lines for people: the signal, the thread, the frames. */
void crash_write(int fd, const struct crash_report *r);

/* Writes the line that says which call was under way; nothing if that is not known. */
void crash_write_place(int fd, const struct crash_report *r);

/* Writes R to FD as one line of a JSON log. */
void crash_write_json(int fd, const struct crash_report *r);

#endif
