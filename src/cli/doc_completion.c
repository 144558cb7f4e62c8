/* SPDX-License-Identifier: Apache-2.0
 *
 * Completion scripts for bash, zsh and fish, made from the table. They know verbs, options and the
 * options' words by themselves and ask `archway __complete` for images, containers and rules.
 * Options that are only known in order to be refused are left out.
 */
#include "cli/doc.h"
#include "cli/parse.h"

#define FOR_OPTIONS(o, verb)                                                                       \
    for (const struct cli_option *o = cli_options; o->name; o++)                                   \
        if (cli_has_option(verb, o) && o->how != CLI_REFUSE)

/* Between single quotes; also backslashes before the characters of special. */
static void put_quoted(FILE *out, const char *text, const char *quote, const char *special)
{
    for (; *text; text++) {
        if (*text == '\'') {
            fputs(quote, out);
            continue;
        }
        if (strchr(special, *text))
            putc('\\', out);
        putc(*text, out);
    }
}

/* ---- bash ---- */

static const char *bash_kind(enum cli_complete kind)
{
    switch (kind) {
    case CLI_COMPLETE_FILE:
        return "file";
    case CLI_COMPLETE_DIR:
        return "dir";
    case CLI_COMPLETE_IMAGE:
        return "images";
    case CLI_COMPLETE_CONTAINER:
        return "containers";
    case CLI_COMPLETE_OBJECT:
        return "objects";
    case CLI_COMPLETE_VERB:
        return "verbs";
    case CLI_COMPLETE_RULE:
        return "rules";
    default:
        return "none";
    }
}

static void bash_option_case(FILE *out, const char *verb, const struct cli_option *o)
{
    fprintf(out, "    \"%s --%s\"", verb, o->name);
    if (o->alias)
        fprintf(out, " | \"%s --%s\"", verb, o->alias);
    if (o->letter)
        fprintf(out, " | \"%s -%c\"", verb, o->letter);
    if (o->words)
        fprintf(out, ") echo \"%s %s\" ;;\n",
                o->complete == CLI_COMPLETE_FILE ? "wordsfile" : "words", o->words);
    else
        fprintf(out, ") echo %s ;;\n", bash_kind(o->complete));
}

static void bash_options(FILE *out, const struct cli_verb *verb)
{
    const char *blank = "";
    FOR_OPTIONS(o, verb)
    {
        fprintf(out, "%s--%s", blank, o->name);
        blank = " ";
        if (o->alias)
            fprintf(out, " --%s", o->alias);
        if (o->letter)
            fprintf(out, " -%c", o->letter);
    }
}

static void bash_tables(FILE *out)
{
    fputs("# What the value of option $2 of verb $1 is; nothing: it takes none.\n"
          "_archway_value() {\n    case \"$1 $2\" in\n",
          out);
    FOR_OPTIONS(o, NULL)
    {
        if (o->value)
            bash_option_case(out, "", o);
    }
    for (size_t i = 0; i < CLI_N_VERBS; i++)
        FOR_OPTIONS(o, &cli_verbs[i])
        {
            if (o->value)
                bash_option_case(out, cli_verbs[i].name, o);
        }
    fputs("    esac\n}\n\n_archway_options() {\n    case \"$1\" in\n    \"\") echo \"", out);
    bash_options(out, NULL);
    fputs("\" ;;\n", out);
    for (size_t i = 0; i < CLI_N_VERBS; i++) {
        fprintf(out, "    %s) echo \"", cli_verbs[i].name);
        bash_options(out, &cli_verbs[i]);
        fputs("\" ;;\n", out);
    }
    fputs("    esac\n}\n\n_archway_operand() {\n    case \"$1\" in\n    \"\") echo verbs ;;\n",
          out);
    for (size_t i = 0; i < CLI_N_VERBS; i++)
        fprintf(out, "    %s) echo %s ;;\n", cli_verbs[i].name,
                cli_verbs[i].max ? bash_kind(cli_verbs[i].complete) : "none");
    fputs("    esac\n}\n\n_archway_verbs=\"", out);
    for (size_t i = 0; i < CLI_N_VERBS; i++)
        fprintf(out, "%s%s", i ? " " : "", cli_verbs[i].name);
    fputs("\"\n_archway_commands=\"", out);
    for (size_t i = 0; i < CLI_N_VERBS; i++)
        if (cli_verbs[i].command_follows)
            fprintf(out, " %s ", cli_verbs[i].name);
    fputs("\"\n", out);
}

