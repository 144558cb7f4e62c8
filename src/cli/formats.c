/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules for formats: which are wanted, where their interpreter stands, whose rules they meet.
 *
 * The idea: all rules have one interpreter, archway-format, by a link whose name tells which
 * formats the rule was asked for: "formats/dos+wine". The kernel hands that name over, so the
 * program knows, wherever it runs, without reading a file. docs/decisions has why.
 *
 * Invariants:
 * 1. One rule is planned once for all formats asked for: plans are made from what is there.
 * 2. Rules of others are left as they are; where ours are in front of them, that is said.
 * 3. A format that nothing here runs is refused, but with --force: containers may have what runs
 * it.
 */
#include "cli/formats.h"

#include "base/file.h"
#include "binfmt/elf.h"

#include <archway/survey.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define SYSTEM_FILE "/etc/archway/formats.conf"
#define EVERYTHING "formats"
#define PREFIX "archway-"

bool cli_formats_load(struct cli *c, struct format_users *ret, struct aw_err *err)
{
    const char *xdg = getenv("XDG_CONFIG_HOME");
    _cleanup_free_ char *own = xdg && xdg[0] == '/' ? str_printf("%s/archway/formats.conf", xdg)
                               : c->env.home
                                   ? str_printf("%s/.config/archway/formats.conf", c->env.home)
                                   : NULL;
    return (!own || format_users_load(own, ret, err)) && format_users_load(SYSTEM_FILE, ret, err);
}

bool cli_formats_known(const struct format_users *users, const char *word)
{
    return str_eq(word, EVERYTHING) || format_find(word) != FORMAT_N ||
           format_users_find(users, word) != NULL;
}

bool cli_formats_mean(const char *operand, const char *rule)
{
    const struct format_rule *r;
    enum format_id id = format_find(operand);
    for (size_t i = 0; (r = format_rule_at(i)); i++)
        if (str_eq(r->name, rule) && format_rule_serves(r, id))
            return true;
    return id == FORMAT_N && str_starts(rule, PREFIX) && str_eq(rule + strlen(PREFIX), operand);
}

/* ---- what runs them ---------------------------------------------------------------------------
 */

static char *find_one(struct cli *c, const char *command)
{
    static const struct format_verdict any = {.version = ""};
    _cleanup_free_ char *program = format_command_program(command + (*command == '@'), &any);
    /* which version is wanted only the file tells */
    return program ? format_find_program(program, c->env.path, -1) : NULL;
}

static char *find_in(struct cli *c, const struct strv *commands)
{
    char *path = NULL;
    for (size_t i = 0; i < commands->n && !path; i++)
        path = find_one(c, commands->v[i]);
    return path;
}

char *cli_formats_find(struct cli *c, const struct format_users *users,
                       const struct format_kind_row *kind)
{
    const char *names[] = {kind->word, format_at(kind->format)->name};
    char *path = NULL;
    for (size_t i = 0; i < AW_LEN(names) && !path; i++) {
        const struct format_user *u = format_users_find(users, names[i]);
        path = u ? find_in(c, &u->commands) : NULL;
    }
    for (const char *const *command = kind->commands; *command && !path; command++)
        path = find_one(c, *command);
    return path;
}

bool cli_formats_held(const char *path)
{
    struct elf_info elf = {.kind = ELF_NONE};
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        elf_look(fd, &elf);
    return elf.kind == ELF_STATIC;
}

/* Interpreters are looked up where a program runs. Those that the kernel could not hold open for
 * containers are collected, to be named once. */
static bool add_unheld(struct strv *unheld, const char *path)
{
    const char *base = strrchr(path, '/') + 1;
    return cli_formats_held(path) || strv_has(unheld, base) || strv_add(unheld, base);
}

static void warn_unheld(struct cli *c, const struct strv *unheld)
{
    _cleanup_buf_ struct buf names = {0};
    for (size_t i = 0; i < unheld->n; i++)
        buf_addf(&names, "%s%s", i ? ", " : "", unheld->v[i]);
    if (unheld->n)
        aw_log(&c->log, AW_LOG_WARN,
               "dynamically linked or a script, so the kernel cannot hold it open for containers "
               "(flag F): %s. A container that runs such programs must have it itself, on its PATH",
               buf_str(&names));
}

static void add_commands(struct buf *b, const char *const *commands)
{
    static const struct format_verdict any = {.version = ""};
    for (; *commands; commands++) {
        _cleanup_free_ char *p = format_command_program(*commands + (**commands == '@'), &any);
        buf_addf(b, "%s%s", b->len ? ", " : "", p ? p : "?");
    }
}

