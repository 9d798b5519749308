/* postgres/postgres_library.h - libpq, loaded when the first node wants it.
 *
 * libpq brings some twenty libraries with it (Kerberos, LDAP ...). Every plugin is loaded at
 * the start of the process, so nothing of it is linked: who has no postgres node does not pay.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef POSTGRES_POSTGRES_LIBRARY_H
#define POSTGRES_POSTGRES_LIBRARY_H

#include <libpq-fe.h>
#include <stdbool.h>

/* What is used of it; all of it is in libpq 14 and later. */
#define PQ_FUNCTIONS(X)     \
    X(PQcmdStatus)          \
    X(PQcmdTuples)          \
    X(PQclear)              \
    X(PQconnectPoll)        \
    X(PQconnectStartParams) \
    X(PQconninfoFree)       \
    X(PQconninfoParse)      \
    X(PQconsumeInput)       \
    X(PQenterPipelineMode)  \
    X(PQerrorMessage)       \
    X(PQfinish)             \
    X(PQflush)              \
    X(PQfname)              \
    X(PQfreemem)            \
    X(PQftype)              \
    X(PQgetisnull)          \
    X(PQgetlength)          \
    X(PQgetResult)          \
    X(PQgetvalue)           \
    X(PQisBusy)             \
    X(PQnfields)            \
    X(PQnotifies)           \
    X(PQntuples)            \
    X(PQpipelineSync)       \
    X(PQresultErrorField)   \
    X(PQresultStatus)       \
    X(PQsendQueryParams)    \
    X(PQserverVersion)      \
    X(PQsetErrorVerbosity)  \
    X(PQsetnonblocking)     \
    X(PQsetNoticeReceiver)  \
    X(PQsetSingleRowMode)   \
    X(PQsocket)             \
    X(PQstatus)             \
    X(PQtransactionStatus)

struct pq {
#define X(name) __typeof__(name) *name;
    PQ_FUNCTIONS(X)
#undef X
};

/* Filled by pq_load, on the main thread, before any shard reads it. */
extern struct pq pq;

/* Loads libpq once; false, with the reason in WHY, if it can't be. Main thread. */
bool pq_load(char *why, size_t size);

#endif
