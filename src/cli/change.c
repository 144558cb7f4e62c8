/* SPDX-License-Identifier: Apache-2.0
 *
 * Which instance of binfmt_misc a verb changes, and how its plan is carried out and shown.
 *
 * The idea: in the machine's first user namespace it is the host's instance, with records below
 * /var/lib; in any other it is that namespace's own, with records where place.h says.
 *
 * Invariants:
 * 1. With --dry-run nothing is changed, also no instance is made: a user namespace that once had
 *    one never sees the outer rules again.
 * 2. From reading the records until they are written a lock on them is held.
 * 3. The exit status is 0 only if all that was asked is so.
 * 4. Killed at any moment, or with a disk that is full, what is there is known: a rule is recorded
 *    before it is registered, and forgotten after the files that keep it are gone.
 */
#include "cli/formats.h"
#include "cli/keep.h"

#include "base/file.h"
#include "base/spawn.h"
#include "codec/js.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>

#define USUAL_PATH "/proc/sys/fs/binfmt_misc"
/* PROC_PID_INIT_INO of the kernel's proc_ns.h: the initial pid namespace, on every machine */
#define INITIAL_PID_NS 0xEFFFFFFCul

/* ---- what operands mean -----------------------------------------------------------------------
 */

const struct aw_arch *cli_change_arch(const char *text, struct aw_err *err)
{
    struct platform p;
    struct aw_err why = AW_ERR_INIT;
    const struct aw_arch *arch = NULL;
    if (platform_parse(text, &p, &why) && str_eq(p.os, "linux"))
        arch = aw_arch_find_oci(p.arch, p.variant);
    if (!arch)
        arch = aw_arch_find(str_starts(text, "linux/") ? text + 6 : text);
    if (arch)
        return arch;
    if (why.code == AW_OK)
        aw_fail(&why, AW_E_ARG, 0, "%s: only Linux platforms can be registered", text);
    if (err)
        *err = why;
    return NULL;
}

bool cli_change_means(const char *operand, const char *name)
{
    if (fnmatch(operand, name, 0) == 0 || cli_formats_mean(operand, name))
        return true;
    const struct aw_arch *arch = cli_change_arch(operand, NULL);
    char own[64], old[64];
    if (!arch)
        return false;
    snprintf(own, sizeof(own), "qemu-%s", arch->name);
    snprintf(old, sizeof(old), "qemu-%s-old", arch->name);
    return str_eq(name, own) || str_eq(name, old);
}

/* ---- the instance -----------------------------------------------------------------------------
 */

static void note_before(struct cli_change *r, const char *action, const char *what, const char *why)
{
    struct json_object *o = js_push(r->before, json_object_new_object());
    js_add_string(o, "action", action);
    js_add_string(o, "name", what);
    if (*why)
        js_add_string(o, "why", why);
}

