/* pipeline/known.h - what the names in expressions lead to, as far as that is the same in each
 * run: found out once, when a pipeline is loaded, so that no run compares texts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_KNOWN_H
#define PIPELINE_KNOWN_H

#include "pipeline/model.h"

/* The fields of request. */
#define REQUEST_FIELDS(X)                                                                    \
    X(METHOD, "method")                                                                      \
    X(PATH, "path")                                                                          \
    X(PARAMS, "params")                                                                      \
    X(QUERY, "query")                                                                        \
    X(QUERY_ALL, "query_all")                                                                \
    X(HEADERS, "headers")                                                                    \
    X(BODY, "body")                                                                          \
    X(RAW, "raw")                                                                            \
    X(CLIENT_IP, "client_ip")                                                                \
    X(ID, "id")                                                                              \
    X(AUTH, "auth")                                                                          \
    X(CONNECTION, "connection")

/* What a path begins with: a name, or the first keys of it. */
enum known {
    KNOWN_NOTHING,  /* nobody has looked                   */
    KNOWN_VARIABLE, /* whatever a block around has brought */
    KNOWN_INPUT,
    KNOWN_STEPS,
    KNOWN_STEP, /* steps.ID; the index is the node's, UINT32_MAX if there is none */
    KNOWN_VARS,
    KNOWN_ENV,
    KNOWN_SECRETS,
    KNOWN_RUN,
    KNOWN_ERROR,
    KNOWN_REPLY,
    KNOWN_REQUEST,
    KNOWN_NO_FIELD, /* request has none of that name */
    KNOWN_PARAM,    /* request.params.NAME           */
    KNOWN_HEADER,   /* request.headers.NAME          */
#define X(name, text) KNOWN_##name,
    REQUEST_FIELDS(X)
#undef X
    KNOWN_COUNT
};

/* What the N keys of PATH, a name first, begin with in pipeline P. Any thread. */
struct expr_known known_of(const struct pipeline *p, const struct weir_text *path, unsigned n);

/* The name of a field of request; WHAT is one. */
struct weir_text known_field(enum known what);

/* Tells all expressions of P, which is loaded but for that, what their names lead to. */
void known_tell(struct pipeline *p);

#endif
