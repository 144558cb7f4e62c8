/* SPDX-License-Identifier: Apache-2.0
 *
 * The parser of the command line, driven by the table.
 *
 * It follows what Docker's users type: `--name value`, `--name=value`, `-n value`, `-nvalue`,
 * `-n=value`, flags in a row (`-it`, also with a last one that takes a value), `--flag=false`, and
 * `--` as the end of the options. Where a command follows (run, exec) options end at the first
 * operand; elsewhere they may stand anywhere. Archway's own options may stand before the verb too.
 *
 * 1. An option that is not in the table is an error, never an operand; the message names the
 *    nearest known one, or the verb that has it.
 * 2. Long names are not abbreviated: a new option would change what an old command line means.
 * 3. A value is taken as it stands, even when it looks like an option (`-w --`).
 */
#include "cli/parse.h"

#include <strings.h>

struct parser {
    char **argv;                 /* the words */
    int argc, at;                /* how many, and the next one */
    const struct cli_verb *verb; /* NULL before the verb */
    struct cli_args *args;       /* filled in */
};

const struct cli_verb *cli_find_verb(const char *name)
{
    for (size_t i = 0; i < CLI_N_VERBS; i++)
        if (str_eq(cli_verbs[i].name, name))
            return &cli_verbs[i];
    return NULL;
}

bool cli_has_option(const struct cli_verb *verb, const struct cli_option *o)
{
    /* before the verb -h is help, so the rows that only leave run out count too */
    if (!verb)
        return (o->verbs | CLI_V(RUN)) == CLI_EVERY;
    return o->verbs >> (verb - cli_verbs) & 1;
}

unsigned cli_distance(const char *a, const char *b)
{
    unsigned d[3][64]; /* the last two rows of the table and the one being made */
    size_t n = strlen(a), m = strlen(b);
    if (n > 63 || m > 63)
        return ~0u;
    for (size_t j = 0; j <= m; j++)
        d[0][j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        unsigned *row = d[i % 3], *up = d[(i + 2) % 3], *up2 = d[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            unsigned best = up[j - 1] + (a[i - 1] != b[j - 1]);
            if (up[j] + 1 < best)
                best = up[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                up2[j - 2] + 1 < best)
                best = up2[j - 2] + 1;
            row[j] = best;
        }
    }
    return d[n % 3][m];
}

/* A guess is worth showing when about a third of it or less is different. */
static bool near_enough(const char *word, unsigned distance)
{
    return distance <= 1 + strlen(word) / 4;
}

static const struct cli_option *nearest_option(const struct cli_verb *verb, const char *name)
{
    const struct cli_option *best = NULL;
    unsigned best_distance = ~0u;
    for (const struct cli_option *o = cli_options; o->name; o++) {
        if (!cli_has_option(verb, o) || o->how == CLI_REFUSE)
            continue;
        unsigned d = cli_distance(name, o->name);
        if (strlen(name) >= 3 && str_starts(o->name, name))
            d = 0;
        if (d < best_distance) {
            best = o;
            best_distance = d;
        }
    }
    return best && near_enough(name, best_distance) ? best : NULL;
}

static const char *verb_name(const struct cli_verb *verb)
{
    return verb ? verb->name : "archway";
}

static bool unknown_long(const struct cli_verb *verb, const char *name, struct aw_err *err)
{
    const struct cli_option *near = nearest_option(verb, name);
    if (near) {
        aw_fail(err, AW_E_ARG, 0, "%s: unknown option --%s; did you mean --%s?", verb_name(verb),
                name, near->name);
        return aw_mend(err, "archway help%s%s", verb ? " " : "", verb ? verb->name : "");
    }
    for (const struct cli_option *o = cli_options; o->name; o++) {
        if (!str_eq(o->name, name) && !(o->alias && str_eq(o->alias, name)))
            continue;
        for (size_t i = 0; i < CLI_N_VERBS; i++)
            if (cli_has_option(&cli_verbs[i], o)) {
                aw_fail(err, AW_E_ARG, 0, "%s has no option --%s; it belongs to archway %s",
                        verb_name(verb), name, cli_verbs[i].name);
                return aw_mend(err, "archway help %s", verb ? verb->name : cli_verbs[i].name);
            }
    }
    aw_fail(err, AW_E_ARG, 0, "%s: unknown option --%s", verb_name(verb), name);
    return aw_mend(err, "archway help%s%s", verb ? " " : "", verb ? verb->name : "");
}

