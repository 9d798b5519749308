/* pipeline/known.c - see known.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pipeline/known.h"

#include <assert.h>

#include "pipeline/owned.h"

struct word {
    struct weir_text text;
    enum known what;
};

#define TEXT_OF(literal)                \
    {                                   \
        "" literal, sizeof(literal) - 1 \
    }

static const struct word names[] = {
    { TEXT_OF("request"), KNOWN_REQUEST }, { TEXT_OF("steps"), KNOWN_STEPS },
    { TEXT_OF("input"), KNOWN_INPUT },     { TEXT_OF("env"), KNOWN_ENV },
    { TEXT_OF("vars"), KNOWN_VARS },       { TEXT_OF("secrets"), KNOWN_SECRETS },
    { TEXT_OF("run"), KNOWN_RUN },         { TEXT_OF("error"), KNOWN_ERROR },
    { TEXT_OF("reply"), KNOWN_REPLY },
};

static const struct word fields[] = {
#define X(name, text) { TEXT_OF(text), KNOWN_##name },
    REQUEST_FIELDS(X)
#undef X
};

enum { N_NAMES = sizeof names / sizeof *names, N_FIELDS = sizeof fields / sizeof *fields };

static enum known
look_up(const struct word *words, unsigned n, struct weir_text text, enum known otherwise)
{
    for (unsigned i = 0; i < n; i++)
        if (text_equal(words[i].text, text))
            return words[i].what;
    return otherwise;
}

/* What is meant by request.KEY... */
static enum known
in_request(const struct weir_text *path, unsigned n)
{
    enum known field = look_up(fields, N_FIELDS, path[1], KNOWN_NO_FIELD);
    if (n > 2 && field == KNOWN_PARAMS)
        return KNOWN_PARAM;
    return n > 2 && field == KNOWN_HEADERS ? KNOWN_HEADER : field;
}

struct expr_known
known_of(const struct pipeline *p, const struct weir_text *path, unsigned n)
{
    struct expr_known k = { .what = look_up(names, N_NAMES, path[0], KNOWN_VARIABLE) };
    if (n > 1 && k.what == KNOWN_REQUEST) {
        k.what = in_request(path, n);
    } else if (n > 1 && k.what == KNOWN_STEPS) {
        const struct node *node = pipeline_node(p, path[1]);
        k.what = KNOWN_STEP;
        k.index = node != NULL ? node->index : UINT32_MAX;
    }
    return k;
}

struct weir_text
known_field(enum known what)
{
    assert(what >= fields[0].what && what < KNOWN_COUNT);
    return fields[what - fields[0].what].text;
}

static void
tell(void *arg, const struct expr_access *a)
{
    *a->known = known_of(arg, a->path, a->n);
}

void
known_tell(struct pipeline *p)
{
    owned_each_access(p, tell, p);
}