static const char bash_code[] =
    "\n"
    "_archway_fill() {\n"
    "    local kind=$1 cur=$2 list=\n"
    "    case \"$kind\" in\n"
    "    words*) list=${kind#* } ;;\n"
    "    images | containers | rules) list=$(archway __complete \"$kind\" 2>/dev/null) ;;\n"
    "    objects) list=$(archway __complete containers 2>/dev/null\n"
    "        archway __complete images 2>/dev/null) ;;\n"
    "    verbs) list=$_archway_verbs ;;\n"
    "    esac\n"
    "    local IFS=$' \\t\\n'\n"
    "    case \"$kind\" in\n"
    "    dir) mapfile -t COMPREPLY < <(compgen -d -- \"$cur\") ;;\n"
    "    file) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n"
    "    wordsfile*) mapfile -t COMPREPLY < <(compgen -W \"$list\" -f -- \"$cur\") ;;\n"
    "    images | objects)\n"
    "        if [[ $cur == [./]* ]]; then\n"
    "            mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
    "        else\n"
    "            mapfile -t COMPREPLY < <(compgen -W \"$list\" -- \"$cur\")\n"
    "        fi\n"
    "        ;;\n"
    "    none) ;;\n"
    "    *) mapfile -t COMPREPLY < <(compgen -W \"$list\" -- \"$cur\") ;;\n"
    "    esac\n"
    "    # readline breaks words at colons: give it only what stands behind the last one\n"
    "    if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then\n"
    "        local i head=${cur%\"${cur##*:}\"}\n"
    "        for i in \"${!COMPREPLY[@]}\"; do\n"
    "            COMPREPLY[i]=${COMPREPLY[i]#\"$head\"}\n"
    "        done\n"
    "    fi\n"
    "    case \"$kind\" in dir | file | wordsfile*) compopt -o filenames 2>/dev/null ;; esac\n"
    "    return 0\n"
    "}\n"
    "\n"
    "_archway() {\n"
    "    # join again what readline split at = and :\n"
    "    local words=() i w\n"
    "    for ((i = 0; i <= COMP_CWORD; i++)); do\n"
    "        w=${COMP_WORDS[i]}\n"
    "        if ((i > 1)) && { [[ $w == [:=] || $w == :: ]] ||\n"
    "            [[ ${COMP_WORDS[i - 1]} == [:=] ]]; }; then\n"
    "            words[${#words[@]} - 1]+=$w\n"
    "        else\n"
    "            words+=(\"$w\")\n"
    "        fi\n"
    "    done\n"
    "    local last=$((${#words[@]} - 1))\n"
    "    local cur=${words[last]} prev=${words[last - 1]} verb=''\n"
    "    COMPREPLY=()\n"
    "    for ((i = 1; i < last; i++)); do\n"
    "        w=${words[i]}\n"
    "        if [[ $w == -* ]]; then\n"
    "            [[ -n $(_archway_value \"$verb\" \"$w\") ]] && ((i++))\n"
    "        elif [[ -z $verb ]]; then\n"
    "            verb=$w\n"
    "        elif [[ $_archway_commands == *\" $verb \"* ]]; then\n"
    "            compopt -o default 2>/dev/null\n"
    "            return 0\n"
    "        fi\n"
    "    done\n"
    "    local kind=''\n"
    "    if [[ $cur == --*=* ]]; then\n"
    "        kind=$(_archway_value \"$verb\" \"${cur%%=*}\")\n"
    "        _archway_fill \"${kind:-none}\" \"${cur#*=}\"\n"
    "        return 0\n"
    "    fi\n"
    "    ((i == last)) && [[ $prev == -* ]] && kind=$(_archway_value \"$verb\" \"$prev\")\n"
    "    if [[ -n $kind ]] || ((i > last)); then\n"
    "        [[ -n $kind ]] || kind=$(_archway_value \"$verb\" \"$prev\")\n"
    "        _archway_fill \"${kind:-none}\" \"$cur\"\n"
    "    elif [[ $cur == -* ]]; then\n"
    "        _archway_fill \"words $(_archway_options \"$verb\")\" \"$cur\"\n"
    "    else\n"
    "        _archway_fill \"$(_archway_operand \"$verb\")\" \"$cur\"\n"
    "    fi\n"
    "}\n"
    "complete -F _archway archway\n";

