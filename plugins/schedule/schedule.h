/* schedule/schedule.h - the parts of the plugin: what was configured, when it fires, and what
 * makes it fire.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SCHEDULE_H
#define SCHEDULE_H

#include "plugin.h"
#include "schedule_cron.h"
#include "schedule_zone.h"

#define SCHEDULE_DAY_MS UINT64_C(86400000)
#define SCHEDULE_BACK_MS SCHEDULE_DAY_MS /* what was missed longer ago stays so */
#define SCHEDULE_ALL_MAX 100u            /* firings that are caught up */
#define SCHEDULE_LATE_MS 60000u          /* what is later was missed */
#ifndef SCHEDULE_LOOK_MS
#define SCHEDULE_LOOK_MS 30000u /* how long the clock goes unwatched at most */
#endif

enum catch_up { CATCH_UP_NONE, CATCH_UP_LAST, CATCH_UP_ALL };

/* What was configured. Moments are milliseconds since 1970. */
struct schedule {
    struct zone *zone; /* owned; NULL: it goes by EVERY_MS */
    struct cron cron;
    uint64_t every_ms;
    uint64_t start_ms;
    uint64_t jitter_ms;
    enum catch_up catch_up;
    char *text; /* owned: as it was written */
    char *name; /* owned: of its mark, the moment that has fired last */
};

/* -- schedule_moments.c -- */

/* The first moment after AFTER_MS; UINT64_MAX: there is none. */
uint64_t schedule_next(const struct schedule *s, uint64_t after_ms);

/* What is to be done at NOW_MS. */
struct schedule_plan {
    uint64_t moment;  /* that the mark goes to; 0: none is due */
    uint64_t wait_ms; /* if none is due: when to look again */
    bool fires;       /* the moment starts a run; else it is passed over */
    bool missed;
};

/* MARK_MS is the moment that fired last. Moments before SINCE_MS are those that nobody was
 * there for. */
struct schedule_plan schedule_plan(const struct schedule *s, uint64_t mark_ms, uint64_t now_ms,
                                   uint64_t since_ms);

/* Writes a moment as 2026-01-02T03:04:05.678Z. */
void schedule_text(uint64_t ms, char ret[32]);

/* -- schedule_run.c: a schedule on one shard -- */

uint32_t schedule_attach(struct weir_shard *shard, void *conf, void **ret_state,
                         struct weir_error *err);
void schedule_start(void *state);
void schedule_stop(void *state);
void schedule_detach(void *state);

#endif
