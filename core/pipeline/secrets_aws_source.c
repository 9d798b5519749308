/* pipeline/secrets_aws_source.c - where AWS Secrets Manager is, and who asks. See secrets_aws.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/url.h"
#include "pipeline/secrets_aws.h"

static const char *
variable(const char *name)
{
    const char *text = getenv(name);
    return text != NULL && text[0] != '\0' ? text : NULL;
}

bool
aws_wanted(const struct settings *s)
{
    return settings_bool(s, "secrets.aws.enabled");
}

/* A label of DNS, since it becomes a part of a host's name. */
static bool
is_region(const char *text)
{
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return len > 0 && text[len] == '\0' && len < 40;
}

static enum weir_code
read_region(struct aws_source *a, const struct settings *s, struct weir_error *err)
{
    const char *set = settings_text(s, "secrets.aws.region");
    const char *region = set[0] != '\0' ? set : variable("AWS_REGION");
    region = region != NULL ? region : variable("AWS_DEFAULT_REGION");
    if (region == NULL)
        return err_set(err, WEIR_INVALID, "which region? Set AWS_REGION or secrets.aws.region");
    if (!is_region(region))
        return err_set(err, WEIR_INVALID, "'%.40s' is no region; it is like eu-central-1", region);
    (void)snprintf(a->region, sizeof a->region, "%s", region);
    return WEIR_OK;
}

/* What goes over the wire is the secret itself, so only this machine may be asked in clear. */
static bool
is_loopback(struct weir_text host)
{
    return text_is(host, "localhost") || text_is(host, "::1") || text_is(host, "127.0.0.1");
}

static enum weir_code
read_endpoint(struct aws_source *a, struct weir_error *err)
{
    struct url url;
    const char *set = variable("AWS_ENDPOINT_URL_SECRETS_MANAGER");
    set = set != NULL ? set : variable("AWS_ENDPOINT_URL");
    int len = set != NULL ? snprintf(a->endpoint, sizeof a->endpoint, "%s", set)
                          : snprintf(a->endpoint, sizeof a->endpoint, "https://secretsmanager.%s.amazonaws.com", a->region);
    if (len < 0 || (size_t)len >= sizeof a->endpoint)
        return err_set(err, WEIR_INVALID, "AWS_ENDPOINT_URL_SECRETS_MANAGER is too long");
    while (len > 0 && a->endpoint[len - 1] == '/')
        a->endpoint[--len] = '\0';
    if (url_parse(text_of(a->endpoint), &url, err) != WEIR_OK)
        return err_in(err, "AWS_ENDPOINT_URL_SECRETS_MANAGER");
    if (url.path.len > 1 || url.query.bytes != NULL)
        return err_set(err, WEIR_INVALID, "AWS_ENDPOINT_URL_SECRETS_MANAGER is a scheme, a host and a port only");
    if (!url.tls && !is_loopback(url.host))
        return err_set(err, WEIR_INVALID, "AWS_ENDPOINT_URL_SECRETS_MANAGER: http is for 127.0.0.1 only: secrets "
                       "travel by https");
    bool usual = url.port == (url.tls ? 443u : 80u), six = memchr(url.host.bytes, ':', url.host.len) != NULL;
    char port[8] = "";
    if (!usual)
        (void)snprintf(port, sizeof port, ":%u", url.port);
    if ((size_t)snprintf(a->host, sizeof a->host, "%s%.*s%s%s", six ? "[" : "", (int)url.host.len, url.host.bytes,
                         six ? "]" : "", port) >= sizeof a->host)
        return err_set(err, WEIR_INVALID, "AWS_ENDPOINT_URL_SECRETS_MANAGER: the host is too long");
    return WEIR_OK;
}

enum weir_code
aws_source_read(struct aws_source *ret, const struct settings *s, struct weir_error *err)
{
    struct aws_source a = { .access_key = variable("AWS_ACCESS_KEY_ID"),
                            .secret_key = variable("AWS_SECRET_ACCESS_KEY"),
                            .session_token = variable("AWS_SESSION_TOKEN"),
                            .timeout_ms = (uint32_t)settings_number(s, "secrets.aws.timeout") };
    const char *prefix = settings_text(s, "secrets.aws.prefix");
    if ((size_t)snprintf(a.prefix, sizeof a.prefix, "%s", prefix) >= sizeof a.prefix)
        return err_set(err, WEIR_INVALID, "secrets.aws.prefix has more than %zu bytes", sizeof a.prefix - 1);
    enum weir_code code = read_region(&a, s, err);
    if (code == WEIR_OK && (a.access_key == NULL || a.secret_key == NULL))
        code = err_set(err, WEIR_INVALID, "there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
    if (code == WEIR_OK)
        code = read_endpoint(&a, err);
    if (code == WEIR_OK)
        *ret = a;
    return code == WEIR_OK ? WEIR_OK : err_in(err, "secrets.aws");
}
