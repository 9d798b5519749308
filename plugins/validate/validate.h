/* validate/validate.h - the parts of a validate node: see README.md.
 *
 * Everything here belongs to the thread of the call, but what open makes, which is only read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VALIDATE_H
#define VALIDATE_H

#include "plugin.h"

#define FIELD_STEPS 8u

/* A value that has to be there: the keys on the way to it, and the same as a JSON pointer. */
struct field {
    char *pointer; /* owned */
    uint32_t n;
    struct weir_text keys[FIELD_STEPS]; /* owned */
};

/* What holds for one name of select. */
struct rule {
    char *name;           /* owned; NULL: for any */
    void *schema;         /* NULL: there is none */
    struct field *fields; /* owned, n of them */
    uint32_t n;
};

struct rules {
    struct rule *all; /* owned, n of them */
    uint32_t n;
};

/* What is done to each text. */
struct sanitize {
    bool on;
    bool strip_html;
    bool nfc;
    bool trim;
    bool escape_quotes;
    uint64_t max_length; /* code points */
};

struct validate_node {
    uint32_t value;  /* a slot; 0: what flows in */
    uint32_t select; /* a slot; 0: there is nothing to choose */
    struct rules schemas;
    struct rules required;
    struct sanitize sanitize;
};

/* The node's open and close. */
uint32_t validate_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
                       struct weir_error *err);
void validate_close(void *conf);

/* The rule for NAME, else that for "default" or for any; NULL if there is none. */
const struct rule *rules_find(const struct rules *rules, struct weir_text name);

/* Reads NAME, the name of a member or a JSON pointer (RFC 6901); WEIR_INVALID and ERR for what
 * is neither. */
uint32_t field_read(struct weir_text name, struct field *ret, struct weir_error *err);
void field_free(struct field *f);
/* Whether V has F: present, not null, not an empty text. */
bool field_is_there(const struct field *f, const struct weir_value *v);

/* Cleans all texts in V. *RET is owned by the caller; what did not change is V itself, or a
 * part of it. It is NULL if texts of more than MOST bytes have to be looked at closely, which may take
 * long. WEIR_INVALID and ERR, with its place, for a text that can't be cleaned. */
uint32_t clean_value(const struct sanitize *how, const struct weir_value *v, size_t most,
                     const struct weir_value **ret, struct weir_error *err);

#endif
