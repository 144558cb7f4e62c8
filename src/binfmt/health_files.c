/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files say that rules are registered from at the next start.
 *
 * The idea: all of them are read into one list, in the order in which systemd-binfmt, and after it
 * update-binfmts, will register them; then each rule is held against those before it and against
 * the rule of its name that the kernel has now.
 *
 * Invariants:
 * 1. A finding names file and line, so that an editor can be opened there.
 * 2. update-binfmts leaves out what is registered already, so that its database never makes a
 *    second one of a name; and what it has a detector for is registered differently.
 * 3. A rule that is not registered now is no finding: packages bring files that wait for theirs.
 */
#include "binfmt/rule_dirs.h"
#include "binfmt/rule_file.h"
#include "binfmt/spec.h"

#include "base/file.h"

#include <archway/health.h>

#include <dirent.h>
#include <fcntl.h>

#define FILE_LIMIT (1u << 20)

struct source {
    char *where;         /* "FILE:LINE"; owned */
    char *file;          /* owned */
    bool database;       /* update-binfmts': others of its name come first */
    bool detector;       /* the kernel gets another interpreter */
    struct aw_rule rule; /* it */
};

struct sources {
    struct source *v; /* in order of registration */
    size_t n;         /* in use */
};

static void sources_fini(struct sources *s)
{
    for (size_t i = 0; i < s->n; i++) {
        free(s->v[i].where);
        free(s->v[i].file);
    }
    free(s->v);
}
#define _cleanup_sources_ __attribute__((cleanup(sources_fini)))

static struct source *push(struct sources *s, const char *file, unsigned line)
{
    struct source *more = reallocarray(s->v, s->n + 1, sizeof(*more));
    if (!more)
        return NULL;
    s->v = more;
    struct source *x = &s->v[s->n];
    memset(x, 0, sizeof(*x));
    x->where = line ? str_printf("%s:%u", file, line) : strdup(file);
    x->file = strdup(file);
    if (x->where && x->file) {
        s->n++;
        return x;
    }
    free(x->where);
    free(x->file);
    return NULL;
}

/* ---- reading ----------------------------------------------------------------------------------
 */

static void read_rules(struct aw_findings *f, struct sources *s, const char *file)
{
    size_t len, rule_len;
    const char *rule_text;
    struct aw_err err = AW_ERR_INIT;
    _cleanup_free_ char *text = file_load(AT_FDCWD, file, FILE_LIMIT, &len, &err);
    if (!text) {
        aw_findings_add(f, "binfmt.d-unreadable", AW_SEVERITY_WARN, err.mend, "%s", err.message);
        return;
    }
    struct rule_file r = {.rest = text, .left = len};
    while (rule_file_next(&r, &rule_text, &rule_len)) {
        struct aw_rule rule;
        struct source *x;
        if (!aw_rule_parse(rule_text, rule_len, &rule, NULL, &err)) {
            char mend[384];
            snprintf(mend, sizeof(mend), "archway lint %.300s", file);
            aw_findings_add(f, "binfmt.d-invalid", AW_SEVERITY_WARN, mend,
                            "%.200s:%u: %.200s: it will not be registered", file, r.line,
                            err.message);
        } else if ((x = push(s, file, r.line))) {
            x->rule = rule;
        } else {
            f->bad = true;
        }
    }
}

static void read_database(struct aw_findings *f, struct sources *s, const char *root)
{
    struct dirent **list = NULL;
    _cleanup_free_ char *folder = str_printf("%s" SPEC_DATABASE, root);
    int n = folder ? scandir(folder, &list, NULL, alphasort) : -1;
    for (int i = 0; i < n; i++) {
        struct spec spec;
        size_t len;
        _cleanup_free_ char *file = str_printf("%s/%s", folder, list[i]->d_name);
        _cleanup_free_ char *text = file && list[i]->d_name[0] != '.'
                                        ? file_load(AT_FDCWD, file, FILE_LIMIT, &len, NULL)
                                        : NULL;
        struct source *x = NULL;
        if (text && spec_parse(SPEC_DATABASE_ENTRY, list[i]->d_name, text, len, &spec, NULL)) {
            x = push(s, file, 0);
            f->bad |= !x;
        }
        if (x) {
            x->rule = spec.rule;
            x->database = true;
            x->detector = spec.detector[0] != 0;
        }
        free(list[i]);
    }
    free(list);
}

static void read_all(struct aw_findings *f, struct sources *s, const char *root)
{
    struct rule_dirs dirs;
    struct aw_err err = AW_ERR_INIT;
    if (!rule_dirs_list(root, &dirs, &err)) {
        f->bad = true;
        return;
    }
    for (size_t i = 0; i < dirs.files.n; i++)
        read_rules(f, s, dirs.files.v[i]);
    for (size_t i = 0; i < dirs.masked.n; i++)
        aw_findings_add(f, "binfmt.d-masked", AW_SEVERITY_NOTE, NULL,
                        "%.300s does not count: a file of its name stands in an earlier folder",
                        dirs.masked.v[i]);
    rule_dirs_fini(&dirs);
    read_database(f, s, root);
}

