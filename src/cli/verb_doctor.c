/* SPDX-License-Identifier: Apache-2.0
 *
 * Is all here that foreign containers need? The kernel's side is libarchway's (archway/health.h);
 * this adds what `archway run` needs: ids, helper programs, emulators, and other container engines.
 */
#include "cli/doctor.h"

#include "base/file.h"
#include "base/spawn.h"
#include "binfmt/persist.h"

#include <archway/health.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static void check_ids(struct aw_findings *f)
{
    struct idmap map;
    struct aw_err err = AW_ERR_INIT;
    if (!idmap_plan(false, &map, &err))
        aw_findings_add(f, "subuid", AW_SEVERITY_ERROR, err.mend, "%s", err.message);
    else if (map.kind == IDMAP_SINGLE)
        aw_findings_add(f, "subuid", AW_SEVERITY_WARN,
                        "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER",
                        "containers have one user only: %s", map.why_single);
    else
        aw_findings_add(f, "subuid", AW_SEVERITY_OK, NULL, "containers have %u users and %u groups",
                        idmap_uids(&map), idmap_gids(&map));
}

/* True if one of the programs (words, NULL at the end) is installed; then *ret is its path. */
static bool find_program(struct cli *c, const char *const *names, char **ret)
{
    *ret = NULL;
    for (size_t i = 0; names[i] && !*ret; i++)
        *ret = spawn_find(names[i], c->env.path);
    return *ret != NULL;
}

static void check_programs(struct cli *c, struct aw_findings *f)
{
    static const struct {
        const char *kind;
        const char *names[3];
        enum aw_severity severity; /* when it is missing */
        const char *without;       /* what does not work then */
        const char *mend;
    } needs[] = {
        {"oci-runtime",
         {"crun", "runc"},
         AW_SEVERITY_ERROR,
         "no container can be started",
         "apt install crun"},
        {"skopeo",
         {"skopeo"},
         AW_SEVERITY_WARN,
         "images cannot be fetched from registries",
         "apt install skopeo"},
        {"pasta",
         {"pasta"},
         AW_SEVERITY_WARN,
         "containers have no network but the host's or none",
         "apt install passt"},
        {"newuidmap",
         {"newuidmap"},
         AW_SEVERITY_WARN,
         "subordinate ids cannot be used",
         "apt install uidmap"},
    };
    for (size_t i = 0; i < AW_LEN(needs); i++) {
        _cleanup_free_ char *path = NULL;
        if (find_program(c, needs[i].names, &path))
            aw_findings_add(f, needs[i].kind, AW_SEVERITY_OK, NULL, "found %s", path);
        else
            aw_findings_add(f, needs[i].kind, needs[i].severity, needs[i].mend,
                            "%s is not installed: %s", needs[i].names[0], needs[i].without);
    }
}

static void check_tun(struct aw_findings *f)
{
    _cleanup_close_ int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    int how = errno;
    bool missing = how == ENOENT || how == ENODEV;
    if (fd >= 0)
        aw_findings_add(f, "tun", AW_SEVERITY_OK, NULL, "/dev/net/tun can be opened");
    else
        aw_findings_add(f, "tun", AW_SEVERITY_WARN,
                        missing ? "modprobe tun" : "chmod 666 /dev/net/tun",
                        "/dev/net/tun: %s: pasta cannot make a network", strerror(how));
    if (fd < 0 && missing)
        aw_findings_safe(f, AW_FIX_TUN);
}

static size_t count_static(const char *dir)
{
    size_t n = 0;
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));)
        n += str_starts(e->d_name, "qemu-") && str_ends(e->d_name, "-static");
    if (d)
        closedir(d);
    return n;
}

static void check_emulators(struct cli *c, struct aw_findings *f)
{
    size_t n = 0;
    _cleanup_free_ char *path = strdup(c->env.path ? c->env.path : "/usr/local/bin:/usr/bin");
    char *save = NULL;
    for (char *dir = path ? strtok_r(path, ":", &save) : NULL; dir && !n;
         dir = strtok_r(NULL, ":", &save))
        n = count_static(dir);
    if (n)
        aw_findings_add(f, "emulators", AW_SEVERITY_OK, NULL, "%zu static QEMU emulators", n);
    else if (c->env.emulator_dir || c->env.engine)
        aw_findings_add(f, "emulators", AW_SEVERITY_NOTE, "apt install qemu-user-static",
                        "only Archway's own emulators are here, no static QEMU");
    else
        aw_findings_add(f, "emulators", AW_SEVERITY_ERROR, "apt install qemu-user-static",
                        "no emulator is installed: programs of other platforms cannot run");
}

/* Engines that go by the rules of the instance that is seen here, and need flag F there. */
static void name_engines(struct cli *c, struct aw_findings *f)
{
    static const char *const engines[] = {"podman", "docker", "nerdctl", "ctr", "buildah"};
    for (size_t i = 0; i < AW_LEN(engines); i++) {
        _cleanup_free_ char *path = spawn_find(engines[i], c->env.path);
        if (path)
            aw_findings_add(f, "engine", AW_SEVERITY_NOTE, "archway doctor, without --quick",
                            "%s: not tried", path);
    }
}

