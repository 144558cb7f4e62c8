/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/doctor.h"
#include "cli/formats.h"

/* The formats that rules of archway-format's are there for. */
static unsigned registered(const struct cli_rules *r)
{
    unsigned set = 0;
    for (size_t i = 0; i < r->n; i++) {
        const char *names;
        if (r->entries[i].enabled && cli_formats_ours(&r->entries[i].rule, &names))
            set |= format_set_parse(names);
    }
    /* comes with other formats, and needs nothing but a shell */
    return set & ~FORMAT_BIT(FORMAT_APE);
}

/* What runs the kinds of a format; names of programs that containers must have themselves. */
static size_t survey(struct cli *c, const struct format_users *users, enum format_id id,
                     struct buf *unheld, const char **ret_package)
{
    size_t found = 0;
    for (enum format_kind k = KIND_NONE + 1; k < KIND_N; k++) {
        const struct format_kind_row *kind = format_kind_at(k);
        _cleanup_free_ char *path = kind->format == id ? cli_formats_find(c, users, kind) : NULL;
        if (kind->format == id && kind->package && !*ret_package)
            *ret_package = kind->package;
        if (!path)
            continue;
        const char *base = strrchr(path, '/') + 1;
        if (!cli_formats_held(path) && !strstr(buf_str(unheld), base))
            buf_addf(unheld, "%s%s", unheld->len ? ", " : "", base);
        found++;
    }
    return found;
}

void doctor_formats(struct cli *c, struct aw_findings *f, const struct cli_rules *r)
{
    struct aw_err err = AW_ERR_INIT;
    struct format_users users = {0};
    _cleanup_buf_ struct buf unheld = {0};
    unsigned set = registered(r);
    if (!cli_formats_load(c, &users, &err))
        aw_findings_add(f, "formats-file", AW_SEVERITY_WARN, "mend that file", "%s", err.message);
    for (enum format_id id = 0; id < FORMAT_N; id++) {
        const char *package = NULL;
        if (!(set & FORMAT_BIT(id)) || survey(c, &users, id, &unheld, &package))
            continue;
        _cleanup_free_ char *mend = package
                                        ? str_printf("apt install %s", package)
                                        : str_printf("archway uninstall %s", format_at(id)->name);
        aw_findings_add(f, "format", AW_SEVERITY_WARN, mend,
                        "%s: there is a rule for %s, and nothing here runs them",
                        format_at(id)->name, format_at(id)->text);
    }
    if (unheld.len)
        aw_findings_add(f, "format-containers", AW_SEVERITY_NOTE, NULL,
                        "containers must have these themselves, on their PATH, to run their "
                        "programs: %.300s (dynamically linked or scripts: flag F cannot hold them)",
                        buf_str(&unheld));
    format_users_fini(&users);
}
