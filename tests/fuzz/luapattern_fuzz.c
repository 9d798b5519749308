/* fuzz/luapattern_fuzz.c - any text is a pattern or is refused; what it finds lies in the
 * subject, so do its captures, and it never takes more steps than it has.
 *
 * room: base
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/lua/pattern.c"
#include "../../plugins/lua/pattern_compile.c"

#define STEPS 20000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_match(const struct pattern *p, const struct pattern_match *m)
{
    assert(m->from >= m->subject && m->from <= m->to && m->to <= m->end);
    for (unsigned i = 0; i < p->n_captures; i++) {
        const struct pattern_capture *c = &m->captures[i];
        assert(c->at >= m->from && c->at <= m->to);
        assert(c->position || c->len <= (size_t)(m->to - c->at));
    }
}

/* The bytes of the input up to the first NUL as a pattern, on those behind it. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct pattern p;
    const char *why = NULL;
    const uint8_t *nul = size > 0 ? memchr(data, '\0', size) : NULL;
    size_t len = nul != NULL ? (size_t)(nul - data) : size;
    size_t rest = nul != NULL ? size - len - 1 : 0;
    char *text = malloc(len > 0 ? len : 1); /* just their sizes */
    char *subject = malloc(rest > 0 ? rest : 1);
    assert(text != NULL && subject != NULL);
    if (len > 0)
        memcpy(text, data, len);
    if (rest > 0)
        memcpy(subject, nul + 1, rest);
    if (pattern_compile(&p, text, len, &why)) {
        static struct pattern_match m;
        m = (struct pattern_match){ .subject = subject, .end = subject + rest, .steps = STEPS };
        m.pause = size % 2 ? 100 : 0;
        enum pattern_result r = pattern_find(&p, &m, subject);
        while (r == PATTERN_PAUSED)
            r = pattern_go_on(&p, &m);
        assert(m.steps <= STEPS);
        if (r == PATTERN_YES)
            check_match(&p, &m);
    } else {
        assert(why != NULL);
    }
    free(text);
    free(subject);
    return 0;
}
