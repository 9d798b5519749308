/* net/client_parts.h - what the parts of net/client.h share. Private to net/client*.c.
 *
 * A call is one request of a user. It belongs to an upstream (scheme, host, port and TLS
 * options), which has channels (connections) and a queue. A call gets an idle channel at once,
 * has one dialled, or waits. A channel serves one call at a time. All of it belongs to the
 * shard's thread, and nothing here calls a user's function from inside client_send.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NET_CLIENT_PARTS_H
#define NET_CLIENT_PARTS_H

#include "base/buf.h"
#include "base/map.h"
#include "loop/stream.h"
#include "net/client.h"
#include "net/dns.h"
#include "net/http1.h"
#include "net/tls.h"
#include "net/url.h"

#define CLIENT_POOL_MAX 4096u
#define CLIENT_WAITING_MAX 1024u /* calls that wait for a channel, an upstream */
#define CLIENT_UPSTREAMS_MAX 1024u
#define CLIENT_TLS_MAX 64u /* different TLS options */
#define CLIENT_HEAD_MAX (256u << 10) /* of a request */
#define CLIENT_HOST_MAX 255u
#define CLIENT_METHOD_MAX 31u
#define CLIENT_REDIRECTS 5u
#define CLIENT_IDLE_MAX_MS 60000u
#define CLIENT_READ (64u << 10) /* bytes of one read, and so of one piece of a stream */

struct upstream;
struct channel;
struct client_again;

/* One set of TLS options, by content. */
struct client_tls {
    struct list link;                 /* of client.tls, latest used first */
    const struct weir_value *options; /* owned; NULL: the defaults */
    struct tls_context *context;      /* owned */
    uint32_t id;                      /* never 0, never used again */
    unsigned upstreams;               /* that use it */
    uint64_t until_ms;                /* then files may have changed: it is made anew */
};

struct client {
    struct weir_shard *shard;
    struct dns *dns; /* owned */
    client_report_fn *report;
    void *report_arg;
    struct client_settings settings;
    struct map upstreams; /* of struct upstream, owned */
    struct list unused;   /* upstreams without calls, the longest unused first */
    struct list calls;    /* every call that is not free */
    struct list spare;    /* free calls */
    unsigned n_spare;
    struct list tls; /* struct client_tls, owned */
    unsigned n_tls;
    uint32_t last_tls_id;
    unsigned n_busy; /* channels with a call */
    unsigned n_idle;
    struct buf plain;          /* what one tls_read brings; free between reads */
    struct http_head head;     /* of the answer at hand */
    char scratch[CLIENT_READ]; /* what one read brings */
};

/* -- upstreams: client_pool.c, client_tls.c, client_budget.c -- */

/* How many requests and retries went to an upstream in each of the last ten seconds. */
struct upstream_budget {
    uint64_t second; /* of the newest bucket */
    uint32_t sent[10];
    uint32_t retried[10];
};

struct upstream {
    struct client *client;
    struct client_tls *tls; /* NULL: http */
    struct list unused;     /* place in client.unused, if there are no calls */
    struct list idle;       /* channels, the latest used first */
    struct list waiting;    /* calls */
    struct soon next;       /* serves who waits */
    unsigned calls;         /* that belong to it */
    unsigned n_channels;
    unsigned n_waiting;
    unsigned port;
    struct upstream_budget budget;
    struct weir_text host;   /* lower case */
    struct weir_text server; /* host:port */
    size_t key_len;
    char key[]; /* in client.upstreams; then the texts of HOST and SERVER */
};

/* The TLS options with that content, made if they are new. WEIR_INVALID if they are bad. */
enum weir_code client_tls_find(struct client *c, const struct weir_value *options,
                               struct client_tls **ret, struct weir_error *err) MUST_USE;

/* Frees all TLS options. */
void client_tls_fini(struct client *c);

/* The upstream of URL, made if it is new, with one more call that belongs to it.
 * WEIR_UNAVAILABLE if there are too many in use. */
