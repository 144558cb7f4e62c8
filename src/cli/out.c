/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages, progress and tables.
 *
 * 1. Standard output carries results only; everything else goes to standard error.
 * 2. On a terminal long work shows one line, redrawn in place at most 12 times a second and taken
 *    away before anything else is printed. In a pipe there are only warnings and errors.
 * 3. Strangers' text (names in images, a registry's words) is printed with its control characters
 *    replaced, so that it cannot drive the terminal.
 * 4. Colours only on a terminal that has them, never with NO_COLOR.
 */
#include "cli/out.h"

#include "base/file.h"

#include <sys/ioctl.h>
#include <time.h>

#define REDRAW_MS 80

void cli_out_init(struct cli_out *o, bool quiet, bool debug, bool color)
{
    bool terminal = isatty(STDERR_FILENO);
    *o = (struct cli_out){
        .live = terminal && !quiet && !debug && color,
        .notes = terminal && !quiet,
        .debug = debug,
        .color = terminal && color,
    };
}

/* Bytes at s that do nothing to a terminal. */
static size_t plain_span(const unsigned char *s)
{
    size_t n = 0;
    /* C1 controls are U+0080..U+009F: C2 80..9F in UTF-8 */
    while (s[n] >= 0x20 && s[n] != 0x7f && !(s[n] == 0xc2 && s[n + 1] >= 0x80 && s[n + 1] <= 0x9f))
        n++;
    return n;
}

void cli_out_safe(struct buf *b, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    for (;;) {
        size_t n = plain_span(s);
        buf_add(b, s, n);
        s += n;
        if (!*s)
            return;
        buf_addc(b, '?');
        s += *s == 0xc2 ? 2 : 1;
    }
}

static void put(const struct buf *b)
{
    /* to a standard error that is gone nothing can be said, not even that */
    file_write_full(STDERR_FILENO, buf_str(b), b->len);
}

void cli_out_clear(struct cli_out *o)
{
    if (!o->line_shown)
        return;
    file_write_full(STDERR_FILENO, "\r\033[K", 4);
    o->line_shown = false;
}

static size_t terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
        return size.ws_col;
    return 80;
}

static size_t columns(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += (*text & 0xc0) != 0x80;
    return n;
}

/* The characters from first up to (not with) last. */
static void add_columns(struct buf *b, const char *text, size_t first, size_t last)
{
    size_t column = 0;
    for (; *text; text++) {
        column += (*text & 0xc0) != 0x80;
        if (column > first && column <= last)
            buf_addc(b, *text);
    }
}

void cli_out_fit(struct buf *b, const char *text, size_t width)
{
    size_t n = columns(text), tail = width / 3;
    if (n <= width) {
        buf_adds(b, text);
        return;
    }
    /* names stand in front, what changes at the end: the middle tells least */
    add_columns(b, text, 0, width - tail - 3);
    buf_adds(b, "...");
    add_columns(b, text, n - tail, n);
}

/* One character, one column: wide ones would only make the line end earlier. */
static void draw(struct cli_out *o, const char *message)
{
    uint64_t now = file_now_ms();
    if (o->line_shown && now - o->drawn < REDRAW_MS)
        return;
    _cleanup_buf_ struct buf safe = {0}, line = {0};
    cli_out_safe(&safe, message);
    buf_adds(&line, "\r");
    cli_out_fit(&line, buf_str(&safe), terminal_width() - 1);
    buf_adds(&line, "\033[K");
    put(&line);
    o->line_shown = true;
    o->drawn = now;
}

static void say(struct cli_out *o, const char *color, const char *word, const char *message)
{
    _cleanup_buf_ struct buf line = {0};
    cli_out_clear(o);
    buf_addf(&line, "%sarchway:%s ", o->color ? color : "", o->color ? "\033[0m" : "");
    if (word)
        buf_addf(&line, "%s: ", word);
    cli_out_safe(&line, message);
    buf_addc(&line, '\n');
    put(&line);
}

void cli_out_log(void *user, enum aw_level level, const char *message)
{
    struct cli_out *o = user;
    switch (level) {
    case AW_LOG_DEBUG:
        if (o->debug)
            say(o, "\033[2m", "debug", message);
        break;
    case AW_LOG_PROGRESS:
        if (o->live)
            draw(o, message);
        else if (o->debug)
            say(o, "\033[2m", "debug", message);
        break;
    case AW_LOG_NOTE:
        if (o->notes || o->debug)
            say(o, "\033[1m", "note", message);
        break;
    case AW_LOG_WARN:
        say(o, "\033[1;33m", "warning", message);
        break;
    }
}

void cli_out_error(struct cli_out *o, const struct aw_err *err)
{
    say(o, "\033[1;31m", NULL, err->message);
    if (!err->mend[0])
        return;
    _cleanup_buf_ struct buf line = {0};
    buf_adds(&line, "  to mend it: ");
    cli_out_safe(&line, err->mend);
    buf_addc(&line, '\n');
    put(&line);
}

static void add_spaces(struct buf *b, size_t n)
{
    while (n-- > 0)
        buf_addc(b, ' ');
}

void cli_out_table(const struct strv *cells, size_t n)
{
    enum { MAX_COLUMNS = 16 };
    size_t width[MAX_COLUMNS] = {0};
    AW_BUG_ON(n == 0 || n > MAX_COLUMNS || cells->n % n != 0);
    for (size_t i = 0; i < cells->n; i++) {
        size_t w = columns(cells->v[i]);
        if (w > width[i % n])
            width[i % n] = w;
    }
    _cleanup_buf_ struct buf line = {0};
    for (size_t i = 0; i < cells->n; i++) {
        size_t from = line.len;
        cli_out_safe(&line, cells->v[i]);
        if (i % n < n - 1) {
            add_spaces(&line, width[i % n] + 3 - columns(buf_str(&line) + from));
            continue;
        }
        buf_addc(&line, '\n');
        fwrite(buf_str(&line), 1, line.len, stdout);
        line.len = 0;
    }
}

void cli_out_size(uint64_t bytes, char ret[CLI_SIZE_TEXT])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 999.5 && unit + 1 < AW_LEN(units)) {
        value /= 1000;
        unit++;
    }
    snprintf(ret, CLI_SIZE_TEXT, unit && value < 99.95 ? "%.1f%s" : "%.0f%s", value, units[unit]);
}

void cli_out_ago(int64_t seconds, char ret[CLI_AGO_TEXT])
{
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = {{365 * 86400, "year"}, {30 * 86400, "month"}, {7 * 86400, "week"}, {86400, "day"},
                 {3600, "hour"},        {60, "minute"},        {1, "second"}};
    for (size_t i = 0; i < AW_LEN(units); i++) {
        int64_t n = seconds / units[i].seconds;
        if (n > 0) {
            snprintf(ret, CLI_AGO_TEXT, "%lld %s%s ago", (long long)n, units[i].name,
                     n == 1 ? "" : "s");
            return;
        }
    }
    snprintf(ret, CLI_AGO_TEXT, "just now");
}
