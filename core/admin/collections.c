/* admin/collections.c - what plugins show to operators: /api/v1/NAME/ITEM/VERB.
 *
 * A question is the plugin's from ask until it answers, and outlives who asked: at the end of
 * the admin those who wait are answered 503, and the plugin's answer is dropped when it comes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "admin/parts.h"
#include "base/encode.h"
#include "engine/questions.h"
#include "net/body.h"
#include "value/json.h"

#define ASKED_MAX 256u
#define BODY_MAX (64u << 10)
#define BELOW "/api/v1/"

/* A question, and the request that it came by. */
struct asked {
    struct weir_question question;
    struct admin *admin;      /* NULL: it has ended, and nobody waits */
    struct weir_event *event; /* that is still owed its answer */
    struct list link;         /* in admin->asked */
    struct buf item;          /* what question.item points to */
};

/* Takes the question out and frees it; the event that waits, or NULL. */
static struct weir_event *
settle(struct weir_question *q)
{
    struct asked *k = (struct asked *)(void *)q;
    struct weir_event *e = k->event;
    if (k->admin != NULL) {
        list_remove(&k->link);
        k->admin->n_asked--;
    }
    value_unref(&q->query);
    value_unref(&q->body);
    buf_fini(&k->item);
    free(k);
    return e;
}

static void
answered(struct weir_question *q, const struct weir_value *v)
{
    struct weir_event *e = settle(q);
    if (e != NULL)
        answer_json(e, 200, value_masked(v));
}

static void
failed(struct weir_question *q, const struct weir_error *err)
{
    struct weir_event *e = settle(q);
    if (e != NULL)
        event_answer_error(e, err);
}

static const struct question_ops ops = { .answer = answered, .fail = failed };

/* The parts of a path behind /api/v1/, still percent-encoded; bytes NULL: absent. */
struct parts {
    struct weir_text name;
    struct weir_text item;
    struct weir_text verb;
};

/* Cuts TEXT at its first slash: what stands before, and the rest in *TEXT (bytes NULL: none). */
static struct weir_text
cut(struct weir_text *text)
{
    struct weir_text whole = *text, none = { NULL, 0 };
    const char *slash = whole.len > 0 ? memchr(whole.bytes, '/', whole.len) : NULL;
    *text = none;
    if (slash == NULL)
        return whole;
    size_t len = (size_t)(slash - whole.bytes);
    *text = (struct weir_text){ slash + 1, whole.len - len - 1 };
    return (struct weir_text){ whole.bytes, len };
}

/* False if PATH is not of this form. */
static bool
take_apart(struct weir_text path, struct parts *ret)
{
    if (path.len <= strlen(BELOW) || memcmp(path.bytes, BELOW, strlen(BELOW)) != 0)
        return false;
    struct weir_text rest = { path.bytes + strlen(BELOW), path.len - strlen(BELOW) };
    ret->name = cut(&rest);
    ret->item = cut(&rest);
    ret->verb = cut(&rest);
    return rest.bytes == NULL;
}

/* Whether the blank-separated VERBS have that one. */
static bool
has_verb(const char *verbs, struct weir_text verb)
{
    for (const char *at = verbs; at != NULL && *at != '\0';) {
        size_t len = strcspn(at, " ");
        if (len == verb.len && memcmp(at, verb.bytes, len) == 0)
            return true;
        at += len + strspn(at + len, " ");
    }
    return false;
}

/* Whether the method fits what is asked for; answers if not. */
static bool
fits(struct weir_event *e, const struct weir_collection *c, const struct parts *p)
{
    struct weir_error err = { 0 };
    bool verb = p->verb.len > 0;
    const char *verbs = c->verbs != NULL && *c->verbs != '\0' ? c->verbs : "none";
    bool post = text_is(e->method, "POST");
    if (verb && !has_verb(c->verbs, p->verb))
        err_set(&err, WEIR_NOT_FOUND, "%s can't be told to '%.*s'; what they can be told: %s", c->name,
                (int)utf8_prefix(p->verb, 60), p->verb.bytes, verbs);
    else if (verb && p->item.len == 0)
        err_set(&err, WEIR_NOT_FOUND, "a name is missing: /api/v1/%s/NAME/%.*s", c->name, (int)p->verb.len,
                p->verb.bytes);
    else if (verb ? !post : post || !(text_is(e->method, "GET") || text_is(e->method, "HEAD"))) {
        err_set(&err, WEIR_INVALID, "this resource does not take %.*s; GET looks at it%s", (int)e->method.len,
                e->method.bytes, verb ? " without the verb, and POST does it" : ", and POST takes a verb behind it");
        err.status = 405;
        event_add_header(e, TEXT("Allow"), verb ? TEXT("POST") : TEXT("GET, HEAD"), false);
    }
    if (err.code != WEIR_OK)
        event_answer_error(e, &err);
    return err.code == WEIR_OK;
}

