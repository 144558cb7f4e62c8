/* SPDX-License-Identifier: Apache-2.0
 *
 * Which interpreter, and becoming it.
 *
 * The idea: the kernel keeps this program open (flag F) and static, so it works in every container;
 * the interpreter is looked up where the file is run, by the PATH there. The name that it was
 * registered by tells which formats are wanted: ".../formats/dos+wine".
 *
 * Invariants:
 * 1. Nothing is executed for a file that no decider recognises, and nothing but an ELF file or a
 *    script is executed as an interpreter: so this cannot go round in a circle.
 * 2. Arguments, environment, descriptors, signals and their masks reach the interpreter as they
 *    came.
 * 3. With more rights than its caller (AT_SECURE; the rules never ask for that) it believes neither
 *    PATH nor the user's files.
 */
#include "launch/launch.h"

#include "base/buf.h"
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/auxv.h>
#include <sys/stat.h>

#define SYSTEM_FORMATS "/etc/archway/formats.conf"
#define AT_FLAGS_ARGV0 1 /* the rule has flag P (Linux 5.12) */
#define DETECTOR_MS 10000

int launch_refuse(const struct launch *l, const char *fmt, ...)
{
    va_list ap;
    char text[2048];
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    dprintf(2, "archway-format: %s: %s\n", l->file, text);
    return STATUS_NO;
}

/* ---- the user's formats -----------------------------------------------------------------------
 */

static void load_one(const struct launch *l, const char *path, struct format_users *ret)
{
    struct aw_err err = AW_ERR_INIT;
    if (!format_users_load(path, ret, &err))
        launch_refuse(l, "going on without that file: %s", err.message);
}

static void load_users(const struct launch *l, struct format_users *ret)
{
    _cleanup_free_ char *own =
        l->config_home ? str_printf("%s/archway/formats.conf", l->config_home) : NULL;
    if (own)
        load_one(l, own, ret);
    load_one(l, SYSTEM_FORMATS, ret);
}

/* Does its detector, if there is one, say yes? */
static bool detected(const struct launch *l, const struct format_user *u)
{
    static const char *const none[] = {NULL};
    struct format_run run = {.file = l->file, .args = none, .env = none};
    struct strv words = {0};
    struct aw_err err = AW_ERR_INIT;
    struct spawn_result result = {0};
    if (!u->detector)
        return true;
    bool ok = format_command(u->detector, &run, &words, &err);
    struct spawn s = {.argv = (const char *const *)words.v, .timeout_ms = DETECTOR_MS};
    ok = ok && spawn_run(&s, &result, &err);
    if (!ok)
        launch_refuse(l, "detector of %s: %s", u->name, err.message);
    ok = ok && result.status == 0;
    spawn_result_fini(&result);
    strv_fini(&words);
    return ok;
}

static bool read_fd(void *user, uint64_t offset, void *data, size_t len)
{
    return pread(*(int *)user, data, len, (off_t)offset) == (ssize_t)len;
}

static const struct format_user *find_user(const struct launch *l, const struct format_users *all)
{
    struct stat st;
    int fd = l->fd;
    if (fstat(fd, &st) < 0)
        return NULL;
    struct format_file f = {
        .name = l->file, .size = (uint64_t)st.st_size, .read = read_fd, .user = &fd};
    for (size_t i = 0; i < all->n; i++)
        if ((!l->set || str_eq(l->set, all->v[i].name)) && format_user_matches(&all->v[i], &f) &&
            detected(l, &all->v[i]))
            return &all->v[i];
    return NULL;
}

/* ---- becoming the interpreter -----------------------------------------------------------------
 */

/* Returns only if the command cannot be had: 0, its program is not here; or the status. */
static int try_command(const struct launch *l, const char *command, struct format_run *run)
{
    struct aw_err err = AW_ERR_INIT;
    _cleanup_strv_ struct strv words = {0};
    bool own = command[0] == '@';
    _cleanup_free_ char *program = format_command_program(command + own, run->is);
    _cleanup_free_ char *path = program ? format_find_program(program, l->path, -1) : NULL;
    if (!path)
        return 0;
    if (!format_command(command + own, run, &words, &err))
        return launch_refuse(l, "%s", err.message);
    if (own)
        return launch_dosbox(l, path, &words);
    execve(path, words.v, (char *const *)l->env);
    return launch_refuse(l, "start %s: %s", path, strerror(errno));
}

/* The commands in order; *tried collects what was not found. Returns as try_command. */
static int try_list(const struct launch *l, const char *const *commands, struct format_run *run,
                    struct buf *tried)
{
    for (; *commands; commands++) {
        int status = try_command(l, *commands, run);
        if (status)
            return status;
        _cleanup_free_ char *program =
            format_command_program(*commands + (**commands == '@'), run->is);
        buf_addf(tried, "%s%s", tried->len ? ", " : "", program ? program : "?");
    }
    return 0;
}

static int missing(const struct launch *l, const char *text, const char *package,
                   const struct buf *tried)
{
    if (package)
        return launch_refuse(l, "%s, and nothing here runs it (%s): apt install %s", text,
                             buf_str(tried), package);
    return launch_refuse(l, "%s, and nothing here runs it (%s)", text, buf_str(tried));
}

