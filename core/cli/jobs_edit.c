/* cli/jobs_edit.c - weir jobs edit: a job's event runs again with another body.
 *
 * The server shows secrets as ***. So what goes back to it is not the body as it was edited, but
 * what differs from the one that was shown: the rest stays as the server has it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/units.h"
#include "cli/answer.h"
#include "cli/batches.h"
#include "cli/job_ask.h"
#include "cli/jobs.h"
#include "cli/setup.h"
#include "value/json.h"
#include "value/patch.h"

#define BODY_MAX (8u << 20)
#define WAIT_MS (10u * 60 * 1000)
#define MASK "***"

/* What is to be sent: "remove": [...], "set": {...}. */
struct changes {
    struct buf remove;
    struct buf set;
    char place[128]; /* that holds a mask, and was changed; "": none */
};

static void
add_removal(struct changes *c, struct weir_text pointer)
{
    (void)buf_puts(&c->remove, c->remove.len > 0 ? "," : "");
    (void)json_write_string(&c->remove, pointer);
}

static void
add_setting(struct changes *c, struct weir_text pointer, const struct weir_value *v)
{
    struct weir_error err;
    (void)buf_puts(&c->set, c->set.len > 0 ? "," : "");
    (void)json_write_string(&c->set, pointer);
    (void)buf_puts(&c->set, ":");
    if (json_write(&c->set, v, &err) != WEIR_OK)
        abort(); /* it was read from JSON, and both have the same bound */
}

static bool
has_mask(const struct weir_value *v)
{
    struct buf b;
    struct weir_error err;
    buf_init(&b, BODY_MAX);
    bool has = json_write(&b, v, &err) == WEIR_OK && strstr(b.bytes, MASK) != NULL;
    buf_fini(&b);
    return has;
}

static void
on_change(void *arg, struct weir_text pointer, const struct weir_value *before,
          const struct weir_value *after)
{
    struct changes *c = arg;
    if (after == NULL) {
        add_removal(c, pointer);
        return;
    }
    if (before != NULL && has_mask(before) && has_mask(after))
        (void)snprintf(c->place, sizeof c->place, "%.*s", (int)pointer.len, pointer.bytes);
    add_setting(c, pointer, after);
}

/* -- where the new body comes from -- */

/* JSON from a file; NULL after saying what is wrong. */
static const struct weir_value *
read_json(const char *path)
{
    size_t len;
    struct weir_error err = { 0 };
    const struct weir_value *v = NULL;
    char *text = read_whole_file(path, BODY_MAX, &len);
    if (text == NULL)
        return NULL;
    if (json_read((struct weir_text){ text, len }, NULL, NULL, &v, &err) != WEIR_OK)
        fprintf(stderr, "weir jobs: %s is not JSON: %s\n", strcmp(path, "-") ? path : "standard input",
                err.text);
    free(text);
    return v;
}

/* Writes V for people to a new file, whose name is put into PATH. */
static bool
write_draft(const struct weir_value *v, char *path, size_t size)
{
    const char *folder = getenv("TMPDIR");
    struct buf b;
    struct weir_error err;
    (void)snprintf(path, size, "%s/weir-edit-XXXXXX.json", folder && *folder ? folder : "/tmp");
    int fd = mkstemps(path, 5); /* only its owner may read it */
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (f == NULL) {
        perror(path);
        return false;
    }
    buf_init(&b, BODY_MAX * 4u);
    bool good = json_write_pretty(&b, v, &err) == WEIR_OK && fprintf(f, "%s\n", b.bytes) > 0;
    good = fclose(f) == 0 && good;
    buf_fini(&b);
    if (!good)
        fprintf(stderr, "weir jobs: %s can't be written\n", path);
    return good;
}

/* Whether an editor is named, which may do without a terminal; vi does not. */
static bool
has_editor(void)
{
    const char *visual = getenv("VISUAL"), *editor = getenv("EDITOR");
    return (visual && *visual) || (editor && *editor);
}

/* Opens the editor and waits until it ends. */
static bool
open_editor(const char *path)
{
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", "exec ${VISUAL:-${EDITOR:-vi}} \"$1\"", "weir", path,
              (char *)NULL);
        _exit(127);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0)
        continue;
    if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    fprintf(stderr, "weir jobs: the editor ($VISUAL, $EDITOR or vi) ended badly: nothing was done\n");
    return false;
}

/* SHOWN as somebody has edited it; NULL after saying what is wrong. */
static const struct weir_value *
edit_by_hand(const char *id, const struct weir_value *shown)
{
    char path[512];
    if (!write_draft(shown, path, sizeof path))
        return NULL;
    bool edited = open_editor(path);
    const struct weir_value *v = edited ? read_json(path) : NULL;
    if (edited && v == NULL)
        fprintf(stderr, "weir jobs: put it right and go on: weir jobs edit %s --body %s\n", id, path);
    else
        (void)unlink(path);
    return v;
}