/* Programs still run by the file that the kernel holds, and no more after a restart. */
static void check_gone(struct aw_findings *f, const struct cli_rules *r, size_t i)
{
    const struct aw_rule *rule = &r->entries[i].rule;
    const struct record *rec = records_find(&r->records, rule->name);
    char mend[384];
    if (r->rows[i].file_errno == EACCES)
        snprintf(mend, sizeof(mend), "chmod +x %.300s", rule->interpreter);
    else if (rec && rec->platform[0])
        snprintf(mend, sizeof(mend), "archway install %.300s", rec->platform);
    else
        snprintf(mend, sizeof(mend), "put %.300s back", rule->interpreter);
    aw_findings_add(f, "held-gone", AW_SEVERITY_WARN, mend,
                    "rule %.150s: %.200s cannot be opened any more (%s): the kernel holds what it "
                    "was until a restart, and the rule ends then",
                    rule->name, rule->interpreter, strerror(r->rows[i].file_errno));
}

/* What archway registered, and what others did. Of the latter's files only the times are known,
 * unless same says that their contents were seen to be what the kernel holds. */
static void check_records(struct aw_findings *f, struct cli_rules *r, const bool *same)
{
    _cleanup_buf_ struct buf others = {0};
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++) {
        bool mine = cli_rules_mine(r, i);
        if (str_eq(cli_rules_file(r, i), "stale") && (mine || !same || !same[i])) {
            aw_findings_add(f, "stale", AW_SEVERITY_WARN,
                            mine ? "archway refresh" : "register the rule again, as its owner does",
                            "rule %.150s: %.200s was changed since it was registered, the kernel "
                            "holds the older one",
                            r->entries[i].rule.name, r->entries[i].rule.interpreter);
            if (mine)
                aw_findings_safe(f, AW_FIX_REFRESH);
        }
        if (mine && r->rows[i].held && r->rows[i].file_errno)
            check_gone(f, r, i);
        if (!mine && ++n <= 10)
            buf_addf(&others, "%s%s", n > 1 ? ", " : "", r->entries[i].rule.name);
    }
    if (n)
        aw_findings_add(f, "others", AW_SEVERITY_NOTE, NULL, "%zu rule%s not archway's: %.400s%s",
                        n, n == 1 ? " is" : "s are", buf_str(&others), n > 10 ? ", ..." : "");
    for (size_t i = 0; i < r->records.n; i++)
        if (record_state(&r->records.v[i], r->inst) == RECORD_ABSENT) {
            aw_findings_add(f, "lost", AW_SEVERITY_ERROR, "archway refresh",
                            "rule %.150s was registered and is not there any more",
                            r->records.v[i].name);
            aw_findings_safe(f, AW_FIX_REFRESH);
        }
}

/* What is to be there after a restart, where records say so. */
static void check_persistence(struct aw_findings *f, const struct cli_rules *r)
{
    size_t n = 0;
    if (!aw_instance_in_initial_ns())
        return;
    for (size_t i = 0; i < r->records.n; i++)
        n += r->records.v[i].persist;
    _cleanup_free_ char *want = n ? persist_rules_text(&r->records) : NULL;
    _cleanup_free_ char *have = n ? file_load(AT_FDCWD, PERSIST_RULES, 1 << 20, NULL, NULL) : NULL;
    if (!n || (want && have && str_eq(want, have)))
        return;
    aw_findings_add(f, "not-kept", AW_SEVERITY_WARN, "archway refresh",
                    "%s: %zu rule%s of archway's will not be there after a restart", PERSIST_RULES,
                    n, n == 1 ? "" : "s");
    aw_findings_safe(f, AW_FIX_REFRESH);
}

/* ---- saying ------------------------------------------------------------------------------------
 */

struct report {
    struct aw_findings f;        /* what was found, after the mends */
    struct json_object *mends;   /* array: what --fix did */
    struct json_object *engines; /* array: what was tried in them */
};

static enum aw_severity worst_of(const struct aw_findings *f)
{
    enum aw_severity worst = AW_SEVERITY_OK;
    for (size_t i = 0; i < f->n; i++)
        if (f->v[i].severity > worst)
            worst = f->v[i].severity;
    return worst;
}

static int print_json(struct cli *c, const struct report *r)
{
    const struct aw_findings *f = &r->f;
    struct json_object *o = json_object_new_object();
    js_add_string(o, "worst", aw_severity_name(worst_of(f)));
    struct json_object *list = js_add(o, "findings", json_object_new_array());
    for (size_t i = 0; i < f->n; i++) {
        struct json_object *x = js_push(list, json_object_new_object());
        js_add_string(x, "kind", f->v[i].kind);
        js_add_string(x, "severity", aw_severity_name(f->v[i].severity));
        js_add_string(x, "message", f->v[i].message);
        js_add_string(x, "mend", f->v[i].mend[0] ? f->v[i].mend : NULL);
        js_add_bool(x, "safe", f->v[i].fix != AW_FIX_NONE);
    }
    js_add(o, "engines", json_object_get(r->engines));
    if (c->args.fix || c->args.dry_run)
        js_add(o, "mends", json_object_get(r->mends));
    return cli_print_json(c, o);
}