static enum weir_code
read_body(const struct weir_event *e, const struct weir_value **ret, struct weir_error *err)
{
    struct weir_text raw = e->raw ? value_as_text(e->raw) : (struct weir_text){ "", 0 };
    if (raw.len == 0) {
        *ret = value_ref(&value_null);
        return WEIR_OK;
    }
    if (raw.len > BODY_MAX)
        return err_set(err, WEIR_TOO_LARGE, "the body has more than 64 KiB");
    if (json_read(raw, NULL, NULL, ret, err) == WEIR_OK)
        return WEIR_OK;
    err->status = 400;
    return err_in(err, "the body is not JSON");
}

/* Fills the question from its request; K is zeroed. */
static enum weir_code
fill(struct asked *k, const struct weir_collection *c, const struct parts *p, struct weir_error *err)
{
    struct weir_question *q = &k->question;
    const struct weir_value *all = NULL;
    if (url_decode(&k->item, p->item, false, err) != WEIR_OK)
        return (enum weir_code)err->code;
    if (!utf8_valid(buf_content(&k->item)))
        return err_set(err, WEIR_INVALID, "the name is not UTF-8");
    q->item = buf_content(&k->item);
    q->verb = (struct weir_text){ "", 0 };
    for (const char *at = c->verbs; p->verb.len > 0 && *at != '\0'; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        if (len == p->verb.len && memcmp(at, p->verb.bytes, len) == 0)
            q->verb = (struct weir_text){ at, len }; /* the plugin's text, which stays */
        at += len;
    }
    if (query_parse(k->event->query, &q->query, &all, err) != WEIR_OK)
        return (enum weir_code)err->code;
    value_unref(&all);
    return read_body(k->event, &q->body, err);
}

static void
ask(struct admin *a, struct weir_event *e, const struct weir_collection *c, const struct parts *p)
{
    if (a->n_asked == ASKED_MAX) {
        answer_problem(e, WEIR_UNAVAILABLE, "too many questions wait for an answer");
        return;
    }
    struct asked *k = calloc(1, sizeof *k);
    if (k == NULL)
        abort();
    k->question.ops = &ops;
    k->question.shard = a->shard;
    k->admin = a;
    k->event = e;
    buf_init(&k->item, p->item.len);
    list_push(&a->asked, &k->link);
    a->n_asked++;
    struct weir_error err = { 0 };
    if (fill(k, c, p, &err) != WEIR_OK)
        failed(&k->question, &err);
    else
        c->ask(&k->question);
}

bool
is_collection(const struct admin *a, const struct weir_event *e)
{
    struct parts p;
    return take_apart(e->path, &p) && registry_collection(a->config.registry, p.name) != NULL;
}

void
show_collection(struct admin *a, struct weir_event *e)
{
    struct parts p;
    (void)take_apart(e->path, &p);
    const struct weir_collection *c = &registry_collection(a->config.registry, p.name)->abi;
    if (fits(e, c, &p))
        ask(a, e, c, &p);
}

void
collections_end(struct admin *a)
{
    list_each(link, next, &a->asked)
    {
        struct asked *k = list_entry(link, struct asked, link);
        struct weir_event *e = k->event;
        k->event = NULL;
        k->admin = NULL;
        list_remove(&k->link);
        answer_problem(e, WEIR_UNAVAILABLE, "this server is shutting down");
    }
    a->n_asked = 0;
}

static const struct weir_value *
verbs_value(const char *verbs)
{
    struct weir_builder *b = builder_list();
    for (const char *at = verbs; at != NULL && *at != '\0'; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        const struct weir_value *v = value_string(at, len);
        builder_add(b, &v);
        at += len;
    }
    return builder_end(&b);
}

const struct weir_value *
collections_value(const struct admin *a)
{
    struct weir_builder *list = builder_list();
    const struct collection *const *all;
    unsigned n = registry_collections(a->config.registry, &all);
    for (unsigned i = 0; i < n; i++) {
        struct weir_builder *b = builder_map();
        builder_take(b, "name", value_text(all[i]->abi.name));
        builder_take(b, "summary", value_text(all[i]->abi.summary));
        builder_take(b, "verbs", verbs_value(all[i]->abi.verbs));
        const struct weir_value *v = builder_end(&b);
        builder_add(list, &v);
    }
    return builder_end(&list);
}