/* The body of the job's event as it is shown; NULL after saying that it can't be edited. */
static const struct weir_value *
shown_body(const struct weir_value *job)
{
    const struct weir_value *event = value_field(job, "event");
    const struct weir_value *raw = value_field(event, "raw"), *body = value_field(event, "body"), *v;
    struct weir_error err = { 0 };
    if (event == NULL) {
        fprintf(stderr, "weir jobs: the event of this job is not kept any more\n");
        return NULL;
    }
    if (value_field(event, "raw_base64") != NULL) {
        fprintf(stderr, "weir jobs: the body of this job is not JSON, and can't be edited\n");
        return NULL;
    }
    if (raw == NULL)
        return value_ref(body != NULL ? body : &value_null);
    if (json_read(value_as_text(raw), NULL, NULL, &v, &err) == WEIR_OK)
        return v;
    fprintf(stderr, "weir jobs: the body of this job is not JSON, and can't be edited: %s\n", err.text);
    return NULL;
}

/* Takes the differences between the body of JOB and what it is to be. */
static int
take_document(const struct args *a, const char *id, struct changes *c)
{
    const struct weir_value *job, *before, *after = NULL;
    int code = job_ask_one(a, id, NULL, NULL, false, &job);
    if (job == NULL)
        return code;
    before = shown_body(job);
    if (before != NULL)
        after = args_given(a, "body") ? read_json(args_text(a, "body")) : edit_by_hand(id, before);
    if (after != NULL)
        patch_diff(before, after, on_change, c);
    code = after == NULL ? EXIT_WRONG : EXIT_GOOD;
    if (*c->place != '\0') {
        fprintf(stderr,
                "weir jobs: %s holds a masked text (***), which the server would take as it is: "
                "leave it as it was, or replace all of it\n",
                c->place);
        code = EXIT_WRONG;
    }
    value_unref(&job);
    value_unref(&before);
    value_unref(&after);
    return code;
}

/* Whether an option --set without a slash is meant for the body: settings have a dot in their names. */
static bool
looks_like_place(const char *option)
{
    size_t len = strcspn(option, "=");
    return option[len] == '=' && memchr(option, '.', len) == NULL;
}

/* Takes --remove and --set. */
static int
take_options(const struct args *a, struct changes *c)
{
    const char *option;
    for (unsigned i = 0; (option = args_each(a, "remove", i)) != NULL; i++)
        add_removal(c, text_of(option));
    for (unsigned i = 0; (option = args_each(a, "set", i)) != NULL; i++) {
        const char *equals = strchr(option, '=');
        const struct weir_value *v = NULL;
        struct weir_error err = { 0 };
        if (*option != '/' && looks_like_place(option)) {
            fprintf(stderr, "weir jobs: --set %.80s: a place begins with a slash: --set /%.80s\n", option, option);
            return EXIT_USAGE;
        }
        if (*option != '/')
            continue; /* a setting */
        if (equals == NULL ||
            json_read(text_of(equals + 1), NULL, NULL, &v, &err) != WEIR_OK) {
            fprintf(stderr,
                    "weir jobs: --set takes a place and JSON, such as /amount=7 or "
                    "'/name=\"Ada\"', not '%.80s'\n",
                    option);
            return EXIT_USAGE;
        }
        add_setting(c, (struct weir_text){ option, (size_t)(equals - option) }, v);
        value_unref(&v);
    }
    return EXIT_GOOD;
}

/* Whether the changes are named on the command line. */
static bool
has_options(const struct args *a)
{
    const char *set;
    bool has = args_given(a, "remove");
    for (unsigned i = 0; (set = args_each(a, "set", i)) != NULL; i++)
        has |= *set == '/' || looks_like_place(set);
    return has;
}

/* -- what is asked of the server -- */

static int
ask(const struct args *a, const char *id, const struct changes *c, bool dry, const char *reason,
    const struct weir_value **ret)
{
    struct buf path, body;
    buf_init(&path, 4096);
    buf_init(&body, 40 * BODY_MAX);
    (void)buf_puts(&path, "/api/v1/jobs/");
    (void)url_encode(&path, text_of(id));
    (void)buf_puts(&path, "/edit");
    (void)buf_puts(&body, "{\"who\":");
    (void)json_write_string(&body, text_of(order_giver()));
    if (reason != NULL) {
        (void)buf_puts(&body, ",\"reason\":");
        (void)json_write_string(&body, text_of(reason));
    }
    (void)buf_printf(&body, ",\"dry_run\":%s,\"force\":%s,\"remove\":[", dry ? "true" : "false",
                     args_given(a, "force") ? "true" : "false");
    (void)buf_text(&body, buf_content(&c->remove));
    (void)buf_puts(&body, "],\"set\":{");
    (void)buf_text(&body, buf_content(&c->set));
    (void)buf_puts(&body, "}");
    replay_put_acks(a, &body);
    (void)buf_puts(&body, "}");
    int code = job_ask(a, "POST", path.bytes, body.bytes, ret);
    buf_fini(&path);
    buf_fini(&body);
    return code;
}

