/* value/regex.c - see regex.h.
 *
 * PCRE2 calls back at the start of every item of a pattern; the distance from the last such
 * place in the text is what was read in between, and both are charged. What can be read without
 * a call, a repeat that fails before its minimum, is charged in advance: see struct regex.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/buf.h"
#include "value/regex.h"
#include "value/regex_ecma.h"

enum {
    PATTERN_MAX = 64 * 1024,
    TRANSLATED_MAX = 1024 * 1024,
    HEAP_MAX_KIB = 2 * 1024, /* for the places to come back to, of one match  */
    KEPT_MAX = 512 * 1024,   /* of that, what a thread keeps for its next one */
    STEPS = 25 * 1000,       /* of one match; and for each byte of its text:  */
    STEPS_PER_BYTE = 4,
    BYTES_PER_STEP = 8, /* as fast as one call back */
};

struct regex {
    pcre2_code *code;
    uint32_t surcharge; /* steps that a repeat may take before it fails, unseen */
};

/* What a thread needs for matching, kept for its next match. */
struct matcher {
    pcre2_match_data *data;
    pcre2_match_context *context;
    size_t held; /* bytes that PCRE2 holds through this matcher */
};

struct account {
    uint64_t left;
    size_t at; /* where the last call was */
    uint32_t surcharge;
};

static pthread_key_t matcher_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static __thread struct matcher *matcher; /* the same as the key's: faster, and seen by LSan */

/* Each piece has its size in front, so that what is held can be counted. */
enum { SIZE_ROOM = 16 };

static void *
take(size_t size, void *arg)
{
    struct matcher *m = arg;
    char *p = malloc(size + SIZE_ROOM);
    if (p == NULL)
        return NULL;
    *(size_t *)(void *)p = size;
    m->held += size;
    return p + SIZE_ROOM;
}

static void
give(void *p, void *arg)
{
    struct matcher *m = arg;
    if (p == NULL)
        return;
    char *piece = (char *)p - SIZE_ROOM;
    m->held -= *(size_t *)(void *)piece;
    free(piece);
}

static int
charge(pcre2_callout_block *block, void *arg)
{
    struct account *a = arg;
    size_t at = block->current_position;
    size_t far = at > a->at ? at - a->at : a->at - at;
    uint64_t cost = 1 + a->surcharge + far / BYTES_PER_STEP;
    a->at = at;
    if (cost > a->left) {
        a->left = 0;
        return PCRE2_ERROR_CALLOUT;
    }
    a->left -= cost;
    return 0;
}

static void
matcher_free(void *arg)
{
    struct matcher *m = arg;
    pcre2_match_context_free(m->context);
    pcre2_match_data_free(m->data);
    free(m);
    matcher = NULL;
}

static void
make_key(void)
{
    if (pthread_key_create(&matcher_key, matcher_free) != 0)
        abort();
}

/* Room for one pair of offsets: which groups matched is nobody's question. */
static pcre2_match_data *
new_data(struct matcher *m)
{
    pcre2_general_context *general = pcre2_general_context_create(take, give, m);
    if (general == NULL)
        abort();
    pcre2_match_data *data = pcre2_match_data_create(1, general);
    if (data == NULL)
        abort();
    pcre2_general_context_free(general);
    return data;
}

static struct matcher *
get_matcher(void)
{
    if (matcher != NULL)
        return matcher;

    pthread_once(&once, make_key);
    struct matcher *m = calloc(1, sizeof(*m));
    if (m == NULL)
        abort();
    m->context = pcre2_match_context_create(NULL);
    if (m->context == NULL)
        abort();
    pcre2_set_heap_limit(m->context, HEAP_MAX_KIB);
    m->data = new_data(m);
    if (pthread_setspecific(matcher_key, m) != 0)
        abort();
    matcher = m;
    return m;
}

/* The largest minimum of a repeat in PATTERN, in steps: {64} may pass 63 bytes and fail. */
static uint32_t
surcharge_of(struct weir_text pattern)
{
    uint32_t most = 0;
    for (size_t i = 0; i < pattern.len; i++) {
        if (pattern.bytes[i] != '{')
            continue;
        uint32_t n = 0;
        while (i + 1 < pattern.len && pattern.bytes[i + 1] >= '0' &&
               pattern.bytes[i + 1] <= '9' && n < 65536)
            n = n * 10 + (uint32_t)(pattern.bytes[++i] - '0');
        most = n > most ? n : most;
    }
    return most / BYTES_PER_STEP;
}

