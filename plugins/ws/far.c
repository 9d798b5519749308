/* ws/far.c - other gateways: what is for their connections goes to them through Redis; see ws.h.
 *
 * All of them publish on one channel and listen to it, each shard for itself; who has nobody in the
 * room takes no notice. A message is [process, order], an order's texts as base64 since they may be any
 * bytes: [TAG, { room, except, value, text }] or [TAG, { order, id, value, code, text }], as JSON, both with
 * event and event_id if there are such. While Redis is away, rooms are those of each process.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ws.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHANNEL WEIR_TEXT("weir:ws")

static struct weir_redis *server; /* NULL: there are no other gateways */
static uint8_t tag[FAR_TAG];
static char tag_text[2 * FAR_TAG + 1];

void
far_begin(void)
{
    host->random(tag, sizeof tag);
    for (unsigned i = 0; i < FAR_TAG; i++)
        snprintf(tag_text + 2 * i, 3, "%02x", tag[i]);
}

void
far_tag(uint8_t *ret)
{
    memcpy(ret, tag, sizeof tag);
}

bool
far_is_ours(struct weir_text id)
{
    return id.len == ID_TEXT && memcmp(id.bytes + 2, tag_text, 2 * FAR_TAG) == 0;
}

uint32_t
far_open(struct weir_open *open, struct weir_error *err)
{
    struct weir_text url = host->setting("ws.redis");
    if (server != NULL || url.len == 0)
        return WEIR_OK;
    server = host->redis(open, url, err);
    if (server != NULL)
        return WEIR_OK;
    struct weir_error why = *err;
    return refuse(err, why.code, "the setting 'ws.redis': %.400s", why.text);
}

/* Texts that are for bytes are base64 in the order that travels; so is a value that is bytes or text. */
static void
pack(struct weir_builder *map, const char *key, const struct weir_value *v)
{
    struct weir_text text = { "", 0 };
    (void)host->get_text(v, &text);
    const struct weir_value *bytes = host->bytes(text); /* as JSON: base64 */
    host->map_set(map, text_of(key), &bytes);
}

static void
pack_int(struct weir_builder *map, const char *key, const struct weir_value *v)
{
    int64_t number = 0;
    if (!host->get_int(v, &number))
        return;
    map_take(map, text_of(key), host->integer(number));
}

static const struct weir_value *
packed(const struct weir_value *order)
{
    static const char *const texts[] = { "room", "except", "id", "event", "event_id", "value" };
    struct weir_builder *map = host->map_new();
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) {
        const struct weir_value *v = host->get(order, text_of(texts[i]));
        if (v != NULL)
            pack(map, texts[i], v);
    }
    pack_int(map, "order", host->get(order, WEIR_TEXT("order")));
    pack_int(map, "code", host->get(order, WEIR_TEXT("code")));
    map_take(map, WEIR_TEXT("text"), host->boolean(host->type(host->get(order, WEIR_TEXT("value"))) == WEIR_STRING));
    return host->build(&map);
}

/* What Redis says to PUBLISH: if nobody is told, that stands in the log of the host already. */
static void
on_published(void *arg, const struct weir_value *reply, const struct weir_error *err)
{
    (void)arg;
    (void)reply;
    (void)err;
}

void
far_send(struct hub *h, const struct weir_value *order)
{
    if (h->ear == NULL)
        return;
    struct weir_builder *list = host->list_new();
    const struct weir_value *v = host->string((struct weir_text){ tag_text, 2 * FAR_TAG });
    host->list_add(list, &v);
    v = packed(order);
    host->list_add(list, &v);
    v = host->build(&list);
    struct weir_error err = { 0 };
    const struct weir_value *text = NULL;
    if (host->json_write(v, &text, &err) == WEIR_OK) {
        struct weir_text args[] = { WEIR_TEXT("PUBLISH"), CHANNEL, { "", 0 } };
        (void)host->get_text(text, &args[2]);
        struct weir_redis_request r = { .size = sizeof r, .args = args, .n_args = 3 };
        (void)host->redis_send(h->shard, server, &r, on_published, NULL);
    }
    host->unref(&text);
    host->unref(&err.detail);
    host->unref(&v);
}

/* -- the other side -- */

/* The bytes of a base64 text as a string or bytes; owned. NULL: it is none. */
static const struct weir_value *
unpack(const struct weir_value *v, bool as_text)
{
    struct weir_text text;
    if (!host->get_text(v, &text))
        return NULL;
    size_t room = text.len / 4 * 3 + 3;
    uint8_t *bytes = malloc(room);
    if (bytes == NULL)
        abort();
    size_t len = host->base64_read(text, bytes, room);
    struct weir_text plain = { (char *)bytes, len };
    const struct weir_value *ret = NULL;
    if (len != SIZE_MAX)
        ret = as_text ? host->string(plain) : host->bytes(plain);
    free(bytes);
    return ret;
}

static const struct weir_value *
unpacked(const struct weir_value *order)
{
    static const char *const texts[] = { "room", "except", "id", "event", "event_id" };
    bool is_text = false;
    (void)host->get_bool(host->get(order, WEIR_TEXT("text")), &is_text);
    struct weir_builder *map = host->map_new();
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) {
        const struct weir_value *v = unpack(host->get(order, text_of(texts[i])), false);
        if (v != NULL)
            host->map_set(map, text_of(texts[i]), &v);
    }
    const struct weir_value *value = unpack(host->get(order, WEIR_TEXT("value")), is_text);
    if (value != NULL)
        host->map_set(map, WEIR_TEXT("value"), &value);
    pack_int(map, "order", host->get(order, WEIR_TEXT("order")));
    pack_int(map, "code", host->get(order, WEIR_TEXT("code")));
    return host->build(&map);
}

static void
on_heard(void *arg, struct weir_text message)
{
    struct weir_error err = { 0 };
    const struct weir_value *v = NULL;
    struct weir_text from;
    if (host->json_read(message, &v, &err) != WEIR_OK) {
        host->unref(&err.detail);
        return; /* it is none of ours */
    }
    bool ours = host->get_text(host->at(v, 0), &from) &&
                text_same(from, (struct weir_text){ tag_text, 2 * FAR_TAG });
    const struct weir_value *packed_order = host->at(v, 1);
    if (!ours && packed_order != NULL) {
        const struct weir_value *order = unpacked(packed_order);
        if (host->get(order, WEIR_TEXT("value")) != NULL)
            order_take(arg, order);
        host->unref(&order);
    }
    host->unref(&v);
}

void
far_listen(struct hub *h)
{
    if (server != NULL)
        h->ear = host->redis_listen(h->shard, server, CHANNEL, on_heard, h);
}
