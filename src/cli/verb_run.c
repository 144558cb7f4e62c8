/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

/* Removing what killed runs left is a kindness to the user; failing at it must not stop this run.
 */
static void reap(struct cli *c, struct store *s)
{
    struct aw_err err = AW_ERR_INIT;
    size_t n = 0;
    if (!store_reap_dead(s, &n, &err))
        aw_log(&c->log, AW_LOG_WARN, "removing what killed containers left: %s", err.message);
    else if (n)
        aw_log(&c->log, AW_LOG_DEBUG, "removed %zu dead containers", n);
}

static bool run_image(struct cli *c, struct store *s, const struct idmap *map, int *ret_status,
                      struct aw_err *err)
{
    struct image_request req = cli_image_request(c, c->args.operands.v[0]);
    struct image img = {.rootfs_fd = -1};
    if (!image_obtain(s, &req, &img, err))
        return false;
    bool good = image_unpack(s, &img, map, &req, err);
    if (good && cli_interrupted(NULL))
        good = aw_fail(err, AW_E_CANCELLED, 0, "interrupted");
    if (good) {
        struct box_world world = cli_box_world(c);
        struct box_run_args args = {.opt = &c->args.box, .world = &world, .ret_status = ret_status};
        cli_out_clear(&c->out);
        good = box_run(s, &img, map, &args, err);
    }
    image_fini(&img);
    return good;
}

/* Everything with the map that cli_open_store plans. */
static bool run_once(struct cli *c, struct idmap *map, int *ret_status, struct aw_err *err)
{
    _cleanup_store_ struct store *s = cli_open_store(c, map, err);
    if (!s)
        return false;
    reap(c, s);
    return run_image(c, s, map, ret_status, err);
}

int cli_verb_run(struct cli *c)
{
    struct aw_err err = AW_ERR_INIT;
    struct idmap map = {.kind = IDMAP_SINGLE};
    int status = c->verb->fail_status;
    cli_interrupt_catch();
    bool ok = run_once(c, &map, &status, &err);
    if (!ok && err.code == AW_E_IDMAP) {
        /* newuidmap is there and may not do its work (inside Docker, say): one id is better than
         * none */
        cli_out_clear(&c->out);
        aw_log(&c->log, AW_LOG_WARN, "%s; going on with a single id. To mend it: %s", err.message,
               err.mend);
        c->args.box.single_id = true;
        err = (struct aw_err)AW_ERR_INIT;
        ok = run_once(c, &map, &status, &err);
    }
    if (ok)
        return status;
    const struct strv *command = &c->args.box.command;
    if (status == BOX_EXIT_NOT_FOUND && command->n > 0 && command->v[0][0] == '-' && !err.mend[0])
        aw_mend(&err, "options stand before the image: archway run %s ... IMAGE", command->v[0]);
    int failed = cli_fail(c, &err);
    /* 126 and 127 are box's to tell; an interruption is told by cli_fail */
    return failed == c->verb->fail_status ? status : failed;
}
