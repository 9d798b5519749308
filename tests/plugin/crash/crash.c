/* plugin/crash/crash.c - a node that takes the process down, or hangs, in the way that it is told.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weir.h>

static const struct weir_host *host;

/* Not const and not static, so that no compiler knows what they are. */
volatile int zero;
int *volatile nowhere;
void (*volatile no_function)(void);

/* Uses up the stack. */
static int
deep(int n)
{
    volatile char room[4096];
    room[n % 4096] = (char)n;
    return n < 0 ? room[0] : deep(n + 1) + room[n % 4096];
}

static int
divide(int by)
{
    /* A processor that does not mind gets the signal all the same. */
    int r = 1;
#if defined(__x86_64__)
    __asm__ volatile("cltd; idivl %1" : "+a"(r) : "r"(by) : "edx", "cc");
#else
    (void)by;
    raise(SIGFPE);
#endif
    return r;
}

static void
crash(const char *how, size_t len)
{
    if (len == 4 && memcmp(how, "segv", 4) == 0)
        *nowhere = 1;
    else if (len == 5 && memcmp(how, "abort", 5) == 0)
        abort();
    else if (len == 3 && memcmp(how, "fpe", 3) == 0)
        zero = divide(zero);
    else if (len == 3 && memcmp(how, "ill", 3) == 0)
        __builtin_trap();
    else if (len == 4 && memcmp(how, "jump", 4) == 0)
        no_function();
    else if (len == 4 && memcmp(how, "deep", 4) == 0)
        zero = deep(0) * 0;
    else if (len == 4 && memcmp(how, "exit", 4) == 0)
        _exit(7);
    else if (len == 4 && memcmp(how, "hang", 4) == 0)
        while (zero == 0)
            continue;
}

struct conf {
    uint32_t slot;
};

static uint32_t
crash_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
           struct weir_error *err)
{
    (void)config;
    (void)err;
    struct conf *c = calloc(1, sizeof *c);
    if (c == NULL)
        abort();
    c->slot = host->slot(open, "/how");
    *ret_conf = c;
    return WEIR_OK;
}

static void
run(struct weir_call *call, void *state)
{
    const struct conf *c = state;
    struct weir_error err = { 0 };
    const struct weir_value *how = NULL;
    if (host->eval(call, c->slot, &how, &err) != WEIR_OK) {
        host->fail(call, &err);
        return;
    }
    struct weir_text text;
    if (host->get_text(how, &text))
        crash(text.bytes, text.len);
    host->done(call, &how);
}

static const char schema[] = WEIR_JSON({
    "description": "How it dies.",
    "type": "object",
    "additionalProperties": false,
    "required": ["how"],
    "x-weir-shorthand": "how",
    "properties": {
        "how": {
            "description": "segv, abort, fpe, ill, jump, deep (the stack), exit, hang; else not at all.",
            "type": "string"
        }
    }
});

static const struct weir_node_type nodes[] = {
    {
        .size = sizeof(struct weir_node_type),
        .name = "crash",
        .summary = "Takes the process down.",
        .config_schema = schema,
        .effect = WEIR_EFFECT_NONE,
        .open = crash_open,
        .run = run,
        .close = free,
    },
};

const struct weir_plugin *
weir_plugin_entry(const struct weir_host *h)
{
    static const struct weir_plugin plugin = {
        .abi_major = WEIR_ABI_MAJOR,
        .abi_minor = WEIR_ABI_MINOR,
        .size = sizeof plugin,
        .n_nodes = 1,
        .name = "crash",
        .version = "1.0.0",
        .nodes = nodes,
    };
    host = h;
    return &plugin;
}
