/* expr/function.h - inside the room: the table of functions, and what each is given.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EXPR_FUNCTION_H
#define EXPR_FUNCTION_H

#include "expr/eval.h"
#include "expr/functions.h"
#include "expr/term.h"

/* A call that is being evaluated. The arguments are lent. */
struct args {
    struct eval *eval;
    const struct term *term;
    const struct weir_value *at[EXPR_ARGS_MAX];
    unsigned n;
};

/* Gives the result in ROOM, or anything that is kept till the evaluation ends. */
typedef enum weir_code function_fn(const struct args *a, struct weir_value *room,
                                   const struct weir_value **ret);

/* Argument I as text: a string, or bytes too; as an int, or a whole double. Others fail. */
enum weir_code arg_string(const struct args *a, unsigned i, struct weir_text *ret) MUST_USE;
enum weir_code arg_text(const struct args *a, unsigned i, struct weir_text *ret) MUST_USE;
enum weir_code arg_int(const struct args *a, unsigned i, int64_t *ret) MUST_USE;

/* Charges for reading LEN bytes. */
enum weir_code arg_read(const struct args *a, size_t len) MUST_USE;

/* PART, which lies in the text of argument 0, without a copy; in ROOM. */
void arg_slice(const struct args *a, struct weir_text part, struct weir_value *room,
                const struct weir_value **ret);

#define BOTH EXPR_FUNCTION | EXPR_METHOD

/* name in C, name, styles, fewest and most arguments, usage, summary */
#define FUNCTIONS(X)                                                                         \
    X(size, "size", BOTH | EXPR_WASHING, 1, 1, "size(x)",                                    \
      "The code points of a string, bytes of bytes, items of a list or members of a map.")   \
    X(type, "type", EXPR_FUNCTION, 1, 1, "type(x)",                                          \
      "The name of the type of x: null, bool, int, double, string, bytes, list or map.")     \
    X(int, "int", EXPR_FUNCTION, 1, 1, "int(x)",                                             \
      "A whole number from a double (cut towards zero) or from a string of digits.")         \
    X(double, "double", EXPR_FUNCTION, 1, 1, "double(x)",                                    \
      "A double from an int or from a string such as '1.5e3'.")                              \
    X(string, "string", EXPR_FUNCTION, 1, 1, "string(x)",                                    \
      "A number or bool as text; bytes that are UTF-8 as a string.")                         \
    X(bytes, "bytes", EXPR_FUNCTION, 1, 1, "bytes(x)", "The bytes of a string in UTF-8.")    \
    X(bool, "bool", EXPR_FUNCTION, 1, 1, "bool(x)",                                          \
      "A bool from 'true', 'false', 't', 'f', '1' or '0'.")                                  \
    X(min, "min", EXPR_FUNCTION, 1, EXPR_ARGS_MAX, "min(a, b, ...)",                         \
      "The least of some numbers, or of a list of numbers.")                                 \
    X(max, "max", EXPR_FUNCTION, 1, EXPR_ARGS_MAX, "max(a, b, ...)",                         \
      "The greatest of some numbers, or of a list of numbers.")                              \
    X(contains, "contains", EXPR_METHOD, 2, 2, "text.contains(part)",                        \
      "Whether a part stands in a text.")                                                    \
    X(starts_with, "startsWith", EXPR_METHOD, 2, 2, "text.startsWith(part)",                 \
      "Whether a text starts with a part.")                                                  \
    X(ends_with, "endsWith", EXPR_METHOD, 2, 2, "text.endsWith(part)",                       \
      "Whether a text ends with a part.")                                                    \
    X(matches, "matches", BOTH, 2, 2, "text.matches(regex)",                                 \
      "Whether a regular expression (PCRE2) matches anywhere in a text.")                    \
    X(index_of, "indexOf", EXPR_METHOD, 2, 3, "text.indexOf(part, from?)",                   \
      "Where a part first stands in a text, in code points from 0; -1 if nowhere.")          \
    X(substring, "substring", EXPR_METHOD, 2, 3, "text.substring(from, to?)",                \
      "The code points from a place up to, and without, another.")                           \
    X(replace, "replace", EXPR_METHOD, 3, 4, "text.replace(part, by, times?)",               \
      "The text with each occurrence of a part replaced, or the first few.")                 \
    X(split, "split", EXPR_METHOD, 2, 3, "text.split(separator, most?)",                     \
      "The list of what stands between the separators; at most so many items.")              \
    X(join, "join", EXPR_METHOD, 1, 2, "list.join(separator?)",                              \
      "The strings of a list in one, with a separator between them.")                        \
    X(trim, "trim", EXPR_METHOD, 1, 1, "text.trim()",                                        \
      "The text without white space at its ends.")                                           \
    X(lower_ascii, "lowerAscii", EXPR_METHOD, 1, 1, "text.lowerAscii()",                     \
      "The text with A-Z as a-z.")                                                           \
    X(upper_ascii, "upperAscii", EXPR_METHOD, 1, 1, "text.upperAscii()",                     \
      "The text with a-z as A-Z.")                                                           \
    X(json_encode, "json.encode", EXPR_FUNCTION, 1, 1, "json.encode(x)", "x as JSON text.")  \
    X(json_decode, "json.decode", EXPR_FUNCTION, 1, 1, "json.decode(text)",                  \
      "The value of a JSON text (string or bytes).")                                         \
    X(base64_encode, "base64.encode", EXPR_FUNCTION, 1, 1, "base64.encode(x)",               \
      "A string or bytes as base64 with padding.")                                           \
    X(base64_decode, "base64.decode", EXPR_FUNCTION, 1, 1, "base64.decode(text)",            \
      "The bytes of base64 in either alphabet; padding is optional.")                        \
    X(hex_encode, "hex.encode", EXPR_FUNCTION, 1, 1, "hex.encode(x)",                        \
      "A string or bytes as lower-case hexadecimal digits.")                                 \
    X(hex_decode, "hex.decode", EXPR_FUNCTION, 1, 1, "hex.decode(text)",                     \
      "The bytes of hexadecimal digits.")                                                    \
    X(url_encode, "url.encode", EXPR_FUNCTION, 1, 1, "url.encode(text)",                     \
      "A text with all but unreserved characters percent-encoded.")                          \
    X(url_raw, "url.raw", EXPR_FUNCTION, 1, 1, "url.raw(text)",                              \
      "As the whole of a ${ } in a url: the text is put in without being encoded.")          \
    X(sha256, "sha256", EXPR_FUNCTION | EXPR_WASHING, 1, 1, "sha256(x)",                     \
      "The SHA-256 digest of a string or bytes, as bytes.")                                  \
    X(hmac, "hmac", EXPR_FUNCTION | EXPR_WASHING, 3, 3, "hmac(algorithm, key, x)",           \
      "The HMAC of a string or bytes by 'sha1', 'sha256', 'sha384' or 'sha512', as bytes.")            \
    X(now, "now", EXPR_FUNCTION | EXPR_CHANGING, 0, 0, "now()",                              \
      "The time in milliseconds since 1970.")                                                \
    X(uuid, "uuid", EXPR_FUNCTION | EXPR_CHANGING, 0, 0, "uuid()", "A new UUID.")            \
    X(time_format, "time.format", EXPR_FUNCTION, 1, 2, "time.format(ms, layout?)",           \
      "A time in UTC as RFC 3339 text, or by a layout such as '%Y-%m-%d' or 'http'.")        \
    X(time_parse, "time.parse", EXPR_FUNCTION, 1, 2, "time.parse(text, layout?)",            \
      "The milliseconds since 1970 of an RFC 3339 text, or of one in a layout.")

