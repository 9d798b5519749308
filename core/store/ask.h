/* store/ask.h - one question in the making: its parameters, and what answers are built of.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_ASK_H
#define STORE_ASK_H

#include "store/asks.h"
#include "store/impl.h"
#include "store/job.h"

struct asking {
    struct store *store;
    struct db *db;
    struct writing *w; /* of one that changes something; else NULL */
    const char *what;
    const struct store_ask *ask;     /* whose question it is; NULL: a part of another one */
    const struct weir_value *with;   /* a map, or NULL */
    const struct weir_value *answer; /* set by the one who answers */
    bool cancels;                    /* set: the job CANCEL runs, and is to be cancelled */
    uint8_t cancel[JOB_ID];
    int64_t batch; /* set: it is being made, and the answer comes later */
};

/* A parameter of text; empty if it is absent. WEIR_INVALID for another type. */
enum weir_code ask_text(const struct asking *a, const char *name, struct weir_text *ret,
                        struct weir_error *err) MUST_USE;
/* A whole number of at least 0, also as text in decimal; DEFAULT if it is absent. */
enum weir_code ask_number(const struct asking *a, const char *name, uint64_t default_,
                          uint64_t max, uint64_t *ret, struct weir_error *err) MUST_USE;
/* A limit from 1 to 1000; 50 if it is absent. */
enum weir_code ask_limit(const struct asking *a, uint64_t *ret,
                         struct weir_error *err) MUST_USE;
/* The parameter "id", which has to be there, as bytes. */
enum weir_code ask_id(const struct asking *a, uint8_t ret[JOB_ID],
                      struct weir_error *err) MUST_USE;

/* Puts a text (bytes, if it is no UTF-8) or a number into a map. */
void answer_put_text(struct weir_builder *b, const char *key, struct weir_text text);
void put_number(struct weir_builder *b, const char *key, uint64_t n);
/* The same from a column: an identity, a code as its name, a value from msgpack. What is NULL
 * is left out, a number also if it is 0. */
void put_column(struct weir_builder *b, const char *key, sqlite3_stmt *s, int at);
void put_column_number(struct weir_builder *b, const char *key, sqlite3_stmt *s, int at);
void put_column_id(struct weir_builder *b, const char *key, sqlite3_stmt *s, int at);
void put_column_code(struct weir_builder *b, const char *key, sqlite3_stmt *s, int at);
void put_column_value(struct weir_builder *b, const char *key, sqlite3_stmt *s, int at);
/* Puts a map or list that is ended with this. */
void put_built(struct weir_builder *b, const char *key, struct weir_builder **built);

/* The members of a job from a row of JOB_COLUMNS. */
void put_job(struct weir_builder *b, sqlite3_stmt *s);

/* Puts "steps": what S selects, a row of SQL_SHOW_STEPS each. */
void put_steps(struct asking *a, struct weir_builder *job, sqlite3_stmt *s);

/* Answers a page of what WHICH selects: its parameters are a number that rows come after and how many at
 * most, its first column is the number of the row. PUT has the members of each; they are listed as NAME, and
 * "next" is there if more follow. The parameters of the question are "limit" and "after". */
enum weir_code ask_page(struct asking *a, enum sql which, const char *name,
                        void (*put)(struct weir_builder *b, sqlite3_stmt *s),
                        struct weir_error *err) MUST_USE;

/* Who gives the order (has to be there) and why (may be empty). */
enum weir_code ask_who(const struct asking *a, struct weir_text *ret_who,
                       struct weir_text *ret_reason, struct weir_error *err) MUST_USE;

/* An entry of the audit; what is empty or NULL is left out. */
struct audit {
    struct weir_text who;
    const char *what;
    const uint8_t *job; /* JOB_ID bytes, as the other two */
    const uint8_t *replay;
    const uint8_t *batch;
    struct weir_text pipeline;
    struct weir_text key;
    struct weir_text reason;
    const char *before;
    const char *after;
};

/* Adds it to the commit in the making. */
void audit_add(struct writing *w, const struct audit *entry);

/* Each answers one WHAT. */
typedef enum weir_code ask_fn(struct asking *a, struct weir_error *err);
ask_fn ask_jobs_list, ask_jobs_show, ask_jobs_step, ask_jobs_count, ask_jobs_replay, ask_jobs_cancel,
    ask_jobs_callback, ask_jobs_callback_check, ask_jobs_waited, ask_jobs_discard, ask_jobs_discard_some, ask_jobs_state,
    ask_incidents_list, ask_audit_list, ask_marks_advance,
    ask_store_stats;
ask_fn ask_revisions_get, ask_revisions_note;
ask_fn ask_jobs_edit, ask_jobs_edit_plan;
ask_fn ask_jobs_export, ask_store_backup, ask_store_compact;
ask_fn ask_batches_plan, ask_batches_make, ask_batches_list, ask_batches_show, ask_batches_pause,
    ask_batches_resume, ask_batches_cancel, ask_batches_trip, ask_pauses_list, ask_pauses_make, ask_pauses_end;

#endif