/* Tell of each kind of a format what runs it. False: of none is anything there. */
static bool survey(struct cli *c, const struct format_users *users, enum format_id id,
                   struct strv *unheld, struct aw_err *err)
{
    size_t found = 0;
    const char *package = NULL;
    _cleanup_buf_ struct buf tried = {0};
    for (enum format_kind k = KIND_NONE + 1; k < KIND_N; k++) {
        const struct format_kind_row *kind = format_kind_at(k);
        if (kind->format != id)
            continue;
        _cleanup_free_ char *path = cli_formats_find(c, users, kind);
        found += path != NULL;
        package = package ? package : kind->package;
        if (path && !add_unheld(unheld, path))
            return aw_fail(err, AW_E_NOMEM, 0, "no memory");
        if (tried.len == 0)
            add_commands(&tried, kind->commands);
    }
    for (enum format_kind k = KIND_NONE + 1; found && k < KIND_N; k++) {
        const struct format_kind_row *kind = format_kind_at(k);
        _cleanup_buf_ struct buf missing = {0};
        _cleanup_free_ char *path = kind->format == id ? cli_formats_find(c, users, kind) : NULL;
        if (kind->format != id || path)
            continue;
        add_commands(&missing, kind->commands);
        aw_log(&c->log, AW_LOG_WARN, "%s: nothing here runs %s (%s)%s%s", format_at(id)->name,
               kind->text, buf_str(&missing), kind->package ? ": sudo apt install " : "",
               kind->package ? kind->package : "");
    }
    if (found)
        return true;
    aw_fail(err, AW_E_NOTFOUND, 0, "%s: nothing here runs %s (looked for: %s)", format_at(id)->name,
            format_at(id)->text, buf_str(&tried));
    return package ? aw_mend(err,
                             "sudo apt install %s; or archway install --force %s, for containers "
                             "that have it",
                             package, format_at(id)->name)
                   : aw_mend(err, "archway install --force %s, for containers that have it",
                             format_at(id)->name);
}

/* ---- links ------------------------------------------------------------------------------------
 */

static char *links_dir(const struct cli_change *r)
{
    const char *slash = strrchr(r->file, '/');
    return str_printf("%.*s/formats", slash ? (int)(slash - r->file) : 0, r->file);
}

/* The link of that name, in fresh memory; made unless this is a dry run. */
static char *make_link(struct cli *c, const struct cli_change *r, const char *name,
                       struct aw_err *err)
{
    char now[4096];
    _cleanup_free_ char *dir = links_dir(r);
    char *path = dir ? str_printf("%s/%s", dir, name) : NULL;
    if (!path) {
        aw_fail(err, AW_E_NOMEM, 0, "path of archway-format's links");
        return NULL;
    }
    if (c->args.dry_run)
        return path;
    ssize_t n = readlink(path, now, sizeof(now) - 1);
    now[n > 0 ? n : 0] = 0;
    if (str_eq(now, c->env.format))
        return path;
    if (file_mkdirs(AT_FDCWD, dir, 0755, err)) {
        unlink(path);
        if (symlink(c->env.format, path) == 0)
            return path;
        aw_fail(err, AW_E_IO, errno, "link %s", path);
    }
    free(path);
    return NULL;
}

void cli_formats_tidy(struct cli *c, const struct cli_change *r)
{
    _cleanup_free_ char *dir = r->file && !c->args.dry_run ? links_dir(r) : NULL;
    DIR *d = dir ? opendir(dir) : NULL;
    struct dirent *e;
    while (d && (e = readdir(d))) {
        _cleanup_free_ char *path = str_printf("%s/%s", dir, e->d_name);
        bool used = !path;
        for (size_t i = 0; i < r->now.records.n && !used; i++)
            used = str_eq(r->now.records.v[i].path, path);
        if (!used)
            unlinkat(dirfd(d), e->d_name, 0);
    }
    if (d)
        closedir(d);
    if (dir)
        rmdir(dir);
}

bool cli_formats_ours(const struct aw_rule *rule, const char **ret_set)
{
    const char *slash = strrchr(rule->interpreter, '/');
    bool ours = str_starts(rule->name, PREFIX) && slash && slash - rule->interpreter > 8 &&
                strncmp(slash - 8, "/formats", 8) == 0;
    if (ours)
        *ret_set = slash + 1;
    return ours;
}

/* ---- rules ------------------------------------------------------------------------------------
 */

/* "dos+wine" or "dos,wine" */
static bool set_text(unsigned set, char sep, char *ret, size_t size)
{
    size_t len = 0;
    ret[0] = 0;
    for (enum format_id id = 0; id < FORMAT_N; id++)
        if (set & FORMAT_BIT(id))
            len += (size_t)snprintf(ret + len, len < size ? size - len : 0, "%.*s%s", len > 0, &sep,
                                    format_at(id)->name);
    return len < size;
}

