/* expr/template.c - see template.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expr/template.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "expr/accesses.h"
#include "expr/eval.h"
#include "expr/parse.h"
#include "expr/url_text.h"
#include "value/json.h"

enum {
    TEMPLATE_TEXT_MAX = 1 << 20,
    TEMPLATE_EXPRS_MAX = 1000,
    TEMPLATE_RESULT_MAX = EVAL_BYTES
};

/* A ${ }, or the text before the next one. */
struct piece {
    struct expr *expr; /* owned; NULL: it is text */
    struct weir_text text;
    enum url_place place;
};

struct template
{
    enum template_kind kind;
    unsigned n;
    unsigned n_exprs;
    unsigned room;
    struct piece *pieces;              /* owned */
    char *literals;                    /* owned: all text, unescaped */
    const struct weir_value *constant; /* owned; NULL: it has expressions */
};

bool
template_needed(struct weir_text text)
{
    return text.len >= 3 && memmem(text.bytes, text.len, "${", 2) != NULL;
}

void
template_free(struct template **t)
{
    struct template *old = *t;
    if (old == NULL)
        return;
    *t = NULL;
    for (unsigned i = 0; i < old->n; i++)
        expr_free(&old->pieces[i].expr);
    free(old->pieces);
    free(old->literals);
    value_unref(&old->constant);
    free(old);
}

static struct piece *
add_piece(struct template *t)
{
    if (t->n == t->room) {
        t->room = t->room > 0 ? 2 * t->room : 4;
        t->pieces = realloc(t->pieces, t->room * sizeof(t->pieces[0]));
        if (t->pieces == NULL)
            abort();
    }
    t->pieces[t->n] = (struct piece){ 0 };
    return &t->pieces[t->n++];
}

/* A template in the making. */
struct making {
    struct template *t;
    struct weir_text text;
    size_t at;
    char *out; /* where the next literal byte goes */
    struct expr_place *ret_place;
    struct weir_error *err;
};

static bool
starts(const struct making *m, const char *s)
{
    size_t len = strlen(s);
    return m->text.len - m->at >= len && memcmp(m->text.bytes + m->at, s, len) == 0;
}

/* Takes text up to the next ${. */
static void
take_text(struct making *m)
{
    char *start = m->out;
    while (m->at < m->text.len && !starts(m, "${")) {
        if (starts(m, "$${")) {
            *m->out++ = '$';
            *m->out++ = '{';
            m->at += 3;
        } else {
            *m->out++ = m->text.bytes[m->at++];
        }
    }
    if (m->out > start)
        add_piece(m->t)->text = (struct weir_text){ start, (size_t)(m->out - start) };
}

static enum weir_code
take_expr(struct making *m)
{
    if (m->t->n_exprs == TEMPLATE_EXPRS_MAX) {
        *m->ret_place = (struct expr_place){ m->at, 2 };
        return err_set(m->err, WEIR_INVALID, "a text may have at most %d expressions",
                       TEMPLATE_EXPRS_MAX);
    }
    struct parser p;
    struct expr *e;
    parser_init(&p, m->text, m->at + 2);
    p.closing = true;
    enum weir_code code = parser_run(&p, &e, m->ret_place, m->err);
    if (code != WEIR_OK)
        return code;
    m->at = p.lexer.at;
    m->t->n_exprs++;
    add_piece(m->t)->expr = e;
    return WEIR_OK;
}

static bool
is_raw(const struct expr *e)
{
    return e->root->kind == TERM_CALL && e->root->function->fn == function_url_raw;
}

/* Finds out which part of the url each expression stands in. */
static void
place_in_url(struct template *t)
{
    struct url_reader r = { 0 };
    for (unsigned i = 0; i < t->n; i++) {
        struct piece *p = &t->pieces[i];
        if (p->expr == NULL) {
            for (size_t k = 0; k < p->text.len; k++)
                (void)url_text_read(&r, p->text.bytes[k]);
            continue;
        }
        p->place = url_text_place(&r);
        if (p->place == URL_PART && is_raw(p->expr))
            p->place = URL_RAW;
    }
}

static void
finish(struct template *t)
{
    if (t->kind == TEMPLATE_URL)
        place_in_url(t);
    if (t->n_exprs > 0)
        return;
    struct weir_text all = t->n > 0 ? t->pieces[0].text : (struct weir_text){ "", 0 };
    t->constant = value_string(all.bytes, all.len);
}

static enum weir_code
take_all(struct making *m)
{
    if (m->text.len > TEMPLATE_TEXT_MAX)
        return err_set(m->err, WEIR_INVALID, "a text with expressions may have at most %d MiB",
                       TEMPLATE_TEXT_MAX >> 20);
    if (!utf8_valid(m->text))
        return err_set(m->err, WEIR_INVALID, "a text must be UTF-8");
    while (m->at < m->text.len) {
        take_text(m);
        enum weir_code code = m->at < m->text.len ? take_expr(m) : WEIR_OK;
        if (code != WEIR_OK)
            return code;
    }
    return WEIR_OK;
}

