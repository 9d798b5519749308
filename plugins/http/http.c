/* http/http.c - a request to an upstream: see README.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http.h"
#include "http_sign_schema.h"

/* The schema of a node with so many options is longer than C99 promises to hold. */
#pragma GCC diagnostic ignored "-Woverlength-strings"

static void
answered(void *arg, const struct weir_http_answer *answer, const struct weir_error *err)
{
    struct sent *s = arg;
    s->http = NULL;
    if (err != NULL)
        host->fail(s->call, err);
    else
        answer_take(s->call, s->node, answer);
}

static void
http_run(struct weir_call *call, void *state)
{
    const struct http_node *n = state;
    struct request r;
    struct weir_error err;
    err.code = WEIR_OK; /* the rest is written by whoever sets the code */
    err.status = err.retry_after_ms = err.sent = 0;
    err.detail = NULL;
    if (request_make(call, n, &r, &err) != WEIR_OK) {
        request_drop(&r);
        fail_with(call, &err);
        return;
    }
    struct sent *s = host->alloc(call, sizeof *s);
    s->call = call;
    s->node = n;
    host->set_data(call, s);
    s->http = host->http(call, &r.http, answered, s);
    request_drop(&r);
}

static void
http_cancel(struct weir_call *call, void *state)
{
    (void)state;
    struct sent *s = host->data(call);
    host->http_cancel(&s->http);
    host->fail(call, &(struct weir_error){ .code = WEIR_CANCELLED,
                                           .sent = 1,
                                           .text = "the request was cut short" });
}

