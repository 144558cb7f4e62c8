/* SPDX-License-Identifier: Apache-2.0
 *
 * An instance of binfmt_misc as the verbs show it: what each rule is for, its state, what is wrong
 * with it, as words for tables and as JSON. What the words mean stands in the verbs' manual pages
 * (table_verbs.c); the comparing itself is libarchway's (archway/survey.h). Nothing here changes a
 * rule.
 */
#include "cli/rules.h"

#include "binfmt/snapshot.h"
#include "cli/place.h"

#include <ctype.h>
#include <errno.h>
#include <sched.h>
#include <sys/stat.h>

/* Records that cannot be read count as none: the rules themselves are there to be seen. */
static void load_records(struct cli *c, struct cli_rules *r)
{
    struct aw_err err = AW_ERR_INIT;
    _cleanup_free_ char *path = cli_place_records(cli_place_find(), &c->env, &err);
    if (path && records_load(path, &r->records, &err))
        return;
    r->records = (struct records){0};
    aw_log(&c->log, AW_LOG_WARN, "what archway registered is not known: %s", err.message);
}

/* Rules end with the last mount: what was registered can be had back. */
static bool mend_lost(struct cli *c, struct cli_rules *r, struct aw_err *err)
{
    if (err->code == AW_E_NOTFOUND)
        load_records(c, r);
    bool podman = r->records.n > 0 && cli_place_find() == CLI_PLACE_PODMAN;
    return r->records.n > 0 &&
           aw_mend(err, podman ? "podman unshare archway refresh" : "archway refresh");
}

/* More than two wait for each other. */
static unsigned threads(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 1 ? 2 : 1;
}

bool cli_rules_load(struct cli *c, struct cli_rules *r, enum cli_rules_want want,
                    struct aw_err *err)
{
    *r = (struct cli_rules){.inst = aw_instance_open_host(err)};
    if (!r->inst)
        return mend_lost(c, r, err);
    if (!aw_instance_status(r->inst, &r->enabled, err))
        return false;
    r->snapshot = aw_instance_snapshot(r->inst, threads(), err);
    if (!r->snapshot || want == CLI_RULES_SNAPSHOT)
        return r->snapshot != NULL;
    r->n = aw_snapshot_count(r->snapshot);
    r->taken = malloc(sizeof(*r->taken));
    r->taken_at = r->n;
    if (!r->taken)
        return aw_fail(err, AW_E_NOMEM, 0, "list binfmt_misc: no memory");
    if (!aw_survey_snapshot(r->snapshot, true, &r->rows, err) ||
        (want == CLI_RULES_ENTRIES && !aw_snapshot_entries(r->snapshot, &r->entries, &r->n, err)))
        return false;
    aw_survey_held_snapshot(r->inst, r->snapshot, r->rows);
    load_records(c, r);
    return true;
}

void cli_rules_fini(struct cli_rules *r)
{
    aw_snapshot_free(r->snapshot);
    aw_instance_close(r->inst);
    free(r->entries);
    free(r->taken);
    free(r->rows);
    records_fini(&r->records);
}

const struct aw_entry *cli_rules_entry(struct cli_rules *r, size_t i)
{
    if (r->entries)
        return &r->entries[i];
    if (r->taken_at != i)
        snapshot_take(r->snapshot, i, r->taken);
    r->taken_at = i;
    return r->taken;
}

const char *cli_rules_name(const struct cli_rules *r, size_t i)
{
    return snapshot_brief(r->snapshot, i)->name;
}

/* How the record of entry number i stands; RECORD_ABSENT: there is none. */
static enum record_state state_of(const struct cli_rules *r, size_t i)
{
    const struct record *rec = records_find(&r->records, cli_rules_name(r, i));
    return rec ? record_state(rec, r->inst) : RECORD_ABSENT;
}

bool cli_rules_mine(struct cli_rules *r, size_t i)
{
    const struct record *rec = records_find(&r->records, cli_rules_name(r, i));
    return rec && record_owns(rec, record_state(rec, r->inst), cli_rules_entry(r, i));
}

const char *cli_rules_digest(const struct cli_rules *r, size_t i)
{
    const struct record *rec = records_find(&r->records, cli_rules_name(r, i));
    bool known = rec && rec->digest[0] && record_state(rec, r->inst) != RECORD_REPLACED;
    return known ? rec->digest : NULL;
}

const char *cli_rules_whose(const struct aw_instance *inst)
{
    return aw_instance_in_initial_ns() ? "host" : aw_instance_is_own(inst) ? "own" : "outer";
}

static void add_escaped(struct buf *ret, uint8_t byte)
{
    buf_add(ret, "\\x", 2);
    buf_addhex(ret, &byte, 1);
}

static void add_magic(const struct aw_rule *r, struct buf *ret)
{
    uint32_t shown = r->magic_len < 8 ? r->magic_len : 8;
    for (uint32_t i = 0; i < shown; i++) {
        if (r->has_mask && r->mask[i] != 0xff)
            buf_addc(ret, '?');
        else if (isgraph(r->magic[i]))
            buf_addc(ret, (char)r->magic[i]);
        else
            add_escaped(ret, r->magic[i]);
    }
    if (shown < r->magic_len)
        buf_adds(ret, "...");
    if (r->offset)
        buf_addf(ret, " at %u", r->offset);
}