static bool parse_bool(const char *text, bool *ret, struct aw_err *err)
{
    static const char *const words[2][4] = {{"0", "f", "false", "no"}, {"1", "t", "true", "yes"}};
    for (int v = 0; v < 2; v++)
        for (size_t i = 0; i < AW_LEN(words[v]); i++)
            if (strcasecmp(text, words[v][i]) == 0) {
                *ret = v;
                return true;
            }
    return aw_fail(err, AW_E_ARG, 0, "\"%s\" is neither true nor false", text);
}

static bool store(struct cli_args *a, const struct cli_option *o, const char *text,
                  struct aw_err *err)
{
    char *field = (char *)a + o->offset;
    bool flag;
    switch (o->how) {
    case CLI_BOOL:
        return parse_bool(text, (bool *)field, err);
    case CLI_SET:
        return parse_bool(text, &flag, err) && o->call(a, flag ? "true" : "false", err);
    case CLI_TEXT:
        free(*(char **)field);
        *(char **)field = strdup(text);
        return *(char **)field || aw_fail(err, AW_E_NOMEM, 0, "out of memory");
    case CLI_LIST:
        return strv_add((struct strv *)field, text) || aw_fail(err, AW_E_NOMEM, 0, "out of memory");
    case CLI_SIZE:
        return box_parse_size(text, (uint64_t *)field, err);
    case CLI_BOX:
        return o->box(&a->box, text, err);
    case CLI_CALL:
        return o->call(a, text, err);
    case CLI_REFUSE:
        aw_fail(err, AW_E_UNSUPPORTED, 0, "%s", o->help);
        return aw_mend(err, "%s", o->more);
    }
    return true;
}

/* spelled is how the user wrote the option; value is NULL where none was attached to it. */
static bool take(struct parser *p, const struct cli_option *o, const char *spelled,
                 const char *value, struct aw_err *err)
{
    if (!value && o->value) {
        if (p->at >= p->argc) {
            aw_fail(err, AW_E_ARG, 0, "%s: option %s needs a value: %s", verb_name(p->verb),
                    spelled, o->value);
            return aw_mend(err, "archway help%s%s", p->verb ? " " : "",
                           p->verb ? p->verb->name : "");
        }
        value = p->argv[p->at++];
    }
    if (store(p->args, o, value ? value : "true", err))
        return true;
    return aw_context(err, "%s: %s", verb_name(p->verb), spelled);
}

static bool take_long(struct parser *p, const char *word, struct aw_err *err)
{
    const char *equals = strchr(word, '=');
    _cleanup_free_ char *name = equals ? strndup(word, (size_t)(equals - word)) : strdup(word);
    if (!name)
        return aw_fail(err, AW_E_NOMEM, 0, "out of memory");
    for (const struct cli_option *o = cli_options; o->name; o++)
        if (cli_has_option(p->verb, o) &&
            (str_eq(o->name, name) || (o->alias && str_eq(o->alias, name)))) {
            _cleanup_free_ char *spelled = str_printf("--%s", name);
            return take(p, o, spelled ? spelled : o->name, equals ? equals + 1 : NULL, err);
        }
    return unknown_long(p->verb, name, err);
}

static const struct cli_option *find_letter(const struct cli_verb *verb, char letter)
{
    for (const struct cli_option *o = cli_options; o->name; o++)
        if (o->letter == letter && cli_has_option(verb, o))
            return o;
    return NULL;
}

