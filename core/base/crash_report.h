/* base/crash_report.h - what is known of a thread that a signal has ended.
 *
 * Plain memory of a fixed size: a signal handler fills it, and it crosses from the process that
 * dies to the one that watches it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_CRASH_REPORT_H
#define BASE_CRASH_REPORT_H

#include <stdint.h>

#include "base/buf.h"

#define CRASH_FRAMES 32
#define CRASH_NAME 64
#define CRASH_BUILD 44

/* A place in the code: a file that is mapped, and the offset that addr2line -e FILE takes. */
struct crash_frame {
    char module[CRASH_NAME]; /* without its folder; "": in no file */
    uint64_t offset;         /* the address itself if the module is "" */
};

struct crash_report {
    int signal;
    int from;         /* the pid of who sent the signal; 0: the code itself did it */
    int tid;
    char thread[16];
    uint64_t address; /* that could not be read, written or run; 0 for SIGABRT */
    char plugin[CRASH_NAME]; /* whose code is the topmost on the stack; "": none */
    char pipeline[CRASH_NAME]; /* of the call under way; "": none */
    char node[CRASH_NAME];     /* its id */
    char type[CRASH_NAME];
    char build[CRASH_BUILD];   /* the build id of the binary, in hexadecimal */
    uint32_t n_frames;
    struct crash_frame frames[CRASH_FRAMES]; /* the topmost first */
};

/* "SIGSEGV"; "signal" for one that has no name here. Async-signal-safe. */
const char *crash_signal_name(int signal);

/* The frames as a JSON list of "module+0xoffset". */
void crash_frames_json(const struct crash_report *r, struct buf *ret);

#endif
