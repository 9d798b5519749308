/* schemes.c - how each vendor signs. See signature.h.
 *
 * Sources: Standard Webhooks 1.0.0 (and Svix, the same with names of its own); GitHub, "Validating
 * webhook deliveries"; Stripe, "Check the webhook signatures"; Slack, "Verifying requests".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "impl.h"

static const struct scheme schemes[] = {
    {
        .name = "standard-webhooks",
        .header = "webhook-signature",
        .timestamp_header = "webhook-timestamp",
        .id_header = "webhook-id",
        .content = "{id}.{timestamp}.{body}",
        .form = FORM_LIST,
        .encoding = ENCODING_BASE64,
        .timed = true,
        .encoded_key = true,
    },
    {
        .name = "svix",
        .header = "svix-signature",
        .timestamp_header = "svix-timestamp",
        .id_header = "svix-id",
        .content = "{id}.{timestamp}.{body}",
        .form = FORM_LIST,
        .encoding = ENCODING_BASE64,
        .timed = true,
        .encoded_key = true,
    },
    {
        .name = "github",
        .header = "x-hub-signature-256",
        .prefix = "sha256=",
        .id_header = "x-github-delivery",
        .content = "{body}",
    },
    {
        .name = "stripe",
        .header = "stripe-signature",
        .id_body = "/id",
        .content = "{timestamp}.{body}",
        .form = FORM_PAIRS,
        .timed = true,
    },
    {
        .name = "slack",
        .header = "x-slack-signature",
        .prefix = "v0=",
        .timestamp_header = "x-slack-request-timestamp",
        .id_body = "/event_id",
        .content = "v0:{timestamp}:{body}",
        .timed = true,
        .challenges = true,
    },
    {
        .name = "hmac",
        .prefix = "",
        .content = "{body}",
        .open = true,
    },
};

const struct scheme *
scheme_find(struct weir_text name)
{
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (same(name, schemes[i].name))
            return &schemes[i];
    return NULL;
}
