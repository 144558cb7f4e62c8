/* SPDX-License-Identifier: Apache-2.0 */
#include "binfmt/script.h"

#include "base/util.h"

#define LAST (AW_RULE_WINDOW - 1)

static bool blank(char ch)
{
    return ch == ' ' || ch == '\t';
}

/* First byte in [from, to] that is no blank; -1: none. */
static int find_text(const char *head, int from, int to)
{
    for (int i = from; i <= to; i++)
        if (!blank(head[i]))
            return i;
    return -1;
}

/* First byte in [from, to] that is a blank or NUL; -1: none. */
static int find_end(const char *head, int from, int to)
{
    for (int i = from; i <= to; i++)
        if (blank(head[i]) || !head[i])
            return i;
    return -1;
}

static void copy(char ret[AW_RULE_WINDOW], const char *head, int from, int to)
{
    size_t len = strnlen(head + from, (size_t)(to - from));
    memcpy(ret, head + from, len);
    ret[len] = 0;
}

void script_parse(const char head[AW_RULE_WINDOW], struct script *ret)
{
    memset(ret, 0, sizeof(*ret));
    if (head[0] != '#' || head[1] != '!')
        return;
    size_t line = strnlen(head, AW_RULE_WINDOW);
    const char *newline = memchr(head, '\n', line);
    int end = newline ? (int)(newline - head) : LAST;
    ret->kind = SCRIPT_EMPTY;
    if (!newline) {
        int first = find_text(head, 2, LAST);
        if (first < 0)
            return;
        if (find_end(head, first, LAST) < 0) {
            ret->kind = SCRIPT_LONG;
            return;
        }
    }
    while (end > 2 && blank(head[end - 1]))
        end--;
    int name = find_text(head, 2, end);
    if (name < 0 || name == end)
        return;
    ret->kind = SCRIPT_OK;
    int sep = find_end(head, name, end);
    copy(ret->name, head, name, sep >= 0 ? sep : end);
    /* a NUL behind the blanks makes an empty argument, which the interpreter does get */
    int arg = sep >= 0 && head[sep] ? find_text(head, sep, end) : -1;
    ret->has_argument = arg >= 0;
    if (ret->has_argument)
        copy(ret->argument, head, arg, end);
}