enum weir_code upstream_join(struct client *c, const struct url *url,
                             const struct weir_value *tls, struct upstream **ret,
                             struct weir_error *err) MUST_USE;

/* One call less belongs to *u; leaves NULL. NULL is accepted. */
void upstream_leave(struct upstream **u);

/* Frees an upstream with its idle channels; it must have no calls. */
void upstream_free(struct upstream *u);

/* Closes the idle channels of U. */
void upstream_trim(struct upstream *u);

/* Gives CALL a channel, or begins to dial one, or lets it wait; or fails it (later). FRESH:
 * only a new channel will do. */
void upstream_serve(struct client_call *call, bool fresh);

/* Serves, soon, the calls that wait, because a channel is free or gone. */
void upstream_wake(struct upstream *u);

/* Counts a request. False: it is a retry (RETRY) and there are too many of these. */
bool upstream_budget_draw(struct upstream_budget *b, uint64_t now_ms, double share, bool retry);

/* -- channels: client_channel.c, client_dial.c -- */

struct dial;

struct channel {
    struct list link; /* of upstream.idle */
    struct upstream *upstream;
    struct client_call *call; /* NULL: idle */
    struct dial *dial;        /* owned; while the connection is being made */
    struct watch *watch;
    struct tls *tls;  /* owned; NULL: plain */
    int fd;           /* -1: none yet */
    bool used;        /* it has served a call: the other side may have given it up */
    bool public;      /* the address is one that an untrusted call may use */
    bool mute;        /* writing has failed: only what was received is still to be read */
    bool ending;      /* nothing more will come */
    bool clean;       /* and that is how the other side wanted it */
    uint32_t keep_ms; /* how long it may be idle */
    uint64_t idle_since_ms;
    struct timer idle; /* armed lazily: it may fire while the channel is busy */
    struct soon start; /* writes its request when the turn of the loop ends */
    struct buf in;     /* the beginning of a head, or body that was not pulled */
    struct buf wire;   /* encrypted bytes for the socket */
    size_t wire_sent;
};

/* A channel for CALL, to be dialled: the address is looked up, checked and connected to. */
void channel_dial(struct client_call *call);

/* Gives up dialling, if CH does. */
void dial_free(struct dial **d);

/* Dialling goes on: the socket is READY. */
void dial_on_ready(struct channel *ch, unsigned ready);

/* Sends the encrypted bytes of CH. False: the socket takes no more now, or it has failed, which
 * makes CH mute. */
bool channel_flush(struct channel *ch);

/* Lets CALL use the idle or new channel CH, and writes its request when the turn of the loop ends. */
void channel_use(struct channel *ch, struct client_call *call);

/* Whether the idle channel CH can be used now. */
bool channel_alive(struct channel *ch);

/* Writes what there is to write of the request. False: the call is over, and CH is gone. */
bool channel_write(struct channel *ch);

/* Gives the other side its time for the first byte, unless that has come. */
void channel_expect(struct channel *ch);

/* Changes what the channel's descriptor is watched for. */
void channel_want(struct channel *ch);

/* The call of CH is over. KEEP: the channel may serve another; else it is closed. */
void channel_release(struct channel *ch, bool keep);

/* Closes and frees CH; its call, if any, has none then. */
void channel_close(struct channel *ch);

/* What the watch of a channel calls. */
void channel_on_ready(void *arg, int fd, unsigned ready);

/* What its idle timer calls. */
void channel_on_idle(void *arg);

/* What calls it when the turn of the loop ends in which it got a request. */
void channel_on_start(void *arg);

/* -- calls: client.c, client_request.c, client_upload.c -- */

#define CALL_STATES(X) X(FREE) X(NEW) X(WAITING) X(DIALING) X(EXCHANGING) X(STREAMING) X(ENDING)

enum call_state {
#define X(name) CALL_##name,
    CALL_STATES(X)
#undef X
};

