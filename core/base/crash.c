/* base/crash.c - see crash.h.
 *
 * All that the handler calls is async-signal-safe (signal-safety(7)), but for backtrace(3): that
 * loads a library when it is called first, which is why it is called once before. Should it hang
 * all the same, SIGALRM ends the process.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/crash.h"

#include <execinfo.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/crash_text.h"
#include "base/log.h"

#define PLUGINS_MAX 128
#define STACK_BYTES (64u << 10)
#define ADDRESSES_MAX 64
#define HURRY_S 3

static const int caught[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
#define CAUGHT (sizeof(caught) / sizeof(caught[0]))

_Thread_local const void *crash_at;

/* Written by the main thread before anything dies. */
static bool catching;
static struct {
    char path[512];
    char name[CRASH_NAME];
} plugins[PLUGINS_MAX];
static unsigned n_plugins;
static bool (*tell)(const struct crash_report *r);
static void (*describe)(const void *at, struct crash_report *ret);
static char build_id[CRASH_BUILD];

static _Thread_local void *own_stack; /* of this thread, made here */

static const char *
plugin_of(const char *path)
{
    for (unsigned i = 0; i < n_plugins; i++)
        if (strcmp(plugins[i].path, path) == 0)
            return plugins[i].name;
    return NULL;
}

/* Where the thread was when the signal came; *ret_stack is where its stack stood. */
static uintptr_t
place_of(const ucontext_t *context, uintptr_t *ret_stack)
{
#if defined(__x86_64__)
    *ret_stack = (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
    return (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    *ret_stack = 0;
    return (uintptr_t)context->uc_mcontext.pc;
#else
    (void)context;
    *ret_stack = 0;
    return 0;
#endif
}

/* The addresses on the stack from PLACE on: without the handler's own. */
static unsigned
walk(uintptr_t place, uintptr_t stack, uintptr_t ret[ADDRESSES_MAX])
{
    static void *all[ADDRESSES_MAX];
    int n = backtrace(all, ADDRESSES_MAX);
    int from = 0;
    while (from < n && (uintptr_t)all[from] != place)
        from++;
    unsigned count = 0;
    if (from == n) { /* it can't be walked from there: a jump to nowhere */
        ret[count++] = place;
        if (stack != 0)
            ret[count++] = *(const uintptr_t *)stack; /* who jumped */
        from = n < 3 ? n : 3;
    }
    for (; from < n && count < ADDRESSES_MAX; from++)
        ret[count++] = (uintptr_t)all[from];
    return count;
}

static void
fill(struct crash_report *r, int signal, const siginfo_t *info, const ucontext_t *context)
{
    static uintptr_t addresses[ADDRESSES_MAX];
    uintptr_t stack;
    uintptr_t place = place_of(context, &stack);
    r->signal = signal;
    r->tid = gettid();
    (void)prctl(PR_GET_NAME, r->thread);
    bool sent = info->si_code == SI_USER || info->si_code == SI_QUEUE || info->si_code == SI_TKILL;
    if (sent && info->si_pid != getpid())
        r->from = info->si_pid;
    else if (!sent)
        r->address = (uintptr_t)info->si_addr;
    crash_copy(r->build, sizeof(r->build), build_id);
    crash_find_modules(addresses, walk(place, stack, addresses), plugin_of, r);
}

/* The report as it is; then, from memory that may be spoiled, what was at work. */
static void
on_crash(int signal, siginfo_t *info, void *context)
{
    static struct crash_report r;
    static atomic_flag begun = ATOMIC_FLAG_INIT;
    if (atomic_flag_test_and_set(&begun))
        for (;;)
            pause(); /* another thread dies already, and takes this one with it */
    (void)alarm(HURRY_S);
    fill(&r, signal, info, context);
    crash_write(STDERR_FILENO, &r);
    log_rescue();
    bool told = tell != NULL && tell(&r);
    if (crash_at != NULL && describe != NULL) {
        describe(crash_at, &r);
        crash_write_place(STDERR_FILENO, &r);
        if (told)
            (void)tell(&r);
    }
    if (!told)
        log_last_words(&r);
    (void)alarm(0);
    struct sigaction usual = { .sa_handler = SIG_DFL };
    (void)sigaction(signal, &usual, NULL);
    if (info->si_code <= 0) /* it was sent, and does not come again by itself */
        (void)raise(signal);
}

/* The build id of the binary (an ELF note), which tells its debug symbols. */
static int
take_build_id(struct dl_phdr_info *o, size_t size, void *arg)
{
    static const char digits[] = "0123456789abcdef";
    (void)size;
    (void)arg;
    for (unsigned i = 0; i < o->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &o->dlpi_phdr[i];
        const char *at = (const char *)(o->dlpi_addr + p->p_vaddr);
        for (const char *end = at + p->p_memsz; p->p_type == PT_NOTE && at + sizeof(ElfW(Nhdr)) <= end;) {
            const ElfW(Nhdr) *note = (const void *)at;
            const unsigned char *id = (const unsigned char *)at + sizeof(*note) + ((note->n_namesz + 3u) & ~3u);
            if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && memcmp(note + 1, "GNU", 4) == 0)
                for (unsigned k = 0; k < note->n_descsz && 2 * k + 2 < sizeof(build_id); k++) {
                    build_id[2 * k] = digits[id[k] >> 4];
                    build_id[2 * k + 1] = digits[id[k] & 15];
                }
            at = (const char *)id + ((note->n_descsz + 3u) & ~3u);
        }
    }
    return 1; /* the first object is the binary */
}

void
crash_catch(void)
{
    void *one[1];
    (void)backtrace(one, 1);
    (void)dl_iterate_phdr(take_build_id, NULL);
    catching = true;
    crash_thread_begin();
    for (size_t i = 0; i < CAUGHT; i++) {
        struct sigaction before;
        if (sigaction(caught[i], NULL, &before) != 0 || before.sa_handler != SIG_DFL)
            continue;
        struct sigaction catch = { .sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK };
        sigemptyset(&catch.sa_mask);
        (void)sigaction(caught[i], &catch, NULL);
    }
}

void
crash_thread_begin(void)
{
    if (!catching)
        return;
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < CAUGHT; i++)
        sigaddset(&set, caught[i]);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    stack_t there;
    if (sigaltstack(NULL, &there) != 0 || !(there.ss_flags & SS_DISABLE))
        return; /* a sanitizer's */
    void *bytes = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (bytes == MAP_FAILED)
        return;
    stack_t ours = { .ss_sp = bytes, .ss_size = STACK_BYTES };
    if (sigaltstack(&ours, NULL) == 0)
        own_stack = bytes;
    else
        munmap(bytes, STACK_BYTES);
}

void
crash_thread_end(void)
{
    if (own_stack == NULL)
        return;
    stack_t none = { .ss_flags = SS_DISABLE };
    (void)sigaltstack(&none, NULL);
    munmap(own_stack, STACK_BYTES);
    own_stack = NULL;
}

void
crash_plugin(const char *path, const char *name)
{
    char *whole = realpath(path, NULL);
    if (n_plugins < PLUGINS_MAX && whole && strlen(whole) < sizeof(plugins[0].path)) {
        crash_copy(plugins[n_plugins].path, sizeof(plugins[0].path), whole);
        crash_copy(plugins[n_plugins].name, sizeof(plugins[0].name), name);
        n_plugins++;
    }
    free(whole);
}

void
crash_tell(bool (*send)(const struct crash_report *r))
{
    tell = send;
}

void
crash_describe(void (*fn)(const void *at, struct crash_report *ret))
{
    describe = fn;
}
