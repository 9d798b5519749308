/* store/jobs.c - see jobs.h and job.h: words, identities, what state may follow which.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/jobs.h"

#include <stdlib.h>
#include <string.h>

#include "store/job.h"

static const char *const state_words[] = {
#define X(name, number, word) [number] = word,
    JOB_STATES(X)
#undef X
};

static const char *const reason_words[] = {
#define X(name, number, word) [number] = word,
    JOB_REASONS(X)
#undef X
};

const char *
job_state_word(unsigned state)
{
    bool known = state > 0 && state < sizeof(state_words) / sizeof(state_words[0]);
    return known ? state_words[state] : "?";
}

const char *
job_reason_word(unsigned reason)
{
    bool known = reason > 0 && reason < sizeof(reason_words) / sizeof(reason_words[0]);
    return known ? reason_words[reason] : "?";
}

unsigned
job_state_find(struct weir_text word)
{
    for (unsigned i = 1; i < sizeof(state_words) / sizeof(state_words[0]); i++)
        if (text_is(word, state_words[i]))
            return i;
    return 0;
}

bool
job_may_become(unsigned from, unsigned to)
{
#define S(name) (1u << JOB_##name)
    static const unsigned may[] = {
        [0] = S(SCHEDULED) | S(READY) | S(HELD) | S(RUNNING) | S(DEAD) | S(BLOCKED), /* a new one */
        [JOB_BLOCKED] = S(SCHEDULED) | S(READY) | S(HELD) | S(CANCELLED),
        [JOB_SCHEDULED] = S(RUNNING) | S(HELD) | S(CANCELLED),
        [JOB_READY] = S(RUNNING) | S(HELD) | S(CANCELLED),
        [JOB_HELD] = S(SCHEDULED) | S(READY) | S(WAITING) | S(RETRYABLE) | S(CANCELLED),
        [JOB_RUNNING] = S(READY) | S(HELD) | S(WAITING) | S(RETRYABLE) | S(COMPLETED) | S(DEAD) |
                        S(CANCELLED),
        [JOB_WAITING] = S(READY) | S(RUNNING) | S(HELD) | S(CANCELLED),
        [JOB_RETRYABLE] = S(RUNNING) | S(HELD) | S(CANCELLED),
        [JOB_DEAD] = S(DISCARDED),
        [JOB_COMPLETED] = 0,
        [JOB_CANCELLED] = 0,
        [JOB_DISCARDED] = 0,
    };
#undef S
    return from < sizeof(may) / sizeof(may[0]) && (may[from] & 1u << to) != 0;
}

/* The value of each hexadecimal digit, and one more: 0 is none. */
static const uint8_t digit_of[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

bool
job_id_read(struct weir_text text, uint8_t ret[JOB_ID])
{
    if (text.len != ID_UUID - 1)
        return false;
    /* where the two digits of each byte are */
    static const uint8_t places[JOB_ID] = { 0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34 };
    const uint8_t *in = (const uint8_t *)text.bytes;
    bool good = in[8] == '-' && in[13] == '-' && in[18] == '-' && in[23] == '-';
    for (unsigned i = 0; i < JOB_ID; i++) {
        unsigned high = digit_of[in[places[i]]], low = digit_of[in[places[i] + 1]];
        good = good && high != 0 && low != 0;
        ret[i] = (uint8_t)((high - 1) << 4 | (low - 1));
    }
    return good;
}

void
job_id_write(struct weir_text bytes, char ret[ID_UUID])
{
    static const char digits[] = "0123456789abcdef";
    char *at = ret;
    for (unsigned i = 0; i < JOB_ID && bytes.len == JOB_ID; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = digits[(uint8_t)bytes.bytes[i] >> 4];
        *at++ = digits[(uint8_t)bytes.bytes[i] & 15];
    }
    *at = '\0';
}

void
job_claimed_free(struct job_claimed **job)
{
    for (struct job_record *record; *job && (record = (*job)->records) != NULL;) {
        (*job)->records = record->next;
        free(record);
    }
    free(*job);
    *job = NULL;
}

void
job_claim_free(struct job_claim *c)
{
    while (c->jobs != NULL) {
        struct job_claimed *job = c->jobs;
        c->jobs = job->next;
        job_claimed_free(&job);
    }
    c->n = 0;
}
