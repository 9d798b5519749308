/* value/value.h - one immutable, counted value type: JSON's, bytes, 64-bit integers, streams.
 *
 * A value lives in a block: one allocation (or a few) that holds a whole document with its
 * strings and members side by side and has one counter. A reference to any value inside keeps
 * its whole block alive. A block that borrows strings or members from others holds a reference
 * to each of them. Constants (null, true, small integers, "") have no block and live for ever.
 *
 * struct weir_value is visible so that evaluators can keep scalars on the stack; such a value
 * has no block, is lent only, and becomes a counted one by value_box. A copy of a counted value
 * on the stack is such a value too: it keeps the block, which the content lies in, and has to
 * lose VALUE_HOME. Values never change after they are built: any thread may read them, and
 * counting is atomic.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VALUE_VALUE_H
#define VALUE_VALUE_H

#include "base/buf.h"

struct value_block;
struct value_members;

enum value_flag {
    VALUE_SECRET = 1u << 0,  /* made from a secret; a list or map that holds one has it too */
    VALUE_DYNAMIC = 1u << 1, /* an expression of a configuration: any schema accepts it     */
    VALUE_HOME = 1u << 2,    /* set by this room alone: the node is counted or a constant   */
};

/* How many levels of lists and maps can be written, and read from msgpack: twice what is read
 * from JSON, so that what came in can be wrapped. Deeper values can be held, no more. */
#define VALUE_DEPTH 128

struct weir_value {
    uint8_t type;  /* enum weir_type */
    uint8_t flags; /* enum value_flag */
    uint16_t pad;
    uint32_t len; /* bytes of a text, items of a list, members of a map */
    union {
        bool boolean;
        int64_t integer;
        double number;
        const char *bytes;
        const struct weir_value *items;
        const struct value_members *members;
        void *stream;
    };
    struct value_block *block; /* NULL: a constant, or on the stack */
};

extern const struct weir_value value_null;
extern const struct weir_value value_true;
extern const struct weir_value value_false;
extern const struct weir_value value_empty_string;
extern const struct weir_value value_empty_list;
extern const struct weir_value value_empty_map;

/* Takes one more reference to a counted value (not to one on the stack); returns V. */
const struct weir_value *value_ref(const struct weir_value *v);

/* Gives a reference back and leaves NULL. NULL is accepted. */
void value_unref(const struct weir_value **v);

/* A counted value with the content of V, which may stand on the stack and may point into
 * counted values: their blocks are kept. The caller owns it. */
const struct weir_value *value_box(const struct weir_value *v);

/* -- making -- each result is owned by the caller */

/* A 64-bit integer; small ones are constants. */
const struct weir_value *value_int(int64_t i);
/* NaN and infinities become null. */
const struct weir_value *value_double(double d);
/* Copies well-formed UTF-8 (the caller's duty; see utf8_valid); at most 4 GiB - 1. */
const struct weir_value *value_string(const char *bytes, size_t len);
const struct weir_value *value_text(const char *s);
const struct weir_value *value_bytes(const void *bytes, size_t len);
/* Bytes or a string that take over the malloc'ed BYTES without a copy. */
const struct weir_value *value_take(enum weir_type type, char *bytes, size_t len);

/* The same of what is in B, which is empty and without memory afterwards. */
const struct weir_value *value_take_buf(enum weir_type type, struct buf *b);
/* A string or bytes that borrow LEN bytes of text that lies inside the counted OWNER (a few
 * bytes are copied instead). Part of a secret text is secret. */
const struct weir_value *value_slice(const struct weir_value *owner, enum weir_type type,
                                     const char *bytes, size_t len);
/* A stream; DROP(STREAM) is called when the last reference goes, on that thread. */
const struct weir_value *value_stream(void *stream, void (*drop)(void *stream));

/* V with more flags (VALUE_SECRET, VALUE_DYNAMIC) set, in a new block. A list or map that is
 * made secret is copied, and so is all that it holds, to be secret as well. Takes the
 * reference. */
