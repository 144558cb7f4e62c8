/* SPDX-License-Identifier: Apache-2.0 */
#include "binfmt/guest.h"

#include <archway/health.h>

#define PATIENCE_MS 5000

static const struct aw_entry *find_rule(const struct aw_arch *arch, const struct aw_entry *entries,
                                        size_t n)
{
    uint8_t head[AW_ARCH_HEADER];
    aw_arch_header(arch, 0, false, head);
    for (size_t i = 0; i < n; i++)
        if (entries[i].known && entries[i].enabled &&
            aw_rule_matches(&entries[i].rule, head, sizeof(head), NULL))
            return &entries[i];
    return NULL;
}

/* What ran, against what the rule's path names now; true: the same contents. */
static bool compare(struct aw_findings *f, const struct aw_rule *rule, const struct guest_result *r)
{
    char disk[DIGEST_SIZE];
    record_digest_path(rule->interpreter, disk);
    if (!r->digest[0] || !disk[0])
        return false;
    if (str_eq(disk, r->digest))
        return true;
    char mend[384];
    snprintf(mend, sizeof(mend), "archway refresh, or register rule %.200s again as its owner does",
             rule->name);
    aw_findings_add(f, "contents-differ", AW_SEVERITY_WARN, mend,
                    "rule %.120s: the kernel runs other contents (%.19s...) than %.150s has "
                    "(%.19s...)",
                    rule->name, r->digest, rule->interpreter, disk);
    return false;
}

static void try_one(struct aw_findings *f, const struct aw_arch *arch, const struct aw_rule *rule,
                    size_t *works, bool *ret_same)
{
    struct guest_result r;
    struct aw_err err = AW_ERR_INIT;
    char why[128], mend[384];
    if (!guest_run(guest_find(arch), PATIENCE_MS, &r, &err)) {
        aw_findings_add(f, "not-tried", AW_SEVERITY_WARN, err.mend, "%s", err.message);
        return;
    }
    if (r.why == GUEST_WORKS) {
        ++*works;
        *ret_same = compare(f, rule, &r);
        return;
    }
    guest_explain(&r, why, sizeof(why));
    snprintf(mend, sizeof(mend), "archway install --force linux/%s", arch->oci_arch);
    aw_findings_add(f, "does-not-run", AW_SEVERITY_ERROR, mend,
                    "a built-in program for linux/%s does not run: %s (rule %.120s, interpreter "
                    "%.150s)",
                    arch->oci_arch, why, rule->name, rule->interpreter);
}

void aw_health_run(struct aw_findings *f, const struct aw_entry *entries, size_t n, bool *ret_same)
{
    const struct aw_arch *arch;
    size_t works = 0;
    for (size_t i = 0; (arch = aw_arch_at(i)); i++) {
        const struct aw_entry *e = guest_find(arch) ? find_rule(arch, entries, n) : NULL;
        bool same = false;
        if (!e || aw_arch_native(arch))
            continue;
        try_one(f, arch, &e->rule, &works, &same);
        if (ret_same)
            ret_same[e - entries] |= same;
    }
    if (works)
        aw_findings_add(f, "runs", AW_SEVERITY_OK, NULL,
                        "built-in programs of %zu other platform%s were run", works,
                        works == 1 ? "" : "s");
}