static void put_bash(FILE *out)
{
    fputs("# bash completion for archway; made from Archway's table of verbs and options.\n", out);
    bash_tables(out);
    fputs(bash_code, out);
}

/* ---- zsh ---- */

static void zsh_action(FILE *out, enum cli_complete kind, const char *words)
{
    static const char *const actions[] = {
        [CLI_COMPLETE_NONE] = " ",
        [CLI_COMPLETE_WORDS] = " ",
        [CLI_COMPLETE_FILE] = "_files",
        [CLI_COMPLETE_DIR] = "_files -/",
        [CLI_COMPLETE_IMAGE] = "_archway_images",
        [CLI_COMPLETE_CONTAINER] = "_archway_containers",
        [CLI_COMPLETE_OBJECT] = "_archway_objects",
        [CLI_COMPLETE_VERB] = "_archway_verbs",
        [CLI_COMPLETE_RULE] = "_archway_rules",
    };
    if (words)
        fprintf(out, "(%s)", words);
    else
        fputs(actions[kind], out);
}

static void zsh_option(FILE *out, const char *dash, const struct cli_option *o, const char *join)
{
    fprintf(out, "            '*%s%s[", dash, o->value ? join : "");
    put_quoted(out, o->help, "'\\''", "[]:\\");
    putc(']', out);
    if (o->value) {
        putc(':', out);
        put_quoted(out, o->value, "'\\''", "[]:\\");
        putc(':', out);
        zsh_action(out, o->complete, o->words);
    }
    fputs("' \\\n", out);
}

static void zsh_options(FILE *out, const struct cli_verb *verb)
{
    FOR_OPTIONS(o, verb)
    {
        _cleanup_free_ char *name = str_printf("--%s", o->name);
        _cleanup_free_ char *alias = o->alias ? str_printf("--%s", o->alias) : NULL;
        char letter[] = {'-', o->letter, 0};
        if (name)
            zsh_option(out, name, o, "=");
        if (alias)
            zsh_option(out, alias, o, "=");
        if (o->letter)
            zsh_option(out, letter, o, "+");
    }
}

static void zsh_verb(FILE *out, const struct cli_verb *v)
{
    fprintf(out, "    %s)\n        _arguments -s %s\\\n", v->name,
            v->command_follows ? "-A '-*' " : "");
    zsh_options(out, v);
    if (v->max == 0) {
        fputs("            && return 0\n        ;;\n", out);
        return;
    }
    fprintf(out, "            '%s:", v->max < 0 ? "*" : "1");
    put_quoted(out, v->operands, "'\\''", "[]:\\");
    putc(':', out);
    zsh_action(out, v->complete, NULL);
    fprintf(out, "' %s&& return 0\n        ;;\n",
            v->command_follows ? "'*::command:_normal' " : "");
}

static void put_zsh(FILE *out)
{
    fputs("#compdef archway\n# zsh completion for archway; made from Archway's table of verbs and "
          "options.\n\n"
          "_archway_images() {\n    local -a names\n"
          "    names=(${(f)\"$(archway __complete images 2>/dev/null)\"})\n"
          "    compadd -a names\n    _files\n}\n"
          "_archway_containers() {\n    local -a names\n"
          "    names=(${(f)\"$(archway __complete containers 2>/dev/null)\"})\n"
          "    compadd -a names\n}\n"
          "_archway_rules() {\n    local -a names\n"
          "    names=(${(f)\"$(archway __complete rules 2>/dev/null)\"})\n"
          "    compadd -a names\n}\n"
          "_archway_objects() {\n    _archway_containers\n    _archway_images\n}\n"
          "_archway_verbs() {\n    local -a verbs\n    verbs=(\n",
          out);
    for (size_t i = 0; i < CLI_N_VERBS; i++) {
        fprintf(out, "        '%s:", cli_verbs[i].name);
        put_quoted(out, cli_verbs[i].summary, "'\\''", ":\\");
        fputs("'\n", out);
    }
    fputs("    )\n    _describe verb verbs\n}\n\n"
          "_archway() {\n    local curcontext=\"$curcontext\" state line\n"
          "    _arguments -s -A '-*' \\\n",
          out);
    zsh_options(out, NULL);
    fputs("            '1:verb:_archway_verbs' '*::arguments:->rest' && return 0\n"
          "    [[ $state == rest ]] || return 1\n"
          "    curcontext=\"${curcontext%:*}-$line[1]:\"\n"
          "    case $line[1] in\n",
          out);
    for (size_t i = 0; i < CLI_N_VERBS; i++)
        zsh_verb(out, &cli_verbs[i]);
    fputs("    esac\n    return 1\n}\n\n"
          "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then\n    _archway \"$@\"\nelse\n"
          "    compdef _archway archway\nfi\n",
          out);
}