static const char *text_of(struct json_object *o, const char *key)
{
    const char *text = "";
    js_get_string(o, key, &text, NULL);
    return text;
}

static void print_mends(struct cli *c, struct json_object *list)
{
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *o = json_object_array_get_idx(list, i);
        _cleanup_buf_ struct buf safe = {0};
        const char *message = text_of(o, "message");
        cli_out_safe(&safe, message);
        printf("%s %s (%s)%s%s%s\n", c->args.dry_run ? "would run" : "ran", text_of(o, "command"),
               text_of(o, "mends"), c->args.dry_run ? "" : ": ",
               c->args.dry_run ? "" : text_of(o, "result"), "");
        if (*message)
            printf("          %s\n", buf_str(&safe));
    }
    if ((c->args.fix || c->args.dry_run) && !json_object_array_length(list) && !c->args.quiet)
        puts("nothing was found that can be mended without a decision");
}

static int print_text(struct cli *c, const struct report *r)
{
    print_mends(c, r->mends);
    for (size_t i = 0; i < r->f.n; i++) {
        const struct aw_finding *x = &r->f.v[i];
        _cleanup_buf_ struct buf safe = {0}, mend = {0};
        if (c->args.quiet && x->severity < AW_SEVERITY_WARN)
            continue;
        cli_out_safe(&safe, x->message);
        printf("%-5s  %s [%s]\n", aw_severity_name(x->severity), buf_str(&safe), x->kind);
        cli_out_safe(&mend, x->mend);
        if (x->mend[0])
            printf("       to mend it: %s\n", buf_str(&mend));
    }
    return cli_done(c);
}

/* ---- the verb ----------------------------------------------------------------------------------
 */

/* engines: array that gets what was tried in them; NULL: do not try. */
static void look(struct cli *c, struct aw_findings *f, struct json_object *engines)
{
    struct aw_err err = AW_ERR_INIT;
    _cleanup_rules_ struct cli_rules r;
    aw_health_kernel(f);
    aw_health_namespaces(f);
    check_ids(f);
    check_programs(c, f);
    check_tun(f);
    check_emulators(c, f);
    bool loaded = cli_rules_load(c, &r, CLI_RULES_ENTRIES, &err);
    aw_health_security(f, "", r.inst, r.entries, loaded ? r.n : 0);
    aw_health_files(f, "", r.entries, loaded ? r.n : 0);
    if (loaded) {
        aw_health_rules(f, r.entries, r.rows, r.n);
        _cleanup_free_ bool *same = calloc(r.n + 1, sizeof(*same));
        f->bad |= !same;
        if (r.enabled && same)
            aw_health_run(f, r.entries, r.n, same);
        check_records(f, &r, same);
        check_persistence(f, &r);
        doctor_formats(c, f, &r);
    } else if (err.code != AW_E_NOTFOUND) { /* else aw_health_kernel has told */
        aw_findings_add(f, "rules", AW_SEVERITY_ERROR, err.mend, "%s", err.message);
    }
    if (engines)
        doctor_engines(c, f, &r, engines);
    else
        name_engines(c, f);
}

/* Was a mend asked for that could not be made? */
static bool mend_failed(struct json_object *mends)
{
    for (size_t i = 0; i < json_object_array_length(mends); i++)
        if (str_eq(text_of(json_object_array_get_idx(mends, i), "result"), "failed"))
            return true;
    return false;
}

static int report(struct cli *c, struct report *r)
{
    struct aw_err err = AW_ERR_INIT;
    if (r->f.bad)
        aw_fail(&err, AW_E_NOMEM, 0, "out of memory");
    else if (cli_interrupted(NULL))
        aw_fail(&err, AW_E_CANCELLED, 0, "interrupted");
    if (err.code != AW_OK)
        return cli_fail(c, &err);
    int status = c->args.json ? print_json(c, r) : print_text(c, r);
    return status ? status : mend_failed(r->mends) || worst_of(&r->f) >= AW_SEVERITY_WARN;
}

int cli_verb_doctor(struct cli *c)
{
    struct report r = {.mends = json_object_new_array(), .engines = json_object_new_array()};
    bool fix = c->args.fix || c->args.dry_run;
    cli_interrupt_catch();
    /* what is mended may be what keeps containers from running: engines come last */
    look(c, &r.f, fix && !c->args.dry_run ? NULL : c->args.quick ? NULL : r.engines);
    if (fix)
        doctor_fix(c, &r.f, r.mends);
    if (fix && !c->args.dry_run && !cli_interrupted(NULL)) {
        aw_findings_fini(&r.f);
        look(c, &r.f, c->args.quick ? NULL : r.engines);
    }
    int status = report(c, &r);
    aw_findings_fini(&r.f);
    json_object_put(r.mends);
    json_object_put(r.engines);
    return status;
}
