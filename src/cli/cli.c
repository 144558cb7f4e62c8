/* SPDX-License-Identifier: Apache-2.0
 *
 * What all verbs share: reporting, interruptions, and the way from the command line to what the
 * modules below take.
 */
#include "cli/cli.h"

#include "codec/js.h"

#include <errno.h>
#include <signal.h>

static volatile sig_atomic_t interrupt_signal;

static void note_signal(int signal)
{
    interrupt_signal = signal;
}

void cli_interrupt_catch(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < AW_LEN(signals); i++) {
        struct sigaction old, new = {.sa_handler = note_signal};
        /* what the caller ignores (nohup) stays ignored */
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(signals[i], &new, NULL);
    }
}

int cli_interrupt_signal(void)
{
    return interrupt_signal;
}

bool cli_interrupted(void *unused)
{
    (void)unused;
    return interrupt_signal != 0;
}

bool cli_mend_word(struct aw_err *err, const char *before, const char *word, const char *after)
{
    _cleanup_buf_ struct buf quoted = {0};
    buf_addword(&quoted, word);
    return aw_mend(err, "%s%s%s", before, buf_str(&quoted), after);
}

int cli_fail(struct cli *c, const struct aw_err *err)
{
    cli_out_error(&c->out, err);
    if (err->code == AW_E_CANCELLED && interrupt_signal)
        return 128 + interrupt_signal;
    return c->verb ? c->verb->fail_status : 1;
}

int cli_fail_usage(struct cli *c, const struct aw_err *err)
{
    cli_out_error(&c->out, err);
    return c->verb ? c->verb->usage_status : 2;
}

int cli_done(struct cli *c)
{
    cli_out_clear(&c->out);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    struct aw_err err = AW_ERR_INIT;
    aw_fail(&err, AW_E_IO, errno, "write to standard output");
    return cli_fail(c, &err);
}

/* Bytes of the UTF-8 character at s; 0: none such. */
static size_t character(const unsigned char *s)
{
    static const unsigned first[] = {0x80, 0x800, 0x10000};
    size_t more = s[0] >= 0xf0 ? 3 : s[0] >= 0xe0 ? 2 : s[0] >= 0xc0 ? 1 : 0;
    unsigned value = s[0] & (0x3fu >> more);
    if (s[0] < 0x80)
        return 1;
    if (!more || s[0] >= 0xf8)
        return 0;
    for (size_t i = 1; i <= more; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (s[i] & 0x3f);
    }
    bool surrogate = value >= 0xd800 && value < 0xe000;
    return value < first[more - 1] || value > 0x10ffff || surrogate ? 0 : more + 1;
}

/* Names of files and rules are any bytes, but JSON is UTF-8: what is not becomes U+FFFD. */
static void put_utf8(const char *text)
{
    const char *from = text;
    for (const char *s = text; *s;) {
        size_t n = character((const unsigned char *)s);
        if (!n) {
            fwrite(from, 1, (size_t)(s - from), stdout);
            fputs("\xef\xbf\xbd", stdout);
            from = s + 1;
        }
        s += n ? n : 1;
    }
    fputs(from, stdout);
}

int cli_print_json(struct cli *c, struct json_object *value)
{
    cli_out_clear(&c->out);
    put_utf8(js_text_pretty(value));
    putchar('\n');
    json_object_put(value);
    return cli_done(c);
}

struct store *cli_open_store(struct cli *c, struct idmap *map, struct aw_err *err)
{
    struct idmap own;
    if (!map)
        map = &own;
    _cleanup_free_ char *path = cli_env_storage(&c->env, c->args.storage, err);
    if (!path || !idmap_plan(c->args.box.single_id, map, err))
        return NULL;
    return store_open(path, map, &c->log, err);
}

struct image_request cli_image_request(struct cli *c, const char *source)
{
    return (struct image_request){
        .source = source,
        .platform = c->args.has_platform ? &c->args.platform : NULL,
        .pull = c->args.pull,
        .insecure = c->args.insecure,
        .log = &c->log,
        .cancelled = cli_interrupted,
    };
}

struct box_world cli_box_world(struct cli *c)
{
    return (struct box_world){
        .path = c->env.path,
        .runtime = c->args.runtime,
        .emulator_dir = c->env.emulator_dir,
        .engine = c->env.engine,
        .term = c->env.term,
        .log = &c->log,
        .verbose = c->args.debug,
    };
}
