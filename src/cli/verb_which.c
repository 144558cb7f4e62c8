/* SPDX-License-Identifier: Apache-2.0
 *
 * What the kernel would do with a file: the chain of rules and #! lines, or why it would not run.
 */
#include "cli/formats.h"
#include "cli/rules.h"

#include "base/file.h"
#include "base/spawn.h"
#include "binfmt/elf.h"

#include <archway/match.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define OVERFLOW_ID 65534 /* stands for ids that are not mapped */

struct which {
    struct cli *c;                    /* for printing */
    struct cli_rules rules;           /* none if binfmt_misc is not mounted */
    char *path;                       /* what is executed */
    int root;                         /* --root, open; -1: the caller's own */
    bool setuid;                      /* it has a setuid or setgid bit */
    bool nosuid;                      /* which do not count on its mount */
    bool unmapped;                    /* nor here: its owner is not of this user namespace */
    struct elf_info elf;              /* what it is, if an ELF file */
    const struct aw_arch *arch;       /* its architecture, or NULL */
    char *no_loader;                  /* the loader that an emulator would miss, or NULL */
    struct aw_match match;            /* the chain */
    bool asked;                       /* format counts */
    bool ours;                        /* it counts for running: archway-format gets the file */
    struct cli_formats_answer format; /* what archway-format would do with the file */
};

static int open_file(const struct which *w, const char *path, int flags)
{
    if (w->root < 0)
        return open(path, flags | O_CLOEXEC);
    return file_openat2(w->root, path, flags | O_CLOEXEC, 0, RESOLVE_IN_ROOT);
}

/* A name without a slash that is no file here is looked up as a shell does. */
static char *find_path(const struct which *w, const char *name)
{
    static const char *const usual[] = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
                                        "/usr/bin",        "/sbin",          "/bin"};
    _cleanup_close_ int here = open_file(w, name, O_PATH);
    if (here >= 0 || strchr(name, '/'))
        return strdup(name);
    char *found = w->root < 0 ? spawn_find(name, w->c->env.path) : NULL;
    for (size_t i = 0; !found && w->root >= 0 && i < AW_LEN(usual); i++) {
        _cleanup_free_ char *path = str_printf("%s/%s", usual[i], name);
        _cleanup_close_ int fd = path ? open_file(w, path, O_PATH) : -1;
        if (fd >= 0)
            found = AW_STEAL(path);
    }
    return found ? found : strdup(name);
}

