/* fuzz/schedule_fuzz.c - any text is a cron expression or is refused, any bytes are a time zone
 * or are refused; what is read goes on to say when it fires, and that is always later.
 *
 * room: engine
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>

#include "../../plugins/schedule/schedule_cron.c"
#include "../../plugins/schedule/schedule_moments.c"
#include "../../plugins/schedule/schedule_rule.c"
#include "../../plugins/schedule/schedule_zone.c"
#include "../../plugins/shared/plugin/plugin.c"
#include "engine/generation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
follow(const struct schedule *s)
{
    for (uint64_t start = 1; start < 4000000000000; start += 700000000000) {
        uint64_t at = start;
        for (unsigned i = 0; i < 8; i++) {
            uint64_t next = schedule_next(s, at);
            assert(next > at);
            if (next == UINT64_MAX)
                break;
            at = next;
        }
    }
}

/* A cron expression up to the first NUL, and the bytes of a zone behind it. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weir_error err = { 0 };
    struct schedule s = { .name = (char *)(uintptr_t) "fuzz" };
    const uint8_t *nul = size > 0 ? memchr(data, '\0', size) : NULL;
    size_t len = nul != NULL ? (size_t)(nul - data) : size;
    size_t rest = nul != NULL ? size - len - 1 : 0;
    char *text = malloc(len > 0 ? len : 1); /* just its size */
    assert(text != NULL);
    host = host_table();
    if (len > 0)
        memcpy(text, data, len);
    bool good = cron_read((struct weir_text){ text, len }, &s.cron, &err) == WEIR_OK;
    assert(good || err.text[0] != '\0');
    free(text);
    uint8_t *file = malloc(rest > 0 ? rest : 1);
    assert(file != NULL);
    if (rest > 0)
        memcpy(file, nul + 1, rest);
    s.zone = rest > 0 ? zone_read(file, rest, &err) : zone_open(WEIR_TEXT("UTC"), &err);
    free(file);
    if (good && s.zone != NULL)
        follow(&s);
    zone_close(&s.zone);
    return 0;
}