const struct weir_value *value_flagged(const struct weir_value **take_v, unsigned flags);

/* -- building lists and maps -- */

struct weir_builder; /* one list or map in the making; one thread */

/* A list, a map in the making; both are ended by builder_end or thrown away by builder_free. */
struct weir_builder *builder_list(void);
struct weir_builder *builder_map(void);
/* Add a counted value; the reference *take_v is taken and NULL is left. NULL counts as null. */
void builder_add(struct weir_builder *b, const struct weir_value **take_v);
/* A key that is there gets the new value and keeps its place. */
void builder_set(struct weir_builder *b, const char *key, size_t len, const struct weir_value **take_v);
/* The same two for a lent value, which may stand on the stack. */
void builder_add_lent(struct weir_builder *b, const struct weir_value *v);
void builder_set_lent(struct weir_builder *b, const char *key, size_t len, const struct weir_value *v);
/* The same for a C string key. */
void builder_put(struct weir_builder *b, const char *key, const struct weir_value *v);
/* The same for all members of a map; none if MAP is no map. */
void builder_put_all(struct weir_builder *b, const struct weir_value *map);
/* As builder_set, for a C string key and a value that was just made. */
void builder_take(struct weir_builder *b, const char *key, const struct weir_value *take_v);
/* Ends: the list or map, owned by the caller; *b is NULL. */
const struct weir_value *builder_end(struct weir_builder **b);
/* Throws the builder away; NULL is accepted. */
void builder_free(struct weir_builder **b);

/* -- reading -- all borrowed */

static inline enum weir_type
value_type(const struct weir_value *v)
{
    return (enum weir_type)v->type;
}

/* The text of a string or of bytes; empty for others. */
static inline struct weir_text
value_as_text(const struct weir_value *v)
{
    if (v->type == WEIR_STRING || v->type == WEIR_BYTES)
        return (struct weir_text){ v->bytes, v->len };
    return (struct weir_text){ "", 0 };
}

/* The member of a map; NULL if V is NULL, no map, or has no such key. */
const struct weir_value *value_get(const struct weir_value *v, const char *key, size_t len);
/* The same for a C string. */
const struct weir_value *value_field(const struct weir_value *v, const char *key);
/* The item of a list; NULL if V is NULL, no list, or too short. */
const struct weir_value *value_at(const struct weir_value *v, size_t index);
/* Member number INDEX of a map, in order; false past the end. */
bool value_member(const struct weir_value *v, size_t index, struct weir_text *ret_key,
                  const struct weir_value **ret_value);
/* The value at a JSON pointer (RFC 6901); NULL if there is none. */
const struct weir_value *value_pointer(const struct weir_value *v, const char *pointer, size_t len);

/* The name of a type as expressions give it: "null" "bool" "int" "double" "string" "bytes"
 * "list" "map" "stream". */
const char *value_type_name(enum weir_type type);

/* Whether two values are equal: 1 equals 1.0, maps compare without order, strings never equal
 * bytes. */
bool value_equal(const struct weir_value *a, const struct weir_value *b);

/* Compares the numbers (int or double) A and B exactly: < 0, 0, > 0. */
int value_compare_numbers(const struct weir_value *a, const struct weir_value *b);

/* Whether V or anything in it was made from a secret. */
static inline bool
value_is_secret(const struct weir_value *v)
{
    return v->flags & VALUE_SECRET;
}

/* V with every secret scalar in it but null replaced by "***", for logs and answers; owned. V
 * itself, with one more reference, if nothing in it is secret. */
const struct weir_value *value_masked(const struct weir_value *v);

/* Bytes of memory that the block of V takes (others that it borrows from not counted); 0 for a
 * constant. */
size_t value_weight(const struct weir_value *v);

/* The same with all that it borrows from, however far away: what is freed at most when V goes.
 * SIZE_MAX if it borrows from more than some hundreds of blocks. */
size_t value_weight_all(const struct weir_value *v);

#endif