/* ---- fish ---- */

static void fish_value(FILE *out, enum cli_complete kind, const char *words)
{
    switch (kind) {
    case CLI_COMPLETE_FILE:
        fprintf(out, " -r -F%s%s%s", words ? " -a '" : "", words ? words : "", words ? "'" : "");
        break;
    case CLI_COMPLETE_DIR:
        fputs(" -x -a '(__fish_complete_directories)'", out);
        break;
    case CLI_COMPLETE_IMAGE:
        fputs(" -x -a '(archway __complete images 2>/dev/null)'", out);
        break;
    case CLI_COMPLETE_CONTAINER:
        fputs(" -x -a '(archway __complete containers 2>/dev/null)'", out);
        break;
    case CLI_COMPLETE_RULE:
        fputs(" -x -a '(archway __complete rules 2>/dev/null)'", out);
        break;
    case CLI_COMPLETE_OBJECT:
        fputs(" -x -a '(archway __complete containers 2>/dev/null; archway __complete images "
              "2>/dev/null)'",
              out);
        break;
    default:
        fprintf(out, " -x%s%s%s", words ? " -a '" : "", words ? words : "", words ? "'" : "");
    }
}

static void fish_options(FILE *out, const struct cli_verb *verb, const char *condition)
{
    FOR_OPTIONS(o, verb)
    {
        fprintf(out, "complete -c archway -n '%s' -l %s", condition, o->name);
        if (o->alias)
            fprintf(out, " -l %s", o->alias);
        if (o->letter)
            fprintf(out, " -s %c", o->letter);
        if (o->value)
            fish_value(out, o->complete, o->words);
        fputs(" -d '", out);
        put_quoted(out, o->help, "\\'", "\\");
        fputs("'\n", out);
    }
}

static void put_fish(FILE *out)
{
    fputs("# fish completion for archway; made from Archway's table of verbs and options.\n"
          "complete -c archway -f\n",
          out);
    for (size_t i = 0; i < CLI_N_VERBS; i++) {
        fprintf(out, "complete -c archway -n __fish_use_subcommand -a %s -d '", cli_verbs[i].name);
        put_quoted(out, cli_verbs[i].summary, "\\'", "\\");
        fputs("'\n", out);
    }
    fish_options(out, NULL, "__fish_use_subcommand");
    for (size_t i = 0; i < CLI_N_VERBS; i++) {
        const struct cli_verb *v = &cli_verbs[i];
        _cleanup_free_ char *seen = str_printf("__fish_seen_subcommand_from %s", v->name);
        if (!seen)
            return;
        fish_options(out, v, seen);
        if (v->complete == CLI_COMPLETE_VERB) {
            fprintf(out, "complete -c archway -n '%s' -a '", seen);
            for (size_t j = 0; j < CLI_N_VERBS; j++)
                fprintf(out, "%s%s", j ? " " : "", cli_verbs[j].name);
            fputs("'\n", out);
        } else if (v->max != 0) {
            fprintf(out, "complete -c archway -n '%s'", seen);
            fish_value(out, v->complete, NULL);
            putc('\n', out);
        }
    }
}

bool cli_doc_completion(FILE *out, const char *shell)
{
    if (str_eq(shell, "bash"))
        put_bash(out);
    else if (str_eq(shell, "zsh"))
        put_zsh(out);
    else if (str_eq(shell, "fish"))
        put_fish(out);
    else
        return false;
    return true;
}