static enum weir_code
compile(struct weir_text text, uint32_t more, pcre2_code **ret, size_t *ret_offset,
        struct weir_error *err)
{
    int number = 0;
    uint32_t options =
        PCRE2_UTF | PCRE2_AUTO_CALLOUT | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C | more;
    PCRE2_SPTR bytes = (PCRE2_SPTR)(text.len > 0 ? text.bytes : "");
    *ret = pcre2_compile(bytes, text.len, options, &number, ret_offset, NULL);
    if (*ret != NULL)
        return WEIR_OK;

    char reason[160];
    pcre2_get_error_message(number, (PCRE2_UCHAR *)reason, sizeof(reason));
    return err_set(err, WEIR_INVALID, "%s", reason);
}

/* Compiles PATTERN, translated from ECMA-262 first. */
static enum weir_code
compile_ecma(struct weir_text pattern, pcre2_code **ret, size_t *ret_offset,
             struct weir_error *err)
{
    struct buf out;
    buf_init(&out, TRANSLATED_MAX);
    enum weir_code code = regex_ecma(pattern, &out, err);
    if (code != WEIR_OK) {
        buf_fini(&out);
        return code;
    }
    code = compile(buf_content(&out), PCRE2_ALLOW_EMPTY_CLASS | PCRE2_MATCH_UNSET_BACKREF, ret,
                   ret_offset, err);
    buf_fini(&out);
    if (code == WEIR_OK)
        return code;
    *ret_offset = regex_ecma_offset(pattern, *ret_offset);
    (void)err_in(err, "at offset %zu", *ret_offset); /* ERR may be NULL */
    return WEIR_INVALID;
}

enum weir_code
regex_new(struct weir_text pattern, bool ecma, struct regex **ret, struct weir_error *err)
{
    if (pattern.len > PATTERN_MAX)
        return err_set(err, WEIR_INVALID, "at offset %d: longer than 64 KiB", PATTERN_MAX);

    pcre2_code *compiled = NULL;
    size_t offset = 0;
    if (ecma) {
        enum weir_code code = compile_ecma(pattern, &compiled, &offset, err);
        if (code != WEIR_OK)
            return code;
    } else if (compile(pattern, 0, &compiled, &offset, err) != WEIR_OK) {
        (void)err_in(err, "at offset %zu", offset); /* ERR may be NULL */
        return WEIR_INVALID;
    }

    struct regex *re = malloc(sizeof(*re));
    if (re == NULL)
        abort();
    *re = (struct regex){ compiled, surcharge_of(pattern) };
    *ret = re;
    return WEIR_OK;
}

void
regex_free(struct regex **re)
{
    if (*re == NULL)
        return;
    pcre2_code_free((*re)->code);
    free(*re);
    *re = NULL;
}

enum regex_answer
regex_match_within(const struct regex *re, struct weir_text text, uint64_t *steps)
{
    struct matcher *m = get_matcher();
    struct account account = { *steps, 0, re->surcharge };
    pcre2_set_callout(m->context, charge, &account);
    PCRE2_SPTR bytes = (PCRE2_SPTR)(text.len > 0 ? text.bytes : "");
    int rc = pcre2_match(re->code, bytes, text.len, 0, PCRE2_NO_UTF_CHECK, m->data, m->context);
    *steps = account.left;
    if (m->held > KEPT_MAX) {
        pcre2_match_data_free(m->data);
        m->data = new_data(m);
    }
    if (rc >= 0)
        return REGEX_YES;
    return rc == PCRE2_ERROR_NOMATCH ? REGEX_NO : REGEX_TOO_COSTLY;
}

enum regex_answer
regex_match(const struct regex *re, struct weir_text text)
{
    uint64_t steps = STEPS + STEPS_PER_BYTE * (uint64_t)text.len;
    return regex_match_within(re, text, &steps);
}
