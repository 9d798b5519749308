/* cli/store_task.c - weir store compact and backup: ordering, and watching how far it is.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"
#include "cli/answer.h"
#include "cli/job_ask.h"
#include "cli/setup.h"
#include "value/json.h"

enum { BAR = 30, LOOK_MS = 100 };

/* One line that is written over, on a terminal alone. */
static void
draw(double done, double total)
{
    char have[32], of[32];
    if (!isatty(STDERR_FILENO))
        return;
    int full = total > 0 ? (int)(done / total * BAR) : 0;
    bytes_text((uint64_t)done, have, sizeof have);
    bytes_text((uint64_t)total, of, sizeof of);
    fprintf(stderr, "\r[%.*s%.*s] %s of %s ", full, "##############################",
            BAR - full, "                              ", have, of);
}

static void
draw_end(void)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K");
}

static int
order(const struct args *a, const char *path, const char *file, const struct weir_value **ret)
{
    struct buf body;
    buf_init(&body, 64u << 10);
    (void)buf_puts(&body, "{\"who\":");
    (void)json_write_string(&body, text_of(order_giver()));
    if (file != NULL) {
        (void)buf_puts(&body, ",\"file\":");
        (void)json_write_string(&body, text_of(file));
    }
    if (args_text(a, "reason") != NULL) {
        (void)buf_puts(&body, ",\"reason\":");
        (void)json_write_string(&body, text_of(args_text(a, "reason")));
    }
    (void)buf_puts(&body, "}");
    int code = job_ask(a, "POST", path, body.bytes, ret);
    buf_fini(&body);
    return code;
}

/* Says what became of TASK; returns what the command ends with. */
static int
say(const struct args *a, const struct weir_value *task)
{
    char size[32];
    struct weir_text error = answer_member_text(task, "error");
    struct weir_text file = answer_member_text(task, "file");
    if (args_given(a, "json")) {
        print_value(task);
    } else if (error.len > 0) {
        fprintf(stderr, "weir store: %.*s\n", (int)error.len, error.bytes);
    } else {
        bytes_text((uint64_t)answer_member_number(task, "total_bytes"), size, sizeof size);
        if (file.len > 0)
            printf("%.*s: %s\n", (int)file.len, file.bytes, size);
        else
            printf("%s were given back\n", size);
    }
    return error.len > 0 ? EXIT_WRONG : EXIT_GOOD;
}

int
store_task(const struct args *a, const char *path, const char *file)
{
    const struct weir_value *v;
    int code = order(a, path, file, &v);
    if (v == NULL)
        return code;
    double number = answer_member_number(v, "number");
    value_unref(&v);
    for (;;) {
        code = job_ask(a, "GET", "/api/v1/store", NULL, &v);
        if (v == NULL)
            return code;
        const struct weir_value *task = value_field(v, "task");
        const struct weir_value *running = value_field(task, "running");
        if (answer_member_number(task, "number") !=
            number) { /* it was over, and another began */
            value_unref(&v);
            return EXIT_GOOD;
        }
        if (running == NULL || !running->boolean)
            break;
        draw(answer_member_number(task, "done_bytes"),
             answer_member_number(task, "total_bytes"));
        value_unref(&v);
        struct timespec pause = { 0, LOOK_MS * 1000000 };
        (void)nanosleep(&pause, NULL);
    }
    draw_end();
    code = say(a, value_field(v, "task"));
    value_unref(&v);
    return code;
}
