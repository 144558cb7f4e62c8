/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules that a container runs by.
 *
 * Invariants:
 * 1. The registered names are neutral (/archway/aarch64): they show in /proc/PID/cmdline.
 * 2. C is set: the instance belongs to a user namespace, where credentials are bounded by the
 * mapped ids, and without it sudo fails in the container (docs/SECURITY.md).
 * 3. No instance has a mount point that the container could find.
 */
#include "box/rules.h"

#include "base/file.h"
#include "box/control.h"

#include <archway/instance.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define RULE_FLAGS (AW_RULE_P | AW_RULE_O | AW_RULE_C)

static bool not_registered(const struct emulator *e, struct aw_err *err)
{
    aw_context(err, "register %s for %s programs", e->path, e->arch->name);
    /* real root is a shifted id in the container's namespace */
    if (err && (err->sys_errno == EACCES || err->sys_errno == EPERM))
        aw_mend(err,
                "put the emulator where everybody may read it: sudo install %s /usr/local/bin/",
                e->path);
    return false;
}

static bool register_one(struct aw_instance *inst, const struct emulator *e, struct aw_err *err)
{
    char name[64];
    snprintf(name, sizeof(name), "/archway/%s", e->arch->name);
    for (int i = 0; i < aw_arch_rules(e->arch); i++) {
        struct aw_rule rule;
        if (!aw_arch_rule(e->arch, i, name, RULE_FLAGS, &rule, err) ||
            !aw_instance_register_interpreter(inst, &rule, e->fd, err))
            return not_registered(e, err);
    }
    return true;
}

/* All at once, the image's own last; false: not all, and nothing is said. */
static bool register_batch(struct aw_instance *inst, const struct emulators *e)
{
    size_t n = 0, most = e->n * AW_ARCH_MACHINES;
    struct aw_rule *rules = calloc(most + 1, sizeof(*rules));
    struct aw_interpreter *list = calloc(most + 1, sizeof(*list));
    bool ok = rules && list;
    for (size_t i = e->n; ok && i-- > 0;)
        for (int k = 0; ok && k < aw_arch_rules(e->v[i].arch); k++) {
            char name[64];
            struct aw_err ignored = AW_ERR_INIT;
            snprintf(name, sizeof(name), "/archway/%s", e->v[i].arch->name);
            ok = aw_arch_rule(e->v[i].arch, k, name, RULE_FLAGS, &rules[n], &ignored);
            list[n] = (struct aw_interpreter){.rule = &rules[n], .fd = e->v[i].fd};
            n++;
        }
    ok = ok && aw_instance_register_interpreters(inst, list, n, NULL, NULL);
    free(rules);
    free(list);
    return ok;
}

/* The image's own architecture must work; the others are a kindness. */
static bool register_all(struct aw_instance *inst, const struct emulators *e,
                         const struct aw_log *log, struct aw_err *err)
{
    if (register_batch(inst, e))
        return true;
    /* one by one, to find out which it is and to have the others */
    struct aw_err ignored = AW_ERR_INIT;
    aw_instance_clear(inst, &ignored);
    for (size_t i = e->n; i-- > 0;) {
        struct aw_err why = AW_ERR_INIT;
        if (register_one(inst, &e->v[i], &why))
            continue;
        if (i == 0 && !e->native) {
            if (err)
                *err = why;
            return false;
        }
        aw_log(log, AW_LOG_DEBUG, "%s", why.message);
    }
    return true;
}

/* ---- kernels without instances of user namespaces ---------------------------------------------
 */

static const struct aw_entry *serving(const struct aw_entry *list, size_t n,
                                      const struct aw_arch *arch)
{
    uint8_t head[AW_ARCH_HEADER];
    aw_arch_header(arch, 0, true, head);
    for (size_t i = 0; i < n; i++)
        if (list[i].enabled && list[i].known &&
            aw_rule_matches(&list[i].rule, head, sizeof(head), NULL))
            return &list[i];
    return NULL;
}

/* What root does, once. */
static void mend_host(const struct emulators *e, struct aw_err *err)
{
    aw_mend(err, "sudo archway install linux/%s", e->v[0].arch->oci_arch);
}

