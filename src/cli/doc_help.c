/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/doc.h"
#include "cli/parse.h"

#define WIDTH 79

/* Words of text from column on, continued at indent; what stands before column is printed. */
static void wrap(FILE *out, const char *text, size_t column, size_t indent)
{
    while (*text) {
        size_t n = strcspn(text, " ");
        if (column > indent && column + 1 + n > WIDTH) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            putc(' ', out);
            column++;
        }
        fwrite(text, 1, n, out);
        column += n;
        text += n;
        while (*text == ' ')
            text++;
    }
    putc('\n', out);
}

const char *cli_doc_next_group(const struct cli_verb *verb, size_t *i)
{
    for (; cli_options[*i].name; ++*i) {
        const char *group = cli_options[*i].group;
        bool seen = !cli_has_option(verb, &cli_options[*i]);
        for (size_t j = 0; j < *i && !seen; j++)
            seen = cli_has_option(verb, &cli_options[j]) && str_eq(cli_options[j].group, group);
        if (!seen) {
            ++*i;
            return group;
        }
    }
    return NULL;
}

void cli_doc_syntax(const struct cli_option *o, char ret[CLI_SYNTAX_TEXT])
{
    char letter[] = "-x, ";
    letter[1] = o->letter;
    snprintf(ret, CLI_SYNTAX_TEXT, "%s--%s%s%s%s%s", o->letter ? letter : "", o->name,
             o->alias ? ", --" : "", o->alias ? o->alias : "", o->value ? " " : "",
             o->value ? o->value : "");
}

static void print_options(FILE *out, const struct cli_verb *verb, const char *group)
{
    enum { INDENT = 34 };
    fprintf(out, "\n%s:\n", group);
    for (const struct cli_option *o = cli_options; o->name; o++) {
        if (!cli_has_option(verb, o) || !str_eq(o->group, group))
            continue;
        char syntax[CLI_SYNTAX_TEXT];
        cli_doc_syntax(o, syntax);
        size_t column = (size_t)fprintf(out, "  %s%s", o->letter ? "" : "    ", syntax);
        if (column + 2 > INDENT) {
            putc('\n', out);
            column = 0;
        }
        fprintf(out, "%*s", (int)(INDENT - column), "");
        wrap(out, o->help, INDENT, INDENT);
    }
}

void cli_doc_overview(FILE *out)
{
    fputs("archway runs containers of any architecture, without root and without set-up.\n\n"
          "Usage: archway [OPTIONS] VERB ...\n",
          out);
    const char *group = "";
    for (size_t i = 0; i < CLI_N_VERBS; i++) {
        const struct cli_verb *v = &cli_verbs[i];
        if (!str_eq(v->group, group))
            fprintf(out, "\n%s:\n", v->group);
        group = v->group;
        fprintf(out, "  %-10s  ", v->name);
        wrap(out, v->summary, 14, 14);
    }
    size_t at = 0;
    while ((group = cli_doc_next_group(NULL, &at)))
        print_options(out, NULL, group);
    fputs("\nTry:  archway run --platform linux/arm64 debian uname -m\n"
          "More: archway help VERB, man archway\n",
          out);
}

void cli_doc_help(FILE *out, const struct cli_verb *verb)
{
    fprintf(out, "Usage: archway %s [OPTIONS]%s%s\n\n", verb->name, *verb->operands ? " " : "",
            verb->operands);
    char *summary = strdup(verb->summary);
    if (summary && summary[0] >= 'a' && summary[0] <= 'z')
        summary[0] = (char)(summary[0] - 'a' + 'A');
    wrap(out, summary ? summary : verb->summary, 0, 0);
    free(summary);
    const char *group;
    size_t at = 0;
    while ((group = cli_doc_next_group(verb, &at)))
        print_options(out, verb, group);
    for (const struct cli_example *e = verb->examples; e && e->text; e++)
        fprintf(out, "%s  %s\n    %s\n", e == verb->examples ? "\nExamples:\n" : "", e->text,
                e->command);
    fprintf(out, "\nMore: man archway-%s\n", verb->name);
}
