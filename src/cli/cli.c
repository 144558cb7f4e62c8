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

int cli_print_json(struct cli *c, struct json_object *value)
{
    cli_out_clear(&c->out);
    fputs(js_text_pretty(value), stdout);
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
        .term = c->env.term,
        .log = &c->log,
        .verbose = c->args.debug,
    };
}
