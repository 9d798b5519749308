/* pipeline/marks.h - what an author marks as secret in the events of a pipeline: mask: [body.card.number].
 *
 * A mark is a path into the event: body, headers, query, params or auth, then keys with dots between,
 * * for any key or index, and ["a.key"] for one that has other characters in it. What it leads to is
 * shown as ***, with all that is in it, and so are its texts wherever else they stand (secrets_mask.h),
 * numbers too. The event itself stays as it is: a replay needs it.
 *
 * A struct marks never changes once it is made, nor does a struct hidden after hidden_end: any thread may
 * use them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_MARKS_H
#define PIPELINE_MARKS_H

#include "base/buf.h"
#include "value/value.h"

#define MARKS_MAX 64u       /* of one pipeline */
#define MARK_KEYS 32u       /* of one mark */
#define MARK_TEXT 512u      /* bytes of one mark */
#define HIDDEN_MAX 1000u    /* texts of an event that are looked for elsewhere */
#define HIDDEN_BYTES (256u << 10) /* of all of them */

/* Where a mark begins. */
#define MARK_ROOTS(X) X(BODY, "body") X(HEADERS, "headers") X(QUERY, "query") X(PARAMS, "params") X(AUTH, "auth")
enum mark_root {
#define X(name, word) MARK_##name,
    MARK_ROOTS(X)
#undef X
    N_MARK_ROOTS
};

/* One mark, as it was written, cut into keys. */
struct mark_path {
    enum mark_root root;
    struct weir_text *keys; /* bytes NULL: any */
    unsigned n;
};

struct marks {
    struct mark_path paths[MARKS_MAX];
    unsigned n;
};

/* The texts that are hidden of one event. */
struct hidden;

/* Makes an empty set; frees one. NULL is accepted by free. */
struct marks *marks_new(void);
void marks_free(struct marks **m);

/* Adds the mark TEXT. WEIR_INVALID: what is wrong with it, and at which byte; WEIR_TOO_LARGE: M is full. */
enum weir_code marks_add(struct marks *m, struct weir_text text, size_t *ret_at, struct weir_error *err) MUST_USE;

/* Adds those of LIST, a list of texts; what is none is left out. NULL is accepted. */
void marks_add_list(struct marks *m, const struct weir_value *list);

/* Whether there is a mark below ROOT. M may be NULL. */
bool marks_below(const struct marks *m, enum mark_root root);

/* Whether all of ROOT is marked. M may be NULL. */
bool marks_whole(const struct marks *m, enum mark_root root);

/* Whether a mark leads to the part of the event that is KEYS below ROOT, to what it is in, or into it. */
bool marks_touch(const struct marks *m, enum mark_root root, const struct weir_text *keys, unsigned n);

/* V, the part of an event below ROOT and then KEYS (N of them, which may be 0), with *** for what is marked.
 * Its texts go to GATHER, which may be NULL. Owned. */
const struct weir_value *marks_hide(const struct marks *m, enum mark_root root, const struct weir_text *keys, unsigned n,
                                    const struct weir_value *v, struct hidden *gather);

/* The same for a JSON pointer in the place of KEYS. */
const struct weir_value *marks_hide_at(const struct marks *m, enum mark_root root, struct weir_text pointer,
                                       const struct weir_value *v, struct hidden *gather);

/* -- marks_event.c: whole events -- */

/* EVENT, as the store has it (engine/job_event.h), with *** for what is marked. A body that has marks and can't
 * be read as what they lead into is hidden as a whole. Owned. */
const struct weir_value *marks_hide_event(const struct marks *m, const struct weir_value *event, struct hidden *gather);

/* What else has to be hidden of RAW, the bytes of a body of TYPE, beside what is marked in its value: a form may be no
 * more than a name. */
void marks_gather_raw(const struct marks *m, struct weir_text type, struct weir_text raw, struct hidden *gather);

/* The texts of a parameter, or of a header, if it is marked. */
void marks_gather_pair(const struct marks *m, enum mark_root root, struct weir_text name, struct weir_text value,
                       struct hidden *gather);

/* Those of a query as it came, percent-encoded. */
void marks_gather_query(const struct marks *m, struct weir_text query, struct hidden *gather);

/* A query, or the body of a form, with *** for the values of those names that HIDES says. A name that no = stands
 * behind has a value whose bytes are NULL. Owned. */
typedef bool hides_fn(void *arg, struct weir_text name, struct weir_text value);
const struct weir_value *form_hidden(struct weir_text form, hides_fn *hides, void *arg);

/* -- the texts -- */

/* Makes an empty set; frees one. NULL is accepted by free. */
struct hidden *hidden_new(void);
void hidden_free(struct hidden **h);

/* Adds all texts and numbers in V, which stands under KEY, however deep. What is shorter than 4 bytes, true and false
 * are hidden only under the same key. Once there are more than can be looked for, all texts count as hidden: what is not known to be
 * harmless is not shown. */
void hidden_add(struct hidden *h, struct weir_text key, const struct weir_value *v);
void hidden_add_text(struct hidden *h, struct weir_text text);
/* The same of a text that stands under KEY: a header, a parameter. */
void hidden_add_named(struct hidden *h, struct weir_text key, struct weir_text text);

/* Ends the adding: from now on it may be used. */
void hidden_end(struct hidden *h);

/* Whether there is anything to look for. H may be NULL. */
bool hidden_any(const struct hidden *h);

/* Whether something of it stands in TEXT. */
bool hidden_stands_in(const struct hidden *h, struct weir_text text);

/* Whether one of the texts that were added is "***" itself. */
bool hidden_has_stars(const struct hidden *h);

/* Replaces what stands in B by ***. */
void hidden_mask(const struct hidden *h, struct buf *b);

/* The same of a text whose end may have been cut off. */
void hidden_mask_cut(const struct hidden *h, struct buf *b);

/* V with its texts, bytes, numbers and keys masked so. Owned. */
const struct weir_value *hidden_masked(const struct hidden *h, const struct weir_value *v);

#endif
