/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands: templates of words with {placeholders}, filled in for one program.
 */
#include "format/format.h"

#include "base/buf.h"
#include "base/file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>

/* A WASI host for node: arguments, environment and standard streams are the program's, and of
 * files it sees the folder where it was started, as ".", as under the other runtimes. */
static const char wasi_host[] =
    "const {WASI}=require('node:wasi'),fs=require('node:fs');"
    "const [file,...rest]=process.argv.slice(1);"
    "const w=new WASI({version:'preview1',args:[file,...rest],env:process.env,"
    "preopens:{'.':'.'},returnOnExit:true});"
    "const m=new WebAssembly.Module(fs.readFileSync(file));"
    "const want=WebAssembly.Module.imports(m);"
    "const bad=want.find(i=>!/^wasi_(snapshot_preview1|unstable)$/.test(i.module));"
    "if(bad){console.error(`${file}: it needs ${bad.module}.${bad.name}, which is not of WASI`);"
    "process.exit(126)}"
    "const i=new WebAssembly.Instance(m,{wasi_snapshot_preview1:w.wasiImport,"
    "wasi_unstable:w.wasiImport});"
    "process.exitCode=w.start(i)";

enum part { PART_FILE, PART_ARGS, PART_ENV, PART_ROOT, PART_MAIN, PART_VERSION, PART_WASI, PART_N };
static const char *const part_names[PART_N] = {"{file}", "{args}",    "{env}", "{root}",
                                               "{main}", "{version}", "{wasi}"};

struct fill {
    const struct format_run *run; /* NULL: only check */
    struct strv *to;
    unsigned seen; /* bits of enum part */
    bool first;    /* the word at hand is the program */
};

static bool add_list(struct fill *f, enum part part)
{
    const char *const *list = part == PART_ARGS ? f->run->args : f->run->env;
    for (; list && *list; list++)
        if ((part == PART_ENV && !strv_add(f->to, "--env")) || !strv_add(f->to, *list))
            return false;
    return true;
}

static void add_file(struct buf *b, const char *file)
{
    if (file[0] == '-')
        buf_adds(b, "./");
    buf_adds(b, file);
}

/* The name of a class as java takes it. */
static void add_main(struct buf *b, const char *name)
{
    for (; *name; name++)
        buf_addc(b, *name == '/' ? '.' : *name);
}

/* A program's name may only depend on the version. */
static bool allowed(const struct fill *f, enum part part, struct aw_err *err)
{
    return !f->first || part == PART_VERSION ||
           aw_fail(err, AW_E_PARSE, 0, "the first word must be a program");
}

static bool add_part(struct fill *f, struct buf *b, enum part part, struct aw_err *err)
{
    const struct format_run *run = f->run;
    if (!allowed(f, part, err))
        return false;
    f->seen |= 1u << part;
    if (part == PART_ARGS || part == PART_ENV)
        return aw_fail(err, AW_E_PARSE, 0, "%s must be a word of its own", part_names[part]);
    if (!run)
        return true;
    switch (part) {
    case PART_FILE:
        add_file(b, run->file);
        break;
    case PART_ROOT:
        if (!run->root)
            return aw_fail(err, AW_E_ARG, 0, "{root} is for Java classes only");
        buf_adds(b, run->root);
        break;
    case PART_MAIN:
        add_main(b, run->is ? run->is->main_class : "");
        break;
    case PART_VERSION:
        buf_adds(b, run->is ? run->is->version : "");
        break;
    case PART_WASI:
        buf_adds(b, wasi_host);
        break;
    default:
        break;
    }
    return true;
}

static enum part part_at(const char *p)
{
    enum part i = 0;
    while (i < PART_N && !str_starts(p, part_names[i]))
        i++;
    return i;
}

/* One word from *text, which moves behind it. */
static bool take_word(struct fill *f, const char **text, struct aw_err *err)
{
    _cleanup_buf_ struct buf b = {0};
    const char *p = *text;
    enum part whole = part_at(p);
    size_t n = whole < PART_N ? strlen(part_names[whole]) : 0;
    if ((whole == PART_ARGS || whole == PART_ENV) && (!p[n] || p[n] == ' ' || p[n] == '\t')) {
        if (!allowed(f, whole, err))
            return false;
        f->seen |= 1u << whole;
        *text = p + n;
        return !f->run || add_list(f, whole) || aw_fail(err, AW_E_NOMEM, 0, "no memory");
    }
    char quote = 0;
    for (; *p && (quote || (*p != ' ' && *p != '\t')); p++) {
        enum part part = quote == '\'' ? PART_N : part_at(p);
        if (part < PART_N) {
            if (!add_part(f, &b, part, err))
                return false;
            p += strlen(part_names[part]) - 1;
        } else if (quote ? *p == quote : *p == '"' || *p == '\'') {
            quote = quote ? 0 : *p;
        } else if (*p == '\\' && quote != '\'' && p[1]) {
            buf_addc(&b, *++p);
        } else if (*p == '{' && !quote) {
            return aw_fail(err, AW_E_PARSE, 0, "\"%.20s\": there is no such placeholder", p);
        } else {
            buf_addc(&b, *p);
        }
    }
    *text = p;
    if (quote)
        return aw_fail(err, AW_E_PARSE, 0, "a quote %c that is not closed", quote);
    return !f->run || (buf_ok(&b) && strv_add(f->to, buf_str(&b))) ||
           aw_fail(err, AW_E_NOMEM, 0, "no memory");
}

