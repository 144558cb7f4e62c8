/* SPDX-License-Identifier: Apache-2.0
 *
 * What binfmt's files share about rules.
 */
#ifndef BINFMT_RULE_H
#define BINFMT_RULE_H

#include <archway/rule.h>

/* The bits that a flag letter sets (C and T imply O); 0: no flag letter. */
unsigned rule_flag_bit(char letter);

#endif