static void
print_side(const struct weir_value *change, const char *side, char sign, bool colour)
{
    const struct weir_value *v = value_field(change, side);
    struct weir_text place = answer_member_text(change, "path");
    struct buf b;
    struct weir_error err;
    if (v == NULL)
        return;
    buf_init(&b, BODY_MAX);
    if (json_write(&b, v, &err) == WEIR_OK)
        printf("%s%c %.*s: %s%s\n", !colour ? "" : sign == '-' ? "\033[31m" : "\033[32m", sign,
               place.len > 0 ? (int)place.len : 11, place.len > 0 ? place.bytes : "(the whole)",
               b.bytes, colour ? "\033[0m" : "");
    buf_fini(&b);
}

static void
print_changes(const struct weir_value *plan)
{
    const struct weir_value *one;
    bool colour = colour_wanted(STDOUT_FILENO);
    for (size_t i = 0; (one = value_at(value_field(plan, "changes"), i)) != NULL; i++) {
        print_side(one, "before", '-', colour);
        print_side(one, "after", '+', colour);
    }
    if (answer_member_number(plan, "more") > 0)
        printf("  ... and %.0f more\n", answer_member_number(plan, "more"));
}

/* Shows what would change; false: nothing is to be done, and *CODE is what the command ends with. */
static bool
show_plan(const struct args *a, const char *id, const struct changes *c, int *code)
{
    const struct weir_value *plan;
    bool dry = args_given(a, "dry-run"), json = args_given(a, "json");
    *code = ask(a, id, c, true, NULL, &plan);
    if (plan == NULL)
        return false;
    bool some = value_at(value_field(plan, "changes"), 0) != NULL;
    if (json && (dry || !some))
        print_value(plan);
    else if (!json && some)
        print_changes(plan);
    else if (!json)
        printf("Nothing changes.\n");
    value_unref(&plan);
    if (!some || dry)
        return false;
    if (!json) {
        const struct weir_value *job;
        *code = job_ask_one(a, id, NULL, NULL, false, &job);
        bool said = job != NULL && replay_say(a, job, "Its edited event");
        value_unref(&job);
        if (!said)
            return false;
    }
    return replay_agreed(a, "Replay the job with this?");
}

static int
replay(const struct args *a, const char *id, const struct changes *c, uint64_t longest_ms)
{
    const struct weir_value *v;
    int code;
    const char *reason = order_reason(a, &code);
    if (reason == NULL)
        return code;
    code = ask(a, id, c, false, reason, &v);
    if (v == NULL)
        return code;
    return replay_made(a, v, longest_ms);
}

int
jobs_edit(const struct args *a, const char *id)
{
    struct changes c = { 0 };
    struct weir_error err = { 0 };
    uint64_t longest_ms = WAIT_MS;
    const char *timeout = args_text(a, "timeout");
    if (timeout && duration_parse(text_of(timeout), &longest_ms, &err) != WEIR_OK) {
        fprintf(stderr, "weir jobs: --timeout: %s\n", err.text);
        return EXIT_USAGE;
    }
    if (args_given(a, "body") && has_options(a)) {
        fprintf(stderr, "weir jobs: --body is the whole; --set and --remove change what is there\n");
        return EXIT_USAGE;
    }
    if (!args_given(a, "dry-run") && !order_has_reason(a))
        return EXIT_USAGE;
    if (!args_given(a, "body") && !has_options(a) && !isatty(STDIN_FILENO) && !has_editor()) {
        fprintf(stderr, "weir jobs: there is no terminal for an editor: use --set, --remove or --body\n");
        return EXIT_USAGE;
    }
    buf_init(&c.remove, 16 * BODY_MAX);
    buf_init(&c.set, 16 * BODY_MAX);
    int code = has_options(a) ? take_options(a, &c) : take_document(a, id, &c);
    if (code == EXIT_GOOD && show_plan(a, id, &c, &code))
        code = replay(a, id, &c, longest_ms);
    buf_fini(&c.remove);
    buf_fini(&c.set);
    return code;
}
