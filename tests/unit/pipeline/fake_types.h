/* tests/unit/pipeline/fake_types.h - node and trigger types that stand in for the real plugins.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FAKE_TYPES_H
#define FAKE_TYPES_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/load.h"

static uint32_t
fake_open(struct weir_open *o, const struct weir_value *config, void **ret_conf,
          struct weir_error *err)
{
    (void)o;
    (void)config;
    (void)ret_conf;
    (void)err;
    return WEIR_OK;
}

static void
fake_run(struct weir_call *call, void *state)
{
    (void)call;
    (void)state;
}

static uint32_t
fake_http_effect(const struct weir_value *config)
{
    struct weir_text method = value_as_text(value_field(config, "method"));
    return text_is(method, "GET") ? WEIR_EFFECT_NONE : WEIR_EFFECT_UNSAFE;
}

#define BLOCK(path_, runs_, ...)                                                          \
    {                                                                                     \
        .size = sizeof(struct weir_block_type), .runs = runs_, .path = path_, __VA_ARGS__ \
    }
static const struct weir_block_type switch_blocks[] = {
    BLOCK("cases/*", WEIR_MAYBE, .summary = "By value."),
    BLOCK("cases/*/do", WEIR_MAYBE, .keys = "when", .summary = "By condition."),
    BLOCK("default", WEIR_MAYBE, .summary = "Otherwise."),
};
static const struct weir_block_type breaker_blocks[] = {
    BLOCK("do", WEIR_MAYBE, .required = 1),
    BLOCK("fallback", WEIR_MAYBE, .summary = "While it is open."),
};
static const struct weir_block_type foreach_blocks[] = {
    BLOCK("do", WEIR_MANY, .names = "item index", .required = 1),
};
static const struct weir_block_type parallel_blocks[] = {
    BLOCK("branches/*", WEIR_ONCE, .apart = 1, .required = 1),
};
static const struct weir_block_type try_blocks[] = { BLOCK("do", WEIR_ONCE, .required = 1) };

#define TYPE(name_, schema_, ...)                                                           \
    {                                                                                       \
        .size = sizeof(struct weir_node_type), .name = name_, .summary = "Does " name_ ".", \
        .config_schema = schema_, .open = fake_open, .run = fake_run, __VA_ARGS__           \
    }
#define BLOCKS(b) .blocks = b, .n_blocks = sizeof b / sizeof *b

