/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules looked at before anybody registers them: by the kernel's own verdict, by what it accepts
 * and people regret, and, in a file, by what its rules do to each other.
 */
#include "cli/rules.h"

#include "base/file.h"
#include "binfmt/rule_file.h"
#include "binfmt/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define FILE_LIMIT (1u << 20) /* bytes of a rule file */

struct seen {
    struct aw_rule rule;
    unsigned line; /* where it stands */
};

struct lint_run {
    struct json_object *array; /* with --json: what will be printed */
    bool bad;                  /* a rule that must not be registered was found */
    struct seen *seen;         /* the file's good rules so far */
    size_t n_seen;             /* how many */
};

const char *cli_lint_severity(enum aw_lint_severity severity)
{
    return severity == AW_LINT_REFUSE ? "refuse" : severity == AW_LINT_WARN ? "warn" : "note";
}

struct json_object *cli_lint_json(const struct aw_lint *lint)
{
    struct json_object *o = json_object_new_object();
    js_add_string(o, "kind", aw_lint_name(lint->kind));
    js_add_string(o, "severity", cli_lint_severity(lint->severity));
    js_add_string(o, "message", lint->message);
    return o;
}

/* One finding, on paper or in list (NULL: on paper). */
static void put(struct json_object *list, const char *where, const char *severity, const char *kind,
                const char *message)
{
    if (list) {
        struct json_object *o = js_push(list, json_object_new_object());
        js_add_string(o, "kind", kind);
        js_add_string(o, "severity", severity);
        js_add_string(o, "message", message);
        return;
    }
    _cleanup_buf_ struct buf safe = {0};
    cli_out_safe(&safe, where);
    buf_addf(&safe, ": %s: ", severity);
    cli_out_safe(&safe, message);
    printf("%s [%s]\n", buf_str(&safe), kind);
}

/* What the rules that stand above do to this one, or it to them: the last one registered is asked
 * first. Returns how many findings. */
static size_t lint_others(const struct lint_run *run, const struct aw_rule *rule,
                          struct json_object *list, const char *where)
{
    size_t found = 0;
    for (size_t i = 0; i < run->n_seen; i++) {
        const struct seen *s = &run->seen[i];
        char text[400];
        bool twice = str_eq(s->rule.name, rule->name);
        if (!twice && !aw_rule_covers(rule, &s->rule))
            continue;
        if (twice)
            snprintf(text, sizeof(text), "line %u has a rule of the same name: only one can be",
                     s->line);
        else
            snprintf(text, sizeof(text),
                     "matches all that rule %.200s (line %u) is for, and is asked first",
                     s->rule.name, s->line);
        put(list, where, "warn", twice ? "name-twice" : "shadows", text);
        found++;
    }
    return found;
}

static void remember(struct lint_run *run, const struct aw_rule *rule, unsigned line)
{
    struct seen *more = reallocarray(run->seen, run->n_seen + 1, sizeof(*more));
    if (!more)
        return;
    run->seen = more;
    run->seen[run->n_seen++] = (struct seen){.rule = *rule, .line = line};
}

/* Where a rule stands and what it is called, in JSON; the list of its findings (NULL: on paper). */
static struct json_object *begin(struct lint_run *run, const char *where, enum spec_kind kind,
                                 const struct aw_rule *rule, unsigned column)
{
    if (!run->array)
        return NULL;
    struct json_object *o = js_push(run->array, json_object_new_object());
    js_add_string(o, "where", where);
    js_add_string(o, "format", spec_kind_name(kind));
    js_add_bool(o, "valid", rule != NULL);
    if (rule) {
        char text[AW_RULE_TEXT_MAX + 1];
        js_add_string(o, "name", rule->name);
        if (aw_rule_format(rule, text, NULL))
            js_add_string(o, "register", text);
    } else if (column) {
        js_add_u64(o, "column", column);
    }
    return js_add(o, "findings", json_object_new_array());
}

/* What can be said of a rule that the kernel would take; found is what was said before. */
static void lint_rule(struct lint_run *run, const struct aw_rule *rule, struct json_object *list,
                      const char *where, size_t found)
{
    struct aw_lint lint[AW_LINT_MAX];
    size_t n = aw_rule_lint(rule, true, lint);
    for (size_t i = 0; i < n; i++) {
        run->bad |= lint[i].severity == AW_LINT_REFUSE;
        put(list, where, cli_lint_severity(lint[i].severity), aw_lint_name(lint[i].kind),
            lint[i].message);
    }
    n += found + lint_others(run, rule, list, where);
    if (!n && !list)
        printf("%s: no findings\n", where);
}

static const char *answer_of(const struct aw_rule_fault *fault)
{
    const char *name = strerrorname_np(fault->sys_errno);
    return name ? name : "?";
}

