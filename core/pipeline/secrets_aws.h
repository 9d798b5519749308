/* pipeline/secrets_aws.h - secrets from AWS Secrets Manager: GetSecretValue over HTTPS.
 *
 * secrets.NAME is the secret with the id PREFIX + NAME; what is in SecretString, or the bytes of
 * SecretBinary, is the value as it is. Fetched are the names that pipelines use, eight at a
 * time, into a cache; the rest of the process reads the cache. A secret that can't be had now
 * keeps its value from before.
 *
 * One thread: that of the shard whose client is used.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_SECRETS_AWS_H
#define PIPELINE_SECRETS_AWS_H

#include "net/client.h"
#include "pipeline/secrets.h"
#include "pipeline/settings.h"

/* -- the cache -- */

struct secrets_cache;

/* Makes an empty cache; frees one with its values. */
struct secrets_cache *secrets_cache_new(void);
void secrets_cache_free(struct secrets_cache **c);

/* Whether it has the name, or knows that there is none. */
bool secrets_cache_knows(const struct secrets_cache *c, struct weir_text name);

/* Member number INDEX; *ret_value is NULL where there is known to be none. False past the end. */
bool secrets_cache_at(const struct secrets_cache *c, uint32_t *at, struct weir_text *ret_name,
                      struct weir_text *ret_value, const char **ret_place);

/* Sets a name (bytes NULL: there is none). Whether that was news. */
bool secrets_cache_put(struct secrets_cache *c, struct weir_text name, struct weir_text value, const char *place);

/* -- fetching -- */

/* Where it is and who asks, from the settings secrets.aws.* and the variables AWS_REGION,
 * AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_ENDPOINT_URL_SECRETS_MANAGER. */
struct aws_source {
    char region[64];
    char endpoint[512]; /* without a slash at its end */
    char host[300];     /* as it stands in Host */
    char prefix[257];
    const char *access_key; /* of the environment */
    const char *secret_key;
    const char *session_token; /* NULL: none */
    uint32_t timeout_ms;       /* of one request */
};

/* Whether secrets.aws.enabled says so. */
bool aws_wanted(const struct settings *s);

/* WEIR_INVALID: something is missing or wrong; the text says what would be right. */
enum weir_code aws_source_read(struct aws_source *ret, const struct settings *s, struct weir_error *err) MUST_USE;

/* How a fetch went. */
struct aws_result {
    unsigned fetched;
    unsigned missing; /* AWS has no such secret */
    unsigned failed;
    bool changed; /* the cache has other values than before */
    bool later;   /* of what failed, something may go well when it is tried again */
    char error[256]; /* of the first that failed */
};
typedef void aws_done_fn(void *arg, const struct aws_result *r);

struct aws_fetch; /* one under way */

/* Fetches the N NAMES (copied) into CACHE; DONE is called once, never in here, when all were
 * answered. SOURCE is copied. */
struct aws_fetch *aws_fetch_start(struct weir_shard *s, struct client *client, const struct aws_source *source,
                                  struct secrets_cache *cache, const struct weir_text *names, unsigned n,
                                  aws_done_fn *done, void *arg);

/* Ends it without DONE; NULL is accepted and left. */
void aws_fetch_stop(struct aws_fetch **f);

#endif
