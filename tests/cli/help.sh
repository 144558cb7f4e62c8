#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Help, manual pages and completions: all made from the table, so each option must be in all of them.
. "$(dirname "$0")/../lib/common.sh"

run aw
is "no verb: status 2" "$STATUS" 2
is "no verb: nothing on standard output" "$OUT" ""
like "no verb: the summary on standard error" "$ERR" '^Usage: archway'
run aw --version
right_run "--version" 0 '^archway [0-9]+\.[0-9]+'
run aw help nonsense
refused "help for an unknown verb" 'there is no archway nonsense'
is "its status" "$STATUS" 2

run aw help
right_run "help" 0 '^Usage: archway'
overview=$OUT
run aw --help
is "--help is the same as help" "$OUT" "$overview"
all_text=$overview
verbs=$(aw __doc verbs)
missing=''
for v in $verbs; do
    grep -q "^  $v " <<<"$overview" || missing+=" $v"
done
is "help lists every verb" "$missing" ""

options=$(aw __doc options)
for shell in bash zsh fish; do
    aw __doc completion $shell >"$T/completion.$shell"
done
aw __doc man >"$T/archway.1"
twice=
for v in $verbs; do
    run aw help "$v"
    text=$OUT all_text+=$'\n'$OUT
    run aw "$v" --help
    is "$v: --help is the same as help $v" "$OUT" "$text"
    aw __doc man "$v" >"$T/archway-$v.1"
    twice+=$(sed -n '/^.SH EXIT/,/^.SH [^E]/s/^\.B //p' "$T/archway-$v.1" | sort | uniq -d | sed "s/^/$v /")
    # roff writes a dash as \-
    page=$(sed 's/\\-/-/g' "$T/archway-$v.1")
    zsh=$(sed -n "/^    $v)\$/,/;;/p" "$T/completion.zsh")
    lost=''
    while IFS=$'\t' read -r verb name letter kind known; do
        [ "$verb" = "$v" ] || continue
        grep -qe "--$name\b" <<<"$text" || lost+=" help:--$name"
        grep -qe "--$name\b" <<<"$page" || lost+=" man:--$name"
        if [ "$letter" != - ]; then
            grep -qe "^ *-$letter, --$name" <<<"$text" || lost+=" help:-$letter"
            grep -qe "-$letter\\\\fR, " <<<"$page" || lost+=" man:-$letter"
        fi
        if [ "$known" = refused ]; then
            grep -qe "^complete .*seen_subcommand_from $v.* -l $name\b" "$T/completion.fish" &&
                lost+=" fish-offers:--$name"
            continue
        fi
        grep -qe "^    $v) echo \".*--${name}[ \"]" "$T/completion.bash" || lost+=" bash:--$name"
        grep -qe "^complete .*seen_subcommand_from $v' -l $name\b" "$T/completion.fish" ||
            lost+=" fish:--$name"
        grep -qe "\*--${name}[=[]" <<<"$zsh" || lost+=" zsh:--$name"
        if [ "$kind" = value ]; then
            grep -qe "\"$v --$name\"" "$T/completion.bash" || lost+=" bash-value:--$name"
        fi
    done <<<"$options"
    is "$v: every option is in help, manual page and completions" "$lost" ""
done
is "no exit status stands twice in a page" "$twice" ""
is "help fits 80 columns" "$(grep -v '^    archway\|^    tar' <<<"$all_text" | grep -E '.{80}')" ""
is "help is plain text" "$(tr -d '\n -~' <<<"$all_text")" ""

if command -v mandoc >/dev/null; then
    is "manual pages pass mandoc -Tlint" "$(mandoc -Tlint -Wall "$T"/*.1)" ""
else
    skip "manual pages pass mandoc -Tlint" "mandoc is not installed"
fi
for shell in bash zsh fish; do
    if command -v $shell >/dev/null; then
        holds "$shell reads its completion script" $shell -n "$T/completion.$shell"
    else
        skip "$shell reads its completion script" "$shell is not installed"
    fi
done
if command -v shellcheck >/dev/null; then
    holds "shellcheck accepts the bash completion" shellcheck -s bash -S warning "$T/completion.bash"
else
    skip "shellcheck accepts the bash completion" "shellcheck is not installed"
fi

# ---- what bash offers -----------------------------------------------------------------------------
# complete_bash WORD...: the words up to the cursor, as readline splits them
complete_bash() {
    (
        # shellcheck source=/dev/null
        . "$T/completion.bash"
        # shellcheck disable=SC2329 # the completion calls it
        archway() {
            [ "$1 $2" = "__complete images" ] && printf '%s\n' debian:trixie debian:forky alpine:3
            [ "$1 $2" = "__complete containers" ] && echo web
            [ "$1 $2" = "__complete rules" ] && printf '%s\n' wine qemu-arm
            return 0
        }
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _archway
        printf '%s\n' "${COMPREPLY[@]}" | sort | tr '\n' ' '
    )
}
is "bash: verbs" "$(complete_bash archway p)" "prune ps pull "
is "bash: options" "$(complete_bash archway run --cap)" "--cap-add --cap-drop "
is "bash: words of an option" "$(complete_bash archway run --pull '')" "always missing never "
is "bash: words behind =" "$(complete_bash archway run --pull = n)" "never "
is "bash: images, behind the colon" "$(complete_bash archway run -it debian : t)" "trixie "
is "bash: images" "$(complete_bash archway rmi al)" "alpine:3 "
is "bash: containers" "$(complete_bash archway exec -w /x '')" "web "
is "bash: rules" "$(complete_bash archway show q)" "qemu-arm "
is "bash: nothing of ours behind the image" "$(complete_bash archway run alpine : 3 --pl)" " "
is "bash: not an option of another verb" "$(complete_bash archway ps --cap)" " "
is "bash: own options before the verb" "$(complete_bash archway --storage /s im)" "images import "
if command -v fish >/dev/null; then
    fish_says() {
        as_user fish --private -c "source $T/completion.fish; complete -C '$1'" 2>/dev/null |
            cut -f1 | sort | tr '\n' ' '
    }
    cp "$T/completion.fish" "$T/tmp/"
    is "fish: verbs" "$(fish_says 'archway pr')" "prune "
    is "fish: words of an option" "$(fish_says 'archway run --pull ')" "always missing never "
else
    skip "fish: verbs" "fish is not installed"
fi
