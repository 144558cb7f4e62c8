/* SPDX-License-Identifier: Apache-2.0 */
#include "binfmt/rule_dirs.h"

#include <dirent.h>
#include <errno.h>

static const char *const folders[] = {"/etc/binfmt.d", "/run/binfmt.d", "/usr/local/lib/binfmt.d",
                                      "/usr/lib/binfmt.d"};

void rule_dirs_fini(struct rule_dirs *d)
{
    strv_fini(&d->files);
    strv_fini(&d->masked);
}

static const char *name_of(const char *path)
{
    return strrchr(path, '/') + 1;
}

static bool add(struct rule_dirs *d, const char *folder, const char *name)
{
    for (size_t i = 0; i < d->files.n; i++)
        if (str_eq(name_of(d->files.v[i]), name))
            return strv_addf(&d->masked, "%s/%s", folder, name);
    return strv_addf(&d->files, "%s/%s", folder, name);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(name_of(*(char *const *)a), name_of(*(char *const *)b));
}

static bool list(struct rule_dirs *d, const char *folder)
{
    DIR *dir = opendir(folder);
    bool ok = true;
    for (struct dirent *e; dir && ok && (e = readdir(dir));)
        if (e->d_name[0] != '.' && str_ends(e->d_name, ".conf"))
            ok = add(d, folder, e->d_name);
    if (dir)
        closedir(dir);
    return ok;
}

bool rule_dirs_list(const char *root, struct rule_dirs *ret, struct aw_err *err)
{
    struct rule_dirs d = {.files = {0}};
    bool ok = true;
    for (size_t i = 0; i < AW_LEN(folders) && ok; i++) {
        _cleanup_free_ char *folder = str_printf("%s%s", root, folders[i]);
        ok = folder && list(&d, folder);
    }
    if (!ok) {
        rule_dirs_fini(&d);
        return aw_fail(err, AW_E_NOMEM, 0, "list binfmt.d: no memory");
    }
    if (d.files.n)
        qsort(d.files.v, d.files.n, sizeof(*d.files.v), by_name);
    *ret = d;
    return true;
}
