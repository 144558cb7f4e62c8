/* SPDX-License-Identifier: Apache-2.0
 *
 * Another program's command line.
 *
 * The idea: its words are taken out, what is left is the command line of `archway install`, and the
 * verbs do the work, one name after the other. Standard output has the JSON object only.
 *
 * Invariants:
 * 1. The keys are those of the other program: "supported", platforms whose programs were executed
 *    here and ran, and "emulators", the names of the rules that are switched on.
 * 2. The exit status tells the truth, which the other program's does not.
 * 3. Of a rule that is not there --uninstall says so and is content; someone else's is an error.
 */
#include "cli/change.h"
#include "cli/compat.h"
#include "cli/parse.h"
#include "cli/rules.h"

#include "base/cpu.h"
#include "binfmt/guest.h"

#define USUAL_PATH "/proc/sys/fs/binfmt_misc"
#define PATIENCE_MS 10000

/* ---- the command line -------------------------------------------------------------------------
 */

/* "--install", "-install=all": the value, "" if it is the next word; NULL: another word. */
static const char *match(const char *word, const char *name)
{
    size_t n = strlen(name);
    if (word[0] != '-')
        return NULL;
    word += word[1] == '-' ? 2 : 1;
    if (strncmp(word, name, n) != 0)
        return NULL;
    return word[n] == '=' ? word + n + 1 : word[n] == 0 ? "" : NULL;
}

bool cli_compat_meant(int argc, char **argv)
{
    for (int i = 1; i < argc && argv[i][0] == '-' && !str_eq(argv[i], "--"); i++)
        if (match(argv[i], "install") || match(argv[i], "uninstall"))
            return true;
    return false;
}

struct request {
    struct strv install, uninstall; /* names, platforms, globs */
    struct strv rest;               /* command line of `archway install`, without operands */
};

static void request_fini(struct request *r)
{
    strv_fini(&r->install);
    strv_fini(&r->uninstall);
    strv_fini(&r->rest);
}

static bool split(struct strv *list, const char *text)
{
    bool ok = true;
    _cleanup_free_ char *words = strdup(text);
    char *save = NULL;
    for (char *w = words ? strtok_r(words, ",", &save) : NULL; w && ok;
         w = strtok_r(NULL, ",", &save))
        ok = strv_add(list, w);
    return words && ok;
}

/* The value of word number *i; NULL: it is not there. */
static const char *value_of(int argc, char **argv, int *i)
{
    const char *equals = strchr(argv[*i], '=');
    if (equals)
        return equals + 1;
    return *i + 1 < argc ? argv[++*i] : NULL;
}

static bool take(struct request *r, int argc, char **argv, struct aw_err *err)
{
    bool ok = strv_add(&r->rest, "archway") && strv_add(&r->rest, "install");
    for (int i = 1; i < argc && ok; i++) {
        struct strv *list = match(argv[i], "install")     ? &r->install
                            : match(argv[i], "uninstall") ? &r->uninstall
                                                          : NULL;
        bool mount = match(argv[i], "mount") != NULL;
        const char *word = argv[i], *value = list || mount ? value_of(argc, argv, &i) : "";
        if (!value)
            return aw_fail(err, AW_E_ARG, 0, "option %s needs a value", word);
        if (mount && !str_eq(value, USUAL_PATH)) {
            aw_fail(err, AW_E_UNSUPPORTED, 0, "--mount %s: only %s", value, USUAL_PATH);
            return aw_mend(err, "leave --mount out: binfmt_misc is found by itself");
        }
        if (word[0] != '-') {
            aw_fail(err, AW_E_ARG, 0, "\"%s\" behind --install or --uninstall", word);
            return aw_mend(err, "--install LIST, with commas: --install arm64,riscv64");
        }
        ok = list ? split(list, value) : mount || strv_add(&r->rest, word);
    }
    return ok || aw_fail(err, AW_E_NOMEM, 0, "out of memory");
}

/* ---- doing ------------------------------------------------------------------------------------
 */

static int run_verb(struct cli *c, enum cli_verb_id verb, const char *name)
{
    struct aw_err err = AW_ERR_INIT;
    c->verb = &cli_verbs[verb];
    strv_fini(&c->args.operands);
    if (!strv_add(&c->args.operands, name)) {
        aw_fail(&err, AW_E_NOMEM, 0, "out of memory");
        return cli_fail(c, &err);
    }
    return c->verb->run(c);
}

static void say(const char *what, const char *name, const char *result)
{
    _cleanup_buf_ struct buf safe = {0};
    cli_out_safe(&safe, name);
    fprintf(stderr, "%s: %s %s\n", what, buf_str(&safe), result);
}

/* Is there a rule, or the record of one, that the word means? Also if that cannot be told: the verb
 * will say what is wrong. */
