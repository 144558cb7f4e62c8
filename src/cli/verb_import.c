/* SPDX-License-Identifier: Apache-2.0
 *
 * archway import and archway export: rules from files that others wrote, and for them.
 */
#include "cli/change.h"

#include "base/file.h"
#include "binfmt/rule_file.h"
#include "binfmt/spec.h"
#include "codec/js.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define FILE_LIMIT (1u << 20) /* bytes of a rule file */

/* ---- import -----------------------------------------------------------------------------------
 */

struct importing {
    struct cli *c;
    struct cli_change *change;
    struct aw_err first; /* the first thing that went wrong */
    size_t found;        /* rules, good or not */
};

static void complain(struct importing *m, const struct aw_err *err)
{
    if (m->first.code == AW_OK)
        m->first = *err;
    else
        cli_out_error(&m->c->out, err);
}

static void want(struct importing *m, const struct aw_rule *rule, const char *where,
                 const char *file)
{
    struct aw_err err = AW_ERR_INIT;
    struct plan_want w = {.rule = rule,
                          .platform = "",
                          .persist = m->c->args.persist == CLI_TRUE,
                          .force = m->c->args.force,
                          .exact = true,
                          .own = m->c->args.persist == CLI_TRUE};
    if (plan_install(&m->change->plan, &m->change->now, &w, &err))
        return;
    if (err.code == AW_E_EXIST)
        cli_mend_word(&err, "archway import --force ", file, "");
    aw_context(&err, "%s", where);
    complain(m, &err);
}

static void import_spec(struct importing *m, enum spec_kind kind, const char *text, size_t len,
                        const char *file)
{
    struct spec s;
    struct aw_err err = AW_ERR_INIT;
    const char *slash = strrchr(file, '/');
    m->found++;
    if (!spec_parse(kind, slash ? slash + 1 : file, text, len, &s, &err)) {
        aw_context(&err, "%s", file);
        cli_mend_word(&err, "archway lint ", file, "");
        complain(m, &err);
    } else if (s.detector[0] && !m->c->args.force) {
        aw_fail(&err, AW_E_UNSUPPORTED, 0,
                "%s: its detector %s decides about each file, which the kernel cannot ask", file,
                s.detector);
        cli_mend_word(&err, "leave it to update-binfmts, or archway import --force ", file,
                      ": without detector, for all files that match");
        complain(m, &err);
    } else {
        want(m, &s.rule, file, file);
    }
}

static void import_rules(struct importing *m, const char *text, size_t len, const char *file)
{
    struct rule_file f = {.rest = text, .left = len};
    const char *rule_text;
    size_t rule_len;
    while (rule_file_next(&f, &rule_text, &rule_len)) {
        struct aw_rule rule;
        struct aw_err err = AW_ERR_INIT;
        _cleanup_free_ char *where = str_printf("%s:%u", file, f.line);
        m->found++;
        if (aw_rule_parse(rule_text, rule_len, &rule, NULL, &err)) {
            want(m, &rule, where ? where : file, file);
        } else {
            aw_context(&err, "%s", where);
            complain(m, &err);
        }
    }
}

static void import_file(struct importing *m, const char *path, bool named)
{
    struct aw_err err = AW_ERR_INIT;
    size_t len;
    _cleanup_free_ char *text = file_load(AT_FDCWD, path, FILE_LIMIT, &len, &err);
    if (!text) {
        complain(m, &err);
        return;
    }
    enum spec_kind kind = spec_kind(text, len);
    /* in a folder of binfmt.d's kind the others are notes, and what was put aside */
    if (kind == SPEC_RULES && !named && !str_ends(path, ".conf"))
        aw_log(&m->c->log, AW_LOG_NOTE, "%s: left out, being no .conf and none of update-binfmts'",
               path);
    else if (kind == SPEC_RULES)
        import_rules(m, text, len, path);
    else
        import_spec(m, kind, text, len, path);
}

static int visible(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

/* The files of a folder by name, as those who register from it at boot take them. */
static void import_dir(struct importing *m, const char *path)
{
    struct dirent **list = NULL;
    int n = scandir(path, &list, visible, alphasort);
    if (n < 0) {
        struct aw_err err = AW_ERR_INIT;
        aw_fail(&err, AW_E_IO, errno, "%s", path);
        complain(m, &err);
        return;
    }
    for (int i = 0; i < n; i++) {
        struct stat st;
        _cleanup_free_ char *file = str_printf("%s/%s", path, list[i]->d_name);
        if (file && stat(file, &st) == 0 && S_ISREG(st.st_mode))
            import_file(m, file, false);
        free(list[i]);
    }
    free(list);
}

int cli_verb_import(struct cli *c)
{
    struct aw_err err = AW_ERR_INIT;
    _cleanup_change_ struct cli_change change = {.lock = -1};
    struct importing m = {.c = c, .change = &change, .first = AW_ERR_INIT};
    cli_interrupt_catch();
    if (!cli_change_open(c, CLI_CHANGE_READY, &change, &err) ||
        !cli_change_effective(&change, &err))
        return cli_fail(c, &err);
    for (size_t i = 0; i < c->args.operands.n; i++) {
        struct stat st;
        const char *path = c->args.operands.v[i];
        if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
            import_dir(&m, path);
        else
            import_file(&m, path, true);
    }
    if (!m.found && m.first.code == AW_OK)
        aw_fail(&m.first, AW_E_NOTFOUND, 0, "%s: no rule in it", c->args.operands.v[0]);
    return cli_change_finish(c, &change, &m.first);
}