struct client_call {
    struct list link;      /* of client.calls or client.spare */
    struct list waiting;   /* place in upstream.waiting */
    struct client *client; /* NULL: the client is gone, a stream is left */
    struct upstream *upstream;
    struct channel *channel;
    weir_http_fn *fn;
    void *arg;
    bool over_budget;   /* a retry that was not let through */
    struct timer timer; /* armed lazily: it may stand before the deadline, never behind it */
    struct soon soon;   /* ends the call, or gives a piece of a stream */
    uint64_t started_ns;
    uint64_t limit_ms;  /* the whole call; UINT64_MAX: none */
    uint64_t phase_ms;  /* the connection, the first byte, the next piece; UINT64_MAX: none */
    uint64_t stream_ms; /* the limit once the answer is a stream */

    /* what was asked for */
    uint64_t max_body;
    uint32_t connect_ms;
    uint32_t first_byte_ms;
    uint32_t pool;
    uint8_t state; /* enum call_state */
    bool stream;
    bool untrusted;    /* public addresses only */
    bool repeatable;   /* on a stale connection */
    bool own_decoding; /* the caller decodes what the answer is encoded with */
    char method[CLIENT_METHOD_MAX + 1];
    size_t method_len;
    struct client_again *again; /* owned; what redirects need; NULL: they are not followed */

    /* the request on its way */
    struct buf head;               /* with the body, if that is short */
    const struct weir_value *body; /* owned; NULL: none */
    struct weir_text body_text;    /* of BODY, if it is not in HEAD */
    size_t head_sent;
    size_t body_sent;
    struct stream *upload; /* the body is read from here; NULL: it is not, or all was */
    struct buf frame;      /* a piece of it */
    size_t frame_sent;
    uint64_t upload_left; /* UINT64_MAX: chunked */
    bool upload_begun;
    bool pulling; /* inside stream_pull */
    bool sent;    /* a byte of the request went to the socket */
    bool retried; /* on a fresh connection, because the first was stale */

    /* the answer on its way */
    bool begun;    /* a byte of it has come */
    bool has_head; /* of the final one */
    bool keep;     /* the channel may be used again after it */
    uint8_t interim;
    uint8_t n_codings;  /* 0: as it is */
    uint8_t codings[2]; /* enum client_coding, the outermost last */
    uint32_t status;
    size_t head_seen;                 /* bytes of the head that were searched for its end */
    const struct weir_value *headers; /* owned */
    struct buf location;              /* of a redirect that will be followed; empty: none */
    struct http_body incoming;
    char *bytes; /* owned; the body, if its length is known and it is not here yet */
    size_t filled;
    size_t length;
    struct buf grown;   /* the body, if its length is not known */
    struct stream *out; /* the body, as it goes to the caller */
    bool pulled;
    bool giving; /* inside stream_give */
    bool closed; /* the consumer has gone */
    bool over;   /* the end was given */

    struct weir_error err; /* of CALL_ENDING */
};

/* Every change of a call's state, and no other, happens here. */
void client_enter(struct client_call *call, enum call_state next);

/* Makes the timer fire when the limit or the phase is over. */
void client_arm(struct client_call *call);

/* Ends CALL with ERR, which is copied; its function is called soon, or its stream ends now. Its
 * channel is closed. */
void client_fail(struct client_call *call, const struct weir_error *err);

/* The same with a code and a text, "HOST:PORT: " in front. */
void client_fail_with(struct client_call *call, enum weir_code code, const char *fmt, ...)
    PRINTF(3, 4) COLD;

/* Reports the end of CALL, frees what it has and keeps it for another. Its channel must be
 * released before. */
void client_release(struct client_call *call, uint32_t code);

/* Takes R apart and begins the call; used for the first request and for redirects. */
enum weir_code client_start(struct client_call *call, const struct weir_http_request *http,
                            struct weir_error *err) MUST_USE;

