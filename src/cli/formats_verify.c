/* SPDX-License-Identifier: Apache-2.0
 *
 * Do programs of a format run? By running a small one of each kind, as a file in a folder of its
 * own. Only for rules of Archway's: what others' interpreters do with it is not known.
 */
#include "cli/formats.h"

#include "base/file.h"
#include "base/spawn.h"
#include "codec/js.h"
#include "format/sample.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define PATIENCE_MS 120000 /* wine makes its folder at the first start */

struct trial {
    const struct format_sample *sample;
    const char *format; /* its name */
    uint64_t ms;        /* how long it ran */
    char why[512];      /* "" if it works */
    char mend[128];     /* or "" */
};

static const struct format_rule *rule_for(const struct plan_now *now, enum format_id id)
{
    const struct format_rule *row;
    const char *set;
    for (size_t i = 0; (row = format_rule_at(i)); i++) {
        const struct aw_entry *e = plan_entry(now, row->name);
        if (e && e->enabled && format_rule_serves(row, id) && cli_formats_ours(&e->rule, &set) &&
            (format_set_parse(set) & FORMAT_BIT(id)))
            return row;
    }
    return NULL;
}

/* A line of what a program said that begins with the words. */
static bool said(const char *text, const char *words)
{
    for (const char *p = text; p; p = strchr(p, '\n'), p += p != NULL)
        if (str_starts(p, words))
            return true;
    return false;
}

static void judge(struct trial *t, const struct spawn_result *r)
{
    const char *last = buf_str(&r->err_text);
    size_t n = strlen(last);
    while (n > 0 && last[n - 1] == '\n')
        n--;
    size_t from = n;
    while (from > 0 && last[from - 1] != '\n')
        from--;
    if (r->status != FORMAT_SAMPLE_STATUS)
        snprintf(t->why, sizeof(t->why), "the built-in program ended with status %d, not %d%s%.*s",
                 r->status, FORMAT_SAMPLE_STATUS, n > from ? ": " : "", (int)(n - from),
                 last + from);
    else if (!said(buf_str(&r->out), t->sample->prints))
        snprintf(t->why, sizeof(t->why), "the built-in program printed something else");
}

static bool run_sample(struct trial *t, struct aw_err *err)
{
    char dir[] = "/tmp/archway-verify.XXXXXX";
    struct aw_err why = AW_ERR_INIT;
    struct spawn_result result = {0};
    if (!mkdtemp(dir))
        return aw_fail(err, AW_E_IO, errno, "make a folder in /tmp");
    _cleanup_free_ char *path = str_printf("%s/%s", dir, t->sample->name);
    _cleanup_close_ int fd = path ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755) : -1;
    bool ok = fd >= 0 && file_write_full(fd, t->sample->data, t->sample->size);
    if (!ok)
        aw_fail(err, AW_E_IO, errno, "write a program into %s", dir);
    close(util_steal_fd(&fd)); /* or it is ETXTBSY */
    const char *argv[] = {path, NULL};
    struct spawn s = {.argv = argv, .timeout_ms = PATIENCE_MS, .cancelled = cli_interrupted};
    uint64_t begin = file_now_ms();
    if (ok && spawn_run(&s, &result, &why))
        judge(t, &result);
    else if (ok)
        snprintf(t->why, sizeof(t->why), "%.500s", why.message);
    t->ms = file_now_ms() - begin;
    spawn_result_fini(&result);
    file_remove_tree(AT_FDCWD, dir, NULL);
    return ok;
}

static void print_text(const struct trial *t)
{
    const struct format_kind_row *kind = format_kind_at(t->sample->kind);
    _cleanup_buf_ struct buf why = {0};
    cli_out_safe(&why, t->why);
    if (!t->why[0])
        printf("%s: %s works, %llu ms\n", t->format, kind->text, (unsigned long long)t->ms);
    else
        printf("%s: %s does not work: %s\n", t->format, kind->text, buf_str(&why));
    if (t->mend[0])
        printf("  to mend it: %s\n", t->mend);
}

static void add_json(struct json_object *list, const struct trial *t)
{
    struct json_object *o = js_push(list, json_object_new_object());
    js_add_string(o, "format", t->format);
    js_add_string(o, "kind", format_kind_at(t->sample->kind)->word);
    js_add_bool(o, "works", !t->why[0]);
    if (t->why[0])
        js_add_string(o, "why", t->why);
    else
        js_add_u64(o, "ms", t->ms);
    if (t->mend[0])
        js_add_string(o, "mend", t->mend);
}

bool cli_formats_verify(struct cli *c, const struct plan_now *now, unsigned set,
                        struct json_object *list, struct cli_formats_tally *tally,
                        struct aw_err *err)
{
    for (const struct format_sample *s = format_sample_table; s->name; s++) {
        enum format_id id = format_kind_at(s->kind)->format;
        struct trial t = {.sample = s, .format = format_at(id)->name};
        if (!(set & FORMAT_BIT(id)) || cli_interrupted(NULL))
            continue;
        if (!rule_for(now, id)) {
            snprintf(t.why, sizeof(t.why), "there is no rule for it");
            snprintf(t.mend, sizeof(t.mend), "archway install %s", t.format);
        } else if (!run_sample(&t, err)) {
            return false;
        }
        tally->done++;
        tally->bad += t.why[0] != 0;
        if (c->args.json)
            add_json(list, &t);
        else
            print_text(&t);
    }
    return true;
}

bool cli_formats_verify_names(const struct strv *names, unsigned *ret_set, struct aw_err *err)
{
    *ret_set = 0;
    for (size_t i = 0; i < names->n; i++) {
        enum format_id id = format_find(names->v[i]);
        bool found = false;
        for (const struct format_sample *s = format_sample_table; s->name; s++)
            found |= id != FORMAT_N && format_kind_at(s->kind)->format == id;
        if (id != FORMAT_N && !found)
            return aw_fail(err, AW_E_UNSUPPORTED, 0, "%s: there is no built-in program for it",
                           names->v[i]);
        *ret_set |= id != FORMAT_N ? FORMAT_BIT(id) : 0;
    }
    return true;
}

unsigned cli_formats_registered(const struct plan_now *now)
{
    unsigned set = 0;
    for (enum format_id id = 0; id < FORMAT_N; id++)
        set |= rule_for(now, id) ? FORMAT_BIT(id) : 0;
    return set;
}
