/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include "codec/js.h"

#include <time.h>

struct json_object *cli_container_json(const struct box_info *b)
{
    struct json_object *o = json_object_new_object();
    js_add_string(o, "id", b->id);
    js_add_string(o, "name", b->name);
    js_add_string(o, "image", b->image);
    js_add_string(o, "platform", b->platform);
    js_add_string(o, "command", b->command);
    js_add_string(o, "emulator", b->emulator);
    js_add_u64(o, "pid", b->pid > 0 ? (uint64_t)b->pid : 0);
    js_add_u64(o, "started", b->started > 0 ? (uint64_t)b->started : 0);
    return o;
}

static bool add_row(struct strv *cells, const struct box_info *b, int64_t now)
{
    char ago[CLI_AGO_TEXT];
    _cleanup_buf_ struct buf command = {0};
    cli_out_ago(now - b->started, ago);
    cli_out_fit(&command, b->command, 40);
    return strv_addf(cells, "%.12s", b->id) && strv_add(cells, b->name) &&
           strv_add(cells, b->image) && strv_add(cells, b->platform) && strv_add(cells, ago) &&
           strv_add(cells, buf_str(&command));
}

static bool print_table(const struct box_info *list, size_t n)
{
    static const char *const heading[] = {"ID", "NAME", "IMAGE", "PLATFORM", "STARTED", "COMMAND"};
    _cleanup_strv_ struct strv cells = {0};
    for (size_t i = 0; i < AW_LEN(heading); i++)
        if (!strv_add(&cells, heading[i]))
            return false;
    int64_t now = time(NULL);
    for (size_t i = 0; i < n; i++)
        if (!add_row(&cells, &list[i], now))
            return false;
    cli_out_table(&cells, AW_LEN(heading));
    return true;
}

static int print_list(struct cli *c, const struct box_info *list, size_t n)
{
    struct aw_err err = AW_ERR_INIT;
    if (c->args.json) {
        struct json_object *array = json_object_new_array();
        for (size_t i = 0; i < n; i++)
            js_push(array, cli_container_json(&list[i]));
        return cli_print_json(c, array);
    }
    if (c->args.quiet) {
        for (size_t i = 0; i < n; i++)
            puts(list[i].name);
    } else if (!print_table(list, n)) {
        aw_fail(&err, AW_E_NOMEM, 0, "out of memory");
        return cli_fail(c, &err);
    }
    return cli_done(c);
}

int cli_verb_ps(struct cli *c)
{
    struct aw_err err = AW_ERR_INIT;
    struct box_info *list = NULL;
    size_t n = 0;
    _cleanup_store_ struct store *s = cli_open_store(c, NULL, &err);
    if (!s || !box_list(s, &list, &n, &err))
        return cli_fail(c, &err);
    int status = print_list(c, list, n);
    box_list_free(list, n);
    return status;
}