static const struct weir_node_type fake_nodes[] = {
    TYPE("set", WEIR_JSON({ "description" : "any value" })),
    TYPE("http", WEIR_JSON({
             "type" : "object",
             "additionalProperties" : false,
             "required" : ["url"],
             "x-weir-shorthand" : "url",
             "x-weir-resource" : {
                 "kind" : "clients",
                 "name" : "client",
                 "own" : [ "url", "headers" ],
                 "shared" : false,
                 "defined" : true
             },
             "properties" : {
                 "client" : { "type" : "string" },
                 "url" : { "type" : "string", "format" : "uri" },
                 "method" : { "enum" : [ "GET", "PUT", "POST" ], "default" : "GET" },
                 "headers" : {
                     "type" : "object",
                     "additionalProperties" : { "type" : "string", "writeOnly" : true }
                 },
                 "json" : {},
                 "stream" : { "type" : "boolean", "default" : false },
                 "timeout" : { "type" : "string", "format" : "duration" },
                 "tls" : {
                     "type" : "object",
                     "additionalProperties" : false,
                     "properties" : {
                         "verify" : { "type" : "boolean", "default" : true },
                         "name" : { "type" : "string", "minLength" : 2 }
                     }
                 }
             }
         }),
         .effect_of = fake_http_effect),
    TYPE("log", WEIR_JSON({
             "type" : "object",
             "additionalProperties" : false,
             "required" : ["message"],
             "x-weir-shorthand" : "message",
             "properties" : {
                 "message" : { "type" : "string" },
                 "level" : { "enum" : [ "debug", "info", "warn", "error" ], "default" : "info" }
             }
         }),
         .flags = WEIR_TAP),
    TYPE("reply", WEIR_JSON({
             "type" : "object",
             "additionalProperties" : false,
             "properties" : {
                 "status" :
                     { "type" : "integer", "minimum" : 100, "maximum" : 599, "default" : 200 },
                 "json" : {},
                 "body" : {}
             }
         }),
         .flags = WEIR_TAP),
    TYPE("switch", WEIR_JSON({
             "type" : "object",
             "additionalProperties" : false,
             "x-weir-shorthand" : "value",
             "properties" : { "value" : {} }
         }),
         BLOCKS(switch_blocks)),
    TYPE("breaker", WEIR_JSON({
             "type" : "object",
             "additionalProperties" : false,
             "x-weir-shorthand" : "name",
             "x-weir-resource" : { "kind" : "breakers", "name" : "name" },
             "properties" : {
                 "name" : { "type" : "string" },
                 "timeout" : { "type" : "string", "format" : "duration" },
                 "error_threshold" :
                     { "type" : "string", "format" : "percent", "default" : "50%" }
             }
         }),
         BLOCKS(breaker_blocks)),
    TYPE("foreach", WEIR_JSON({
             "type" : "object",
             "additionalProperties" : false,
             "required" : ["items"],
             "x-weir-shorthand" : "items",
             "properties" : {
                 "items" : { "type" : "array" },
                 "concurrency" : { "type" : "integer", "minimum" : 1 },
                 "max_items" : { "type" : "integer" }
             }
         }),
         BLOCKS(foreach_blocks)),
    TYPE("parallel", WEIR_JSON({ "type" : "object", "additionalProperties" : false }),
         BLOCKS(parallel_blocks)),
    TYPE("try", WEIR_JSON({ "type" : "object", "additionalProperties" : false }),
         BLOCKS(try_blocks)),
    TYPE("delay", WEIR_JSON({
             "type" : "object",
             "additionalProperties" : false,
             "required" : ["for"],
             "x-weir-shorthand" : "for",
             "properties" : { "for" : { "type" : "string", "format" : "duration" } }
         }),
         .flags = WEIR_TAP),
    TYPE("lua", WEIR_JSON({
             "type" : "object",
             "additionalProperties" : false,
             "x-weir-shorthand" : "script",
             "properties" :
                 { "script" : { "type" : "string", "x-weir-literal" : true }, "config" : {} }
         }),
         .flags = WEIR_USES),
    TYPE(
        "validate", WEIR_JSON({
            "type" : "object",
            "additionalProperties" : false,
            "properties" : {
                "value" : { "default" : "${ input }" },
                "schema" : { "type" : "object", "x-weir-literal" : true },
                "max" : { "$ref" : "#/$defs/size" }
            },
            "$defs" : { "size" : { "type" : "string", "format" : "bytes", "default" : "1KiB" } }
        })),
    TYPE("ratelimit", WEIR_JSON({
             "type" : "object",
             "additionalProperties" : false,
             "x-weir-resource" :
                 { "kind" : "limits", "name" : "name", "own" : ["key"] },
             "properties" : {
                 "name" : { "type" : "string" },
                 "key" : { "type" : "string", "maxLength" : 10 },
                 "limits" : {
                     "type" : "object",
                     "additionalProperties" : { "type" : "string", "format" : "rate" }
                 }
             }
         }),
         .flags = WEIR_TAP),
};

static const struct weir_trigger_type fake_triggers[] = {
    { .size = sizeof(struct weir_trigger_type),
      .name = "webhook",
      .summary = "Takes webhooks.",
      .open = fake_open,
      .config_schema = WEIR_JSON({
          "type" : "object",
          "additionalProperties" : false,
          "required" : ["path"],
          "x-weir-shorthand" : "path",
          "properties" : {
              "path" : { "type" : "string" },
              "methods" : { "type" : "array", "items" : { "type" : "string" } },
              "max_body" : { "type" : "string", "format" : "bytes", "default" : "1MiB" },
              "verify" : { "type" : "string", "writeOnly" : true },
              "rooms" : { "type" : "array", "x-weir-event" : true, "items" : { "type" : "string" } },
              "auth" : { "enum" : ["none"] }
          }
      }) },
    { .size = sizeof(struct weir_trigger_type),
      .name = "websocket",
      .summary = "Takes connections.",
      .open = fake_open,
      .config_schema = WEIR_JSON({
          "type" : "object",
          "properties" : {
              "on" : { "type" : "array", "items" : { "type" : "string" }, "default" : ["message"] },
              "auth" : { "enum" : ["none"] }
          }
      }) },
    { .size = sizeof(struct weir_trigger_type),
      .name = "cron",
      .summary = "Fires.",
      .open = fake_open,
      .config_schema =
          WEIR_JSON({ "type" : "object", "properties" : { "at" : { "type" : "string" } } }) },
};

static const struct weir_plugin fake_plugin = {
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .size = sizeof(struct weir_plugin),
    .n_nodes = sizeof fake_nodes / sizeof *fake_nodes,
    .name = "fake",
    .version = "1",
    .nodes = fake_nodes,
    .triggers = fake_triggers,
    .n_triggers = sizeof fake_triggers / sizeof *fake_triggers,
};

/* A registry with the types above. */
static inline struct registry *
fake_registry(void)
{
    static const struct weir_host host = { .size = sizeof host };
    struct weir_error err;
    struct registry *r = registry_new(&host);
    if (registry_add(r, &fake_plugin, &err) != WEIR_OK) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    return r;
}

#endif
