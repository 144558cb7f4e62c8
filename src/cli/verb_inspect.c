/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include "codec/js.h"

/* NULL, and err untouched, when no container has that name or id. */
static struct json_object *find_container(const struct box_info *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(list[i].name, name) || str_eq(list[i].id, name))
            return cli_container_json(&list[i]);
    /* the beginning of an id, where it fits one only */
    const struct box_info *found = NULL;
    for (size_t i = 0; i < n && strlen(name) >= 4; i++)
        if (str_starts(list[i].id, name)) {
            if (found)
                return NULL;
            found = &list[i];
        }
    return found ? cli_container_json(found) : NULL;
}

static struct json_object *find(struct cli *c, struct store *s, const char *name,
                                struct aw_err *err)
{
    const char *type = c->args.type;
    if (!type || str_eq(type, "container")) {
        struct box_info *list;
        size_t n;
        if (!box_list(s, &list, &n, err))
            return NULL;
        struct json_object *o = find_container(list, n, name);
        box_list_free(list, n);
        if (o)
            return o;
        if (type) {
            aw_fail(err, AW_E_NOTFOUND, 0, "no running container \"%s\"", name);
            aw_mend(err, "archway ps");
            return NULL;
        }
    }
    return store_inspect(s, name, c->args.has_platform ? &c->args.platform : NULL, err);
}

int cli_verb_inspect(struct cli *c)
{
    struct aw_err err = AW_ERR_INIT;
    int status = 0;
    _cleanup_store_ struct store *s = cli_open_store(c, NULL, &err);
    if (!s)
        return cli_fail(c, &err);
    struct json_object *array = json_object_new_array();
    for (size_t i = 0; i < c->args.operands.n; i++) {
        struct json_object *o = find(c, s, c->args.operands.v[i], &err);
        if (o)
            js_push(array, o);
        else
            status = cli_fail(c, &err);
    }
    int done = cli_print_json(c, array);
    return status ? status : done;
}