static int run_user(const struct launch *l, const struct format_user *u)
{
    struct format_run run = {.file = l->file, .args = l->args, .env = l->env};
    _cleanup_buf_ struct buf tried = {0};
    int status = try_list(l, (const char *const *)u->commands.v, &run, &tried);
    return status ? status : missing(l, u->text ? u->text : u->name, u->package, &tried);
}

/* A class path with : in it would be two; so it goes by a descriptor, which java inherits. */
static char *plain_root(char *root)
{
    int fd = strchr(root, ':') ? open(root, O_PATH | O_DIRECTORY) : -1;
    if (fd < 0)
        return root;
    free(root);
    return str_printf("/proc/self/fd/%d", fd);
}

static char *class_path(const struct launch *l, const struct format_verdict *v, struct aw_err *err)
{
    char *root = NULL;
    const char *more = getenv("CLASSPATH");
    if (!format_class_root(l->file, v->main_class, &root, err))
        return NULL;
    root = plain_root(root);
    if (root && more && *more) {
        char *both = str_printf("%s:%s", root, more);
        free(root);
        root = both;
    }
    return root;
}

static int run_kind(const struct launch *l, const struct format_users *users,
                    const struct format_verdict *v)
{
    const struct format_kind_row *kind = format_kind_at(v->kind);
    const char *names[] = {kind->word, format_at(kind->format)->name};
    struct format_run run = {.file = l->file, .args = l->args, .env = l->env, .is = v};
    struct aw_err err = AW_ERR_INIT;
    _cleanup_buf_ struct buf tried = {0};
    _cleanup_free_ char *root = NULL;
    int status = 0;
    if (v->kind == KIND_JAVA_CLASS) {
        root = class_path(l, v, &err);
        if (!root)
            return launch_refuse(l, "%s", err.message);
        run.root = root;
    }
    for (size_t i = 0; i < AW_LEN(names) && !status; i++) {
        const struct format_user *u = format_users_find(users, names[i]);
        if (u)
            status = try_list(l, (const char *const *)u->commands.v, &run, &tried);
    }
    if (!status)
        status = try_list(l, kind->commands, &run, &tried);
    return status ? status : missing(l, kind->text, kind->package, &tried);
}

/* The formats that the rule is for. One that only the user knows stands for a rule of his own: what
 * his detector refuses is judged as if that rule were not there. */
static unsigned enabled(const struct launch *l)
{
    unsigned set = l->set ? format_set_parse(l->set) : 0;
    return set ? set : FORMAT_ALL;
}

static int decide(const struct launch *l)
{
    struct format_users users = {0};
    struct format_verdict v;
    int status;
    load_users(l, &users);
    const struct format_user *user = users.n ? find_user(l, &users) : NULL;
    if (user) {
        status = run_user(l, user);
    } else if (!format_decide_fd(l->fd, l->file, &v)) {
        status = launch_refuse(l, "cannot be read: %s", strerror(errno));
    } else if (v.kind == KIND_NONE) {
        status = launch_refuse(l, "%s", v.reason);
    } else if (v.kind == KIND_SCRIPT) {
        status = launch_script(l);
    } else if (v.kind == KIND_ELF) {
        status = launch_elf(l);
    } else {
        const struct format_kind_row *kind = format_kind_at(v.kind);
        if (enabled(l) & FORMAT_BIT(kind->format))
            status = run_kind(l, &users, &v);
        else
            status = launch_refuse(l, "%s, which no rule is for: archway install %s", kind->text,
                                   format_at(kind->format)->name);
    }
    format_users_fini(&users);
    return status;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static char *config_home(void)
{
    const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (xdg && xdg[0] == '/')
        return strdup(xdg);
    return home && home[0] == '/' ? str_printf("%s/.config", home) : NULL;
}

/* Not as one of the standard streams, where those are closed. */
static int open_above(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 || fd > 2)
        return fd;
    int above = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    util_close(fd);
    return above;
}

int main(int argc, char **argv)
{
    int first = 1 + (getauxval(AT_FLAGS) & AT_FLAGS_ARGV0 ? 1 : 0);
    bool secure = getauxval(AT_SECURE) != 0;
    struct stat st;
    if (argc <= first) {
        dprintf(2,
                "archway-format: looks at a program and starts what runs it; binfmt_misc calls it "
                "(archway help install)\nusage: archway-format FILE [ARG...]\n");
        return 2;
    }
    const char *name = base_name(argv[0]);
    _cleanup_free_ char *config = secure ? NULL : config_home();
    struct launch l = {
        .set = str_starts(name, "archway-format") ? NULL : name,
        .file = argv[1],
        .argv0 = argv[first],
        .args = (const char *const *)argv + first + 1,
        .env = (const char *const *)environ,
        .path = secure ? NULL : getenv("PATH"),
        .config_home = config,
    };
    l.fd = open_above(l.file);
    if (l.fd < 0)
        return launch_refuse(&l, "cannot be read: %s", strerror(errno));
    if (fstat(l.fd, &st) < 0 || !S_ISREG(st.st_mode))
        return launch_refuse(&l, "no regular file");
    return decide(&l);
}
