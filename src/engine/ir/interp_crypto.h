/* SPDX-License-Identifier: Apache-2.0
 * Operations for cryptography; interp_simd.c has the table. */
#ifndef ENGINE_IR_INTERP_CRYPTO_H
#define ENGINE_IR_INTERP_CRYPTO_H

#include "engine/ir/interp.h"

void interp_clmul(struct ir_interp *m, ir_ref i, const struct ir_ins *ins);
void interp_aes_rows(struct ir_interp *m, ir_ref i, const struct ir_ins *ins);
void interp_aes_columns(struct ir_interp *m, ir_ref i, const struct ir_ins *ins);
void interp_aes_round(struct ir_interp *m, ir_ref i, const struct ir_ins *ins);
void interp_sha1(struct ir_interp *m, ir_ref i, const struct ir_ins *ins);
void interp_sha2(struct ir_interp *m, ir_ref i, const struct ir_ins *ins);
void interp_sha2_schedule(struct ir_interp *m, ir_ref i, const struct ir_ins *ins);

#endif
