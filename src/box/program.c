/* SPDX-License-Identifier: Apache-2.0 */
#include "box/program.h"

#include "base/file.h"
#include "box/box.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>

#define USUAL_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

const char *program_name(const struct box_options *opt, const struct image_config *image)
{
    const struct strv *entry = opt->entrypoint_given ? &opt->entrypoint : &image->entrypoint;
    if (entry->n)
        return entry->v[0];
    if (opt->command.n)
        return opt->command.v[0];
    return image->cmd.n && !opt->entrypoint_given ? image->cmd.v[0] : "";
}

/* The value of NAME=value in list, the last one wins; or NULL. */
static const char *value_of(const struct strv *list, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = list->n; i-- > 0;)
        if (strncmp(list->v[i], name, len) == 0 && list->v[i][len] == '=')
            return list->v[i] + len + 1;
    return NULL;
}

/* Open path below the container's root, through the bind mount that covers it. */
static int open_program(int root_fd, const struct box_options *opt, const char *path)
{
    const struct box_mount *best = NULL;
    size_t best_len = 0;
    for (size_t i = 0; i < opt->n_mounts; i++) {
        const struct box_mount *m = &opt->mounts[i];
        size_t n = strlen(m->target);
        if (m->kind == BOX_MOUNT_BIND && n > best_len && strncmp(path, m->target, n) == 0 &&
            (path[n] == '/' || path[n] == '\0')) {
            best = m;
            best_len = n;
        }
    }
    if (!best)
        return file_openat2(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, RESOLVE_IN_ROOT);
    _cleanup_close_ int base = open(best->source, O_PATH | O_CLOEXEC);
    const char *rest = path + best_len;
    while (*rest == '/')
        rest++;
    if (base < 0)
        return -1;
    if (*rest)
        return file_openat2(base, rest, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, RESOLVE_IN_ROOT);
    return open(best->source, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

/* Can the kernel, with our rules, execute a file that begins so? */
static bool runs(int fd, const char *name, const struct program_world *w, struct aw_err *err)
{
    unsigned char head[AW_ARCH_HEADER];
    ssize_t n = pread(fd, head, sizeof(head), 0);
    if (n < 0 || !w->only_emulators || (n >= 2 && memcmp(head, "#!", 2) == 0))
        return true;
    if (n < 4 || memcmp(head, "\177ELF", 4) != 0)
        return aw_fail(err, AW_E_UNSUPPORTED, ENOEXEC, "%s is neither a program nor a #! script",
                       name);
    const struct aw_arch *arch = aw_arch_find_elf(head, (size_t)n);
    if (!arch)
        return aw_fail(err, AW_E_UNSUPPORTED, ENOEXEC, "%s has a damaged or unknown ELF header",
                       name);
    if (aw_arch_native(arch))
        return true;
    for (size_t i = 0; i < w->emulators->n; i++)
        if (w->emulators->v[i].arch == arch)
            return true;
    aw_fail(err, AW_E_UNSUPPORTED, ENOEXEC, "%s is a program for %s, for which no emulator is here",
            name, arch->name);
    return aw_mend(err, "sudo apt install qemu-user-static (Debian 13 and later: qemu-user)");
}

/* 0: an executable file that runs; else 126, or 127 when nothing is there. */
static int look(int root_fd, const char *path, const struct program_world *w, struct aw_err *err)
{
    struct stat st;
    _cleanup_close_ int fd = open_program(root_fd, w->opt, path);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        aw_fail(err, AW_E_NOTFOUND, 0, "%s: no such program in the container", path);
        return BOX_EXIT_NOT_FOUND;
    }
    if (fd < 0 || fstat(fd, &st) < 0)
        return 0;
    if (!S_ISREG(st.st_mode) || !(st.st_mode & 0111)) {
        aw_fail(err, AW_E_PERM, 0, "%s: not an executable file", path);
        return BOX_EXIT_NOT_EXEC;
    }
    return runs(fd, path, w, err) ? 0 : BOX_EXIT_NOT_EXEC;
}

static int search(int root_fd, const char *name, const struct program_world *w, struct aw_err *err)
{
    int worst = BOX_EXIT_NOT_FOUND;
    const char *path = value_of(&w->opt->env, "PATH");
    if (!path)
        path = value_of(&w->image->env, "PATH");
    if (!path)
        path = USUAL_PATH;
    while (*path) {
        size_t n = strcspn(path, ":");
        _cleanup_free_ char *full = str_printf("%.*s/%s", (int)n, path, name);
        /* an empty or relative element depends on the working directory */
        if (!full || path[0] != '/')
            return 0;
        int got = look(root_fd, full, w, err);
        if (got == 0)
            return 0;
        if (got == BOX_EXIT_NOT_EXEC)
            worst = got;
        path += n + (path[n] == ':');
    }
    if (worst == BOX_EXIT_NOT_FOUND)
        aw_fail(err, AW_E_NOTFOUND, 0, "%s: no such program on the container's PATH", name);
    return worst;
}

int program_check(int root_fd, const struct program_world *world, struct aw_err *err)
{
    const char *name = world->name ? world->name : program_name(world->opt, world->image);
    if (!*name || (name[0] != '/' && strchr(name, '/')))
        return 0;
    int status =
        name[0] == '/' ? look(root_fd, name, world, err) : search(root_fd, name, world, err);
    /* a link may lead into a volume, which is not mounted yet */
    bool volumes = world->opt->n_mounts || world->image->volumes.n;
    return status == BOX_EXIT_NOT_FOUND && volumes ? 0 : status;
}