/* name, term kind, styles, fewest and most arguments, usage, summary */
#define MACROS(X)                                                                            \
    X("has", HAS, EXPR_FUNCTION, 1, 1, "has(a.b)",                                           \
      "Whether a field is there; null is there, too.")                                       \
    X("all", ALL, EXPR_METHOD, 3, 3, "list.all(x, condition)",                               \
      "Whether a condition holds for every item (every key of a map).")                      \
    X("exists", EXISTS, EXPR_METHOD, 3, 3, "list.exists(x, condition)",                      \
      "Whether a condition holds for some item.")                                            \
    X("exists_one", EXISTS_ONE, EXPR_METHOD, 3, 3, "list.exists_one(x, condition)",          \
      "Whether a condition holds for exactly one item.")                                     \
    X("map", EACH, EXPR_METHOD, 3, 4, "list.map(x, result)",                                 \
      "The list of the results for every item; with list.map(x, condition, result) for "     \
      "those items that a condition holds for.")                                             \
    X("filter", FILTER, EXPR_METHOD, 3, 3, "list.filter(x, condition)",                      \
      "The list of the items that a condition holds for.")

#define X(c_name, name, styles, fewest, most, usage, summary) function_fn function_##c_name;
FUNCTIONS(X)
#undef X

struct function {
    struct expr_function about;
    function_fn *fn; /* NULL for a macro  */
    uint8_t macro;   /* enum term_kind    */
};

/* The function, method or macro of a name; NULL if there is none. */
const struct function *function_find(struct weir_text name);

/* Whether some function is called SPACE.something. */
bool function_space(struct weir_text space);

/* The name that was probably meant by NAME in one of STYLES; NULL if none is near. */
const char *function_meant(struct weir_text name, unsigned styles);

/* Checks the constant arguments of the call T as far as they can be wrong by themselves
 * (algorithms, layouts). WEIR_INVALID with the argument at fault in *ret_arg. */
enum weir_code function_check(const struct term *t, const struct term **ret_arg,
                              struct weir_error *err) MUST_USE;

#endif
