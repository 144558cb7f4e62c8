/* SPDX-License-Identifier: Apache-2.0 */
#include "binfmt/rule_file.h"

#include "base/util.h"

static bool blank(char ch)
{
    return ch == ' ' || ch == '\t' || ch == '\r' || ch == '\n';
}

bool rule_file_next(struct rule_file *f, const char **ret, size_t *ret_len)
{
    while (f->left) {
        const char *start = f->rest, *end = memchr(start, '\n', f->left);
        size_t len = end ? (size_t)(end - start) : f->left, whole = end ? len + 1 : len;
        f->rest += whole;
        f->left -= whole;
        f->line++;
        while (len && blank(start[len - 1]))
            len--;
        while (len && blank(*start)) {
            start++;
            len--;
        }
        if (!len || *start == '#' || *start == ';')
            continue;
        *ret = start;
        *ret_len = len;
        return true;
    }
    return false;
}
