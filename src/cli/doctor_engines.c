/* SPDX-License-Identifier: Apache-2.0
 *
 * Does a container of another platform run in the container engines that are here? By starting one.
 *
 * The idea: the built-in programs (binfmt/guest.h) need nothing around them, so a folder with two
 * of them, one foreign, one of this machine's own, is a root file system. The engines that can run
 * a folder do (podman, nerdctl, ctr); docker imports it as an image, buildah copies it into an
 * empty container. Where the foreign one does not run, the own one is tried, which tells an engine
 * that does not work at all from one that lacks rules.
 *
 * Invariants:
 * 1. Nothing is fetched: no name of an image that could be is ever given to an engine.
 * 2. What is made has a name of its own (archway-doctor-...) and is removed: also after a time-out
 *    and an interruption. Podman and buildah keep theirs in our folder.
 * 3. Podman's pause process holds the user namespace that rootless containers share, and with it
 *    the rules in there: if it runs it is used and left alone, if not it is ended again.
 */
#include "cli/doctor.h"
#include "cli/doctor_trial.h"

#include "base/file.h"
#include "base/spawn.h"
#include "binfmt/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/utsname.h>

/* ---- the tree -----------------------------------------------------------------------------------
 */

static bool put_program(int dir, const struct aw_arch *arch, struct aw_err *err)
{
    const struct guest *g = guest_find(arch);
    return file_swap(dir, arch->name, g->data, g->size, 0755, err);
}

static bool make_tree(struct trial *t, struct aw_err *err)
{
    static const char *const folders[] = {"/var/tmp", "/tmp"};
    char rootfs[128];
    bool made = false;
    file_random_name("archway-doctor-", t->id, sizeof(t->id));
    for (size_t i = 0; i < AW_LEN(folders) && !made; i++) {
        snprintf(t->dir, sizeof(t->dir), "%s/%s", folders[i], t->id);
        made = mkdir(t->dir, 0755) == 0;
    }
    if (!made) {
        aw_fail(err, AW_E_IO, errno, "mkdir %s", t->dir);
        t->dir[0] = 0;
        return false;
    }
    /* crun and runc make what is missing of the others */
    snprintf(rootfs, sizeof(rootfs), "%s/rootfs/etc", t->dir);
    if (!file_mkdirs(AT_FDCWD, rootfs, 0755, err))
        return false;
    *strrchr(rootfs, '/') = 0;
    _cleanup_close_ int dir = file_open_dir(AT_FDCWD, rootfs, 0755, err);
    const struct aw_arch *arch;
    for (size_t i = 0; dir >= 0 && (arch = aw_arch_at(i)); i++)
        if (guest_find(arch) && (arch == t->arch || aw_arch_native(arch)) &&
            !put_program(dir, arch, err))
            return false;
    return dir >= 0;
}

/* What conmon and others still write behind us makes a folder grow again. */
static void drop_tree(struct trial *t)
{
    struct aw_err err = AW_ERR_INIT;
    for (int i = 0; i < 20 && t->dir[0]; i++) {
        if (file_remove_tree(AT_FDCWD, t->dir, &err) && access(t->dir, F_OK) < 0)
            return;
        usleep(100000);
    }
    if (t->dir[0])
        aw_log(&t->c->log, AW_LOG_WARN, "%s: %s", t->dir, err.message);
}

/* A platform that a rule is there for, of those that images are made for. */
static void choose(struct trial *t, const struct cli_rules *r)
{
    static const char *const usual[] = {"aarch64", "riscv64", "x86_64", "arm",
                                        "ppc64le", "s390x",   "i386"};
    for (size_t i = 0; i < AW_LEN(usual) && !t->entry; i++) {
        const struct aw_arch *arch = aw_arch_find(usual[i]);
        uint8_t head[AW_ARCH_HEADER];
        if (!arch || aw_arch_native(arch) || !guest_find(arch))
            continue;
        if (!t->arch)
            t->arch = arch;
        aw_arch_header(arch, 0, false, head);
        for (size_t k = 0; r->entries && r->enabled && k < r->n && !t->entry; k++)
            if (r->entries[k].known && r->entries[k].enabled &&
                aw_rule_matches(&r->entries[k].rule, head, sizeof(head), NULL)) {
                t->entry = &r->entries[k];
                t->arch = arch;
            }
    }
}