/* What the file itself tells; nothing of it decides whether it runs. */
static void look(struct which *w)
{
    struct stat st;
    struct statvfs fs;
    uint8_t head[AW_ARCH_HEADER] = {0};
    _cleanup_close_ int fd = open_file(w, w->path, O_RDONLY | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return;
    /* a setgid bit without x for the group means another thing */
    bool setgid = (st.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP);
    w->setuid = (st.st_mode & S_ISUID) || setgid;
    w->nosuid = fstatvfs(fd, &fs) == 0 && (fs.f_flag & ST_NOSUID);
    w->unmapped =
        !aw_instance_in_initial_ns() && (((st.st_mode & S_ISUID) && st.st_uid == OVERFLOW_ID) ||
                                         (setgid && st.st_gid == OVERFLOW_ID));
    if (pread(fd, head, sizeof(head), 0) <= 0)
        return;
    w->arch = aw_arch_find_elf(head, sizeof(head));
    elf_look(fd, &w->elf);
    if (!w->arch || aw_arch_native(w->arch) || w->elf.kind != ELF_DYNAMIC)
        return;
    _cleanup_close_ int loader = open_file(w, w->elf.loader, O_PATH);
    if (loader < 0)
        w->no_loader = strdup(w->elf.loader);
}

/* A format beyond ELF: what comes behind the kernel's part, or what could be installed. */
static bool ask_format(struct which *w, struct aw_err *err)
{
    struct format_users users = {0};
    const struct aw_match *m = &w->match;
    struct aw_entry e = {.known = false};
    const char *set = NULL;
    for (size_t i = 0; i < m->n_steps && !w->ours; i++)
        w->ours = m->steps[i].kind == AW_STEP_RULE &&
                  aw_snapshot_entry(w->rules.snapshot, m->steps[i].rule, &e, NULL) &&
                  cli_formats_ours(&e.rule, &set);
    if (!w->ours && m->why != AW_WHY_NO_FORMAT)
        return true;
    w->asked = true;
    bool ok = cli_formats_load(w->c, &users, err) &&
              cli_formats_ask(w->c, &users, set, w->path, w->root, &w->format);
    format_users_fini(&users);
    return ok;
}

/* Why archway-format would refuse the file, or NULL. */
static const char *refusal(const struct which *w)
{
    return w->ours && w->match.why == AW_WHY_RUNS && w->format.reason[0] ? w->format.reason : NULL;
}

static bool walk(struct which *w, struct aw_err *err)
{
    struct strv *operands = &w->c->args.operands;
    free(operands->v[0]);
    operands->v[0] = strdup(w->path);
    if (!operands->v[0])
        return aw_fail(err, AW_E_NOMEM, 0, "out of memory");
    struct aw_match_request request = {
        .snapshot = w->rules.snapshot,
        .enabled = w->rules.enabled,
        .rootfd = w->root,
        .path = w->path,
        .argv = (const char *const *)operands->v,
    };
    look(w);
    return aw_match(&request, &w->match, err) && ask_format(w, err);
}

static const char *credentials(const struct which *w)
{
    if (!w->setuid)
        return NULL;
    for (size_t i = 0; i < w->match.n_steps; i++)
        if (w->match.steps[i].kind == AW_STEP_SCRIPT)
            return "setuid and setgid bits do not count for scripts";
    bool rule = w->match.n_steps > 0 && w->match.steps[0].kind == AW_STEP_RULE;
    if (rule && !(w->match.flags & AW_RULE_C))
        return "setuid and setgid bits do not count: the rule lacks flag C";
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
        return "setuid and setgid bits do not count: who asks runs with no_new_privs";
    if (w->nosuid)
        return "setuid and setgid bits do not count: the file system is mounted nosuid";
    if (w->unmapped)
        return "setuid and setgid bits do not count: the owner has no number in this user "
               "namespace";
    return rule ? "setuid and setgid bits count: the rule has flag C" : NULL;
}

static void mend_disabled(const struct which *w, struct aw_err *err)
{
    struct aw_entry e;
    if (aw_snapshot_entry(w->rules.snapshot, w->match.off, &e, NULL))
        cli_mend_word(err, "archway enable ", e.rule.name, "");
}

static void mend(const struct which *w, struct aw_err *err)
{
    switch (w->match.why) {
    case AW_WHY_NO_RULE:
        aw_mend(err, "archway install %s", w->match.arch ? w->match.arch->oci_arch : "all");
        break;
    case AW_WHY_NO_FORMAT:
        if (w->format.kind && w->format.kind->format != FORMAT_N)
            aw_mend(err, "archway install %s", format_at(w->format.kind->format)->name);
        else if (w->format.user)
            aw_mend(err, "archway install %s", w->format.user->name);
        break;
    case AW_WHY_DISABLED:
        mend_disabled(w, err);
        break;
    case AW_WHY_SWITCHED_OFF:
        aw_mend(err, "archway enable --instance");
        break;
    case AW_WHY_NOT_EXECUTABLE:
        cli_mend_word(err, "chmod +x ", w->path, "");
        break;
    case AW_WHY_NOEXEC:
        cli_mend_word(err, "mount -o remount,exec that file system, or copy ", w->path,
                      " elsewhere");
        break;
    case AW_WHY_INTERPRETER:
        aw_mend(err, "put the interpreter there, or register the rule with flag F");
        break;
    case AW_WHY_SCRIPT_INTERPRETER:
        aw_mend(err, "install the script's interpreter, or change its #! line");
        break;
    case AW_WHY_LOADER:
        aw_mend(err, "install the C library that the program was built for");
        break;
    case AW_WHY_UNREADABLE:
        aw_mend(err, "ask as a user who may read the file");
        break;
    default:
        break;
    }
}

/* Exit statuses as those of shells. */
static int verdict(struct which *w, bool print)
{
    const struct aw_match *m = &w->match;
    if (m->why == AW_WHY_RUNS && !refusal(w))
        return 0;
    if (refusal(w)) {
        struct aw_err err = AW_ERR_INIT;
        aw_fail(&err, AW_E_UNSUPPORTED, 0, "%s: %s", w->path, refusal(w));
        if (w->format.package)
            aw_mend(&err, "sudo apt install %s", w->format.package);
        if (print)
            cli_fail(w->c, &err);
        return 126;
    }
    if (print) {
        struct aw_err err = AW_ERR_INIT;
        const char *name = m->sys_errno ? strerrorname_np(m->sys_errno) : NULL;
        aw_fail(&err, AW_E_UNSUPPORTED, 0, "%s%s%s%s", m->reason, name ? " (" : "",
                name ? name : "", name ? ")" : "");
        mend(w, &err);
        cli_fail(w->c, &err);
    }
    if (m->why == AW_WHY_UNREADABLE)
        return 1;
    return m->why == AW_WHY_MISSING ? 127 : 126;
}

/* ---- JSON -------------------------------------------------------------------------------------
 */

static struct json_object *step_json(const struct which *w, const struct aw_match_step *s)
{
    static const char *const kinds[] = {
        [AW_STEP_RULE] = "rule", [AW_STEP_SCRIPT] = "script", [AW_STEP_NATIVE] = "native"};
    struct aw_entry e;
    struct json_object *o = json_object_new_object();
    js_add_string(o, "kind", kinds[s->kind]);
    js_add_string(o, "path", s->path);
    js_add_string(o, "interpreter", s->next);
    js_add_string(o, "argument", s->argument);
    if (s->kind == AW_STEP_RULE && aw_snapshot_entry(w->rules.snapshot, s->rule, &e, NULL)) {
        char flags[CLI_FLAGS_TEXT];
        cli_rules_flags(&e, flags);
        js_add_string(o, "rule", e.rule.name);
        js_add_string(o, "flags", flags);
        struct json_object *list = js_add(o, "shadowed", json_object_new_array());
        for (size_t i = 0; i < s->n_shadowed; i++)
            if (aw_snapshot_entry(w->rules.snapshot, s->shadowed[i], &e, NULL))
                js_push_string(list, e.rule.name);
    }
    if (s->kind == AW_STEP_NATIVE)
        js_add_bool(o, "assumed", s->assumed);
    return o;
}

static struct json_object *format_json(const struct which *w)
{
    const struct cli_formats_answer *f = &w->format;
    struct json_object *o = json_object_new_object();
    js_add_string(o, "kind", f->user ? f->user->name : f->kind ? f->kind->word : "none");
    js_add_string(o, "text", f->user ? f->user->text : f->kind ? f->kind->text : NULL);
    js_add_string(o, "install",
                  f->user                                  ? f->user->name
                  : f->kind && f->kind->format != FORMAT_N ? format_at(f->kind->format)->name
                                                           : NULL);
    js_add_string(o, "version", f->verdict.version[0] ? f->verdict.version : NULL);
    js_add_string(o, "interpreter", f->program);
    if (f->argv.n) {
        struct json_object *argv = js_add(o, "argv", json_object_new_array());
        for (size_t i = 0; i < f->argv.n; i++)
            js_push_string(argv, f->argv.v[i]);
    }
    js_add_string(o, "reason", f->reason[0] ? f->reason : NULL);
    js_add_string(o, "package", f->package);
    return o;
}

static struct json_object *to_json(const struct which *w)
{
    const struct aw_match *m = &w->match;
    struct json_object *o = json_object_new_object();
    js_add_string(o, "path", w->path);
    if (w->arch) {
        _cleanup_free_ char *platform = str_printf("linux/%s", w->arch->oci_arch);
        js_add_string(o, "platform", platform);
    }
    if (w->rules.inst)
        js_add(o, "instance", cli_rules_instance_json(&w->rules));
    js_add_bool(o, "runs", m->why == AW_WHY_RUNS && !refusal(w));
    js_add_string(o, "why", refusal(w) ? "format" : aw_match_why_name(m->why));
    if (w->asked)
        js_add(o, "format", format_json(w));
    if (m->sys_errno)
        js_add_string(o, "errno", strerrorname_np(m->sys_errno));
    js_add_string(o, "reason", m->reason[0] ? m->reason : NULL);
    struct json_object *steps = js_add(o, "steps", json_object_new_array());
    for (size_t i = 0; i < m->n_steps; i++)
        js_push(steps, step_json(w, &m->steps[i]));
    if (m->why == AW_WHY_RUNS) {
        struct json_object *argv = js_add(o, "argv", json_object_new_array());
        for (char **p = m->argv; p && *p; p++)
            js_push_string(argv, *p);
    }
    js_add_string(o, "credentials", credentials(w));
    js_add_string(o, "missing_loader", w->no_loader);
    return o;
}

/* ---- text -------------------------------------------------------------------------------------
 */

static void print_rule(const struct which *w, const struct aw_match_step *s, struct buf *b)
{
    struct aw_entry e;
    char flags[CLI_FLAGS_TEXT];
    if (!aw_snapshot_entry(w->rules.snapshot, s->rule, &e, NULL))
        return;
    cli_rules_flags(&e, flags);
    buf_addf(b, "rule %s%s%s%s: interpreter %s%s", e.rule.name, *flags ? " (" : "", flags,
             *flags ? ")" : "", s->next,
             e.rule.flags & AW_RULE_F ? ", held open by the kernel" : "");
    for (size_t i = 0; i < s->n_shadowed; i++)
        if (aw_snapshot_entry(w->rules.snapshot, s->shadowed[i], &e, NULL))
            buf_addf(b, "%s%s", i ? ", " : "; not asked: ", e.rule.name);
}

static void print_step(const struct which *w, const struct aw_match_step *s, struct buf *b)
{
    switch (s->kind) {
    case AW_STEP_RULE:
        print_rule(w, s, b);
        break;
    case AW_STEP_SCRIPT:
        buf_addf(b, "#! of %s: interpreter %s", s->path, s->next);
        if (s->argument)
            buf_addf(b, ", argument \"%s\"", s->argument);
        break;
    case AW_STEP_NATIVE:
        buf_addf(b, "%s: runs on this machine", s->path);
        if (s->assumed)
            buf_adds(b, " (assumed: only the kernel can see the file)");
        break;
    }
}

static void print_line(const char *label, const char *text)
{
    _cleanup_buf_ struct buf safe = {0};
    cli_out_safe(&safe, text);
    printf("%-12s %s\n", label, buf_str(&safe));
}

static void print_format(const struct which *w)
{
    const struct cli_formats_answer *f = &w->format;
    _cleanup_buf_ struct buf argv = {0};
    if (f->kind || f->user)
        print_line("format", f->kind         ? f->kind->text
                             : f->user->text ? f->user->text
                                             : f->user->name);
    else if (!w->ours || w->match.why != AW_WHY_RUNS)
        print_line("format", f->reason);
    for (size_t i = 0; i < f->argv.n; i++)
        buf_addf(&argv, "%s\"%s\"", i ? " " : "", f->argv.v[i]);
    if (f->argv.n && w->ours && !f->reason[0])
        print_line("starts", buf_str(&argv));
}

/* What the flags of a step's rule do, but F: print_rule tells of that. */
static void print_effects(const struct which *w, const struct aw_match_step *s)
{
    struct aw_entry e;
    if (s->kind != AW_STEP_RULE || !aw_snapshot_entry(w->rules.snapshot, s->rule, &e, NULL))
        return;
    for (unsigned flag = 1; flag <= AW_RULE_T; flag <<= 1)
        if (e.rule.flags & flag & ~(unsigned)AW_RULE_F)
            print_line("", cli_rules_flag_text(flag));
}

static void print_instance(const struct which *w)
{
    const char *whose = w->rules.inst ? cli_rules_whose(w->rules.inst) : "";
    print_line("rules", !w->rules.inst          ? "none to be seen: binfmt_misc is not mounted here"
                        : str_eq(whose, "host") ? "the host's"
                        : str_eq(whose, "own")  ? "this user namespace's own"
                                                : "an outer user namespace's");
}

static void print_text(const struct which *w)
{
    const struct aw_match *m = &w->match;
    print_line("file", w->path);
    if (w->arch) {
        _cleanup_free_ char *platform = str_printf("linux/%s", w->arch->oci_arch);
        print_line("platform", platform ? platform : "");
    }
    print_instance(w);
    for (size_t i = 0; i < m->n_steps; i++) {
        _cleanup_buf_ struct buf text = {0};
        _cleanup_free_ char *label = str_printf("step %zu", i + 1);
        print_step(w, &m->steps[i], &text);
        print_line(label ? label : "", buf_str(&text));
        print_effects(w, &m->steps[i]);
    }
    if (m->why == AW_WHY_RUNS) {
        _cleanup_buf_ struct buf argv = {0};
        for (char **p = m->argv; p && *p; p++)
            buf_addf(&argv, "%s\"%s\"", p == m->argv ? "" : " ", *p);
        print_line("arguments", buf_str(&argv));
    }
    if (w->asked)
        print_format(w);
    if (credentials(w))
        print_line("credentials", credentials(w));
    if (w->no_loader) {
        _cleanup_free_ char *text = str_printf(
            "its loader %s is not in this root: the emulator will not find it", w->no_loader);
        print_line("note", text ? text : "");
    }
    print_line("runs", refusal(w)                    ? "no"
                       : m->why == AW_WHY_RUNS       ? "yes"
                       : m->why == AW_WHY_UNREADABLE ? "cannot be told"
                                                     : "no");
}

static int answer(struct which *w)
{
    struct aw_err err = AW_ERR_INIT;
    if (!walk(w, &err))
        return cli_fail(w->c, &err);
    bool json = w->c->args.json;
    if (!json)
        print_text(w);
    int done = json ? cli_print_json(w->c, to_json(w)) : cli_done(w->c);
    return done ? done : verdict(w, !json);
}

int cli_verb_which(struct cli *c)
{
    struct aw_err err = AW_ERR_INIT;
    struct which w = {.c = c, .root = -1};
    if (c->args.root) {
        w.root = open(c->args.root, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (w.root < 0) {
            aw_fail(&err, AW_E_NOTFOUND, errno, "--root %s", c->args.root);
            return cli_fail(c, &err);
        }
    }
    w.path = find_path(&w, c->args.operands.v[0]);
    if (!w.path)
        aw_fail(&err, AW_E_NOMEM, 0, "out of memory");
    /* without a mount there may still be rules of an outer instance: the answer says so */
    bool good = w.path && (cli_rules_load(c, &w.rules, CLI_RULES_SNAPSHOT, &err) ||
                           err.code == AW_E_NOTFOUND);
    int status = good ? answer(&w) : cli_fail(c, &err);
    cli_formats_answer_fini(&w.format);
    aw_match_fini(&w.match);
    cli_rules_fini(&w.rules);
    free(w.path);
    free(w.no_loader);
    util_close(w.root);
    return status;
}
