/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a file: the deciders stay within it, and each verdict is one that a command can be
 * made of. Seeds: tests/lib/mkformats corpus build/corpus/format_detect
 */
#include "format/format.h"

struct bytes {
    const uint8_t *data;
    size_t size;
};

static bool read_bytes(void *user, uint64_t offset, void *data, size_t len)
{
    const struct bytes *b = user;
    AW_BUG_ON(offset > b->size || len > b->size - offset);
    memcpy(data, b->data + offset, len);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"./x", "./x.com"}, *const none[] = {NULL};
    struct bytes b = {.data = data, .size = size};
    for (size_t i = 0; i < AW_LEN(names); i++) {
        struct format_file f = {.name = names[i], .size = size, .read = read_bytes, .user = &b};
        struct format_verdict v;
        format_decide(&f, &v);
        AW_BUG_ON((unsigned)v.kind >= KIND_N || (v.kind == KIND_NONE) != (v.reason[0] != 0));
        AW_BUG_ON((v.kind == KIND_JAVA_CLASS) != (v.main_class[0] != 0));
        AW_BUG_ON(strlen(v.reason) >= sizeof(v.reason) || strlen(v.version) >= sizeof(v.version));
        const struct format_kind_row *kind = format_kind_at(v.kind);
        struct format_run run = {
            .file = names[i], .args = none, .env = none, .root = "/", .is = &v};
        for (const char *const *c = kind->commands; *c; c++) {
            struct strv words = {0};
            AW_BUG_ON(!format_command(*c, &run, &words, NULL) || words.n < 2);
            strv_fini(&words);
        }
    }
    return 0;
}