/* ---- saying ------------------------------------------------------------------------------------
 */

struct verdict {
    const char *foreign; /* "runs", "fails", "not-tried" */
    const char *native;  /* the same; NULL where it did not matter */
    char mode[16];       /* "root", "rootless", or "" */
};

/* What to do about an engine that cannot be asked, or starts nothing. */
static void mend_engine(const struct trial *t, const struct attempt *a, char *ret, size_t size)
{
    const char *name = strrchr(t->program, '/') + 1;
    const char *unit = str_eq(name, "docker") ? "docker" : "containerd";
    if (strcasestr(a->message, "permission denied"))
        snprintf(ret, size, "sudo archway doctor");
    else if (str_eq(name, "podman") || str_eq(name, "buildah"))
        snprintf(ret, size, "%.120s info, and what it says of its runtime and control groups",
                 t->program);
    else
        snprintf(ret, size, "sudo systemctl start %s; systemctl status %s", unit, unit);
}

static void say_foreign(struct trial *t, struct aw_findings *f, const char *name, const char *mend,
                        const struct attempt *a)
{
    if (!t->entry)
        aw_findings_add(f, "engine-foreign", AW_SEVERITY_NOTE, mend,
                        "%s: a container for linux/%s does not run, and no rule for it is seen "
                        "here: %s",
                        name, t->arch->oci_arch, a->message);
    else
        aw_findings_add(
            f, "engine-foreign", AW_SEVERITY_ERROR, mend,
            "%s: a container for linux/%s does not run, although rule %.80s is there%s: "
            "%s",
            name, t->arch->oci_arch, t->entry->rule.name,
            t->entry->rule.flags & AW_RULE_F
                ? ""
                : " (without flag F: the container has no interpreter)",
            a->message);
}

static void say_verdict(struct trial *t, struct aw_findings *f, const struct verdict *v,
                        const struct attempt *a)
{
    char name[160], mend[192], engine[192];
    snprintf(name, sizeof(name), "%.120s%s%s%s", t->program, v->mode[0] ? " (" : "", v->mode,
             v->mode[0] ? ")" : "");
    /* buildah makes a user namespace each time; podman keeps one, which can have rules */
    bool shared = str_eq(v->mode, "rootless") && str_ends(t->program, "podman");
    snprintf(mend, sizeof(mend), "%s linux/%s",
             shared ? "podman unshare archway install" : "sudo archway install", t->arch->oci_arch);
    mend_engine(t, a, engine, sizeof(engine));
    if (str_eq(v->foreign, "runs"))
        aw_findings_add(f, "engine", AW_SEVERITY_OK, NULL, "%s: a container for linux/%s runs",
                        name, t->arch->oci_arch);
    else if (!v->native)
        aw_findings_add(f, "engine-down", AW_SEVERITY_NOTE, engine, "%s was not tried: %s", name,
                        a->message);
    else if (str_eq(v->native, "fails"))
        aw_findings_add(f, "engine-broken", AW_SEVERITY_WARN, engine,
                        "%s starts no container, of this machine's own platform neither: %s", name,
                        a->message);
    else
        say_foreign(t, f, name, mend, a);
}

static void add_json(struct trial *t, struct json_object *list, const struct engine *e,
                     const struct verdict *v, const struct attempt *a)
{
    char platform[64];
    struct json_object *o = js_push(list, json_object_new_object());
    snprintf(platform, sizeof(platform), "linux/%s", t->arch->oci_arch);
    js_add_string(o, "name", e->name);
    js_add_string(o, "path", t->program);
    js_add_string(o, "mode", v->mode[0] ? v->mode : NULL);
    js_add_string(o, "platform", platform);
    js_add_string(o, "foreign", v->foreign);
    js_add_string(o, "native", v->native);
    js_add_string(o, "message", a->message[0] ? a->message : NULL);
}

