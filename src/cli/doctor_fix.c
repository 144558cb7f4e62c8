/* SPDX-License-Identifier: Apache-2.0
 *
 * archway doctor --fix.
 *
 * Each mend is a command that its finding tells the user too; it is run once, however many findings
 * it mends, in the order of enum aw_fix: a mount before what needs it. What counts as safe is
 * decided where the finding is made (archway/health.h).
 */
#include "cli/doctor.h"

#include "base/spawn.h"

#define USUAL_PATH "/proc/sys/fs/binfmt_misc"
#define PATIENCE_MS 60000
#define SELF "/proc/self/exe"

struct mend {
    const char *text;                 /* as the user would type it */
    const char *argv[2][6];           /* one or two programs, one after the other */
    bool (*call)(struct aw_err *err); /* instead of programs; may be NULL */
};

static bool switch_on(struct aw_err *err)
{
    struct aw_instance *inst = aw_instance_open_host(err);
    bool ok = inst && aw_instance_set_status(inst, true, err);
    aw_instance_close(inst);
    return ok;
}

/* Where the module is built in there is nothing to load. */
static bool mount_it(struct aw_err *err)
{
    static const char *const load[] = {"modprobe", "binfmt_misc", NULL};
    static const char *const words[] = {"mount",       "-t",       "binfmt_misc",
                                        "binfmt_misc", USUAL_PATH, NULL};
    struct spawn first = {.argv = load, .timeout_ms = PATIENCE_MS};
    struct spawn second = {.argv = words, .timeout_ms = PATIENCE_MS};
    _cleanup_spawn_ struct spawn_result a = {0}, b = {0};
    if (access(USUAL_PATH, F_OK) < 0 && !spawn_check(&first, &a, err))
        return false;
    return spawn_check(&second, &b, err);
}

static const struct mend mends[AW_N_FIXES] = {
    [AW_FIX_MOUNT] = {.text = "mount -t binfmt_misc binfmt_misc " USUAL_PATH, .call = mount_it},
    [AW_FIX_SWITCH] = {.text = "echo 1 > " USUAL_PATH "/status", .call = switch_on},
    [AW_FIX_REGISTER] = {.text = "chmod go-w " USUAL_PATH "/register " USUAL_PATH "/status",
                         .argv = {{"chmod", "go-w", USUAL_PATH "/register", USUAL_PATH "/status"}}},
    [AW_FIX_REFRESH] = {.text = "archway refresh", .argv = {{SELF, "refresh", "-q"}}},
    [AW_FIX_TUN] = {.text = "modprobe tun", .argv = {{"modprobe", "tun"}}},
};

static bool run(const struct mend *m, struct aw_err *err)
{
    if (m->call)
        return m->call(err);
    for (size_t i = 0; i < AW_LEN(m->argv) && m->argv[i][0]; i++) {
        struct spawn s = {.argv = m->argv[i], .timeout_ms = PATIENCE_MS};
        _cleanup_spawn_ struct spawn_result result = {0};
        if (!spawn_check(&s, &result, err))
            return false;
    }
    return true;
}

static const char *kinds_of(const struct aw_findings *f, enum aw_fix fix, struct buf *b)
{
    for (size_t i = 0; i < f->n; i++) {
        bool first = f->v[i].fix == fix;
        for (size_t k = 0; k < i && first; k++)
            first = f->v[k].fix != fix || !str_eq(f->v[k].kind, f->v[i].kind);
        if (first)
            buf_addf(b, "%s%s", b->len ? ", " : "", f->v[i].kind);
    }
    return buf_str(b);
}

static void note(struct json_object *list, const struct mend *m, const char *kinds,
                 const char *result, const char *message)
{
    struct json_object *o = js_push(list, json_object_new_object());
    js_add_string(o, "command", m->text);
    js_add_string(o, "mends", kinds);
    js_add_string(o, "result", result);
    js_add_string(o, "message", message);
}

static void one(struct cli *c, enum aw_fix fix, const char *kinds, struct json_object *list)
{
    const struct mend *m = &mends[fix];
    struct aw_err err = AW_ERR_INIT;
    if (c->args.dry_run) {
        note(list, m, kinds, "not-run", NULL);
        return;
    }
    if (geteuid() != 0) {
        note(list, m, kinds, "failed", "it needs root: sudo archway doctor --fix");
        return;
    }
    bool done = run(m, &err);
    /* nobody typed that path */
    bool self = str_starts(err.message, SELF);
    _cleanup_free_ char *message =
        str_printf("%s%s", self ? "archway" : "", err.message + (self ? strlen(SELF) : 0));
    note(list, m, kinds, done ? "done" : "failed", done ? NULL : message);
}

void doctor_fix(struct cli *c, const struct aw_findings *f, struct json_object *list)
{
    for (enum aw_fix fix = AW_FIX_NONE + 1; fix < AW_N_FIXES; fix++) {
        _cleanup_buf_ struct buf kinds = {0};
        if (*kinds_of(f, fix, &kinds) && !cli_interrupted(NULL))
            one(c, fix, buf_str(&kinds), list);
    }
}
