/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "cli/doc.h"
#include "cli/parse.h"

#include <archway/instance.h>

#include <sys/stat.h>

/* Docker's users type debian, not docker.io/library/debian. */
static const char *short_name(const char *name)
{
    static const char *const prefixes[] = {"docker.io/library/", "docker.io/"};
    for (size_t i = 0; i < AW_LEN(prefixes); i++)
        if (str_starts(name, prefixes[i]))
            return name + strlen(prefixes[i]);
    return name;
}

static void print_name(const char *name)
{
    _cleanup_buf_ struct buf safe = {0};
    cli_out_safe(&safe, name);
    puts(buf_str(&safe));
}

static int complete_rules(void)
{
    struct aw_entry *entries = NULL;
    size_t n = 0;
    struct aw_instance *inst = aw_instance_open_host(NULL);
    bool good = inst && aw_instance_list(inst, &entries, &n, NULL);
    for (size_t i = 0; i < n; i++)
        print_name(entries[i].rule.name);
    free(entries);
    aw_instance_close(inst);
    return !good;
}

/* Silent where something fails: the user is in the middle of a line. */
static int complete(struct cli *c, const char *kind)
{
    struct aw_err err = AW_ERR_INIT;
    struct stat st;
    if (str_eq(kind, "rules"))
        return complete_rules();
    _cleanup_free_ char *path = cli_env_storage(&c->env, NULL, &err);
    if (!path || stat(path, &st) != 0)
        return 0; /* nothing was ever pulled: do not make a store for a key press */
    _cleanup_store_ struct store *s = cli_open_store(c, NULL, &err);
    if (!s)
        return 1;
    if (str_eq(kind, "images")) {
        struct store_images list = {0};
        if (!store_list(s, &list, &err))
            return 1;
        for (size_t i = 0; i < list.n; i++)
            if (i == 0 || !str_eq(list.v[i].name, list.v[i - 1].name))
                print_name(short_name(list.v[i].name));
        store_images_fini(&list);
    } else {
        struct box_info *list;
        size_t n;
        if (!box_list(s, &list, &n, &err))
            return 1;
        for (size_t i = 0; i < n; i++)
            print_name(list[i].name);
        box_list_free(list, n);
    }
    return 0;
}

static void print_options(const struct cli_verb *verb)
{
    for (const struct cli_option *o = cli_options; o->name; o++) {
        if (!cli_has_option(verb, o))
            continue;
        char letter[] = {o->letter ? o->letter : '-', 0};
        printf("%s\t%s\t%s\t%s\t%s\n", verb ? verb->name : "-", o->name, letter,
               o->value ? "value" : "flag", o->how == CLI_REFUSE ? "refused" : "known");
    }
}

static void print_json_rows(void)
{
    for (size_t i = 0; i < CLI_N_VERBS; i++)
        for (const struct cli_json *j = cli_json; j->path; j++)
            if (j->verbs >> i & 1)
                printf("%s\t%s\t%s\t%s\n", cli_verbs[i].name, j->path, cli_json_type_name(j->type),
                       j->when ? j->when : "-");
}

static int doc(int argc, char **argv)
{
    const char *what = argc > 2 ? argv[2] : "", *arg = argc > 3 ? argv[3] : NULL;
    if (str_eq(what, "man")) {
        const struct cli_verb *verb = arg ? cli_find_verb(arg) : NULL;
        if (arg && !verb)
            return 2;
        cli_doc_man(stdout, verb);
    } else if (str_eq(what, "completion") && arg) {
        if (!cli_doc_completion(stdout, arg))
            return 2;
    } else if (str_eq(what, "verbs")) {
        for (size_t i = 0; i < CLI_N_VERBS; i++)
            puts(cli_verbs[i].name);
    } else if (str_eq(what, "json")) {
        print_json_rows();
    } else if (str_eq(what, "options")) {
        print_options(NULL);
        for (size_t i = 0; i < CLI_N_VERBS; i++)
            print_options(&cli_verbs[i]);
    } else {
        return 2;
    }
    return 0;
}

int cli_doc_hidden(struct cli *c, int argc, char **argv)
{
    int status = 2;
    cli_out_init(&c->out, true, false, false);
    if (str_eq(argv[1], "__doc"))
        status = doc(argc, argv);
    else if (str_eq(argv[1], "__complete") && argc == 3)
        status = complete(c, argv[2]);
    return status ? status : cli_done(c);
}
