/* SPDX-License-Identifier: Apache-2.0
 *
 * AES, SHA-1 and SHA-256 (Arm ARM C4.1.97, C7.2).
 *
 * The idea: both architectures cut the algorithms into nearly the same steps. AES differs in where
 * the key is added: first here, last on the host, so the host's key is zero. SHA differs in the
 * order of words, in the halves that the state is kept in, and in who adds SHA-1's constants.
 *
 * Hosts without SHA instructions call the exact function (simd_exact.c); AES-NI is taken for
 * granted.
 */
#include "engine/lift/a64_simd.h"

static ir_ref n_of(struct lift *l, uint32_t word)
{
    return lift_v(l, a64_rn(word));
}

static ir_ref m_of(struct lift *l, uint32_t word)
{
    return lift_v(l, word >> 16 & 31);
}

static ir_ref d_of(struct lift *l, uint32_t word)
{
    return lift_v(l, a64_rd(word));
}

static void put(struct lift *l, uint32_t word, ir_ref v)
{
    lift_put_v(l, a64_rd(word), v);
}

/* ---- AES ---- */
LIFT(aese)
{
    ir_ref v = simd_op(l, IR_VXOR, 8, d_of(l, word), n_of(l, word));
    put(l, word, simd_op(l, IR_VAESE, 16, v, IR_NONE));
}

LIFT(aesd)
{
    ir_ref v = simd_op(l, IR_VXOR, 8, d_of(l, word), n_of(l, word));
    put(l, word, simd_op(l, IR_VAESD, 16, v, IR_NONE));
}

/* If the instruction before this one was `first` of rd, both are one round of the host. Nothing
 * looks at rd in between. */
static bool fused(struct lift *l, uint32_t word, enum ir_op first, enum ir_op both)
{
    struct ir_ins *insn = ir_last(l->r), *before = insn - 1;
    if (l->r->insns == 0 || a64_rn(word) != a64_rd(word) || before->op != IR_PUTV ||
        before->imm != a64_rd(word) || l->r->ins[before->a].op != first)
        return false;
    ir_ref v = l->r->ins[before->a].a;
    *before = (struct ir_ins){.op = IR_NOP, .a = IR_NONE, .b = IR_NONE, .c = IR_NONE};
    put(l, word, simd_op(l, both, 16, v, IR_NONE));
    return true;
}

LIFT(aesmc)
{
    if (!fused(l, word, IR_VAESE, IR_VAESEM))
        put(l, word, simd_op(l, IR_VAESMC, 16, n_of(l, word), IR_NONE));
}

LIFT(aesimc)
{
    if (!fused(l, word, IR_VAESD, IR_VAESDM))
        put(l, word, simd_op(l, IR_VAESIMC, 16, n_of(l, word), IR_NONE));
}

/* ---- SHA ---- */
static bool has_sha(const struct lift *l)
{
    return l->env->host && l->env->host(l->env->context, LIFT_HOST_SHA);
}

static ir_ref words(struct lift *l, ir_ref v, unsigned order)
{
    return simd_imm(l, IR_VPERM, 4, v, order);
}

static ir_ref rotate(struct lift *l, ir_ref v, unsigned n)
{
    ir_ref up = simd_imm(l, IR_VSHL, 4, v, n), down = simd_imm(l, IR_VSHR, 4, v, 32 - n);
    return simd_op(l, IR_VOR, 8, up, down);
}

/* The host's operation adds its constant itself: it is taken off; and has all words upside down. */
static void sha1_rounds(struct lift *l, uint32_t word, unsigned kind)
{
    static const uint32_t constants[3] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc};
    if (!has_sha(l)) {
        simd_exact(l, word);
        return;
    }
    ir_ref w = simd_op(l, IR_VSUB, 4, m_of(l, word), simd_splat(l, 4, constants[kind]));
    ir_ref e = simd_op(l, IR_VZEXT, 4, n_of(l, word), IR_NONE);
    w = words(l, simd_op(l, IR_VADD, 4, w, e), 0x1b);
    ir_ref v = simd_op(l, IR_VSHA1, 16, words(l, d_of(l, word), 0x1b), w);
    ir_last(l->r)->imm = kind;
    put(l, word, words(l, v, 0x1b));
}

LIFT(sha1c)
{
    sha1_rounds(l, word, 0);
}

LIFT(sha1p)
{
    sha1_rounds(l, word, 1);
}

LIFT(sha1m)
{
    sha1_rounds(l, word, 2);
}

LIFT(sha1h)
{
    simd_put_scalar(l, word, 4, rotate(l, n_of(l, word), 30));
}

LIFT(sha1su0)
{
    ir_ref d = d_of(l, word);
    ir_ref v = simd_op(l, IR_VALIGN, 16, d, n_of(l, word));
    ir_last(l->r)->imm = 8;
    v = simd_op(l, IR_VXOR, 8, v, d);
    put(l, word, simd_op(l, IR_VXOR, 8, v, m_of(l, word)));
}

/* The last word also gets what the first one becomes, rotated by two. */
LIFT(sha1su1)
{
    ir_ref t = simd_op(l, IR_VXOR, 8, d_of(l, word), simd_imm(l, IR_VBSHR, 16, n_of(l, word), 4));
    ir_ref first = rotate(l, simd_imm(l, IR_VBSHL, 16, t, 12), 2);
    put(l, word, simd_op(l, IR_VXOR, 8, rotate(l, t, 1), first));
}

/* Four rounds; first: the new A B C D, else E F G H. */
static void sha256_rounds(struct lift *l, uint32_t word, bool first)
{
    if (!has_sha(l)) {
        simd_exact(l, word);
        return;
    }
    ir_ref d = d_of(l, word), n = n_of(l, word), m = m_of(l, word);
    ir_ref abcd = first ? d : n, efgh = first ? n : d;
    ir_ref abef = words(l, simd_op(l, IR_VZIPL, 8, efgh, abcd), 0xb1);
    ir_ref cdgh = words(l, simd_op(l, IR_VZIPH, 8, efgh, abcd), 0xb1);
    ir_ref two = lift_op3(l, IR_VSHA2, 16, cdgh, abef, m);
    ir_ref four = lift_op3(l, IR_VSHA2, 16, abef, two, words(l, m, 0x0e));
    put(l, word, words(l, simd_op(l, first ? IR_VZIPH : IR_VZIPL, 8, four, two), 0xb1));
}

LIFT(sha256h)
{
    sha256_rounds(l, word, true);
}

LIFT(sha256h2)
{
    sha256_rounds(l, word, false);
}

LIFT(sha256su0)
{
    if (has_sha(l))
        put(l, word, simd_op(l, IR_VSHA2A, 16, d_of(l, word), n_of(l, word)));
    else
        simd_exact(l, word);
}

LIFT(sha256su1)
{
    if (!has_sha(l)) {
        simd_exact(l, word);
        return;
    }
    ir_ref m = m_of(l, word);
    ir_ref v = simd_op(l, IR_VALIGN, 16, n_of(l, word), m);
    ir_last(l->r)->imm = 4;
    v = simd_op(l, IR_VADD, 4, v, d_of(l, word));
    put(l, word, simd_op(l, IR_VSHA2B, 16, v, m));
}
