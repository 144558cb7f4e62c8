/* SPDX-License-Identifier: Apache-2.0
 *
 * Any text as a file of formats: a fault is named with its line, and what is accepted can be used.
 */
#include "format/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool read_none(void *user, uint64_t offset, void *data, size_t len)
{
    (void)user;
    (void)offset;
    memset(data, 'x', len);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const none[] = {NULL};
    struct format_users users = {0};
    struct format_verdict v = {.kind = KIND_NONE};
    struct aw_err err = AW_ERR_INIT;
    char *text = strndup((const char *)data, size);
    if (text && !format_users_parse(text, "f", &users, &err))
        AW_BUG_ON(!str_starts(err.message, "f:") || users.n);
    struct format_run run = {.file = "-x", .args = none, .env = none, .root = "/", .is = &v};
    struct format_file f = {.name = "x.y", .size = 300, .read = read_none};
    for (size_t i = 0; i < users.n; i++) {
        AW_BUG_ON(users.v[i].commands.n == 0);
        format_user_matches(&users.v[i], &f);
        for (size_t k = 0; k < users.v[i].commands.n; k++) {
            struct strv words = {0};
            char *program = format_command_program(users.v[i].commands.v[k], &v);
            AW_BUG_ON(!format_command(users.v[i].commands.v[k], &run, &words, &err));
            AW_BUG_ON(words.n == 0 || !program || !str_eq(program, words.v[0]));
            free(program);
            strv_fini(&words);
        }
    }
    format_users_fini(&users);
    free(text);
    return 0;
}
