/* cli/test_junit.c - a report in the XML that JUnit's ant task writes, which CI servers read. See test.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/test.h"

static void
put_escaped(FILE *f, const char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '&')
            fputs("&amp;", f);
        else if (c == '<')
            fputs("&lt;", f);
        else if (c == '>')
            fputs("&gt;", f);
        else if (c == '"')
            fputs("&quot;", f);
        else
            fputc(c < 32 && c != '\n' && c != '\t' ? '?' : c, f);
    }
}

/* The tests of one file, which stand one behind the other from AT on. Returns the first of the next. */
static unsigned
put_suite(FILE *f, const struct test_outcome *all, unsigned n, unsigned at)
{
    unsigned end = at, failures = 0;
    double seconds = 0;
    for (; end < n && strcmp(all[end].file, all[at].file) == 0; end++) {
        failures += all[end].failure != NULL;
        seconds += all[end].seconds;
    }
    fputs("  <testsuite name=\"", f);
    put_escaped(f, all[at].file);
    fprintf(f, "\" tests=\"%u\" failures=\"%u\" time=\"%.3f\">\n", end - at, failures, seconds);
    for (unsigned i = at; i < end; i++) {
        fputs("    <testcase classname=\"", f);
        put_escaped(f, all[i].file);
        fputs("\" name=\"", f);
        put_escaped(f, all[i].name);
        fprintf(f, "\" time=\"%.3f\"", all[i].seconds);
        if (all[i].failure == NULL) {
            fputs("/>\n", f);
            continue;
        }
        fputs(">\n      <failure message=\"not as expected\">", f);
        put_escaped(f, all[i].failure);
        fputs("</failure>\n    </testcase>\n", f);
    }
    fputs("  </testsuite>\n", f);
    return end;
}

bool
test_junit(const char *path, const struct test_outcome *all, unsigned n)
{
    FILE *f = fopen(path, "w");
    if (f == NULL) {
        fprintf(stderr, "weir test: %s can't be written: %s\n", path, strerror(errno));
        return false;
    }
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n", f);
    for (unsigned at = 0; at < n;)
        at = put_suite(f, all, n, at);
    fputs("</testsuites>\n", f);
    if (fclose(f) == 0)
        return true;
    fprintf(stderr, "weir test: %s can't be written: %s\n", path, strerror(errno));
    return false;
}
