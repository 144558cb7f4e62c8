/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include "codec/js.h"

static int print_json(struct cli *c, const struct store_pruned *p)
{
    struct json_object *o = json_object_new_object();
    js_add_u64(o, "bytes", p->bytes);
    js_add_u64(o, "images", p->images);
    js_add_u64(o, "blobs", p->blobs);
    js_add_u64(o, "layers", p->layers);
    js_add_u64(o, "containers", p->containers);
    js_add_u64(o, "staging", p->staging);
    return cli_print_json(c, o);
}

static int print_text(struct cli *c, const struct store_pruned *p)
{
    const struct {
        size_t n;
        const char *one, *many;
    } rows[] = {
        {p->images, "image", "images"},
        {p->blobs, "blob", "blobs"},
        {p->layers, "unpacked layer", "unpacked layers"},
        {p->containers, "dead container", "dead containers"},
        {p->staging, "interrupted pull", "interrupted pulls"},
    };
    char size[CLI_SIZE_TEXT];
    for (size_t i = 0; i < AW_LEN(rows); i++)
        if (rows[i].n)
            printf("removed %zu %s\n", rows[i].n, rows[i].n == 1 ? rows[i].one : rows[i].many);
    cli_out_size(p->bytes, size);
    printf("freed %s\n", size);
    return cli_done(c);
}

int cli_verb_prune(struct cli *c)
{
    struct aw_err err = AW_ERR_INIT;
    struct store_wait wait = {.log = &c->log, .cancelled = cli_interrupted};
    struct store_pruned pruned = {0};
    cli_interrupt_catch();
    _cleanup_store_ struct store *s = cli_open_store(c, NULL, &err);
    if (!s || !store_prune(s, c->args.all, &wait, &pruned, &err))
        return cli_fail(c, &err);
    cli_out_clear(&c->out);
    if (c->args.json)
        return print_json(c, &pruned);
    return c->args.quiet ? cli_done(c) : print_text(c, &pruned);
}
