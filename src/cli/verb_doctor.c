/* SPDX-License-Identifier: Apache-2.0
 *
 * Is all here that foreign containers need? The kernel's side is libarchway's (archway/health.h);
 * this adds what `archway run` needs: ids, helper programs, emulators, and other container engines.
 */
#include "cli/rules.h"

#include "base/spawn.h"

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
    if (fd >= 0)
        aw_findings_add(f, "tun", AW_SEVERITY_OK, NULL, "/dev/net/tun can be opened");
    else
        aw_findings_add(f, "tun", AW_SEVERITY_WARN,
                        errno == ENOENT || errno == ENODEV ? "modprobe tun"
                                                           : "chmod 666 /dev/net/tun",
                        "/dev/net/tun: %s: pasta cannot make a network", strerror(errno));
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
static void check_engines(struct cli *c, struct aw_findings *f, const struct cli_rules *r)
{
    static const char *const engines[] = {"podman", "docker", "nerdctl", "buildah"};
    size_t held = 0;
    for (size_t i = 0; r->rows && i < r->n; i++)
        held += r->rows[i].archs && !r->rows[i].native && r->rows[i].held &&
                r->entries[i].enabled && r->enabled;
    for (size_t i = 0; i < AW_LEN(engines); i++) {
        _cleanup_free_ char *path = spawn_find(engines[i], c->env.path);
        if (path && held)
            aw_findings_add(f, "engine", AW_SEVERITY_OK, NULL,
                            "%s: runs containers of other platforms by %zu rule%s with flag F",
                            path, held, held == 1 ? "" : "s");
        else if (path)
            aw_findings_add(f, "engine", AW_SEVERITY_NOTE, "archway install",
                            "%s: no rule with flag F is seen here, so containers of other "
                            "platforms end in \"exec format error\"",
                            path);
    }
}

/* What archway registered, and what others did. */
static void check_records(struct aw_findings *f, const struct cli_rules *r)
{
    _cleanup_buf_ struct buf others = {0};
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++) {
        if (str_eq(cli_rules_file(r, i), "stale"))
            aw_findings_add(f, "stale", AW_SEVERITY_WARN,
                            cli_rules_mine(r, i) ? "archway refresh"
                                                 : "register the rule again, as its owner does",
                            "rule %.150s: %.200s was changed since it was registered, the kernel "
                            "holds the older one",
                            r->entries[i].rule.name, r->entries[i].rule.interpreter);
        if (!cli_rules_mine(r, i) && ++n <= 10)
            buf_addf(&others, "%s%s", n > 1 ? ", " : "", r->entries[i].rule.name);
    }
    if (n)
        aw_findings_add(f, "others", AW_SEVERITY_NOTE, NULL, "%zu rule%s not archway's: %.400s%s",
                        n, n == 1 ? " is" : "s are", buf_str(&others), n > 10 ? ", ..." : "");
    for (size_t i = 0; i < r->records.n; i++)
        if (record_state(&r->records.v[i], r->inst) == RECORD_ABSENT)
            aw_findings_add(f, "lost", AW_SEVERITY_ERROR, "archway refresh",
                            "rule %.150s was registered and is not there any more",
                            r->records.v[i].name);
}

static int print_json(struct cli *c, const struct aw_findings *f, enum aw_severity worst)
{
    struct json_object *o = json_object_new_object();
    js_add_string(o, "worst", aw_severity_name(worst));
    struct json_object *list = js_add(o, "findings", json_object_new_array());
    for (size_t i = 0; i < f->n; i++) {
        struct json_object *x = js_push(list, json_object_new_object());
        js_add_string(x, "kind", f->v[i].kind);
        js_add_string(x, "severity", aw_severity_name(f->v[i].severity));
        js_add_string(x, "message", f->v[i].message);
        js_add_string(x, "mend", f->v[i].mend[0] ? f->v[i].mend : NULL);
    }
    return cli_print_json(c, o);
}

static int print_text(struct cli *c, const struct aw_findings *f)
{
    for (size_t i = 0; i < f->n; i++) {
        const struct aw_finding *x = &f->v[i];
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

int cli_verb_doctor(struct cli *c)
{
    struct aw_err err = AW_ERR_INIT;
    struct aw_findings f = {0};
    _cleanup_rules_ struct cli_rules r;
    enum aw_severity worst = AW_SEVERITY_OK;
    aw_health_kernel(&f);
    aw_health_namespaces(&f);
    check_ids(&f);
    check_programs(c, &f);
    check_tun(&f);
    check_emulators(c, &f);
    if (cli_rules_load(c, &r, true, &err)) {
        aw_health_rules(&f, r.entries, r.rows, r.n);
        check_records(&f, &r);
    } else if (err.code != AW_E_NOTFOUND) { /* else aw_health_kernel has told */
        aw_findings_add(&f, "rules", AW_SEVERITY_ERROR, err.mend, "%s", err.message);
    }
    check_engines(c, &f, &r);
    for (size_t i = 0; i < f.n; i++)
        if (f.v[i].severity > worst)
            worst = f.v[i].severity;
    int status;
    if (f.bad) {
        aw_fail(&err, AW_E_NOMEM, 0, "out of memory");
        status = cli_fail(c, &err);
    } else {
        status = c->args.json ? print_json(c, &f, worst) : print_text(c, &f);
    }
    aw_findings_fini(&f);
    return status ? status : worst >= AW_SEVERITY_WARN;
}
