/* pipeline/load_retry.c - retry: of a node and of a pipeline.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pipeline/loading.h"
#include "pipeline/owned.h"

#define ATTEMPTS_MAX 100
#define SCHEDULE_MAX 100u

/* One entry of on:, a code or an HTTP status. */
static bool
load_cause(struct loading *l, const struct yaml_node *n, struct retry_policy *ret)
{
    if (n->kind == YAML_SCALAR && n->value.type == WEIR_INT && n->value.integer >= 100 &&
        n->value.integer <= 599) {
        ret->statuses[ret->n_statuses++] = (unsigned)n->value.integer;
        return true;
    }
    uint32_t code = yaml_is_string(n) ? code_find(n->text.bytes, n->text.len) : 0;
    if (code != 0) {
        ret->codes |= 1u << code;
        return true;
    }
    static const struct weir_text names[] = {
        WORD("invalid"),   WORD("unauthorized"), WORD("forbidden"), WORD("not_found"),
        WORD("conflict"),  WORD("too_large"),    WORD("limited"),   WORD("unavailable"),
        WORD("upstream"),  WORD("timeout"),      WORD("script"),    WORD("internal"),
        WORD("cancelled"),
    };
    char hint[96] = "";
    if (n->kind == YAML_SCALAR)
        hint_nearest(n->text, names, sizeof names / sizeof *names, hint, sizeof hint);
    load_say(l, n, DIAG_BAD_VALUE, hint[0] != '\0' ? hint : NULL,
             "'on' takes error codes such as timeout, and HTTP statuses from 100 to 599");
    return false;
}

static bool
load_causes(struct loading *l, const struct yaml_node *n, struct retry_policy *ret)
{
    bool list = n->kind == YAML_LIST;
    unsigned count = list ? n->n : 1;
    if (count == 0) {
        load_say(l, n, DIAG_BAD_VALUE, NULL, "'on' is empty: nothing would be tried again");
        return false;
    }
    ret->statuses = own_alloc(l->p, count * sizeof *ret->statuses);
    bool good = true;
    for (unsigned i = 0; i < count; i++)
        good &= load_cause(l, list ? n->items[i] : n, ret);
    if (ret->codes == 0)
        ret->codes = 1; /* statuses alone: bit 0 is no code */
    return good;
}

static bool
load_schedule(struct loading *l, const struct yaml_node *n)
{
    if (n->kind != YAML_LIST || n->n == 0 || n->n > SCHEDULE_MAX) {
        load_say(l, n, DIAG_WRONG_TYPE, NULL,
                 "'schedule' must be a list of 1 to 100 pauses, such as [5s, 5m, 30m, 2h]");
        return false;
    }
    bool good = true;
    uint64_t ms;
    for (unsigned i = 0; i < n->n; i++)
        good &= load_duration(l, n->items[i], "schedule", &ms);
    return good;
}

static bool
load_pauses(struct loading *l, const struct yaml_node *n, struct retry_policy *ret)
{
    bool good = true;
    unsigned kind = 1;
    const struct yaml_node *at;
    if ((at = yaml_get(n, "backoff")) != NULL)
        good &= load_choice(l, at, "backoff", "constant|exponential", &kind);
    ret->exponential = kind == 1;
    if ((at = yaml_get(n, "initial")) != NULL)
        good &= load_duration(l, at, "initial", &ret->initial_ms);
    if ((at = yaml_get(n, "max")) != NULL)
        good &= load_duration(l, at, "max", &ret->max_ms);
    else if (ret->max_ms < ret->initial_ms)
        ret->max_ms = ret->initial_ms;
    if ((at = yaml_get(n, "jitter")) != NULL)
        good &= load_bool(l, at, "jitter", &ret->jitter);
    if (good && ret->max_ms < ret->initial_ms) {
        load_say(l, yaml_get(n, "max"), DIAG_BAD_VALUE, NULL, "'max' is less than 'initial'");
        return false;
    }
    return good;
}

bool
load_retry(struct loading *l, const struct yaml_node *n, bool job, struct retry_policy *ret)
{
    *ret = (struct retry_policy){
        .attempts = 3, .exponential = true, .initial_ms = 200, .max_ms = 30000, .jitter = true
    };
    if (n->kind == YAML_SCALAR && !yaml_is_null(n))
        return load_count(l, n, "retry", ATTEMPTS_MAX, &ret->attempts);
    bool good = load_map(l, n, "retry",
                         job ? "attempts|timeout|backoff|initial|max|jitter|on|schedule"
                             : "attempts|timeout|backoff|initial|max|jitter|on");
    if (n->kind != YAML_MAP)
        return false;
    const struct yaml_node *at;
    if (job && (at = yaml_get(n, "schedule")) != NULL)
        good &= load_schedule(l, at);
    if ((at = yaml_get(n, "attempts")) != NULL)
        good &= load_count(l, at, "attempts", ATTEMPTS_MAX, &ret->attempts);
    if ((at = yaml_get(n, "timeout")) != NULL)
        good &= load_duration(l, at, "timeout", &ret->timeout_ms);
    if ((at = yaml_get(n, "on")) != NULL)
        good &= load_causes(l, at, ret);
    return load_pauses(l, n, ret) && good;
}
