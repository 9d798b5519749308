/* admin/parts.h - the admin from inside: its requests and what answers them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ADMIN_PARTS_H
#define ADMIN_PARTS_H

#include "admin/admin.h"
#include "admin/seer.h"
#include "engine/engine.h"
#include "loop/mail.h"

#define QUESTIONS_MAX 64

/* The version of abi/weir.h as people write it. */
#define ABI_TEXT "1.1"
_Static_assert(WEIR_ABI_MAJOR == 1 && WEIR_ABI_MINOR == 1, "ABI_TEXT is stale");

/* A request that waits for the keeper. */
struct question {
    uint64_t token; /* 0: free */
    struct weir_event *event;
    bool gone; /* the caller went away */
};

struct admin {
    struct weir_shard *shard;
    struct edge *edge;
    struct admin_config config;
    char *token; /* owned; NULL: none */
    char *read_token; /* owned; NULL: none */
    bool shutting_down;
    uint64_t last_token;
    struct question questions[QUESTIONS_MAX];
    struct list asked; /* what plugins are asked: collections.c */
    unsigned n_asked;
    struct list asking; /* what the store is asked: jobs.c */
    unsigned n_asking;
    struct list watchers; /* of live events: events.c */
    unsigned n_watchers;
    struct mailbox *tail; /* open while somebody watches */
    struct timer ping;
};

/* Answers with a JSON document: V is taken. */
void answer_json(struct weir_event *e, unsigned status, const struct weir_value *take_v);

/* Answers with a text. */
void answer_text(struct weir_event *e, unsigned status, const char *type, struct weir_text text);

/* Answers with a problem document. */
void answer_problem(struct weir_event *e, enum weir_code code, const char *fmt, ...) PRINTF(3, 4);

/* The last value of a query parameter, in the event's memory; bytes NULL if it is absent. */
struct weir_text query_get(struct weir_event *e, const char *name);

/* -- each answers one kind of request -- */
void health_live(struct admin *a, struct weir_event *e);
void health_ready(struct admin *a, struct weir_event *e);
void show_metrics(struct admin *a, struct weir_event *e);
void show_info(struct admin *a, struct weir_event *e);
void show_pipelines(struct admin *a, struct weir_event *e);
void show_nodes(struct admin *a, struct weir_event *e);
void ask_reload(struct admin *a, struct weir_event *e);
void ask_drain(struct admin *a, struct weir_event *e);
void watch_events(struct admin *a, struct weir_event *e);

/* -- ask.c -- */

/* The caller of a request that waits for the keeper went away. */
void ask_gone(struct admin *a, struct weir_event *e);

/* Answers who still waits: there will be no other answer. */
void ask_end(struct admin *a);

/* -- entry.c -- */

/* Takes the tokens of C. WEIR_INVALID if they make no sense together. */
enum weir_code admin_take_tokens(struct admin *a, const struct admin_config *c, struct weir_error *err) MUST_USE;

/* Whether E may be answered; answers it if not. OPEN: without a token. */
bool admin_let_in(const struct admin *a, struct weir_event *e, bool open);

/* The parameters TAKE_WITH of an order to the store, where "who" says with which token it came: the name in it is
 * a claim, the token a proof. Owned by the caller; NULL is accepted and left. */
const struct weir_value *admin_signed(const struct weir_event *e, const struct weir_value *take_with);

/* -- collections.c -- */

/* Whether E asks for something of a plugin's collection. */
bool is_collection(const struct admin *a, const struct weir_event *e);

/* Answers it. */
void show_collection(struct admin *a, struct weir_event *e);

/* Answers who still waits; answers of plugins are dropped from now on. */
void collections_end(struct admin *a);

/* What collections there are: a list of { name, summary, verbs }, owned by the caller. */
const struct weir_value *collections_value(const struct admin *a);

/* -- jobs.c: each answers one kind of request -- */
void show_jobs(struct admin *a, struct weir_event *e);
void tell_job(struct admin *a, struct weir_event *e);
void show_incidents(struct admin *a, struct weir_event *e);
void show_audit(struct admin *a, struct weir_event *e);
void show_store(struct admin *a, struct weir_event *e);

/* Answers who still waits, and waits itself until the store has told all. */
void asking_end(struct admin *a);

/* -- jobs.c, for others that ask the store -- */

/* Whether there is a store; answers if not. */
bool has_store(const struct admin *a, struct weir_event *e);
/* Asks the store, whose answer is E's; the parameters are taken. */
void ask_store(struct admin *a, struct weir_event *e, const char *what,
               const struct weir_value *take_with);
/* The same, but THEN gets the answer, or ERR: it owes E its own, and has ARG. If the admin ends before
 * that, E is answered, and THEN is called with A NULL: only ARG is left to be let go of. */
typedef void asked_fn(struct admin *a, struct weir_event *e, void *arg, const struct weir_value *answer,
                      const struct weir_error *err);
void ask_store_then(struct admin *a, struct weir_event *e, const char *what, const struct weir_value *take_with,
                    asked_fn *then, void *arg);
