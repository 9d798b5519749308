/* base/crash.h - the last words of a process that a signal ends.
 *
 * SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGABRT are caught on a stack of their own; what is known
 * goes to standard error and to whoever wants the report, and then the signal does what it does
 * without this: the process dies of it, with a core dump where that is wanted. A signal that
 * somebody else handles already (a sanitizer) is left to them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_CRASH_H
#define BASE_CRASH_H

#include <stdbool.h>

#include "base/crash_report.h"

/* Catches the signals from now on, and gives the calling thread its stack for them. Main thread,
 * once. */
void crash_catch(void);

/* Gives the calling thread a stack for the signals, and lets them through; nothing happens
 * before crash_catch. The end belongs to it: before the thread ends. */
void crash_thread_begin(void);
void crash_thread_end(void);

/* Code in the file PATH is that of plugin NAME; what is beyond 128 plugins is not known. Main
 * thread. */
void crash_plugin(const char *path, const char *name);

/* SEND is offered the report; false from it: nobody took it, and it goes to the log as a line.
 * It has to be async-signal-safe. Main thread. */
void crash_tell(bool (*send)(const struct crash_report *r));

/* What the thread at hand is at, for DESCRIBE; NULL: nothing. A word, so that it may be set for
 * each call of a plugin. */
extern _Thread_local const void *crash_at __attribute__((tls_model("initial-exec")));

/* DESCRIBE says of a crash_at which pipeline, node and type it is (async-signal-safe). Main
 * thread. */
void crash_describe(void (*describe)(const void *at, struct crash_report *ret));

/* -- crash_maps.c, for crash.c -- */

/* Finds the files in which the N addresses lie. PLUGIN tells of a file by its whole path which
 * plugin it is, or gives NULL. Fills R's frames and plugin. Async-signal-safe. */
void crash_find_modules(const uintptr_t *addresses, unsigned n, const char *(*plugin)(const char *path),
                        struct crash_report *r);

/* Copies TEXT, cut to fit ROOM. Async-signal-safe. */
void crash_copy(char *ret, size_t room, const char *text);

#endif
