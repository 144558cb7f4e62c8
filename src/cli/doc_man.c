/* SPDX-License-Identifier: Apache-2.0
 *
 * Manual pages in man(7), made from the table. Every piece of text passes through put_text, which
 * protects what roff would take for a request or an escape.
 */
#include "cli/doc.h"
#include "cli/parse.h"

#include <ctype.h>

/* n bytes of text; `literal` is bold. start: text begins a line. */
static void put_text(FILE *out, const char *text, size_t n, bool start)
{
    bool bold = false;
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (start && (c == '.' || c == '\''))
            fputs("\\&", out);
        start = c == '\n';
        if (c == '\\')
            fputs("\\e", out);
        else if (c == '-')
            fputs("\\-", out);
        else if (c == '`')
            fputs((bold = !bold) ? "\\fB" : "\\fR", out);
        else if (c == '~')
            fputs("\\(ti", out);
        else if (c == '\'')
            fputs("\\(aq", out);
        else
            putc(c, out);
    }
}

static void put_line(FILE *out, const char *text)
{
    put_text(out, text, strlen(text), true);
    putc('\n', out);
}

/* Prose in lines of about 66 characters, not broken within `...`. */
static void put_prose(FILE *out, const char *text, size_t n)
{
    const char *end = text + n;
    while (text < end) {
        size_t length = 0, cut = 0;
        bool literal = false;
        for (; text + length < end && (length < 66 || !cut); length++) {
            literal ^= text[length] == '`';
            if (text[length] == ' ' && !literal)
                cut = length;
        }
        if (text + length == end)
            cut = length;
        put_text(out, text, cut, true);
        putc('\n', out);
        text += cut + (text + cut < end);
    }
}

/* As a sentence: capital letter, full stop. */
static void put_sentence(FILE *out, const char *text)
{
    _cleanup_free_ char *sentence = str_printf("%s%s", text, str_ends(text, ".") ? "" : ".");
    if (!sentence)
        return;
    if (sentence[1] != '-')
        sentence[0] = (char)toupper((unsigned char)sentence[0]);
    put_prose(out, sentence, strlen(sentence));
}

/* Lines that are printed as they stand, without their two leading blanks. */
static void put_as_is(FILE *out, const char *text, size_t n)
{
    const char *end = text + n;
    fputs(".nf\n.RS 2\n", out);
    while (text < end) {
        size_t line = strcspn(text, "\n");
        if (line > 2)
            put_text(out, text + 2, line - 2, true);
        putc('\n', out);
        text += line + 1;
    }
    fputs(".RE\n.fi\n", out);
}

static void put_paragraphs(FILE *out, const char *text)
{
    for (const char *next = text; *text; text = next) {
        const char *end = strstr(text, "\n\n");
        size_t n = end ? (size_t)(end - text) : strlen(text);
        next = end ? end + 2 : text + n;
        if (str_starts(text, "  ")) {
            put_as_is(out, text, n);
        } else {
            put_prose(out, text, n);
        }
        if (*next && !str_starts(next, "  "))
            fputs(".PP\n", out);
    }
}

static void put_option(FILE *out, const struct cli_option *o)
{
    fputs(".TP\n", out);
    if (o->letter)
        fprintf(out, "\\fB\\-%c\\fR, ", o->letter);
    fputs("\\fB\\-\\-", out);
    put_text(out, o->name, strlen(o->name), false);
    if (o->alias) {
        fputs("\\fR, \\fB\\-\\-", out);
        put_text(out, o->alias, strlen(o->alias), false);
    }
    fputs("\\fR", out);
    if (o->value) {
        fputs(" \\fI", out);
        put_text(out, o->value, strlen(o->value), false);
        fputs("\\fR", out);
    }
    putc('\n', out);
    put_sentence(out, o->help);
    if (!o->more)
        return;
    if (o->how == CLI_REFUSE)
        fputs("Instead:\n", out);
    put_prose(out, o->more, strlen(o->more));
}

static void put_options(FILE *out, const struct cli_verb *verb)
{
    const char *group;
    size_t at = 0, groups = 0;
    while (cli_doc_next_group(verb, &at))
        groups++;
    fputs(".SH OPTIONS\n", out);
    at = 0;
    while ((group = cli_doc_next_group(verb, &at))) {
        if (groups > 1)
            fprintf(out, ".SS %s\n", group);
        for (const struct cli_option *o = cli_options; o->name; o++)
            if (cli_has_option(verb, o) && str_eq(o->group, group))
                put_option(out, o);
    }
}

static void put_pair(FILE *out, const char *name, const char *text)
{
    fputs(".TP\n.B ", out);
    put_line(out, name);
    put_sentence(out, text);
}

static bool has_exit(const struct cli_verb *verb, const char *status)
{
    for (const struct cli_exit *e = verb->exits; e && e->status; e++)
        if (str_eq(e->status, status))
            return true;
    return false;
}

/* The verb's own statuses stand in for those that are said for all; where a command's own may be
 * any, for all but 0. */
static void put_exits(FILE *out, const struct cli_verb *verb)
{
    fputs(".SH EXIT STATUS\n", out);
    /* 0 first, wherever it stands */
    for (const struct cli_exit *e = verb ? verb->exits : NULL; e && e->status; e++)
        if (str_eq(e->status, "0"))
            put_pair(out, e->status, e->text);
    if (!verb || !has_exit(verb, "0"))
        put_pair(out, cli_exits[0].status, cli_exits[0].text);
    for (const struct cli_exit *e = verb ? verb->exits : NULL; e && e->status; e++)
        if (!str_eq(e->status, "0"))
            put_pair(out, e->status, e->text);
    for (const struct cli_exit *e = cli_exits + 1; e->status; e++)
        if (!verb || (!verb->command_follows && !has_exit(verb, e->status)))
            put_pair(out, e->status, e->text);
    if (!verb)
        fputs(".PP\n\\fBarchway run\\fR and \\fBarchway exec\\fR have further ones; see their "
              "pages.\n",
              out);
}