static bool use_host(const struct emulators *e, const struct aw_log *log, struct aw_err *err)
{
    if (e->native)
        return true;
    struct aw_err why = AW_ERR_INIT;
    struct aw_instance *host = aw_instance_open_host(&why);
    struct aw_entry *list = NULL;
    size_t n = 0;
    bool enabled = false;
    bool listed = host && aw_instance_status(host, &enabled, &why) && enabled &&
                  aw_instance_list(host, &list, &n, &why);
    const struct aw_entry *hit = listed ? serving(list, n, e->v[0].arch) : NULL;
    bool pinned = hit && (hit->rule.flags & AW_RULE_F);
    if (pinned)
        aw_log(log, AW_LOG_DEBUG, "the host's rule %s serves the container", hit->rule.name);
    else if (hit)
        aw_fail(err, AW_E_UNSUPPORTED, 0,
                "this kernel has no binfmt_misc for containers (that needs Linux 6.7), and the "
                "host's rule %s has no F flag: its interpreter %s is missing in the container",
                hit->rule.name, hit->rule.interpreter);
    else
        aw_fail(err, AW_E_UNSUPPORTED, 0,
                "this kernel has no binfmt_misc for containers (that needs Linux 6.7), and the "
                "host has no rule for %s programs",
                e->v[0].arch->name);
    if (!pinned)
        mend_host(e, err);
    free(list);
    aw_instance_close(host);
    return pinned;
}

bool rules_init(struct rules *ret, struct emulators *e, const struct aw_log *log,
                struct aw_err *err)
{
    struct rules r = {.container = -1, .emulators = e};
    struct aw_err why = AW_ERR_INIT;
    r.own = aw_instance_open_new(&why);
    if (!r.own && why.code == AW_E_UNSUPPORTED) {
        *ret = r;
        return use_host(e, log, err);
    }
    if (!r.own) {
        if (err)
            *err = why;
        return aw_context(err, "make a binfmt_misc instance for the container");
    }
    if (!register_all(r.own, e, log, err)) {
        aw_instance_close(r.own);
        return false;
    }
    *ret = r;
    return true;
}

/* ---- a container that may mount binfmt_misc itself --------------------------------------------
 */

static bool join(pid_t pid, const char *name, int type)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, name);
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && setns(fd, type) == 0;
}

/* In the container's user namespace, with a mount namespace of its own: make the instance,
 * register, send its descriptor to the holder. */
__attribute__((noreturn)) static void register_inside(const struct rules *r, int sock, pid_t pid)
{
    struct aw_err err = AW_ERR_INIT;
    if (!join(pid, "user", CLONE_NEWUSER) || unshare(CLONE_NEWNS) < 0) {
        aw_fail(&err, AW_E_IO, errno, "enter the container's user namespace");
        control_send_error(sock, 0, &err);
        _exit(1);
    }
    struct aw_instance *inst = aw_instance_open_new(&err);
    if (!inst || !register_all(inst, r->emulators, NULL, &err)) {
        control_send_error(sock, 0, &err);
        _exit(1);
    }
    struct control_msg m = {.type = CONTROL_TTY, .fds = {aw_instance_fd(inst)}, .n_fds = 1};
    control_send(sock, &m, NULL);
    _exit(0);
}

bool rules_want_container(const struct rules *r, const struct box_options *opt)
{
    return r->own && r->emulators->n &&
           (strv_has(&opt->cap_add, "SYS_ADMIN") || strv_has(&opt->cap_add, "ALL")) &&
           !strv_has(&opt->cap_drop, "SYS_ADMIN");
}

bool rules_for_container(struct rules *r, const struct box_options *opt, pid_t pid,
                         const struct aw_log *log, struct aw_err *err)
{
    int pair[2];
    if (!rules_want_container(r, opt))
        return true;
    if (!control_pair(pair, err))
        return false;
    pid_t child = fork();
    if (child == 0)
        register_inside(r, pair[1], pid);
    util_close(pair[1]);
    _cleanup_control_ struct control_msg m = {0};
    int got = child < 0 ? -1 : control_recv(pair[0], &m, err);
    util_close(pair[0]);
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    if (got > 0 && m.n_fds == 1) {
        r->container = util_steal_fd(&m.fds[0]);
        m.n_fds = 0;
        return true;
    }
    struct aw_err why = AW_ERR_INIT;
    if (got > 0 && m.len == sizeof(why))
        memcpy(&why, m.text, sizeof(why));
    aw_log(log, AW_LOG_WARN,
           "if the container mounts binfmt_misc, its foreign programs will not run any more: %s",
           why.message);
    return true;
}