/* ---- judging ----------------------------------------------------------------------------------
 */

static size_t rules_in(const struct sources *s, const char *file)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        n += str_eq(s->v[i].file, file);
    return n;
}

static void same_name(struct aw_findings *f, const struct sources *s, const struct source *first,
                      const struct source *later)
{
    char mend[384];
    const char *name = strrchr(later->file, '/') + 1;
    if (later->database) {
        bool differ = !later->detector && !aw_rule_equal(&first->rule, &later->rule);
        snprintf(mend, sizeof(mend), "update-binfmts --remove %.100s %.150s", later->rule.name,
                 later->rule.interpreter);
        if (differ)
            aw_findings_add(f, "binfmt.d-contradicts", AW_SEVERITY_NOTE, mend,
                            "rule %.100s: %.150s and update-binfmts' database have different ones: "
                            "systemd-binfmt comes first",
                            later->rule.name, first->where);
        return;
    }
    if (rules_in(s, later->file) == 1)
        snprintf(mend, sizeof(mend), "ln -s /dev/null /etc/binfmt.d/%.300s", name);
    else
        snprintf(mend, sizeof(mend), "take the rule out of one of the files");
    aw_findings_add(f, "binfmt.d-twice", AW_SEVERITY_WARN, mend,
                    "rule %.100s stands in %.150s and in %.150s: the second one makes "
                    "systemd-binfmt fail",
                    later->rule.name, first->where, later->where);
}

/* The last one registered is asked first. */
static void check_pair(struct aw_findings *f, const struct sources *s, const struct source *first,
                       const struct source *later)
{
    if (str_eq(first->rule.name, later->rule.name)) {
        same_name(f, s, first, later);
        return;
    }
    if (!aw_rule_covers(&later->rule, &first->rule) ||
        str_eq(later->rule.interpreter, first->rule.interpreter))
        return;
    char mend[384];
    snprintf(mend, sizeof(mend), "rename %.300s, so that it comes before %.60s", later->file,
             strrchr(first->file, '/') + 1);
    aw_findings_add(f, "binfmt.d-shadows", AW_SEVERITY_NOTE, mend,
                    "%.150s: rule %.80s matches all that %.80s (%.150s) is for, and will be asked "
                    "first",
                    later->where, later->rule.name, first->rule.name, first->where);
}

static void check_danger(struct aw_findings *f, const struct source *x)
{
    struct aw_lint lint[AW_LINT_MAX];
    size_t n = aw_rule_lint(&x->rule, false, lint);
    for (size_t i = 0; i < n; i++) {
        char mend[384];
        if (lint[i].kind != AW_LINT_HOST_ELF)
            continue;
        snprintf(mend, sizeof(mend), "take rule %.100s out of %.200s before the machine restarts",
                 x->rule.name, x->file);
        aw_findings_add(f, "binfmt.d-host-elf", AW_SEVERITY_ERROR, mend, "%.150s: rule %.100s: %s",
                        x->where, x->rule.name, lint[i].message);
    }
}

static void check_now(struct aw_findings *f, const struct source *x, const struct aw_entry *entries,
                      size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct aw_entry *e = &entries[i];
        if (!e->known || !str_eq(e->rule.name, x->rule.name) || x->detector ||
            aw_rule_equal(&e->rule, &x->rule))
            continue;
        char mend[384];
        snprintf(mend, sizeof(mend),
                 "edit %.200s; or have the file's rule at once: archway import --force %.100s",
                 x->where, x->file);
        aw_findings_add(f, "binfmt.d-differs", AW_SEVERITY_NOTE, mend,
                        "rule %.100s is registered otherwise (interpreter %.120s) than %.150s says "
                        "(%.120s): after a restart that one counts",
                        x->rule.name, e->rule.interpreter, x->where, x->rule.interpreter);
    }
}

void aw_health_files(struct aw_findings *f, const char *root, const struct aw_entry *entries,
                     size_t n)
{
    _cleanup_sources_ struct sources s = {0};
    size_t before = f->n;
    read_all(f, &s, root);
    for (size_t i = 0; i < s.n; i++) {
        bool named = false; /* who comes second of a name is not what counts after a restart */
        for (size_t k = 0; k < i; k++) {
            check_pair(f, &s, &s.v[k], &s.v[i]);
            named |= str_eq(s.v[k].rule.name, s.v[i].rule.name);
        }
        check_danger(f, &s.v[i]);
        if (!named)
            check_now(f, &s.v[i], entries, n);
    }
    if (f->n == before)
        aw_findings_add(f, "binfmt.d", AW_SEVERITY_OK, NULL,
                        "%zu rule%s in files for the next start, none in another's way", s.n,
                        s.n == 1 ? "" : "s");
}
