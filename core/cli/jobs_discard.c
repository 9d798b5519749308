/* cli/jobs_discard.c - weir jobs discard with filters: all dead jobs that they take are given up.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cli/answer.h"
#include "cli/batches.h"
#include "cli/job_ask.h"
#include "cli/jobs.h"
#include "cli/setup.h"
#include "value/json.h"

static void
put_text(struct buf *b, const char *name, const char *text)
{
    if (text == NULL)
        return;
    (void)buf_printf(b, "%s\"%s\":", b->len > 1 ? "," : "", name);
    (void)json_write_string(b, text_of(text));
}

static int
ask(const struct args *a, const char *const *filters, const char *reason, const struct weir_value **ret)
{
    struct buf b;
    const char *max = args_text(a, "max");
    buf_init(&b, 256u << 10);
    (void)buf_puts(&b, "{");
    put_text(&b, "who", order_giver());
    put_text(&b, "reason", reason);
    for (const char *const *f = filters; *f != NULL; f++) {
        char option[32];
        const char *equals = strchr(*f, '=');
        (void)snprintf(option, sizeof option, "%.*s", (int)(equals - *f), *f);
        put_text(&b, equals + 1, args_text(a, option));
    }
    if (max)
        (void)buf_printf(&b, ",\"max\":%llu", strtoull(max, NULL, 10));
    (void)buf_printf(&b, "%s}", reason ? "" : ",\"dry_run\":true");
    int code = job_ask(a, "POST", "/api/v1/jobs/discard", b.bytes, ret);
    buf_fini(&b);
    return code;
}

/* Prints what V, an answer, says, after WHAT; and of which jobs nobody knows. */
static void
print(const struct weir_value *v, const char *what)
{
    double n = answer_member_number(v, "discarded"), left_out = answer_member_number(v, "left_out");
    struct weir_text because = answer_member_text(v, "because");
    printf("%.0f dead job%s %s\n", n, n == 1 ? "" : "s", what);
    if (left_out > 0)
        fprintf(stderr, "weir jobs: %.0f jobs are left out, since --where is an error for them: %.*s\n", left_out,
                (int)because.len, because.bytes);
}

int
jobs_discard(const struct args *a, const char *const *filters)
{
    const struct weir_value *v;
    const char *max = args_text(a, "max");
    bool dry = args_given(a, "dry-run"), json = args_given(a, "json");
    int code;
    if (max && (*max == '\0' || *max == '0' || strlen(max) > 9 || strspn(max, "0123456789") != strlen(max))) {
        fprintf(stderr, "weir jobs: --max is a whole number from 1 on, not '%.40s'\n", max);
        return EXIT_USAGE;
    }
    if (!dry && !order_has_reason(a))
        return EXIT_USAGE;
    if (dry || replay_asks(a)) {
        code = ask(a, filters, NULL, &v);
        if (v == NULL)
            return code;
        bool some = answer_member_number(v, "discarded") > 0;
        if (json)
            print_value(v);
        else
            print(v, dry ? "would be discarded" : "will be discarded");
        value_unref(&v);
        if (dry || !some || !replay_agreed(a, "Discard them?"))
            return EXIT_GOOD;
    }
    const char *reason = order_reason(a, &code);
    if (reason == NULL)
        return code;
    code = ask(a, filters, reason, &v);
    if (v == NULL)
        return code;
    if (json)
        print_value(v);
    else
        print(v, "discarded");
    value_unref(&v);
    return EXIT_GOOD;
}
