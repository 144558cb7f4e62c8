/* SPDX-License-Identifier: Apache-2.0
 *
 * What archway-format would do with a file, without doing it: as launch/main.c decides, but that
 * detectors of the user's are not started.
 */
#include "cli/formats.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>

struct ask {
    struct cli *c;                    /* who asks */
    const struct format_users *users; /* the user's own formats */
    const char *path;                 /* the file, as it was named */
    int root;                         /* --root: a folder's descriptor; -1: paths are as here */
    struct cli_formats_answer *a;     /* is filled in */
    struct buf tried;                 /* programs that are not there, ", " between them */
};

static bool read_fd(void *user, uint64_t offset, void *data, size_t len)
{
    return pread(*(int *)user, data, len, (off_t)offset) == (ssize_t)len;
}

static const struct format_user *match_user(const struct ask *q, int fd, const char *set)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return NULL;
    struct format_file f = {
        .name = q->path, .size = (uint64_t)st.st_size, .read = read_fd, .user = &fd};
    for (size_t i = 0; i < q->users->n; i++)
        if ((!set || str_eq(set, q->users->v[i].name)) && format_user_matches(&q->users->v[i], &f))
            return &q->users->v[i];
    return NULL;
}

/* Fill in program and arguments by the first of the commands whose program is there. */
static bool try_list(struct ask *q, const char *const *commands, const char *root_folder)
{
    const char *const *args = (const char *const *)q->c->args.operands.v + 1;
    struct format_run run = {.file = q->path,
                             .args = args,
                             .env = (const char *const *)q->c->env.all,
                             .root = root_folder,
                             .is = &q->a->verdict};
    for (; *commands; commands++) {
        const char *command = *commands + (**commands == '@');
        _cleanup_free_ char *program = format_command_program(command, &q->a->verdict);
        char *path =
            program ? format_find_program(program, q->root < 0 ? q->c->env.path : NULL, q->root)
                    : NULL;
        buf_addf(&q->tried, "%s%s", q->tried.len ? ", " : "", program ? program : "?");
        if (!path)
            continue;
        q->a->program = path;
        /* a variable a word would fill the page */
        run.env = NULL;
        return format_command(command, &run, &q->a->argv, NULL);
    }
    return false;
}

static void explain_missing(struct ask *q, const char *text, const char *package)
{
    q->a->package = package;
    snprintf(q->a->reason, sizeof(q->a->reason), "%s, and nothing here runs it (looked for: %s)",
             text, buf_str(&q->tried));
}

static void ask_user(struct ask *q, const struct format_user *u)
{
    q->a->user = u;
    if (!try_list(q, (const char *const *)u->commands.v, NULL))
        explain_missing(q, u->text ? u->text : u->name, u->package);
}

static void ask_kind(struct ask *q)
{
    const struct format_kind_row *kind = q->a->kind;
    const char *names[] = {kind->word, format_at(kind->format)->name};
    struct aw_err err = AW_ERR_INIT;
    _cleanup_free_ char *root = NULL;
    if (q->a->verdict.kind == KIND_JAVA_CLASS &&
        !format_class_root(q->path, q->a->verdict.main_class, &root, &err)) {
        snprintf(q->a->reason, sizeof(q->a->reason), "%.500s", err.message);
        return;
    }
    for (size_t i = 0; i < AW_LEN(names); i++) {
        const struct format_user *u = format_users_find(q->users, names[i]);
        if (u && try_list(q, (const char *const *)u->commands.v, root))
            return;
    }
    if (!try_list(q, kind->commands, root))
        explain_missing(q, kind->text, kind->package);
}

static void ask(struct ask *q, int fd, const char *set)
{
    struct cli_formats_answer *a = q->a;
    const struct format_user *user = match_user(q, fd, set);
    unsigned bits = set ? format_set_parse(set) : 0;
    if (user) {
        ask_user(q, user);
        return;
    }
    if (!format_decide_fd(fd, q->path, &a->verdict) || a->verdict.kind == KIND_NONE) {
        snprintf(a->reason, sizeof(a->reason), "%s", a->verdict.reason);
        return;
    }
    a->kind = format_kind_at(a->verdict.kind);
    if (a->kind->format == FORMAT_N)
        return;
    ask_kind(q);
    if (bits && !(bits & FORMAT_BIT(a->kind->format)))
        snprintf(a->reason, sizeof(a->reason), "%s, which no rule is for", a->kind->text);
}

bool cli_formats_ask(struct cli *c, const struct format_users *users, const char *set,
                     const char *path, int root, struct cli_formats_answer *ret)
{
    struct ask q = {.c = c, .users = users, .path = path, .root = root, .a = ret};
    int how = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
    memset(ret, 0, sizeof(*ret));
    _cleanup_close_ int fd =
        root < 0 ? open(path, how) : file_openat2(root, path, how, 0, RESOLVE_IN_ROOT);
    if (fd < 0)
        snprintf(ret->reason, sizeof(ret->reason), "cannot be read: %s", strerror(errno));
    else
        ask(&q, fd, set);
    ret->tried = buf_steal(&q.tried);
    buf_fini(&q.tried);
    return true;
}

void cli_formats_answer_fini(struct cli_formats_answer *a)
{
    free(a->program);
    free(a->tried);
    strv_fini(&a->argv);
    memset(a, 0, sizeof(*a));
}