static void fill_rule(const struct format_rule *row, struct aw_rule *ret)
{
    memset(ret, 0, sizeof(*ret));
    snprintf(ret->name, sizeof(ret->name), "%s", row->name);
    ret->flags = AW_RULE_P | AW_RULE_F;
    if (row->extension) {
        ret->type = AW_RULE_EXTENSION;
        snprintf(ret->extension, sizeof(ret->extension), "%s", row->extension);
        return;
    }
    ret->type = AW_RULE_MAGIC;
    ret->offset = row->offset;
    ret->magic_len = row->len;
    memcpy(ret->magic, row->magic, row->len);
    memcpy(ret->mask, row->mask, row->len);
    for (size_t i = 0; i < row->len; i++)
        ret->has_mask |= row->mask[i] != 0;
}

static void fill_user(const struct format_user *u, struct aw_rule *ret)
{
    memset(ret, 0, sizeof(*ret));
    snprintf(ret->name, sizeof(ret->name), PREFIX "%s", u->name);
    ret->flags = AW_RULE_P | AW_RULE_F;
    if (u->extension) {
        ret->type = AW_RULE_EXTENSION;
        snprintf(ret->extension, sizeof(ret->extension), "%s", u->extension);
        return;
    }
    ret->type = AW_RULE_MAGIC;
    ret->offset = u->offset;
    ret->magic_len = u->magic_len;
    memcpy(ret->magic, u->magic, u->magic_len);
    memcpy(ret->mask, u->mask, u->mask_len);
    ret->has_mask = u->mask_len != 0;
}

/* Rules of others for the same files. WSL's is how Windows programs start there at all. */
static bool meet_others(struct cli *c, const struct cli_change *r, const struct aw_rule *rule,
                        struct aw_err *err)
{
    for (size_t i = 0; i < r->now.n; i++) {
        const struct aw_entry *e = &r->now.entries[i];
        if (!e->known || !e->enabled || e->rule.type != rule->type || plan_owns(&r->now, e) ||
            str_starts(e->rule.name, rule->name) || !aw_rule_overlaps(&e->rule, rule))
            continue;
        if (str_starts(e->rule.name, "WSLInterop") && !c->args.force) {
            aw_fail(err, AW_E_EXIST, 0,
                    "rule %s hands Windows programs to Windows itself, and %s "
                    "would take them from it",
                    e->rule.name, rule->name);
            return aw_mend(err, "archway install --force, if that is wanted");
        }
        aw_log(&c->log, AW_LOG_WARN,
               "rule %s (%s) is for the same files and is kept; %s wins, being newer", e->rule.name,
               e->rule.interpreter, rule->name);
    }
    return true;
}

struct plan_how {
    const char *link;     /* name of the link to archway-format */
    const char *platform; /* for the record */
    bool persist;         /* likewise */
};

static bool keeps(struct cli *c, const struct cli_change *r)
{
    return c->args.persist == CLI_UNSET ? r->place != CLI_PLACE_NAMESPACE
                                        : c->args.persist == CLI_TRUE;
}

static bool plan_rule(struct cli *c, struct cli_change *r, struct aw_rule *rule,
                      const struct plan_how *how, struct aw_err *err)
{
    _cleanup_free_ char *path = make_link(c, r, how->link, err);
    struct plan_want want = {
        .rule = rule, .platform = how->platform, .persist = how->persist, .force = c->args.force};
    if (!path)
        return false;
    /* a dry run makes no link, and a rule without its interpreter would be refused */
    const char *there = c->args.dry_run && access(path, X_OK) < 0 ? c->env.format : path;
    snprintf(rule->interpreter, sizeof(rule->interpreter), "%s", there);
    return plan_install(&r->plan, &r->now, &want, err);
}

static bool plan_row(struct cli *c, struct cli_change *r, const struct format_rule *row,
                     unsigned set, bool persist, struct aw_err *err)
{
    struct aw_rule rule;
    char link[256], platform[256];
    struct plan_how how = {.link = link, .platform = platform, .persist = persist};
    if (!set_text(set | row->implied, '+', link, sizeof(link)) ||
        !set_text(set, ',', platform, sizeof(platform)))
        return aw_fail(err, AW_E_LIMIT, 0, "rule %s: too many formats", row->name);
    fill_rule(row, &rule);
    return plan_rule(c, r, &rule, &how, err);
}

/* Formats of the row that its rule has been asked for so far. */
static unsigned recorded(const struct cli_change *r, const struct format_rule *row)
{
    const struct record *rec = records_find(&r->now.records, row->name);
    return rec ? format_set_parse(rec->platform) : 0;
}