/* ---- one engine
 * ----------------------------------------------------------------------------------
 */

static const char *variable(const struct trial *t, const char *name)
{
    size_t n = strlen(name);
    for (char *const *v = t->c->env.all; *v; v++)
        if (strncmp(*v, name, n) == 0 && (*v)[n] == '=')
            return *v + n + 1;
    return NULL;
}

static bool put_variable(struct strv *env, const char *name, const char *value)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < env->n; i++)
        if (strncmp(env->v[i], name, n) == 0 && env->v[i][n] == '=') {
            free(env->v[i]);
            return (env->v[i] = str_printf("%s=%s", name, value)) != NULL;
        }
    return strv_addf(env, "%s=%s", name, value);
}

/* For the client alone. */
static bool make_folder(const struct trial *t, const char *path)
{
    return (mkdir(path, 0700) == 0 || errno == EEXIST) &&
           (!t->user || chown(path, t->user->pw_uid, t->user->pw_gid) == 0);
}

/* Both make folders beside their settings; these they shall have, and make them in our folder. */
static bool move_config(struct trial *t)
{
    char dir[128], link[160];
    const char *config = t->user ? NULL : variable(t, "XDG_CONFIG_HOME");
    const char *home = t->user ? t->user->pw_dir : t->c->env.home;
    _cleanup_free_ char *real = config ? str_printf("%s/containers", config)
                                       : str_printf("%s/.config/containers", home ? home : "");
    snprintf(dir, sizeof(dir), "%s/config", t->dir);
    snprintf(link, sizeof(link), "%s/containers", dir);
    return real && make_folder(t, dir) && (symlink(real, link) == 0 || errno == EEXIST) &&
           put_variable(&t->env, "XDG_CONFIG_HOME", dir);
}

/* The caller's, but for where podman and buildah without root keep settings, sockets and locks. */
static bool make_env(struct trial *t, const struct engine *e)
{
    char path[256];
    bool move = t->rootless && (str_eq(e->name, "podman") || str_eq(e->name, "buildah"));
    char users[64];
    const char *run = t->user ? users : variable(t, "XDG_RUNTIME_DIR");
    strv_fini(&t->env);
    for (char *const *v = t->c->env.all; *v; v++)
        if (!strv_add(&t->env, *v))
            return false;
    snprintf(users, sizeof(users), "/run/user/%u", t->user ? t->user->pw_uid : 0);
    if (t->user && (!put_variable(&t->env, "HOME", t->user->pw_dir) ||
                    !put_variable(&t->env, "USER", t->user->pw_name) ||
                    !put_variable(&t->env, "LOGNAME", t->user->pw_name) ||
                    !put_variable(&t->env, "XDG_RUNTIME_DIR", users)))
        return false;
    snprintf(path, sizeof(path), "%s/libpod/tmp/pause.pid", run ? run : "");
    t->pause_alive = move && run && doctor_pause_pid(path) > 0;
    if (move && !move_config(t))
        return false;
    if (!move || t->pause_alive)
        return true;
    snprintf(path, sizeof(path), "%s/run", t->dir);
    return make_folder(t, path) && put_variable(&t->env, "XDG_RUNTIME_DIR", path);
}

/* The machine's own architecture proper, not the older one that it runs too. */
static const char *native_name(void)
{
    struct utsname u;
    const struct aw_arch *arch = uname(&u) == 0 ? aw_arch_find(u.machine) : NULL;
    return arch && aw_arch_native(arch) && guest_find(arch) ? arch->name : NULL;
}