static void lint_text(struct lint_run *run, const char *text, size_t len, const char *where)
{
    struct aw_rule rule;
    struct aw_rule_fault fault = {0};
    struct aw_err err = AW_ERR_INIT;
    bool valid = aw_rule_parse(text, len, &rule, &fault, &err);
    struct json_object *list =
        begin(run, where, SPEC_RULES, valid ? &rule : NULL, (unsigned)fault.column);
    if (valid) {
        lint_rule(run, &rule, list, where, 0);
        return;
    }
    _cleanup_free_ char *message =
        str_printf("%s; the kernel's answer is %s", err.message, answer_of(&fault));
    put(list, where, "refuse", aw_rule_fault_name(fault.kind), message ? message : "");
    run->bad = true;
}

/* What the file says beside the rule itself. Returns how many findings. */
static size_t lint_spec_words(const struct spec *s, struct json_object *list, const char *where)
{
    size_t n = 0;
    char text[SPEC_WORD + 200];
    if (s->detector[0]) {
        snprintf(text, sizeof(text),
                 "%s decides about each file: update-binfmts registers run-detectors instead of "
                 "the interpreter, which works on the host only",
                 s->detector);
        put(list, where, "warn", "detector", text);
        n++;
    }
    if (s->unknown) {
        snprintf(text, sizeof(text), "line %u has a key that update-binfmts does not know",
                 s->unknown);
        put(list, where, "note", "unknown-key", text);
        n++;
    }
    if (s->doubtful) {
        snprintf(text, sizeof(text), "line %u says neither yes nor no: it counts as no",
                 s->doubtful);
        put(list, where, "warn", "neither-yes-nor-no", text);
        n++;
    }
    return n;
}

static void lint_spec(struct lint_run *run, enum spec_kind kind, const char *text, size_t len,
                      const char *file)
{
    struct spec s;
    struct aw_err err = AW_ERR_INIT;
    const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
    bool valid = spec_parse(kind, name, text, len, &s, &err);
    _cleanup_free_ char *line = s.line ? str_printf("%s:%u", file, s.line) : NULL;
    const char *where = line ? line : file;
    struct json_object *list = begin(run, where, kind, valid ? &s.rule : NULL, 0);
    if (valid) {
        lint_rule(run, &s.rule, list, where, lint_spec_words(&s, list, where));
        return;
    }
    put(list, where, "refuse",
        s.fault ? spec_fault_name(s.fault) : aw_rule_fault_name(s.rule_fault.kind), err.message);
    run->bad = true;
}

static bool lint_rules(struct lint_run *run, const char *text, size_t len, const char *name,
                       struct aw_err *err)
{
    size_t n = 0;
    struct rule_file f = {.rest = text, .left = len};
    const char *rule_text;
    size_t rule_len;
    while (rule_file_next(&f, &rule_text, &rule_len)) {
        struct aw_rule rule;
        _cleanup_free_ char *where = str_printf("%s:%u", name, f.line);
        lint_text(run, rule_text, rule_len, where ? where : name);
        if (aw_rule_parse(rule_text, rule_len, &rule, NULL, NULL))
            remember(run, &rule, f.line);
        n++;
    }
    run->n_seen = 0;
    if (!n)
        return aw_fail(err, AW_E_PARSE, 0, "%s: no rule in it", name);
    return true;
}

static bool lint_file(struct lint_run *run, int fd, const char *name, struct aw_err *err)
{
    size_t len;
    _cleanup_free_ char *text = file_load_fd(fd, name, FILE_LIMIT, &len, err);
    if (!text)
        return false;
    enum spec_kind kind = spec_kind(text, len);
    if (kind == SPEC_RULES)
        return lint_rules(run, text, len, name, err);
    lint_spec(run, kind, text, len, name);
    return true;
}

/* What begins with a colon, or has the six delimiters that a rule has at least, is no file. */
static bool is_rule(const char *text)
{
    size_t n = 0;
    for (const char *s = text; *text && *s; s++)
        n += *s == text[0];
    return text[0] == ':' || n >= 6;
}

static bool lint_operand(struct lint_run *run, const char *operand, struct aw_err *err)
{
    if (str_eq(operand, "-"))
        return lint_file(run, 0, "standard input", err);
    _cleanup_close_ int fd = open(operand, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && is_rule(operand)) {
        lint_text(run, operand, strlen(operand), "rule");
        return true;
    }
    if (fd >= 0)
        return lint_file(run, fd, operand, err);
    aw_fail(err, errno == ENOENT ? AW_E_NOTFOUND : AW_E_IO, errno, "%s", operand);
    return aw_mend(err, "name a binfmt.d or update-binfmts file, or a register string: "
                        "':name:M:offset:magic:mask:interpreter:flags'");
}

int cli_verb_lint(struct cli *c)
{
    struct aw_err err = AW_ERR_INIT;
    struct lint_run run = {.array = c->args.json ? json_object_new_array() : NULL};
    int status = 0;
    for (size_t i = 0; i < c->args.operands.n; i++)
        if (!lint_operand(&run, c->args.operands.v[i], &err))
            status = cli_fail(c, &err);
    free(run.seen);
    int done = run.array ? cli_print_json(c, run.array) : cli_done(c);
    return status ? status : done ? done : run.bad;
}