static unsigned row_set(const struct format_rule *row, unsigned wanted)
{
    unsigned set = 0;
    for (enum format_id id = 0; id < FORMAT_N; id++)
        if (format_rule_serves(row, id))
            set |= wanted & FORMAT_BIT(id);
    return set;
}

static bool plan_wanted(struct cli *c, struct cli_change *r, unsigned wanted, struct aw_err *err)
{
    const struct format_rule *row;
    for (size_t i = 0; (row = format_rule_at(i)); i++) {
        struct aw_rule rule;
        unsigned set = row_set(row, wanted);
        if (!set)
            continue;
        fill_rule(row, &rule);
        if (!meet_others(c, r, &rule, err) ||
            !plan_row(c, r, row, set | recorded(r, row), keeps(c, r), err))
            return false;
    }
    return true;
}

static bool plan_user(struct cli *c, struct cli_change *r, const struct format_user *u,
                      struct strv *unheld, struct aw_err *err)
{
    struct aw_rule rule;
    _cleanup_free_ char *path = find_in(c, &u->commands);
    if (!path && !c->args.force) {
        _cleanup_buf_ struct buf tried = {0};
        add_commands(&tried, (const char *const *)u->commands.v);
        aw_fail(err, AW_E_NOTFOUND, 0, "%s: nothing here runs it (looked for: %s)", u->name,
                buf_str(&tried));
        return u->package ? aw_mend(err, "sudo apt install %s", u->package)
                          : aw_mend(err, "archway install --force %s", u->name);
    }
    if (path && !add_unheld(unheld, path))
        return aw_fail(err, AW_E_NOMEM, 0, "no memory");
    fill_user(u, &rule);
    struct plan_how how = {.link = u->name, .platform = u->name, .persist = keeps(c, r)};
    return meet_others(c, r, &rule, err) && plan_rule(c, r, &rule, &how, err);
}

/* Every format that something here runs. */
static unsigned all_found(struct cli *c, const struct format_users *users)
{
    unsigned set = 0;
    for (enum format_kind k = KIND_NONE + 1; k < KIND_N; k++) {
        const struct format_kind_row *kind = format_kind_at(k);
        _cleanup_free_ char *path =
            kind->format != FORMAT_N ? cli_formats_find(c, users, kind) : NULL;
        if (path)
            set |= FORMAT_BIT(kind->format);
    }
    return set;
}

bool cli_formats_install(struct cli *c, struct cli_change *r, const struct format_users *users,
                         const struct strv *names, struct aw_err *err)
{
    unsigned wanted = 0;
    _cleanup_strv_ struct strv unheld = {0};
    if (names->n == 0)
        return true;
    if (!c->env.format) {
        aw_fail(err, AW_E_NOTFOUND, 0, "archway-format is not installed");
        return aw_mend(err, "make install");
    }
    for (size_t i = 0; i < names->n; i++) {
        const struct format_user *u = format_users_find(users, names->v[i]);
        enum format_id id = format_find(names->v[i]);
        if (str_eq(names->v[i], EVERYTHING))
            wanted |= all_found(c, users);
        else if (id != FORMAT_N)
            wanted |= FORMAT_BIT(id);
        else if (!u || u->built_in)
            return aw_fail(err, AW_E_ARG, 0, "%s is no format that can be installed", names->v[i]);
        else if (!plan_user(c, r, u, &unheld, err))
            return false;
    }
    for (enum format_id id = 0; id < FORMAT_N; id++)
        if ((wanted & FORMAT_BIT(id)) && !survey(c, users, id, &unheld, err) && !c->args.force)
            return false;
    if (err)
        *err = (struct aw_err)AW_ERR_INIT;
    warn_unheld(c, &unheld);
    return plan_wanted(c, r, wanted, err);
}

bool cli_formats_uninstall(struct cli *c, struct cli_change *r, const struct strv *names,
                           bool *ret_found, struct aw_err *err)
{
    unsigned gone = 0;
    const struct format_rule *row;
    *ret_found = false;
    for (size_t i = 0; i < names->n; i++)
        gone |= format_set_parse(names->v[i]);
    for (size_t i = 0; (row = format_rule_at(i)); i++) {
        const struct record *rec = records_find(&r->now.records, row->name);
        unsigned had = recorded(r, row), left = had & ~gone;
        if (!rec || left == had)
            continue;
        *ret_found = true;
        if (!left)
            plan_uninstall(&r->plan, &r->now, rec);
        else if (!plan_row(c, r, row, left, rec->persist, err))
            return false;
    }
    return true;
}