enum weir_code
template_parse(struct weir_text text, enum template_kind kind, struct template **ret,
               struct expr_place *ret_place, struct weir_error *err)
{
    struct expr_place nowhere;
    struct template *t = calloc(1, sizeof(*t));
    struct making m = { .t = t, .text = text, .err = err };
    if (t == NULL)
        abort();
    t->kind = kind;
    t->literals = malloc((text.len < TEMPLATE_TEXT_MAX ? text.len : TEMPLATE_TEXT_MAX) + 1);
    if (t->literals == NULL)
        abort();
    m.out = t->literals;
    m.ret_place = ret_place != NULL ? ret_place : &nowhere;
    *m.ret_place = (struct expr_place){ 0, 0 };

    enum weir_code code = take_all(&m);
    if (code != WEIR_OK) {
        template_free(&t);
        return code;
    }
    finish(t);
    *ret = t;
    return WEIR_OK;
}

void
template_each_memory(const struct template *t,
                     void (*fn)(void *arg, const void *at, size_t len), void *arg)
{
    fn(arg, t, sizeof(*t));
    if (t->constant != NULL) {
        fn(arg, t->constant, sizeof(*t->constant));
        return;
    }
    fn(arg, t->pieces, t->n * sizeof(*t->pieces));
    for (unsigned i = 0; i < t->n; i++)
        if (t->pieces[i].expr != NULL)
            expr_each_memory(t->pieces[i].expr, fn, arg);
        else
            fn(arg, t->pieces[i].text.bytes, t->pieces[i].text.len);
}

bool
template_is_whole(const struct template *t)
{
    return t->n == 1 && t->n_exprs == 1;
}

const struct expr_path *
template_path(const struct template *t)
{
    if (!template_is_whole(t) || t->kind != TEMPLATE_VALUE)
        return NULL;
    const struct term *root = t->pieces[0].expr->root;
    bool plain = root->kind == TERM_CHAIN && !root->chain->bound && root->chain->path.n == root->chain->n_parts + 1;
    return plain ? &root->chain->path : NULL;
}

static bool
in_authority(const struct piece *p)
{
    return p->expr != NULL && (p->place == URL_BASE || p->place == URL_AUTHORITY);
}

bool
template_has_authority_expr(const struct template *t)
{
    for (unsigned i = 0; i < t->n; i++)
        if (in_authority(&t->pieces[i]))
            return true;
    return false;
}

/* Tells the accesses of a piece. In a text they are not what comes out. */
static void
tell(const struct template *t, const struct piece *p, const struct listener *l)
{
    struct use use = { .whole = true, .result = template_is_whole(t) };
    term_each_access(p->expr->root, use, l);
}

void
template_each_authority_access(const struct template *t,
                               void (*fn)(void *arg, const struct expr_access *), void *arg)
{
    for (unsigned i = 0; i < t->n; i++)
        if (in_authority(&t->pieces[i]))
            tell(t, &t->pieces[i], &(struct listener){ fn, arg });
}

void
template_each_access(const struct template *t,
                     void (*fn)(void *arg, const struct expr_access *), void *arg)
{
    for (unsigned i = 0; i < t->n; i++)
        if (t->pieces[i].expr != NULL)
            tell(t, &t->pieces[i], &(struct listener){ fn, arg });
}

/* -- evaluation -- */

enum weir_code
text_of_value(const struct weir_value *v, struct buf *out, struct weir_error *err)
{
    enum weir_code code;
    switch (value_type(v)) {
    case WEIR_NULL:
        return WEIR_OK;
    case WEIR_STRING:
        code = buf_add(out, v->bytes, v->len, err);
        break;
    case WEIR_BYTES:
        return err_set(err, WEIR_SCRIPT,
                       "bytes can't stand in a text; string(x), base64.encode(x) "
                       "and hex.encode(x) make text of them");
    case WEIR_STREAM:
        return err_set(err, WEIR_SCRIPT, "a stream can't stand in a text");
    default:
        code = json_write(out, v, err);
    }
    if (code != WEIR_OK && err != NULL)
        err->code = WEIR_SCRIPT;
    return code == WEIR_OK ? WEIR_OK : WEIR_SCRIPT;
}

/* A text that is being written, and whether a secret has gone into it. */
struct writing {
    const struct template *t;
    struct expr_env *env;
    struct buf *out;
    struct weir_error *err;
    struct url_writer url;
    bool secret;
};