void cli_rules_target(struct cli_rules *r, size_t i, struct buf *ret)
{
    const struct aw_entry *e = cli_rules_entry(r, i);
    uint64_t archs = r->rows[i].archs;
    if (!e->known) {
        buf_addc(ret, '?');
    } else if (e->rule.type == AW_RULE_EXTENSION) {
        buf_addf(ret, "*.%s", e->rule.extension);
    } else if (!archs) {
        add_magic(&e->rule, ret);
    } else if (__builtin_popcountll(archs) > 3) {
        buf_addf(ret, "%d platforms", __builtin_popcountll(archs));
    } else {
        for (size_t k = 0; aw_arch_at(k); k++)
            if (archs >> k & 1)
                buf_addf(ret, "%slinux/%s", ret->len ? "," : "", aw_arch_at(k)->oci_arch);
    }
}

const char *cli_rules_state(const struct cli_rules *r, size_t i)
{
    const struct brief *b = snapshot_brief(r->snapshot, i);
    if (!b->enabled)
        return "disabled";
    if (!r->enabled)
        return "off";
    return b->known ? "enabled" : "unknown";
}

const char *cli_rules_file(const struct cli_rules *r, size_t i)
{
    const struct aw_survey_row *row = &r->rows[i];
    if (!row->held)
        return !row->file_errno            ? "found"
               : row->file_errno == EACCES ? "not-executable"
                                           : "missing";
    switch (state_of(r, i)) {
    case RECORD_FRESH:
        return "held";
    case RECORD_STALE:
        return "stale";
    case RECORD_GONE:
        return "held-gone";
    default:
        return row->file_errno ? "held-gone" : row->stale ? "stale" : "held";
    }
}

static void remark(struct buf *ret, const char *text)
{
    buf_addf(ret, "%s%s", ret->len ? ", " : "", text);
}

void cli_rules_remarks(const struct cli_rules *r, size_t i, struct buf *ret)
{
    const struct aw_survey_row *row = &r->rows[i];
    if (row->native)
        remark(ret, "captures this machine's own programs");
    if (row->shadowed_by != AW_SURVEY_NONE)
        buf_addf(ret, "%sshadowed by %s", ret->len ? ", " : "",
                 cli_rules_name(r, row->shadowed_by));
    const char *file = cli_rules_file(r, i);
    if (str_eq(file, "stale"))
        remark(ret, "stale: the kernel holds an older file");
    if (row->file_errno == EACCES)
        remark(ret, row->held ? "held, but its file is not executable any more"
                              : "interpreter not executable");
    else if (row->file_errno)
        remark(ret, row->held ? "held, but its file is gone" : "interpreter missing");
}

void cli_rules_flags(const struct aw_entry *e, char ret[CLI_FLAGS_TEXT])
{
    char known[8];
    aw_rule_flags_text(e->rule.flags, known);
    snprintf(ret, CLI_FLAGS_TEXT, "%s%s", known, e->odd_flags);
}

const char *cli_rules_flag_text(unsigned flag)
{
    switch (flag) {
    case AW_RULE_P:
        return "P: the program's own argv[0] is handed over";
    case AW_RULE_O:
        return "O: the program is handed over open (AT_EXECFD)";
    case AW_RULE_C:
        return "C: setuid and setgid of the program count";
    case AW_RULE_F:
        return "F: the interpreter was opened on registration; containers need no copy";
    case AW_RULE_T:
        return "T: arguments and /proc show the program, not the interpreter";
    default:
        return "a flag that this version does not know";
    }
}

static void add_hex(struct json_object *o, const char *key, const uint8_t *bytes, size_t n)
{
    _cleanup_buf_ struct buf hex = {0};
    buf_addhex(&hex, bytes, n);
    js_add_string(o, key, buf_str(&hex));
}

struct json_object *cli_rules_json(struct cli_rules *r, size_t i)
{
    const struct aw_entry *e = cli_rules_entry(r, i);
    const struct aw_survey_row *row = &r->rows[i];
    struct json_object *o = json_object_new_object();
    js_add_string(o, "name", e->rule.name);
    js_add_string(o, "state", cli_rules_state(r, i));
    struct json_object *platforms = js_add(o, "platforms", json_object_new_array());
    for (size_t k = 0; aw_arch_at(k); k++)
        if (row->archs >> k & 1) {
            _cleanup_free_ char *text = str_printf("linux/%s", aw_arch_at(k)->oci_arch);
            js_push_string(platforms, text ? text : "");
        }
    js_add_string(o, "type",
                  !e->known                           ? "unknown"
                  : e->rule.type == AW_RULE_EXTENSION ? "extension"
                                                      : "magic");
    if (e->known && e->rule.type == AW_RULE_EXTENSION) {
        js_add_string(o, "extension", e->rule.extension);
    } else if (e->known) {
        js_add_u64(o, "offset", e->rule.offset);
        add_hex(o, "magic", e->rule.magic, e->rule.magic_len);
        if (e->rule.has_mask)
            add_hex(o, "mask", e->rule.mask, e->rule.magic_len);
    }
    char flags[CLI_FLAGS_TEXT];
    cli_rules_flags(e, flags);
    js_add_string(o, "interpreter", e->rule.interpreter);
    js_add_string(o, "interpreter_file", cli_rules_file(r, i));
    js_add_string(o, "flags", flags);
    js_add_string(o, "owner", cli_rules_mine(r, i) ? "archway" : "other");
    js_add_string(o, "digest", cli_rules_digest(r, i));
    if (row->shadowed_by != AW_SURVEY_NONE)
        js_add_string(o, "shadowed_by", cli_rules_name(r, row->shadowed_by));
    js_add_bool(o, "captures_native", row->native);
    return o;
}

struct json_object *cli_rules_instance_json(const struct cli_rules *r)
{
    struct json_object *o = json_object_new_object();
    js_add_string(o, "whose", cli_rules_whose(r->inst));
    js_add_bool(o, "enabled", r->enabled);
    return o;
}
