/* SPDX-License-Identifier: Apache-2.0
 *
 * What the user reads, on a terminal and in a pipe.
 */
#include "test.h"

#include "cli/out.h"

#include <pty.h>
#include <unistd.h>

static char seen[4096];

/* Standard error as a terminal of width columns, or (0) as a pipe; *ret is the end to read. */
static int redirect(int width, int *ret)
{
    int saved = dup(2), end[2];
    struct winsize size = {.ws_row = 24, .ws_col = (unsigned short)width};
    if (width)
        CHECK(openpty(&end[0], &end[1], NULL, NULL, &size) == 0);
    else
        CHECK(pipe(end) == 0);
    dup2(end[1], 2);
    close(end[1]);
    *ret = end[0];
    return saved;
}

static void restore(int saved, int end)
{
    size_t len = 0;
    dup2(saved, 2);
    close(saved);
    /* a terminal hands its last output over some time after the other end is closed, then EIO */
    for (ssize_t n; (n = read(end, seen + len, sizeof(seen) - 1 - len)) > 0;)
        len += (size_t)n;
    seen[len] = 0;
    close(end);
}

static void all_levels(struct cli_out *o)
{
    cli_out_log(o, AW_LOG_DEBUG, "inner");
    cli_out_log(o, AW_LOG_PROGRESS, "fetching");
    cli_out_log(o, AW_LOG_NOTE, "skipped");
    cli_out_log(o, AW_LOG_WARN, "slow");
    cli_out_clear(o);
}

TEST(a_pipe_gets_warnings_only)
{
    int end, saved = redirect(0, &end);
    struct cli_out o;
    cli_out_init(&o, false, false, true);
    all_levels(&o);
    restore(saved, end);
    CHECK_STR(seen, "archway: warning: slow\n");
}

TEST(debug_tells_all_in_lines)
{
    int end, saved = redirect(0, &end);
    struct cli_out o;
    cli_out_init(&o, false, true, true);
    all_levels(&o);
    restore(saved, end);
    CHECK_STR(seen, "archway: debug: inner\narchway: debug: fetching\narchway: note: skipped\n"
                    "archway: warning: slow\n");
}

TEST(a_terminal_gets_a_line_that_goes_away)
{
    int end, saved = redirect(80, &end);
    struct cli_out o;
    cli_out_init(&o, false, false, true);
    cli_out_log(&o, AW_LOG_PROGRESS, "fetching");
    cli_out_log(&o, AW_LOG_PROGRESS, "too soon to be drawn");
    cli_out_clear(&o);
    cli_out_clear(&o);
    restore(saved, end);
    CHECK_STR(seen, "\rfetching\033[K\r\033[K");
}

TEST(the_line_gives_way_to_messages)
{
    int end, saved = redirect(80, &end);
    struct cli_out o;
    cli_out_init(&o, false, false, true);
    o.color = false;
    cli_out_log(&o, AW_LOG_PROGRESS, "fetching");
    cli_out_log(&o, AW_LOG_NOTE, "skipped");
    restore(saved, end);
    CHECK_STR(seen, "\rfetching\033[K\r\033[Karchway: note: skipped\r\n");
}

TEST(a_quiet_or_dumb_terminal_gets_no_line)
{
    for (int dumb = 0; dumb < 2; dumb++) {
        int end, saved = redirect(80, &end);
        struct cli_out o;
        cli_out_init(&o, !dumb, false, !dumb);
        cli_out_log(&o, AW_LOG_PROGRESS, "fetching");
        cli_out_clear(&o);
        restore(saved, end);
        CHECK_STR(seen, "");
    }
}

TEST(a_long_line_loses_its_middle)
{
    int end, saved = redirect(20, &end);
    struct cli_out o;
    cli_out_init(&o, false, false, true);
    cli_out_log(&o, AW_LOG_PROGRESS, "0123456\303\274890123456789: 8\303\274 MB");
    restore(saved, end);
    CHECK_STR(seen, "\r0123456\303\27489... 8\303\274 MB\033[K");
}

TEST(fitting)
{
    _cleanup_buf_ struct buf same = {0}, cut = {0};
    cli_out_fit(&same, "0123456789", 10);
    CHECK_STR(buf_str(&same), "0123456789");
    cli_out_fit(&cut, "0123456789a", 10);
    CHECK_STR(buf_str(&cut), "0123...89a");
}

TEST(strangers_cannot_drive_the_terminal)
{
    int end, saved = redirect(0, &end);
    struct cli_out o;
    struct aw_err err = AW_ERR_INIT;
    cli_out_init(&o, false, false, true);
    aw_fail(&err, AW_E_ARG, 0, "bad \033[2J name\n\302\233m \303\274 \177");
    aw_mend(&err, "rm \r it");
    cli_out_error(&o, &err);
    restore(saved, end);
    CHECK_STR(seen, "archway: bad ?[2J name??m \303\274 ?\n  to mend it: rm ? it\n");
}

TEST(sizes)
{
    static const struct {
        uint64_t bytes;
        const char *want;
    } cases[] = {{0, "0B"},
                 {999, "999B"},
                 {1000, "1.0kB"},
                 {1500, "1.5kB"},
                 {99949, "99.9kB"},
                 {99999, "100kB"},
                 {999499, "999kB"},
                 {999500, "1.0MB"},
                 {123456789, "123MB"},
                 {UINT64_MAX, "18.4EB"}};
    for (size_t i = 0; i < AW_LEN(cases); i++) {
        char text[CLI_SIZE_TEXT];
        cli_out_size(cases[i].bytes, text);
        CHECK_STR(text, cases[i].want);
    }
}

TEST(ages)
{
    static const struct {
        int64_t seconds;
        const char *want;
    } cases[] = {{-5, "just now"},
                 {0, "just now"},
                 {1, "1 second ago"},
                 {119, "1 minute ago"},
                 {7200, "2 hours ago"},
                 {86400 * 6, "6 days ago"},
                 {86400 * 20, "2 weeks ago"},
                 {86400 * 800, "2 years ago"}};
    for (size_t i = 0; i < AW_LEN(cases); i++) {
        char text[CLI_AGO_TEXT];
        cli_out_ago(cases[i].seconds, text);
        CHECK_STR(text, cases[i].want);
    }
}

TEST_MAIN()
