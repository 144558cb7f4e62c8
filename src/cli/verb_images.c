/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include "codec/js.h"

#include <time.h>

static struct json_object *image_json(const struct store_image *i)
{
    char platform[PLATFORM_TEXT];
    platform_format(&i->platform, platform);
    struct json_object *o = json_object_new_object();
    js_add_string(o, "name", i->name);
    js_add_string(o, "repository", i->repository);
    js_add_string(o, "tag", i->tag);
    js_add_string(o, "digest", i->digest);
    js_add_string(o, "id", i->id);
    js_add_string(o, "platform", platform);
    js_add_string(o, "created", i->created);
    js_add_u64(o, "fetched", i->fetched);
    js_add_u64(o, "size", i->size);
    js_add_u64(o, "unpacked", i->unpacked);
    js_add_u64(o, "containers", i->n_containers);
    return o;
}

/* "sha256:0123456789ab..." as 0123456789ab. */
static const char *short_digest(const char *digest)
{
    const char *colon = strchr(digest, ':');
    return colon ? colon + 1 : digest;
}

static bool add_row(struct strv *cells, const struct store_image *i, bool digests)
{
    char platform[PLATFORM_TEXT], size[CLI_SIZE_TEXT], ago[CLI_AGO_TEXT];
    platform_format(&i->platform, platform);
    cli_out_size(i->size, size);
    cli_out_ago((int64_t)time(NULL) - (int64_t)i->fetched, ago);
    return strv_add(cells, i->repository) && strv_add(cells, i->tag) &&
           (!digests || strv_add(cells, i->digest[0] ? i->digest : "<none>")) &&
           strv_add(cells, platform) && strv_addf(cells, "%.12s", short_digest(i->id)) &&
           strv_add(cells, ago) && strv_add(cells, size);
}

static bool print_table(const struct store_images *list, bool digests)
{
    static const char *const heading[] = {"REPOSITORY", "TAG",     "DIGEST", "PLATFORM",
                                          "ID",         "FETCHED", "SIZE"};
    _cleanup_strv_ struct strv cells = {0};
    for (size_t i = 0; i < AW_LEN(heading); i++)
        if ((digests || !str_eq(heading[i], "DIGEST")) && !strv_add(&cells, heading[i]))
            return false;
    for (size_t i = 0; i < list->n; i++)
        if (!add_row(&cells, &list->v[i], digests))
            return false;
    cli_out_table(&cells, AW_LEN(heading) - !digests);
    return true;
}

static int print_list(struct cli *c, const struct store_images *list)
{
    struct aw_err err = AW_ERR_INIT;
    if (c->args.json) {
        struct json_object *array = json_object_new_array();
        for (size_t i = 0; i < list->n; i++)
            js_push(array, image_json(&list->v[i]));
        return cli_print_json(c, array);
    }
    if (c->args.quiet) {
        for (size_t i = 0; i < list->n; i++)
            puts(list->v[i].id);
    } else if (!print_table(list, c->args.digests)) {
        aw_fail(&err, AW_E_NOMEM, 0, "out of memory");
        return cli_fail(c, &err);
    }
    return cli_done(c);
}

int cli_verb_images(struct cli *c)
{
    struct aw_err err = AW_ERR_INIT;
    struct store_images list = {0};
    _cleanup_store_ struct store *s = cli_open_store(c, NULL, &err);
    if (!s || !store_list(s, &list, &err))
        return cli_fail(c, &err);
    int status = print_list(c, &list);
    store_images_fini(&list);
    return status;
}
