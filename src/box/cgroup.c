/* SPDX-License-Identifier: Apache-2.0
 *
 * Limits by control groups, without a service manager.
 *
 * The idea: a sibling of the caller's own group (cgroup2: its parent must have the controllers in
 * cgroup.subtree_control and belong to the caller, as below user@.service) or a child of it
 * (cgroup1). The caller moves himself in before he forks the holder, and back afterwards, so that
 * no process of the container is ever outside. A group is in use while its folder is locked, by us
 * and by the holder, who inherits the descriptor: archways that clean up leave it.
 */
#include "box/cgroup.h"

#include "base/file.h"
#include "base/util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define TOP "/sys/fs/cgroup"

/* The path behind "N:controller:" in /proc/self/cgroup ("" for cgroup2); fresh memory or NULL. */
static char *own_path(const char *controller)
{
    struct aw_err ignored = AW_ERR_INIT;
    _cleanup_free_ char *text = file_load(AT_FDCWD, "/proc/self/cgroup", 65536, NULL, &ignored);
    for (char *save = NULL, *line = text ? strtok_r(text, "\n", &save) : NULL; line;
         line = strtok_r(NULL, "\n", &save)) {
        char *first = strchr(line, ':'), *second = first ? strchr(first + 1, ':') : NULL;
        if (!second)
            continue;
        *second = '\0';
        if (str_eq(first + 1, controller))
            return strdup(second + 1);
    }
    return NULL;
}

static bool write_number(const char *dir, const char *file, uint64_t value, struct aw_err *err)
{
    _cleanup_free_ char *path = str_printf("%s/%s", dir, file);
    char text[32];
    snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    return path ? file_poke(AT_FDCWD, path, text, err)
                : aw_fail(err, AW_E_NOMEM, 0, "out of memory");
}

static bool move_to(const char *dir, struct aw_err *err)
{
    return write_number(dir, "cgroup.procs", 0, err); /* 0 is the writer */
}

/* The folder, open and locked (how: LOCK_EX, with LOCK_NB or not); -1 when it is gone, or another
 * has it. */
static int lock_group(int parent_fd, const char *name, int how)
{
    struct stat mine, now;
    int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && flock(fd, how) == 0 && fstat(fd, &mine) == 0 &&
        fstatat(parent_fd, name, &now, AT_SYMLINK_NOFOLLOW) == 0 && mine.st_ino == now.st_ino)
        return fd;
    util_close(fd);
    return -1;
}

/* Groups of killed runs are empty, and nobody has their locks: those that are being made are empty
 * as well. */
static void remove_dead(const char *parent)
{
    DIR *d = opendir(parent);
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));) {
        const char *id = str_starts(e->d_name, "archway-") ? e->d_name + strlen("archway-") : "";
        if (!*id || id[strspn(id, "0123456789abcdef")])
            continue;
        _cleanup_close_ int lock = lock_group(dirfd(d), e->d_name, LOCK_EX | LOCK_NB);
        if (lock >= 0)
            unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR);
    }
    closedir(d);
}

static bool not_delegated(struct aw_err *err)
{
    aw_context(err, "limits (--memory, --pids-limit) need a delegated control group");
    err->code = AW_E_PERM;
    return aw_mend(err,
                   "start it in one: systemd-run --user --scope -p Delegate=yes archway run ... "
                   "(or set the limit on that scope: -p MemoryMax=512M -p TasksMax=100)");
}

/* Make parent/archway-<id>, locked, remember home. */
static bool make_group(struct cgroup *g, const char *parent, const char *home, const char *id,
                       struct aw_err *err)
{
    remove_dead(parent);
    char *dir = str_printf("%s/archway-%s", parent, id);
    char *from = strdup(home);
    bool made = dir && from;
    int lock = -1;
    /* another may take it for dead, and remove it, before it is locked: then once more */
    for (int tries = 0; made && lock < 0 && tries < 100; tries++) {
        made = mkdir(dir, 0755) == 0 || errno == EEXIST;
        lock = made ? lock_group(AT_FDCWD, dir, LOCK_EX) : -1;
    }
    if (lock < 0) {
        aw_fail(err, AW_E_PERM, errno, "make control group %s", dir ? dir : "");
        free(dir);
        free(from);
        return false;
    }
    g->dirs[g->n] = dir;
    g->locks[g->n] = lock;
    g->home[g->n++] = from;
    return true;
}

static bool enter_unified(const struct cgroup_limits *l, const char *id, struct cgroup *g,
                          struct aw_err *err)
{
    _cleanup_free_ char *own = own_path("");
    _cleanup_free_ char *home = own ? str_printf(TOP "%s", str_eq(own, "/") ? "" : own) : NULL;
    _cleanup_free_ char *parent = home ? strdup(home) : NULL;
    if (!parent)
        return aw_fail(err, AW_E_UNSUPPORTED, 0, "this process is in no control group");
    /* in the root group (a container's own namespace) children are allowed beside processes */
    if (!str_eq(own, "/"))
        *strrchr(parent, '/') = '\0';
    if (!make_group(g, parent, home, id, err))
        return false;
    return (!l->memory || (write_number(g->dirs[0], "memory.max", l->memory, err) &&
                           (write_number(g->dirs[0], "memory.swap.max", 0, NULL) || true))) &&
           (!l->pids || write_number(g->dirs[0], "pids.max", l->pids, err)) &&
           move_to(g->dirs[0], err);
}

static bool enter_v1(const char *controller, const char *file, uint64_t value, const char *id,
                     struct cgroup *g, struct aw_err *err)
{
    _cleanup_free_ char *own = own_path(controller);
    _cleanup_free_ char *home =
        own ? str_printf(TOP "/%s%s", controller, str_eq(own, "/") ? "" : own) : NULL;
    if (!home)
        return aw_fail(err, AW_E_UNSUPPORTED, 0, "the kernel has no %s controller", controller);
    return make_group(g, home, home, id, err) &&
           write_number(g->dirs[g->n - 1], file, value, err) && move_to(g->dirs[g->n - 1], err);
}

bool cgroup_enter(const struct cgroup_limits *limits, const char *id, struct cgroup *ret,
                  struct aw_err *err)
{
    struct cgroup g = {.n = 0};
    struct statfs fs;
    bool ok = true;
    *ret = g;
    if (!limits->memory && !limits->pids)
        return true;
    if (statfs(TOP, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC) {
        ok = enter_unified(limits, id, &g, err);
    } else {
        if (limits->memory)
            ok = enter_v1("memory", "memory.limit_in_bytes", limits->memory, id, &g, err);
        if (ok && limits->pids)
            ok = enter_v1("pids", "pids.max", limits->pids, id, &g, err);
    }
    if (!ok) {
        cgroup_leave(&g);
        cgroup_fini(&g);
        return not_delegated(err);
    }
    *ret = g;
    return true;
}

void cgroup_leave(const struct cgroup *g)
{
    for (int i = 0; i < g->n; i++)
        move_to(g->home[i], NULL);
}

void cgroup_fini(struct cgroup *g)
{
    for (int i = 0; i < g->n; i++) {
        rmdir(g->dirs[i]);
        util_close(g->locks[i]);
        free(g->dirs[i]);
        free(g->home[i]);
    }
    g->n = 0;
}