static bool is_there(struct cli *c, const char *word)
{
    struct aw_err err = AW_ERR_INIT;
    _cleanup_rules_ struct cli_rules r;
    _cleanup_records_ struct records records = {0};
    _cleanup_free_ char *file = cli_place_records(cli_place_find(), &c->env, &err);
    bool found = !file || !records_load(file, &records, &err);
    if (!cli_rules_load(c, &r, CLI_RULES_ENTRIES, &err))
        found |= err.code != AW_E_NOTFOUND;
    for (size_t i = 0; r.entries && i < r.n && !found; i++)
        found = cli_change_means(word, r.entries[i].rule.name);
    for (size_t i = 0; i < records.n && !found; i++)
        found = str_eq(word, "all") || cli_change_means(word, records.v[i].name);
    return found;
}

static int uninstall(struct cli *c, const char *name)
{
    if (!is_there(c, name)) {
        say("uninstalling", name, "not found");
        return 0;
    }
    int status = run_verb(c, CLI_UNINSTALL, name);
    say("uninstalling", name, status ? "failed" : "OK");
    return status;
}

static int install(struct cli *c, const char *name)
{
    int status = run_verb(c, CLI_INSTALL, name);
    say("installing", name, status ? "failed" : "OK");
    return status;
}

/* ---- what runs here ---------------------------------------------------------------------------
 */

static void push_variants(struct json_object *list, const char *arch)
{
    if (str_eq(arch, "arm")) {
        js_push_string(list, "linux/arm/v7");
        js_push_string(list, "linux/arm/v6");
        return;
    }
    _cleanup_free_ char *text = str_printf("linux/%s", arch);
    js_push_string(list, text ? text : "");
    if (!str_eq(arch, "amd64"))
        return;
    if (cpu_has(CPU_SSSE3 | CPU_SSE4_2 | CPU_POPCNT))
        js_push_string(list, "linux/amd64/v2");
    if (cpu_has(CPU_AVX2 | CPU_BMI2 | CPU_FMA))
        js_push_string(list, "linux/amd64/v3");
    if (cpu_has(CPU_AVX512BW | CPU_AVX512CD | CPU_AVX512DQ | CPU_AVX512VL))
        js_push_string(list, "linux/amd64/v4");
}

static bool runs(const struct aw_arch *arch)
{
    struct guest_result r;
    struct aw_err ignored = AW_ERR_INIT;
    return guest_find(arch) && guest_run(guest_find(arch), PATIENCE_MS, &r, &ignored) &&
           r.why == GUEST_WORKS;
}

/* This machine's own first, as whoever takes the first for the default expects. */
static struct json_object *supported(void)
{
    static const char *const order[] = {"amd64", "arm64", "riscv64",  "ppc64le", "s390x",
                                        "386",   "arm",   "mips64le", "mips64",  "loong64"};
    struct json_object *list = json_object_new_array();
    struct platform host;
    platform_host(&host);
    for (size_t i = 0; i < 2 * AW_LEN(order); i++) {
        const char *name = order[i % AW_LEN(order)];
        const struct aw_arch *arch = aw_arch_find_oci(name, "");
        bool first = str_eq(name, host.arch);
        if (arch && first == (i < AW_LEN(order)) && runs(arch))
            push_variants(list, name);
    }
    return list;
}

static int by_text(const void *a, const void *b)
{
    struct json_object *const *x = a, *const *y = b;
    return strcmp(json_object_get_string(*x), json_object_get_string(*y));
}

static int print_status(struct cli *c)
{
    struct aw_err err = AW_ERR_INIT;
    _cleanup_rules_ struct cli_rules r;
    bool loaded = cli_rules_load(c, &r, CLI_RULES_ENTRIES, &err);
    if (!loaded && err.code != AW_E_NOTFOUND)
        return cli_fail(c, &err);
    struct json_object *o = json_object_new_object();
    js_add(o, "supported", supported());
    struct json_object *names = js_add(o, "emulators", json_object_new_array());
    for (size_t i = 0; loaded && r.enabled && i < r.n; i++)
        if (r.entries[i].enabled)
            js_push_string(names, r.entries[i].rule.name);
    json_object_array_sort(names, by_text);
    return cli_print_json(c, o);
}

int cli_compat(struct cli *c, int argc, char **argv)
{
    struct aw_err err = AW_ERR_INIT;
    struct request r = {.install = {0}};
    int status = 0;
    c->verb = &cli_verbs[CLI_INSTALL];
    bool good =
        take(&r, argc, argv, &err) && cli_parse((int)r.rest.n, r.rest.v, &c->args, &c->verb, &err);
    if (good && c->args.dry_run)
        good = aw_fail(&err, AW_E_ARG, 0, "--dry-run goes with archway install only");
    if (!good) {
        request_fini(&r);
        return cli_fail_usage(c, &err);
    }
    c->args.quiet = true;
    c->args.json = false; /* one object is printed, at the end, asked or not */
    for (size_t i = 0; i < r.uninstall.n && !cli_interrupted(NULL); i++) {
        int one = uninstall(c, r.uninstall.v[i]);
        status = status ? status : one;
    }
    for (size_t i = 0; i < r.install.n && !cli_interrupted(NULL); i++) {
        int one = install(c, r.install.v[i]);
        status = status ? status : one;
    }
    request_fini(&r);
    int printed = print_status(c);
    return status ? status : printed;
}