static void try_engine(struct trial *t, const struct engine *e, struct aw_findings *f,
                       struct json_object *list)
{
    struct attempt foreign = {0}, native = {0};
    struct verdict v = {.foreign = "not-tried"};
    char program[64];
    if (str_eq(e->name, "podman") || str_eq(e->name, "buildah"))
        snprintf(v.mode, sizeof(v.mode), "%s", t->rootless ? "rootless" : "root");
    aw_log(&t->c->log, AW_LOG_PROGRESS, "starting a container with %s", e->name);
    if (!e->ready || e->ready(t, foreign.message, sizeof(foreign.message))) {
        snprintf(program, sizeof(program), "/%s", t->arch->name);
        e->run(t, program, &foreign);
        v.foreign = foreign.ran ? "runs" : "fails";
        if (!foreign.ran && native_name() && !cli_interrupted(NULL)) {
            snprintf(program, sizeof(program), "/%s", native_name());
            e->run(t, program, &native);
            v.native = native.ran ? "runs" : "fails";
        }
        if (e->clean)
            e->clean(t);
    }
    const struct attempt *a = v.native && !native.ran ? &native : &foreign;
    struct attempt none = {0};
    say_verdict(t, f, &v, a);
    add_json(t, list, e, &v, foreign.ran ? &none : a);
}

/* False: no further ones. */
static bool try_one(struct trial *t, const struct engine *e, struct aw_findings *f,
                    struct json_object *list)
{
    struct aw_err err = AW_ERR_INIT;
    t->program = spawn_find(e->name, t->c->env.path);
    if (!t->program)
        return true;
    bool made = t->dir[0] || make_tree(t, &err);
    if (!made)
        aw_findings_add(f, "engine", AW_SEVERITY_WARN, NULL, "engines were not tried: %s",
                        err.message);
    else if (!make_env(t, e))
        f->bad = true;
    else if (!str_eq(e->name, "docker") || doctor_is_docker(t))
        try_engine(t, e, f, list);
    free(AW_STEAL(t->program));
    return made;
}

/* The tree becomes theirs: all others have been tried by then. */
static bool give_tree(struct trial *t)
{
    static const char *const parts[] = {"", "/rootfs", "/rootfs/etc"};
    struct aw_err err = AW_ERR_INIT;
    char store[128];
    bool ok = true;
    for (size_t i = 0; i < AW_LEN(parts) && ok; i++) {
        char path[160];
        snprintf(path, sizeof(path), "%s%s", t->dir, parts[i]);
        ok = lchown(path, t->user->pw_uid, t->user->pw_gid) == 0;
    }
    /* what the root ones kept there is root's */
    snprintf(store, sizeof(store), "%s/store", t->dir);
    return ok && file_remove_tree(AT_FDCWD, store, &err);
}

/* Under sudo the user's own engines are tried too, as the user. */
static void try_as_user(struct trial *t, struct aw_findings *f, struct json_object *list)
{
    const char *name = geteuid() == 0 ? variable(t, "SUDO_USER") : NULL;
    t->user = name ? getpwnam(name) : NULL;
    if (!t->user || t->user->pw_uid == 0 || !t->dir[0] || !give_tree(t))
        return;
    t->rootless = true;
    for (size_t i = 0; doctor_drivers[i].name && !cli_interrupted(NULL); i++)
        if (str_eq(doctor_drivers[i].name, "podman") || str_eq(doctor_drivers[i].name, "buildah"))
            try_one(t, &doctor_drivers[i], f, list);
}

void doctor_engines(struct cli *c, struct aw_findings *f, const struct cli_rules *r,
                    struct json_object *list)
{
    struct trial t = {.c = c, .rootless = geteuid() != 0};
    choose(&t, r);
    if (!t.arch)
        return;
    for (size_t i = 0; doctor_drivers[i].name && !cli_interrupted(NULL); i++)
        if (!try_one(&t, &doctor_drivers[i], f, list))
            break;
    try_as_user(&t, f, list);
    strv_fini(&t.env);
    drop_tree(&t);
}