static bool fill(struct fill *f, const char *command, struct aw_err *err)
{
    const char *p = command + strspn(command, " \t");
    if (!*p)
        return aw_fail(err, AW_E_PARSE, 0, "a command without words");
    f->first = true;
    for (; *p; p += strspn(p, " \t")) {
        if (!take_word(f, &p, err))
            return false;
        f->first = false;
    }
    static const enum part at_end[] = {PART_FILE, PART_ARGS};
    for (size_t i = 0; i < AW_LEN(at_end); i++) {
        const char *word = part_names[at_end[i]];
        /* a class is found by its name */
        if (!(f->seen & (1u << at_end[i] | (at_end[i] == PART_FILE ? 1u << PART_MAIN : 0))) &&
            !take_word(f, &word, err))
            return false;
    }
    return true;
}

bool format_command(const char *command, const struct format_run *run, struct strv *ret,
                    struct aw_err *err)
{
    struct strv words = {0};
    struct fill f = {.run = run, .to = &words};
    if (!fill(&f, command, err)) {
        strv_fini(&words);
        return aw_context(err, "command \"%s\"", command);
    }
    *ret = words;
    return true;
}

bool format_command_check(const char *command, struct aw_err *err)
{
    struct fill f = {.run = NULL};
    return fill(&f, command, err) || aw_context(err, "command \"%s\"", command);
}

char *format_command_program(const char *command, const struct format_verdict *is)
{
    static const char *const none[] = {NULL};
    struct format_run run = {.file = "", .args = none, .env = none, .root = "", .is = is};
    struct strv words = {0};
    char *program = NULL;
    if (format_command(command, &run, &words, NULL) && words.n)
        program = strdup(words.v[0]);
    strv_fini(&words);
    return program;
}

/* ---- where Java looks for a class -------------------------------------------------------------
 */

/* Does path end in /NAME.class? How long the part in front is, or -1. */
static ssize_t root_length(const char *path, const char *main_class)
{
    size_t len = strlen(path), tail = strlen(main_class) + strlen(".class");
    if (len < tail + 1 || path[len - tail - 1] != '/')
        return -1;
    const char *p = path + (len - tail);
    if (strncmp(p, main_class, strlen(main_class)) != 0 ||
        !str_eq(p + strlen(main_class), ".class"))
        return -1;
    return len - tail > 1 ? (ssize_t)(len - tail - 1) : 1;
}

bool format_class_root(const char *file, const char *main_class, char **ret, struct aw_err *err)
{
    /* as it is called first, so that a folder of links works; then where it really is */
    _cleanup_free_ char *dir = strdup(file), *real = realpath(file, NULL), *here = NULL,
                        *named = NULL;
    char *slash = dir ? strrchr(dir, '/') : NULL;
    if (slash)
        slash[slash == dir] = 0;
    here = dir ? realpath(slash ? dir : ".", NULL) : NULL;
    const char *base = strrchr(file, '/');
    named =
        here ? str_printf("%s/%s", str_eq(here, "/") ? "" : here, base ? base + 1 : file) : NULL;
    const char *tries[] = {named, real};
    for (size_t i = 0; i < AW_LEN(tries); i++) {
        ssize_t n = tries[i] ? root_length(tries[i], main_class) : -1;
        if (n > 0 && (*ret = strndup(tries[i], (size_t)n)))
            return true;
    }
    return aw_fail(err, AW_E_ARG, 0,
                   "Java finds this class only as %s.class (in a folder of that name for each part "
                   "of the package)",
                   main_class);
}

/* ---- finding programs -------------------------------------------------------------------------
 */

static bool runs_here(const char *path, int root)
{
    char head[4] = "";
    struct stat st;
    int how = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
    _cleanup_close_ int fd =
        root < 0 ? open(path, how) : file_openat2(root, path, how, 0, RESOLVE_IN_ROOT);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || !(st.st_mode & 0111))
        return false;
    if (root < 0 && faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0)
        return false;
    ssize_t n = pread(fd, head, 4, 0);
    return (n == 4 && memcmp(head,
                             "\x7f"
                             "ELF",
                             4) == 0) ||
           (n >= 2 && memcmp(head, "#!", 2) == 0);
}

char *format_find_program(const char *program, const char *path, int root)
{
    if (!path || !*path)
        path = "/usr/local/bin:/usr/bin:/bin";
    if (strchr(program, '/'))
        return runs_here(program, root) ? strdup(program) : NULL;
    while (*path) {
        size_t n = strcspn(path, ":");
        _cleanup_free_ char *full =
            n && path[0] == '/' ? str_printf("%.*s/%s", (int)n, path, program) : NULL;
        if (full && runs_here(full, root))
            return AW_STEAL(full);
        path += n + (path[n] == ':');
    }
    return NULL;
}