/* Appends V as it has to stand in a url. */
static enum weir_code
write_url_value(struct writing *w, const struct piece *p, const struct weir_value *v)
{
    if (v->type == WEIR_STRING)
        return url_text_value(&w->url, p->place, value_as_text(v), w->err);
    struct buf text;
    buf_init(&text, w->out->max);
    enum weir_code code = text_of_value(v, &text, w->err);
    if (code == WEIR_OK)
        code = url_text_value(&w->url, p->place, buf_content(&text), w->err);
    buf_fini(&text);
    return code;
}

static enum weir_code
not_there(const struct expr *e, struct weir_error *err)
{
    struct weir_text source = term_text(e, e->root);
    return err_set(err, WEIR_NOT_FOUND, "%.*s: nothing is there", (int)source.len,
                   source.bytes);
}

/* Puts the source of E in front of the error, which may be NULL. */
static void
in_source(const struct expr *e, struct weir_error *err)
{
    struct weir_text source = term_text(e, e->root);
    if (err != NULL)
        (void)err_in(err, "%.*s", (int)source.len, source.bytes);
}

static enum weir_code
write_expr(struct writing *w, const struct piece *p)
{
    struct eval ev;
    struct weir_value room;
    const struct weir_value *v;
    const struct term *root = p->expr->root;
    eval_begin(&ev, p->expr, w->env, w->err);
    enum weir_code code = template_is_whole(w->t) ? eval_term(&ev, root, &room, &v)
                                                  : eval_present(&ev, root, &room, &v);
    if (code == WEIR_OK) {
        w->secret |= value_is_secret(v);
        code = w->t->kind == TEMPLATE_URL ? write_url_value(w, p, v)
                                          : text_of_value(v, w->out, w->err);
        if (code != WEIR_OK)
            in_source(p->expr, w->err);
    } else if (code == WEIR_NOT_FOUND) {
        (void)not_there(p->expr, w->err);
    }
    eval_end(&ev);
    return code;
}

static enum weir_code
write_text(struct writing *w, struct weir_text text)
{
    if (w->t->kind == TEMPLATE_URL)
        return url_text_literal(&w->url, text, w->err);
    if (buf_text(w->out, text))
        return WEIR_OK;
    return err_set(w->err, WEIR_SCRIPT, "the text has more than %zu bytes", w->out->max);
}

/* Appends all of the template. WEIR_NOT_FOUND: it is one ${ } whose value is absent. */
static enum weir_code
write_all(struct writing *w)
{
    bool url = w->t->kind == TEMPLATE_URL;
    if (url)
        url_text_begin(&w->url, w->out);
    for (unsigned i = 0; i < w->t->n; i++) {
        const struct piece *p = &w->t->pieces[i];
        enum weir_code code = p->expr != NULL ? write_expr(w, p) : write_text(w, p->text);
        if (code != WEIR_OK)
            return code;
    }
    return url ? url_text_end(&w->url, w->err) : WEIR_OK;
}

enum weir_code
template_eval(const struct template *t, struct expr_env *env, const struct weir_value **ret,
              struct weir_error *err)
{
    if (t->constant != NULL) {
        *ret = value_ref(t->constant);
        return WEIR_OK;
    }
    if (template_is_whole(t) && t->kind == TEMPLATE_VALUE)
        return expr_eval(t->pieces[0].expr, env, ret, err);

    struct buf out;
    char room[BUF_USUAL];
    buf_init_in(&out, TEMPLATE_RESULT_MAX, room, sizeof room);
    struct writing w = { .t = t, .env = env, .out = &out, .err = err };
    enum weir_code code = write_all(&w);
    if (code != WEIR_OK) {
        buf_fini(&out);
        return code;
    }
    const struct weir_value *v = value_take_buf(WEIR_STRING, &out);
    *ret = w.secret ? value_flagged(&v, VALUE_SECRET) : v;
    return WEIR_OK;
}

enum weir_code
template_eval_text(const struct template *t, struct expr_env *env, struct buf *out,
                   bool *ret_secret, struct weir_error *err)
{
    struct writing w = { .t = t, .env = env, .out = out, .err = err };
    enum weir_code code = write_all(&w);
    if (code == WEIR_OK && ret_secret != NULL)
        *ret_secret = w.secret;
    return code;
}

enum weir_code
template_eval_lent(const struct template *t, struct expr_env *env, template_use_fn *use,
                   void *arg, struct weir_error *err)
{
    struct eval ev;
    struct weir_value room;
    const struct weir_value *v;
    const struct expr *e = t->pieces[0].expr;
    assert(template_is_whole(t) && t->kind == TEMPLATE_VALUE);
    eval_begin(&ev, e, env, err);
    enum weir_code code = eval_term(&ev, e->root, &room, &v);
    if (code == WEIR_OK)
        code = use(arg, v, err);
    else if (code == WEIR_NOT_FOUND)
        (void)not_there(e, err);
    eval_end(&ev);
    return code;
}
