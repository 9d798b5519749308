/* breaker/breaker_open.c - from the configuration to a node: see README.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "breaker.h"

static const struct {
    const char *name;
    uint32_t status;
} codes[] = {
#define X(name, number, retry, http, text) [number] = { #name, http },
    WEIR_CODES(X)
#undef X
};

#define CODES (sizeof codes / sizeof *codes)

struct weir_text
breaker_code_name(uint32_t code, char room[32])
{
    const char *name = codes[code > 0 && code < CODES ? code : WEIR_INTERNAL].name;
    size_t len = strlen(name);
    for (size_t i = 0; i < len; i++)
        room[i] = (char)tolower((unsigned char)name[i]);
    return (struct weir_text){ room, len };
}

uint32_t
breaker_status_of(const struct weir_error *err)
{
    return err->status != 0
               ? err->status
               : codes[err->code > 0 && err->code < CODES ? err->code : WEIR_INTERNAL].status;
}

bool
breaker_ignores(const struct node *node, const struct weir_error *err)
{
    const uint32_t failures = 1u << WEIR_UPSTREAM | 1u << WEIR_TIMEOUT |
                              1u << WEIR_UNAVAILABLE | 1u << WEIR_INTERNAL | 1u << WEIR_SCRIPT;
    if (err->code >= 32 || (node->ignored | ~failures) & 1u << err->code)
        return true;
    for (uint32_t i = 0; i < node->n_statuses; i++)
        if (node->statuses[i] == breaker_status_of(err))
            return true;
    return false;
}

static uint64_t
number(const struct weir_value *config, struct weir_text key, uint64_t otherwise)
{
    int64_t i;
    return host->get_int(host->get(config, key), &i) && i >= 0 ? (uint64_t)i : otherwise;
}

static uint32_t
take_settings(const struct weir_value *config, struct breaker_settings *s,
              struct weir_error *err)
{
    double threshold = 0.5;
    (void)host->get_double(host->get(config, WEIR_TEXT("error_threshold")), &threshold);
    *s = (struct breaker_settings){
        .threshold = (uint32_t)lround(threshold * 1e6),
        .volume = (uint32_t)number(config, WEIR_TEXT("volume"), 5),
        .capacity = (uint32_t)number(config, WEIR_TEXT("capacity"), 0),
        .buckets = (uint32_t)number(config, WEIR_TEXT("buckets"), 10),
        .window_ms = number(config, WEIR_TEXT("window"), 10000),
        .reset_ms = number(config, WEIR_TEXT("reset_after"), 30000),
    };
    if (threshold < 0 || threshold > 1)
        return refuse(err, WEIR_INVALID, "'error_threshold' must be from 0%% to 100%%");
    if (s->window_ms < 10 * s->buckets || s->window_ms > 24 * 3600 * 1000)
        return refuse(err, WEIR_INVALID,
                      "'window' must be 24h at most, and have 10ms at least for each bucket");
    if (s->reset_ms == 0 || s->reset_ms > 24 * 3600 * 1000)
        return refuse(err, WEIR_INVALID, "'reset_after' must be from 1ms to 24h");
    return WEIR_OK;
}

static bool
take_code(struct node *node, struct weir_text text)
{
    for (uint32_t i = 1; i < CODES; i++) {
        char room[32];
        struct weir_text name = breaker_code_name(i, room);
        if (name.len != text.len || memcmp(name.bytes, text.bytes, text.len) != 0)
            continue;
        node->ignored |= 1u << i;
        return true;
    }
    return false;
}

/* ignore: [404, not_found] */
static uint32_t
take_ignored(const struct weir_value *config, struct node *node, struct weir_error *err)
{
    const struct weir_value *list = host->get(config, WEIR_TEXT("ignore"));
    for (size_t i = 0; list != NULL && i < host->len(list); i++) {
        struct weir_text text;
        int64_t status;
        if (host->get_int(host->at(list, i), &status) &&
            node->n_statuses < BREAKER_STATUSES_MAX)
            node->statuses[node->n_statuses++] = (uint16_t)status;
        else if (!host->get_text(host->at(list, i), &text) || !take_code(node, text))
            return refuse(err, WEIR_INVALID,
                          "'ignore' has something that is neither a status nor a code");
    }
    return WEIR_OK;
}

static char *
copy(struct weir_text text)
{
    char *c = text_copied(text);
    return c;
}

static uint32_t
take_all(const struct weir_value *config, struct node *node, struct weir_error *err)
{
    struct weir_text name = WEIR_TEXT("");
    (void)host->get_text(host->get(config, WEIR_TEXT("name")), &name);
    if (name.len == 0 || name.len > BREAKER_NAME_MAX)
        return refuse(err, WEIR_INVALID, "'name' must have 1 to 64 characters");
    node->timeout_ms = number(config, WEIR_TEXT("timeout"), 0);
    if (take_settings(config, &node->settings, err) != WEIR_OK ||
        take_ignored(config, node, err) != WEIR_OK)
        return err->code;
    node->named = breaker_name_open(name, &node->settings);
    return node->named ? WEIR_OK : refuse(err, WEIR_INVALID, "there are more than 10000 breakers");
}

uint32_t
breaker_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
             struct weir_error *err)
{
    struct node *node = zeroed(1, sizeof *node);
    node->block = host->block_find(open, "do");
    node->fallback = host->block_find(open, "fallback");
    node->pipeline = copy(host->pipeline_name(open));
    node->id = copy(host->node_id(open));
    uint32_t code = take_all(config, node, err);
    if (code == WEIR_OK)
        *ret_conf = node;
    else
        breaker_close(node);
    return code;
}

void
breaker_close(void *conf)
{
    struct node *node = conf;
    if (node->named != NULL)
        breaker_name_close(node->named);
    free(node->pipeline);
    free(node->id);
    free(node);
}