/* Writes the head of the request, and a short body behind it, to CALL.head. WEIR_INVALID for
 * names and values that cannot be sent. */
enum weir_code client_request_write(struct client_call *call, const struct url *url,
                                    const struct weir_http_request *http,
                                    struct weir_error *err) MUST_USE;

/* Whether bytes of the request are here that were not written yet. */
bool client_has_bytes(const struct client_call *call);

/* Whether a part of the request is still to be written: here, or to be read from a stream. */
bool client_unsent(const struct client_call *call);

/* Takes the stream of CALL.body, to be sent. WEIR_INVALID if somebody else has it. */
enum weir_code client_upload_open(struct client_call *call, struct weir_error *err) MUST_USE;

/* Pulls the next piece into CALL.frame. */
enum upload_progress { UPLOAD_HERE, UPLOAD_LATER, UPLOAD_OVER };
enum upload_progress client_upload_pull(struct client_call *call);

/* Gives the rest of the stream up. */
void client_upload_close(struct client_call *call);

/* -- answers: client_answer.c, client_head.c, client_stream.c, client_decode.c,
 * client_redirect.c -- */

/* Reads LEN bytes of the answer, which may be changed. False: the call is over, or goes on
 * elsewhere, and CH may be gone. */
bool client_answer_read(struct channel *ch, char *bytes, size_t len);

/* The same for bytes that were read into CALL.bytes. */
void client_answer_filled(struct channel *ch, size_t len);

/* The other side has ended the connection: HOW it did so is a phrase, such as "closed the
 * connection"; CLEAN: nothing is missing of what it wanted to send. The call is answered, tried
 * again, or failed. */
void client_answer_end(struct channel *ch, bool clean, const char *how);

/* Forgets what there is of an answer. */
void client_answer_reset(struct client_call *call);

/* Hands an answer to the function of CALL, which is over then. Takes *body. */
void client_answer_give(struct client_call *call, const struct weir_value **take_body);

/* Reads a head of LEN bytes into CALL, and changes them. An interim one (1xx) is counted, and
 * CALL.has_head stays false. */
enum weir_code client_head_read(struct client_call *call, char *bytes, size_t len,
                                struct weir_error *err) MUST_USE;

/* Gives the answer, whose body is still to come, to the caller; LEN bytes of it are here. */
void client_stream_begin(struct channel *ch, char *bytes, size_t len);

/* More bytes of the body have come; what is decoded of them is given on. They may be changed.
 * False: the stream is over, CH may be gone. */
bool client_stream_read(struct channel *ch, char *bytes, size_t len);

/* Ends the stream, with ERR or well; the channel is released. */
void client_stream_end(struct client_call *call, const struct weir_error *err);

enum client_coding { CODING_GZIP = 1, CODING_DEFLATE };

/* Reads a Content-Encoding. False: more than two codings. *ret_n is 0 also if one of them is
 * unknown: then the body stays as it is. */
bool client_codings(struct weir_text field, uint8_t ret[2], uint8_t *ret_n);

/* Decodes BYTES by the N codings to RET, which is initialised here. WEIR_TOO_LARGE for more
 * than MAX bytes or 100 times as many, WEIR_UPSTREAM for what is broken; then RET holds
 * nothing. */
enum weir_code client_decode(const uint8_t *codings, unsigned n, struct weir_text bytes,
                             uint64_t max, struct buf *ret, struct weir_error *err) MUST_USE;

/* Keeps what redirects of CALL need. */
struct client_again *client_again_new(const struct weir_http_request *http);
void client_again_free(struct client_again **a);

/* Whether an answer with that STATUS will be followed, if it has a Location. */
bool client_follows(const struct client_call *call, unsigned status);

/* Sends CALL again to where CALL.location points, or fails it. */
void client_redirect(struct client_call *call);

/* Whether HOST (in any case) is named by ALLOWED, a list of hosts and *.suffixes. */
bool client_host_allowed(const struct weir_value *allowed, struct weir_text host);

#endif
