/* SPDX-License-Identifier: Apache-2.0
 *
 * Register strings: what is accepted must print, and what is printed must be read as the same rule.
 * The same bytes are also tried as the text of an entry.
 */
#include "base/util.h"

#include <archway/instance.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aw_rule rule, again;
    struct aw_rule_fault fault;
    struct aw_entry entry;
    struct aw_lint lint[AW_LINT_MAX];
    struct aw_err err = AW_ERR_INIT;
    char text[AW_RULE_TEXT_MAX + 1];
    aw_entry_parse("n", (const char *)data, size, &entry, NULL);
    if (!aw_rule_parse(data, size, &rule, &fault, &err)) {
        AW_BUG_ON(fault.kind == AW_FAULT_NONE || fault.column < 1 || !fault.sys_errno ||
                  !err.message[0]);
        return 0;
    }
    aw_rule_lint(&rule, false, lint);
    size_t len = aw_rule_format(&rule, text, &err);
    if (!len) {
        /* only for want of a delimiter, or of room for escapes */
        AW_BUG_ON(err.code != AW_E_LIMIT);
        return 0;
    }
    AW_BUG_ON(!aw_rule_parse(text, len, &again, NULL, &err));
    AW_BUG_ON(!aw_rule_equal(&rule, &again));
    return 0;
}