/* letters is what follows the dash: "it", "eA=1", "e=A=1". */
static bool take_letters(struct parser *p, const char *letters, struct aw_err *err)
{
    for (const char *s = letters; *s; s++) {
        const struct cli_option *o = find_letter(p->verb, *s);
        char spelled[] = {'-', *s, 0};
        if (!o) {
            aw_fail(err, AW_E_ARG, 0, "%s: unknown option %s%s%s", verb_name(p->verb), spelled,
                    s == letters && !s[1] ? "" : " in -", s == letters && !s[1] ? "" : letters);
            return aw_mend(err, "archway help%s%s", p->verb ? " " : "",
                           p->verb ? p->verb->name : "");
        }
        if (o->value || s[1] == '=') {
            const char *rest = s[1] == '=' ? s + 2 : s[1] ? s + 1 : NULL;
            return take(p, o, spelled, rest, err);
        }
        if (!take(p, o, spelled, NULL, err))
            return false;
    }
    return true;
}

static bool take_verb(struct parser *p, const char *word, struct aw_err *err)
{
    p->verb = cli_find_verb(word);
    if (p->verb)
        return true;
    for (const struct cli_hint *h = cli_hints; h->word; h++)
        if (str_eq(h->word, word)) {
            aw_fail(err, AW_E_ARG, 0, "there is no archway %s", word);
            return aw_mend(err, "%s", h->text);
        }
    const char *near = NULL;
    unsigned best = ~0u;
    for (size_t i = 0; i < CLI_N_VERBS; i++) {
        unsigned d = cli_distance(word, cli_verbs[i].name);
        if (d < best) {
            best = d;
            near = cli_verbs[i].name;
        }
    }
    if (near && best <= 2 && best < strlen(near))
        aw_fail(err, AW_E_ARG, 0, "there is no archway %s; did you mean archway %s?", word, near);
    else
        aw_fail(err, AW_E_ARG, 0, "there is no archway %s", word);
    return aw_mend(err, "archway help");
}

static bool check_operands(const struct parser *p, struct aw_err *err)
{
    size_t n = p->args->operands.n;
    const struct cli_verb *v = p->verb;
    if (n < (size_t)v->min)
        aw_fail(err, AW_E_ARG, 0, "%s: %.*s is missing: archway %s [OPTIONS] %s", v->name,
                (int)strcspn(v->operands, " ."), v->operands, v->name, v->operands);
    else if (v->max >= 0 && n > (size_t)v->max)
        aw_fail(err, AW_E_ARG, 0, "%s: one argument too many: \"%s\"", v->name,
                p->args->operands.v[v->max]);
    else
        return true;
    return aw_mend(err, "archway help %s", v->name);
}

/* One word that is no option. *ret_end: the rest is the container's command. */
static bool take_operand(struct parser *p, char *word, bool *ret_end, struct aw_err *err)
{
    if (!p->verb)
        return take_verb(p, word, err);
    *ret_end = p->verb->command_follows;
    return strv_add(&p->args->operands, word) || aw_fail(err, AW_E_NOMEM, 0, "out of memory");
}

static bool parse_words(struct parser *p, struct aw_err *err)
{
    bool options = true, end = false;
    while (p->at < p->argc && !end) {
        char *word = p->argv[p->at++];
        bool good;
        if (options && str_eq(word, "--")) {
            /* before the verb it separates nothing */
            options = !p->verb;
            continue;
        }
        if (options && str_starts(word, "--"))
            good = take_long(p, word + 2, err);
        else if (options && word[0] == '-' && word[1])
            good = take_letters(p, word + 1, err);
        else
            good = take_operand(p, word, &end, err);
        if (!good)
            return false;
    }
    while (p->at < p->argc)
        if (!strv_add(&p->args->box.command, p->argv[p->at++]))
            return aw_fail(err, AW_E_NOMEM, 0, "out of memory");
    return true;
}

bool cli_parse(int argc, char **argv, struct cli_args *a, const struct cli_verb **ret_verb,
               struct aw_err *err)
{
    struct parser p = {.argv = argv, .argc = argc, .at = 1, .args = a};
    bool good = parse_words(&p, err);
    if (good && p.verb && !a->help && !a->show_version)
        good = check_operands(&p, err);
    *ret_verb = p.verb;
    return good;
}
