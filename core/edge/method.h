/* edge/method.h - the methods that metrics and routes know by number. Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EDGE_METHOD_H
#define EDGE_METHOD_H

#include "base/err.h"

/* METHOD_OTHER stands for every other one. */
#define METHODS(X)        \
    X(OTHER, "_OTHER")    \
    X(CONNECT, "CONNECT") \
    X(DELETE, "DELETE")   \
    X(GET, "GET")         \
    X(HEAD, "HEAD")       \
    X(OPTIONS, "OPTIONS") \
    X(PATCH, "PATCH")     \
    X(POST, "POST")       \
    X(PUT, "PUT")         \
    X(TRACE, "TRACE")

enum method {
#define X(name, text) METHOD_##name,
    METHODS(X)
#undef X
    METHOD_COUNT
};

/* The number of a method; methods are case-sensitive. */
enum method method_find(struct weir_text name);

/* Its name as metrics have it. */
const char *method_name(enum method m);

#endif