static bool has_json(const struct cli_verb *verb)
{
    for (const struct cli_json *j = cli_json; j->path; j++)
        if (j->verbs >> (verb - cli_verbs) & 1)
            return true;
    return false;
}

static void put_json(FILE *out, const struct cli_verb *verb)
{
    if (!has_json(verb))
        return;
    fputs(".SH JSON\n", out);
    put_paragraphs(out, "Keys are only ever added. What does not apply is absent. `[]` stands for "
                        "the elements of an array, `{}` for the values of an object whose keys are "
                        "names of things. A failure that comes before there is a result is told on "
                        "standard error only, with nothing on standard output.");
    for (const struct cli_json *j = cli_json; j->path; j++) {
        if (!(j->verbs >> (verb - cli_verbs) & 1))
            continue;
        fputs(".TP\n\\fB", out);
        put_text(out, *j->path ? j->path : "the whole", strlen(*j->path ? j->path : "the whole"),
                 false);
        fprintf(out, "\\fR (%s", cli_json_type_name(j->type));
        if (j->when) {
            fputs("; ", out);
            put_text(out, j->when, strlen(j->when), false);
        }
        fputs(")\n", out);
        put_sentence(out, j->help);
    }
}

static void put_head(FILE *out, const char *verb, const char *summary)
{
    /* no upper case by locale: the page must be the same wherever it is built */
    fputs(".\\\" Made from Archway's table of verbs and options; edit src/cli/table_*.c.\n"
          ".TH ARCHWAY",
          out);
    if (*verb)
        putc('-', out);
    for (const char *s = verb; *s; s++)
        putc(toupper((unsigned char)*s), out);
    fprintf(out,
            " 1 %s \"Archway " ARCHWAY_VERSION "\" \"Archway manual\"\n.SH NAME\narchway%s%s \\- ",
            CLI_DOC_DATE, *verb ? "\\-" : "", verb);
    put_line(out, summary);
}

static void put_see_also(FILE *out, const struct cli_verb *verb)
{
    fputs(".SH SEE ALSO\n", out);
    if (verb) {
        fprintf(out, "\\fBarchway\\fR(1)%s\n", verb->see_also ? "," : "");
        if (verb->see_also)
            put_line(out, verb->see_also);
        return;
    }
    for (size_t i = 0; i < CLI_N_VERBS; i++)
        fprintf(out, ".BR archway\\-%s (1)%s\n", cli_verbs[i].name, i + 1 < CLI_N_VERBS ? "," : "");
}

static void put_main_page(FILE *out)
{
    put_head(out, "", "run containers of any architecture, without root");
    fputs(".SH SYNOPSIS\n.B archway\n[\\fIOPTIONS\\fR] \\fIVERB\\fR ...\n.SH DESCRIPTION\n", out);
    put_paragraphs(
        out,
        "Archway runs containers made for another architecture as an ordinary user. It fetches the "
        "image, makes a user namespace with a binfmt_misc instance of its own, registers an "
        "emulator there, and starts the container inside. Nothing has to be installed or "
        "registered on the machine, and nothing of the emulator is visible in the container.");
    const char *group = "";
    fputs(".SH VERBS\n", out);
    for (size_t i = 0; i < CLI_N_VERBS; i++) {
        const struct cli_verb *v = &cli_verbs[i];
        if (!str_eq(v->group, group))
            fprintf(out, ".SS %s\n", v->group);
        group = v->group;
        fprintf(out, ".TP\n\\fBarchway %s\\fR", v->name);
        if (*v->operands) {
            fputs(" \\fI", out);
            put_text(out, v->operands, strlen(v->operands), false);
            fputs("\\fR", out);
        }
        putc('\n', out);
        put_sentence(out, v->summary);
    }
    put_options(out, NULL);
    put_exits(out, NULL);
    fputs(".SH ENVIRONMENT\n", out);
    for (const struct cli_variable *v = cli_environment; v->name; v++)
        put_pair(out, v->name, v->text);
    fputs(".SH FILES\n", out);
    for (const struct cli_variable *v = cli_files; v->name; v++)
        put_pair(out, v->name, v->text);
    put_see_also(out, NULL);
}

void cli_doc_man(FILE *out, const struct cli_verb *verb)
{
    if (!verb) {
        put_main_page(out);
        return;
    }
    put_head(out, verb->name, verb->summary);
    fprintf(out, ".SH SYNOPSIS\n.B archway %s\n[\\fIOPTIONS\\fR]", verb->name);
    if (*verb->operands) {
        fputs(" \\fI", out);
        put_text(out, verb->operands, strlen(verb->operands), false);
        fputs("\\fR", out);
    }
    fputs("\n.SH DESCRIPTION\n", out);
    put_paragraphs(out, verb->text);
    put_options(out, verb);
    put_exits(out, verb);
    put_json(out, verb);
    for (const struct cli_example *e = verb->examples; e && e->text; e++) {
        fputs(e == verb->examples ? ".SH EXAMPLES\n" : ".PP\n", out);
        put_line(out, e->text);
        fputs(".PP\n.nf\n.RS 4\n", out);
        put_line(out, e->command);
        fputs(".RE\n.fi\n", out);
    }
    put_see_also(out, verb);
}
