/* net/fields.h - named values in the making, of which some have the same name.
 *
 * One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NET_FIELDS_H
#define NET_FIELDS_H

#include "base/map.h"
#include "value/value.h"

struct field_group;

struct fields {
    struct map names; /* to struct field_group, owned */
    unsigned count;   /* values in all */
};

/* Makes it empty; takes no memory. */
void fields_init(struct fields *f);

/* Frees what was not ended. */
void fields_fini(struct fields *f);

/* Adds a value; the reference is taken in any case. WEIR_INVALID (400) from BODY_FIELDS on, or
 * if NAME is not UTF-8. */
enum weir_code fields_add(struct fields *f, struct weir_text name,
                          const struct weir_value **take_v, struct weir_error *err) MUST_USE;

/* As a map from names to values, lists where a name came again; owned by the caller. */
const struct weir_value *fields_grouped(const struct fields *f);

/* As a map from names to the last value of each; owned by the caller. */
const struct weir_value *fields_last(const struct fields *f);

/* As a map from names to the list of all values of each; owned by the caller. */
const struct weir_value *fields_all(const struct fields *f);

/* Adds the pairs of application/x-www-form-urlencoded. OWNER: the counted value in which TEXT
 * lies, or NULL. WEIR_INVALID (400) for a bad escape or what is not UTF-8. */
enum weir_code fields_add_form(struct fields *f, struct weir_text text,
                               const struct weir_value *owner, struct weir_error *err) MUST_USE;

/* Adds the parts of a multipart/form-data body. WEIR_INVALID (400) with the reason. */
enum weir_code fields_add_multipart(struct fields *f, struct weir_text content_type,
                                    const struct weir_value *raw,
                                    struct weir_error *err) MUST_USE;

#endif
