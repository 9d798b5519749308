/* base/log.h - structured lines for people and machines, never blocking the one who logs.
 *
 * A line is formatted on the caller's thread and copied into a ring; one writer thread takes
 * lines out in batches and writes them. If the ring is full the line is counted as dropped,
 * and the writer says so in a line of its own. Before log_start and after log_stop lines are
 * written at once. Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/err.h"

enum log_format { LOG_TEXT, LOG_JSON };

/* A field of a line; kinds by which of the members is used. */
enum log_kind { LOG_STRING, LOG_NUMBER, LOG_RAW };
struct log_field {
    const char *key;
    enum log_kind kind;     /* LOG_RAW: TEXT is JSON already */
    struct weir_text text;
    double number;
};

#define LOG_S(key_, text_) ((struct log_field){ .key = (key_), .kind = LOG_STRING, .text = (text_) })
#define LOG_N(key_, n_) ((struct log_field){ .key = (key_), .kind = LOG_NUMBER, .number = (double)(n_) })
#define LOG_J(key_, text_) ((struct log_field){ .key = (key_), .kind = LOG_RAW, .text = (text_) })

/* Starts the writer on file descriptor FD. LEVEL is the lowest that is written. */
void log_start(int fd, enum log_format format, enum weir_level level);

/* Writes what is there and ends the writer. */
void log_stop(void);

/* Whether a line of this level would be written. */
bool log_wanted(enum weir_level level);

/* Logs one line: MESSAGE and N fields. Control characters are escaped in both formats; a
 * line is cut at 16 KiB. */
void log_line(enum weir_level level, const char *message, const struct log_field *fields, size_t n);

/* The same without fields, by printf. */
void log_say(enum weir_level level, const char *fmt, ...) PRINTF(2, 3) COLD;

/* Lines that were dropped since the start. */
uint64_t log_dropped(void);

struct crash_report;

/* For a process that dies by a signal, async-signal-safe: writes the lines that wait, if nobody
 * is at them, and as far as they can be written at once. */
void log_rescue(void);

/* Then a line about R, if the log is one of JSON: else standard error has said it. */
void log_last_words(const struct crash_report *r);

#endif