static bool mount_here(struct aw_err *err)
{
    /* safe because binfmt_misc has no device and no program in it */
    if (mount("binfmt_misc", USUAL_PATH, "binfmt_misc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) ==
        0)
        return true;
    return aw_fail(err, errno == EPERM ? AW_E_PERM : AW_E_IO, errno, "mount binfmt_misc on %s",
                   USUAL_PATH);
}

/* The numbers of mounts are those of the whole machine: the first line tells namespaces apart. */
static bool first_sees_other_mounts(void)
{
    char own[256] = "", its[256] = "";
    _cleanup_fclose_ FILE *a = fopen("/proc/self/mountinfo", "re");
    _cleanup_fclose_ FILE *b = fopen("/proc/1/mountinfo", "re");
    return a && b && fgets(own, sizeof(own), a) && fgets(its, sizeof(its), b) && !str_eq(own, its);
}

/* In the host's user namespace, but in a mount namespace beside the first process's: a privileged
 * container, `unshare -m`, a service with mounts of its own. */
static bool in_side_mounts(void)
{
    struct stat own, first, pids;
    if (stat("/proc/self/ns/mnt", &own) < 0 || stat("/proc/self/ns/pid", &pids) < 0)
        return false;
    if (pids.st_ino != INITIAL_PID_NS)
        return true;
    /* who has fewer capabilities than the first process may not look at its namespaces */
    return stat("/proc/1/ns/mnt", &first) == 0 ? first.st_ino != own.st_ino
                                               : first_sees_other_mounts();
}

/* Was the instance made by our mount? Then there is no other mount of it. */
static bool newer_than(const struct aw_instance *inst, const struct timespec *t)
{
    struct stat st;
    return fstatat(aw_instance_fd(inst), "status", &st, 0) == 0 &&
           (st.st_mtim.tv_sec > t->tv_sec ||
            (st.st_mtim.tv_sec == t->tv_sec && st.st_mtim.tv_nsec >= t->tv_nsec));
}

static bool open_host(struct cli *c, struct cli_change *r, bool ready, struct aw_err *err)
{
    struct aw_err why = AW_ERR_INIT;
    r->now.inst = aw_instance_open_host(&why);
    if (r->now.inst)
        return true;
    if (!ready || why.code != AW_E_NOTFOUND) {
        if (err)
            *err = why;
        return false;
    }
    note_before(r, "mount", USUAL_PATH, "binfmt_misc is not mounted");
    if (c->args.dry_run)
        return true;
    if (access(USUAL_PATH, F_OK) < 0) {
        const char *argv[] = {"modprobe", "binfmt_misc", NULL};
        struct spawn s = {.argv = argv, .timeout_ms = 20000};
        _cleanup_spawn_ struct spawn_result result = {0};
        if (!spawn_check(&s, &result, err))
            return aw_context(err, "load binfmt_misc");
    }
    struct timespec before;
    clock_gettime(CLOCK_REALTIME_COARSE, &before); /* the clock of inodes */
    if (!mount_here(err))
        return false;
    r->now.inst = aw_instance_open_host(err);
    r->passing = r->now.inst && in_side_mounts() && newer_than(r->now.inst, &before);
    return r->now.inst != NULL;
}

/* Is what is mounted the same instance? */
static bool same_instance(const struct aw_instance *a, const struct aw_instance *b)
{
    struct stat x, y;
    return a && b && fstat(aw_instance_fd(a), &x) == 0 && fstat(aw_instance_fd(b), &y) == 0 &&
           x.st_dev == y.st_dev;
}

static bool is_own(const struct aw_instance *inst)
{
    return inst && aw_instance_is_own(inst);
}

/* There is no union of instances: what the outer rules did would be gone. */
static void copy_outer(struct cli *c, struct cli_change *r, const struct plan_now *outer)
{
    for (size_t i = outer->n; i-- > 0;) {
        const struct aw_entry *e = &outer->entries[i];
        struct aw_err why = AW_ERR_INIT;
        if (!c->args.dry_run && e->known && !aw_instance_register(r->now.inst, &e->rule, &why))
            aw_log(&c->log, AW_LOG_WARN, "the outer rule %s counts here no more: %s", e->rule.name,
                   why.message);
        else if (e->known)
            note_before(r, "copy", e->rule.name, "a rule of the outer namespace");
        if (!c->args.dry_run && e->known && !e->enabled)
            aw_instance_enable(r->now.inst, e->rule.name, false, NULL);
    }
}

static bool make_own(struct cli *c, struct cli_change *r, struct aw_instance *mounted,
                     struct aw_err *err)
{
    struct plan_now outer = {.inst = mounted};
    bool ok = plan_look(&outer, err);
    if (ok && !c->args.dry_run) {
        r->now.inst = aw_instance_open_new(err);
        ok = r->now.inst != NULL;
    }
    if (ok && !same_instance(mounted, r->now.inst)) {
        note_before(r, "mount", USUAL_PATH, "this user namespace's own binfmt_misc");
        ok = c->args.dry_run || mount_here(err);
        if (ok)
            copy_outer(c, r, &outer);
    }
    plan_now_fini(&outer);
    if (ok && c->args.dry_run)
        r->now.inst = mounted; /* its rules are those that would have been copied */
    else
        aw_instance_close(mounted);
    return ok;
}

static bool open_namespace(struct cli *c, struct cli_change *r, bool ready, struct aw_err *err)
{
    struct aw_err why = AW_ERR_INIT;
    struct aw_instance *mounted = aw_instance_open_host(&why);
    if (!mounted && why.code != AW_E_NOTFOUND) {
        if (err)
            *err = why;
        return false;
    }
    if (ready && !(c->args.dry_run && is_own(mounted)))
        return make_own(c, r, mounted, err);
    if (is_own(mounted)) {
        r->now.inst = mounted;
        return true;
    }
    aw_instance_close(mounted);
    aw_fail(err, AW_E_NOTFOUND, 0, "this user namespace has no binfmt_misc of its own");
    return aw_mend(err, "archway install");
}

/* ---- opening ----------------------------------------------------------------------------------
 */

static bool may_change(struct cli *c, struct cli_change *r, struct aw_err *err)
{
    if (c->args.user_namespace && r->host) {
        aw_fail(err, AW_E_ARG, 0, "--user-namespace: this is the machine's first user namespace");
        return aw_mend(err, "podman unshare archway %s --user-namespace", c->verb->name);
    }
    if (!r->host || c->args.dry_run || geteuid() == 0)
        return true;
    _cleanup_buf_ struct buf words = {0};
    for (char *const *w = c->words; *w; w++) {
        buf_addc(&words, ' ');
        buf_addword(&words, *w);
    }
    aw_fail(err, AW_E_PERM, 0, "the host's rules belong to root");
    if (words.len > 300) /* a command that is cut off is none */
        return aw_mend(err, "the same with sudo (for rootless Podman: with podman unshare)");
    return aw_mend(err, "sudo archway%s (for rootless Podman: podman unshare archway%s)",
                   buf_str(&words), buf_str(&words));
}

static bool open_records(struct cli *c, struct cli_change *r, struct aw_err *err)
{
    struct aw_err why = AW_ERR_INIT;
    r->file = cli_place_records(r->place, &c->env, err);
    if (!r->file)
        return false;
    if (!c->args.dry_run) {
        _cleanup_free_ char *dir = strdup(r->file);
        _cleanup_free_ char *lock = str_printf("%s.lock", r->file);
        if (!dir || !lock)
            return aw_fail(err, AW_E_NOMEM, 0, "path of the records");
        *strrchr(dir, '/') = 0;
        /* who removes the last record removes the folder too, and perhaps just then */
        for (int i = 0; i < 100 && r->lock < 0 && (!i || why.sys_errno == ENOENT); i++) {
            if (!file_mkdirs(AT_FDCWD, dir, 0755, err))
                return false;
            r->lock = file_lock(AT_FDCWD, lock, LOCK_EX, &why);
        }
        if (r->lock < 0) {
            if (err)
                *err = why;
            return false;
        }
    }
    return records_load(r->file, &r->now.records, err);
}

bool cli_change_open(struct cli *c, enum cli_change_how how, struct cli_change *ret,
                     struct aw_err *err)
{
    struct cli_change r = {.place = cli_place_find(), .lock = -1};
    r.host = r.place == CLI_PLACE_HOST;
    r.before = json_object_new_array();
    r.now.bounded = !r.host;
    bool ok = may_change(c, &r, err) && cli_keep_can(c, r.place, err) && open_records(c, &r, err);
    if (ok && (how != CLI_CHANGE_RECORDED || r.now.records.n > 0)) {
        bool ready = how == CLI_CHANGE_READY || how == CLI_CHANGE_RECORDED;
        struct aw_err why = AW_ERR_INIT;
        ok = r.host ? open_host(c, &r, ready, &why) : open_namespace(c, &r, ready, &why);
        if (!ok && err)
            *err = why;
        ok = (ok || (how == CLI_CHANGE_REMOVE && why.code == AW_E_NOTFOUND)) &&
             plan_look(&r.now, err);
    }
    if (!ok) {
        cli_change_close(&r);
        return false;
    }
    *ret = r;
    return true;
}

void cli_change_close(struct cli_change *r)
{
    plan_fini(&r->plan);
    plan_now_fini(&r->now);
    aw_instance_close(r->now.inst);
    free(r->file);
    util_close(r->lock);
    json_object_put(r->before);
    *r = (struct cli_change){.lock = -1};
}

/* ---- carrying out -----------------------------------------------------------------------------
 */

static bool keeps_any(const struct cli_change *r)
{
    for (size_t i = 0; i < r->now.records.n; i++)
        if (r->now.records.v[i].persist)
            return true;
    return false;
}

/* With the last record goes all else that was made for them. */
static void remove_traces(const struct cli_change *r)
{
    _cleanup_free_ char *path = str_printf("%s.lock", r->file);
    if (!path || r->lock < 0)
        return;
    unlink(path); /* whoever waits for the lock looks whether it is still there */
    *strrchr(path, '/') = 0;
    if (r->place == CLI_PLACE_HOST || r->place == CLI_PLACE_SYSTEM)
        rmdir(path);
}

/* Before anything is changed, so that a process which dies leaves no rule that is nobody's. */
static bool announce(const struct cli_change *r, struct aw_err *err)
{
    _cleanup_records_ struct records records = {0};
    bool registers = false;
    for (size_t i = 0; i < r->plan.n && !registers; i++)
        registers = r->plan.v[i].op == PLAN_REGISTER;
    return !registers || (plan_announce(&r->plan, &r->now.records, &records, err) &&
                          records_save(r->file, &records, err));
}

/* Have again what was forgotten: the files that keep it could not be removed. */
static bool remember(struct cli_change *r, struct aw_err *err)
{
    struct records old = {0};
    bool ok = records_load(r->file, &old, err);
    for (size_t i = 0; i < r->now.records.n && ok; i++)
        ok = records_put(&old, &r->now.records.v[i], err);
    if (!ok) {
        records_fini(&old);
        return false;
    }
    r->now.records.n = 0; /* all taken over */
    records_fini(&r->now.records);
    r->now.records = old;
    return true;
}

/* The files that keep rules over restarts go before the records of them do: whoever comes next
 * knows what is left. `uninstall` looks for them even where there is no record. */
static bool write_down(struct cli *c, struct cli_change *r, bool kept, struct aw_err *err)
{
    struct aw_err ignored = AW_ERR_INIT;
    bool ok = true;
    if (kept || keeps_any(r) || c->verb == &cli_verbs[CLI_UNINSTALL])
        ok = cli_keep_sync(c, r, err) || (remember(r, &ignored), false);
    ok = records_save(r->file, &r->now.records, ok ? err : &ignored) && ok;
    if (ok && r->now.records.n == 0)
        remove_traces(r);
    return ok;
}

/* Steps that only bridge a gap interest nobody who did not ask for a dry run. */
static bool shown(const struct cli *c, const struct plan_step *s)
{
    if (c->args.dry_run || s->op == PLAN_KEEP || s->op == PLAN_FORGET)
        return true;
    return s->done && s->op != PLAN_REMOVE && (s->op != PLAN_REGISTER || s->final);
}

static void print_step(const struct cli *c, const struct plan_step *s)
{
    static const char *const did[] = {"kept",    "registered", "removed",
                                      "enabled", "disabled",   "removed"};
    static const char *const will[] = {"keep",   "register", "remove",
                                       "enable", "disable",  "forget the record of"};
    _cleanup_buf_ struct buf b = {0};
    buf_addf(&b, "%s ", c->args.dry_run ? will[s->op] : did[s->op]);
    cli_out_safe(&b, s->name);
    if (s->op == PLAN_REGISTER) {
        buf_adds(&b, ": ");
        if (s->platform && *s->platform)
            buf_addf(&b, "%s by ", s->platform);
        cli_out_safe(&b, s->path);
    }
    if (*s->why)
        buf_addf(&b, " (%s)", s->why);
    puts(buf_str(&b));
}

static void print_before(const struct cli *c, const struct cli_change *r)
{
    for (size_t i = 0; i < json_object_array_length(r->before); i++) {
        struct json_object *o = json_object_array_get_idx(r->before, i);
        const char *action = "", *name = "", *why = "";
        js_get_string(o, "action", &action, NULL);
        js_get_string(o, "name", &name, NULL);
        js_get_string(o, "why", &why, NULL);
        bool copy = str_eq(action, "copy");
        printf("%s %s (%s)\n", c->args.dry_run ? action : copy ? "copied" : "mounted", name, why);
    }
}

static void add_step(struct json_object *list, const struct plan_step *s)
{
    struct aw_rule rule;
    struct json_object *o = js_push(list, json_object_new_object());
    js_add_string(o, "action", plan_op_name(s->op));
    js_add_string(o, "name", s->name);
    if (s->op == PLAN_REGISTER && aw_rule_parse(s->text, strlen(s->text), &rule, NULL, NULL)) {
        char flags[8];
        aw_rule_flags_text(rule.flags, flags);
        if (s->platform[0])
            js_add_string(o, "platform", s->platform);
        js_add_string(o, "interpreter", rule.interpreter);
        js_add_string(o, "flags", flags);
        js_add_string(o, "rule", s->text);
        js_add_bool(o, "persist", s->persist);
    }
    if (*s->why)
        js_add_string(o, "why", s->why);
    js_add_bool(o, "done", s->done);
}

static int print_json(struct cli *c, struct cli_change *r, const struct aw_err *err)
{
    struct json_object *o = json_object_new_object();
    js_add_string(o, "instance", r->host ? "host" : "user-namespace");
    js_add_bool(o, "dry_run", c->args.dry_run);
    js_add(o, "before", json_object_get(r->before));
    struct json_object *list = js_add(o, "steps", json_object_new_array());
    for (size_t i = 0; i < r->plan.n; i++)
        add_step(list, &r->plan.v[i]);
    if (err->code != AW_OK) {
        struct json_object *e = js_add(o, "error", json_object_new_object());
        js_add_string(e, "code", aw_code_name(err->code));
        js_add_string(e, "message", err->message);
        js_add_string(e, "mend", err->mend);
    }
    return cli_print_json(c, o);
}

bool cli_change_effective(const struct cli_change *r, struct aw_err *err)
{
    bool on = true;
    if (r->now.inst && !aw_instance_status(r->now.inst, &on, err))
        return false;
    if (on)
        return true;
    aw_fail(err, AW_E_PERM, 0, "binfmt_misc is switched off: no rule has an effect");
    return aw_mend(err, "archway enable --instance");
}

/* Rules end with the last mount of their instance. */
static int tell_passing(struct cli *c, const struct cli_change *r)
{
    struct aw_err err = AW_ERR_INIT;
    if (!r->passing || !plan_changes(&r->plan))
        return 0;
    aw_fail(&err, AW_E_UNSUPPORTED, 0,
            "binfmt_misc is mounted in this mount namespace only: the rules end with it");
    aw_mend(&err,
            "on the host: mount -t binfmt_misc binfmt_misc " USUAL_PATH ", then archway %s again",
            c->verb->name);
    return cli_fail(c, &err);
}

int cli_change_finish(struct cli *c, struct cli_change *r, const struct aw_err *first)
{
    struct aw_err err = AW_ERR_INIT, writing = AW_ERR_INIT;
    int status = first->code != AW_OK ? cli_fail(c, first) : 0;
    if (!c->args.dry_run) {
        bool kept = keeps_any(r), announced = announce(r, &err);
        if (!announced || !plan_apply(&r->plan, &r->now, cli_interrupted, &err))
            status = cli_fail(c, &err);
        if (announced && !write_down(c, r, kept, &writing))
            status = cli_fail(c, &writing);
        if (!status)
            status = tell_passing(c, r);
        if (!status && r->prove && !r->prove(r, &writing))
            status = cli_fail(c, &writing);
    }
    cli_out_clear(&c->out);
    int done;
    if (c->args.json) {
        done = print_json(c, r, first->code != AW_OK ? first : err.code != AW_OK ? &err : &writing);
    } else {
        if (!c->args.quiet)
            print_before(c, r);
        for (size_t i = 0; i < r->plan.n && !c->args.quiet; i++)
            if (shown(c, &r->plan.v[i]))
                print_step(c, &r->plan.v[i]);
        done = cli_done(c);
    }
    return status ? status : done;
}
