/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include "codec/js.h"

static int print_image(struct cli *c, const struct image *img)
{
    if (!c->args.json) {
        cli_out_clear(&c->out);
        /* a root file system has no digest: its name is all that it can be run by */
        puts(img->digest[0] ? img->digest : img->name);
        return cli_done(c);
    }
    char platform[PLATFORM_TEXT];
    platform_format(&img->platform, platform);
    struct json_object *o = json_object_new_object();
    js_add_string(o, "name", img->name);
    js_add_string(o, "digest", img->digest);
    js_add_string(o, "id", img->config_digest);
    js_add_string(o, "platform", platform);
    js_add_u64(o, "layers", img->n_layers);
    return cli_print_json(c, o);
}

int cli_verb_pull(struct cli *c)
{
    struct aw_err err = AW_ERR_INIT;
    struct idmap map;
    cli_interrupt_catch();
    _cleanup_store_ struct store *s = cli_open_store(c, &map, &err);
    if (!s)
        return cli_fail(c, &err);
    struct image_request req = cli_image_request(c, c->args.operands.v[0]);
    struct image img = {.rootfs_fd = -1};
    req.pull = IMAGE_PULL_ALWAYS;
    if (!image_obtain(s, &req, &img, &err))
        return cli_fail(c, &err);
    int status = image_unpack(s, &img, &map, &req, &err) ? print_image(c, &img) : cli_fail(c, &err);
    image_fini(&img);
    return status;
}