/* The same with the query of E as parameters, of which NAMES, separated by blanks, may be there;
 * and the parameters alone, NULL after answering what is wrong. */
void ask_query(struct admin *a, struct weir_event *e, const char *what, const char *names);
const struct weir_value *read_query(struct weir_event *e, const char *names);
/* Whether the blank-separated NAMES have that one. */
bool has_name(const char *names, struct weir_text name);
/* Puts the parameter NAME into B, as the store wants it. */
enum weir_code put_parameter(struct weir_builder *b, struct weir_text name, struct weir_text t,
                             struct weir_error *err) MUST_USE;
/* Whether ORDER, the body of one that changes jobs, says why: without that it is refused, since the audit has it. */
enum weir_code need_reason(const struct weir_value *order, struct weir_error *err) MUST_USE;
/* The body of E, a map that is the caller's; NULL if it is empty. */
enum weir_code body_map(const struct weir_event *e, const struct weir_value **ret,
                         struct weir_error *err) MUST_USE;
/* The same, of at most MAX bytes instead of 64 KiB. */
enum weir_code body_map_of(const struct weir_event *e, size_t max, const struct weir_value **ret,
                           struct weir_error *err) MUST_USE;
/* Cuts the path behind PREFIX/ into ID and VERB (empty: absent). False if it has more. */
bool split_path(struct weir_text path, const char *prefix, struct weir_text *ret_id,
                struct weir_text *ret_verb);
/* Whether ID may be that of a WHAT: a UUID as it is printed. Answers if not. */
bool is_id(struct weir_event *e, struct weir_text id, const char *what);
/* Answers 405. */
void wrong_method(struct weir_event *e, const char *allow, const char *why);

/* -- job_replay.c -- */

/* Answers POST /api/v1/jobs/ID/replay, or of DRY .../plan; there is a store. */
void replay_job(struct admin *a, struct weir_event *e, struct weir_text id, bool dry);

/* Lets the store edit a job, TAKE_EDIT being the parameters of jobs.edit, if the steps that may act a second
 * time are all in the list ACK (NULL: none is); answers. */
void replay_edited(struct admin *a, struct weir_event *e, const struct weir_value *take_edit,
                   const struct weir_value *ack);

/* -- job_edit.c -- */

/* Answers POST /api/v1/jobs/ID/edit; there is a store. */
void edit_job(struct admin *a, struct weir_event *e, struct weir_text id);

/* -- batches.c: each answers one kind of request -- */
void show_batches(struct admin *a, struct weir_event *e);
void tell_batch(struct admin *a, struct weir_event *e);
void show_pauses(struct admin *a, struct weir_event *e);
void tell_pipeline(struct admin *a, struct weir_event *e);

/* Takes one member of a body, whose TEXTS and NUMBERS (names, separated by blanks) may be there. */
enum weir_code put_member(struct weir_builder *b, struct weir_text key, const struct weir_value *v, const char *texts,
                          const char *numbers, struct weir_error *err) MUST_USE;

/* -- batch_acks.c -- */

/* Answers POST /api/v1/batches; there is a store. */
void make_batch(struct admin *a, struct weir_event *e);

/* -- discard.c -- */

/* Answers POST /api/v1/jobs/discard; there is a store. */
void discard_jobs(struct admin *a, struct weir_event *e);

/* -- job_shown.c -- */

/* JOB, an answer to jobs.show, as who asks with SEER may see it, but for the texts of secrets; owned by the caller. */
const struct weir_value *job_shown(const struct seer *seer, const struct weir_value *job);

/* STEP, an answer to jobs.step, with the idempotency keys of its records; the same. */
const struct weir_value *step_shown(const struct seer *seer, const struct weir_value *step);

/* The same as job_shown without the texts of secrets: all that is answered of one. SEER: a struct seer. Any thread. */
const struct weir_value *job_seen(void *seer, const struct weir_value *job);

/* The same as job_shown of all jobs of PAGE, an answer to jobs.export. */
const struct weir_value *jobs_shown(const struct seer *seer, const struct weir_value *page);

/* Answers with a document of the store, where secrets bear no mark: what has the text of one is hidden,
 * and bytes are shown as text if they are one. V is taken. */
void answer_unmarked(const struct admin *a, struct weir_event *e, unsigned status,
                     const struct weir_value *take_v);

/* -- events.c -- */

/* Ends every stream of live events. */
void watchers_end(struct admin *a);

/* -- store.c: each answers one kind of request -- */
void export_jobs(struct admin *a, struct weir_event *e);
void compact_store(struct admin *a, struct weir_event *e);
void back_up_store(struct admin *a, struct weir_event *e);

/* -- store_metrics.c: weir_store_* and weir_jobs, of this store from now on; NULL: of none -- */
void store_metrics(struct store *s);

/* -- process.c: process_* and weir_* values that are worked out when metrics are read -- */
void process_metrics(const struct admin *a);

#endif