/* clang-format off */
static const char schema[] = WEIR_JSON({
    "description": "The request: what is sent is what stands here, and nothing else.",
    "type": "object",
    "additionalProperties": false,
    "x-weir-shorthand": "url",
    "x-weir-resource": {
        "kind": "clients",
        "name": "client",
        "own": ["method", "url", "path", "query", "headers", "json", "form", "text", "body", "sign", "parse", "stream", "max_body", "timeouts", "follow", "max_redirects", "fail_on", "ok"],
        "shared": false,
        "defined": true
    },
    "properties": {
        "client": {
            "description": "The client under resources.clients in weir.yaml whose settings these are added to.",
            "type": "string",
            "minLength": 1,
            "maxLength": 64,
            "x-weir-literal": true,
            "examples": ["crm"]
        },
        "method": {
            "description": "The method. Left out: GET, or POST if there is a body.",
            "type": "string",
            "minLength": 1,
            "maxLength": 31,
            "examples": ["POST", "DELETE"]
        },
        "url": {
            "description": "Where to send. A value in it, behind the host, is percent-encoded as one segment or one query value.",
            "type": "string",
            "format": "uri",
            "minLength": 1,
            "writeOnly": true,
            "x-weir-shown": true,
            "examples": ["https://api.example/orders/${ input.id }"]
        },
        "base_url": {
            "description": "The beginning of the URL, if the path stands apart.",
            "type": "string",
            "format": "uri",
            "minLength": 1,
            "examples": ["https://crm.internal", "${ env.CRM_URL }"]
        },
        "path": {
            "description": "What follows base_url; it starts with /. Values in it are percent-encoded as one segment.",
            "type": "string",
            "format": "uri",
            "examples": ["/users/${ input.user }"]
        },
        "query": {
            "description": "Query values by name, percent-encoded. A list repeats a name, null leaves it out.",
            "type": "object",
            "maxProperties": 200,
            "writeOnly": true,
            "x-weir-shown": true,
            "examples": [{ "page": 2, "tag": ["new", "open"] }],
            "additionalProperties": {
                "type": ["string", "number", "boolean", "null", "array"],
                "items": { "type": ["string", "number", "boolean"] }
            }
        },
        "headers": {
            "description": "Header fields by name. A list repeats a field, null leaves it out. What belongs to the connection is written by the client.",
            "type": "object",
            "maxProperties": 200,
            "writeOnly": true,
            "examples": [{ "Authorization": "Bearer ${ secrets.CRM_TOKEN }", "Accept": "application/json" }],
            "additionalProperties": {
                "type": ["string", "number", "boolean", "null", "array"],
                "items": { "type": ["string", "number", "boolean"] }
            }
        },
        "json": {
            "description": "The body, written as JSON.",
            "writeOnly": true,
            "x-weir-shown": true,
            "examples": ["${ input }", { "id": "${ request.body.id }" }]
        },
        "form": {
            "description": "The body, as the pairs of an HTML form.",
            "type": "object",
            "maxProperties": 1000,
            "writeOnly": true,
            "x-weir-shown": true,
            "examples": [{ "grant_type": "client_credentials", "client_secret": "${ secrets.CLIENT }" }],
            "additionalProperties": {
                "type": ["string", "number", "boolean", "null", "array"],
                "items": { "type": ["string", "number", "boolean"] }
            }
        },
        "text": {
            "description": "The body, as text.",
            "type": "string",
            "writeOnly": true,
            "x-weir-shown": true,
            "examples": ["hello ${ input.name }"]
        },
        "body": {
            "description": "The body: a string, bytes or a stream as they are, null for none, anything else as JSON.",
            "writeOnly": true,
            "x-weir-shown": true,
            "examples": ["${ request.raw }"]
        },
        "sign":) " " SIGN_SCHEMA WEIR_JSON(,
        "parse": {
            "description": "How the body of the answer is read. auto: JSON and text by content type, anything else as bytes. bytes: not at all, which is the cheapest for what is only passed on.",
            "type": "string",
            "enum": ["auto", "json", "text", "bytes"],
            "default": "auto",
            "x-weir-literal": true,
            "examples": ["bytes"]
        },
        "stream": {
            "description": "The body of the answer is a stream: it can be sent on as the body of a reply or a request, and nothing else.",
            "type": "boolean",
            "default": false,
            "x-weir-literal": true,
            "examples": [true]
        },
        "max_body": {
            "description": "The largest body of an answer that is taken; more is the error too_large. Streams have no limit.",
            "type": ["string", "integer"],
            "format": "bytes",
            "minimum": 1,
            "default": "10MiB",
            "x-weir-literal": true,
            "examples": ["64KiB"]
        },
        "timeouts": {
            "description": "Deadlines of the request. The node's own timeout holds besides.",
            "type": "object",
            "additionalProperties": false,
            "x-weir-literal": true,
            "examples": [{ "connect": "1s", "whole": "10s" }],
            "properties": {
                "connect": {
                    "description": "Until a connection is there, TLS included. Left out: 5s.",
                    "type": "string",
                    "format": "duration",
                    "examples": ["1s"]
                },
                "first_byte": {
                    "description": "From there to the first byte of the answer. Left out: 30s.",
                    "type": "string",
                    "format": "duration",
                    "examples": ["10s"]
                },
                "whole": {
                    "description": "For all of it, the body of a stream included. Left out: 60s, and any time for the body of a stream.",
                    "type": "string",
                    "format": "duration",
                    "examples": ["2m"]
                }
            }
        },
        "follow": {
            "description": "Whether redirects are followed. The rules for addresses hold for each of them.",
            "type": "boolean",
            "default": false,
            "x-weir-literal": true,
            "examples": [true]
        },
        "max_redirects": {
            "description": "How many redirects are followed.",
            "type": "integer",
            "minimum": 1,
            "maximum": 20,
            "default": 5,
            "x-weir-literal": true,
            "examples": [2]
        },
        "fail_on": {
            "description": "Statuses that are errors besides 500 and above: 429, 4xx, 400-404.",
            "type": "array",
            "maxItems": 100,
            "x-weir-literal": true,
            "items": { "type": ["integer", "string"], "minimum": 100, "maximum": 599, "pattern": "^([1-5]xx|[1-5][0-9][0-9]-[1-5][0-9][0-9])$" },
            "examples": [[404, 429], ["4xx"]]
        },
        "ok": {
            "description": "Statuses that are answers although they would be errors. With 5xx everything that the upstream says is passed on.",
            "type": "array",
            "maxItems": 100,
            "x-weir-literal": true,
            "items": { "type": ["integer", "string"], "minimum": 100, "maximum": 599, "pattern": "^([1-5]xx|[1-5][0-9][0-9]-[1-5][0-9][0-9])$" },
            "examples": [["5xx"]]
        },
        "allow_hosts": {
            "description": "The hosts that may be called if the host of the URL is made of event data.",
            "type": "array",
            "items": { "type": "string", "minLength": 1 },
            "maxItems": 1000,
            "examples": [["hooks.example", "api.example"]]
        },
        "pool": {
            "description": "How many connections to one upstream a shard keeps at most. Left out: 32.",
            "type": "integer",
            "minimum": 1,
            "maximum": 4096,
            "x-weir-literal": true,
            "examples": [64]
        },
        "tls": {
            "description": "For https: what is trusted, and who this is.",
            "type": "object",
            "additionalProperties": false,
            "examples": [{ "ca": "/etc/weir/ca.pem" }],
            "properties": {
                "ca": {
                    "description": "Certificates that are trusted instead of the system's: a file or PEM text.",
                    "type": "string",
                    "minLength": 1,
                    "examples": ["/etc/weir/ca.pem"]
                },
                "server_name": {
                    "description": "The name that the certificate must bear, if it isn't the URL's host.",
                    "type": "string",
                    "minLength": 1,
                    "examples": ["crm.internal"]
                },
                "cert": {
                    "description": "The certificate that is shown: a file or PEM text.",
                    "type": "string",
                    "minLength": 1,
                    "writeOnly": true,
                    "examples": ["/etc/weir/client.pem"]
                },
                "key": {
                    "description": "Its private key: a file or PEM text.",
                    "type": "string",
                    "minLength": 1,
                    "writeOnly": true,
                    "examples": ["/etc/weir/client.key", "${ secrets.CLIENT_KEY }"]
                }
            }
        }
    }
});
/* clang-format on */

static const struct weir_node_type nodes[] = {
    {
        .size = sizeof(struct weir_node_type),
        .flags = WEIR_ANSWER,
        .name = "http",
        .summary = "Sends an HTTP request and gives the answer.",
        .config_schema = schema,
        .example = "- id: user\n"
                   "  http:\n"
                   "    url: https://crm.example/users/${ request.body.user }\n"
                   "    query: { fields: [name, segment] }\n"
                   "    headers: { Accept: application/json }\n"
                   "  timeout: 2s\n"
                   "  retry: 3\n",
        .output = "{ status, headers, body }; body is parsed by content type",
        .effect = WEIR_EFFECT_UNSAFE,
        .open = http_open,
        .run = http_run,
        .cancel = http_cancel,
        .close = http_close,
        .effect_of = http_effect_of,
    },
};

PLUGIN("http", PLUGIN_NODES(nodes));
