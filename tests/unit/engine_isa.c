// SPDX-License-Identifier: Apache-2.0
// A64's decoder by itself; tests/isa compares it with another one.
#include "test.h"

#include "engine/isa/a64.h"

static void check_row(uint32_t word, enum a64_row want)
{
    enum a64_row got = a64_decode(word);
    if (got != want)
        TEST_FAIL("%08x: got %s, want %s", word, a64_row_info[got].name, a64_row_info[want].name);
}

TEST(an_unallocated_row_gives_way_to_the_next)
{
    check_row(0x4f000400, A64_SIMD_IMM);     // movi v0.4s, #0: not sshr with immh = 0
    check_row(0x4f009502, A64_SIMD_IMM);     // orr v2.8h, #8
    check_row(0x4f210400, A64_SSHR_IMM_VEC); // sshr v0.4s, v0.4s, #31
    check_row(0x2f00f400, A64_UNDEFINED);    // fmov v0.2d with Q = 0
}

TEST(constraints_make_words_undefined)
{
    check_row(0x00000000, A64_UNDEFINED);
    check_row(0x0b008000, A64_UNDEFINED); // add w0, w0, w0, lsl #32
    check_row(0x8b008000, A64_ADD_REG);
    check_row(0x12400000, A64_UNDEFINED); // and w0, w0 with N = 1
    check_row(0x92400000, A64_AND_IMM);
    check_row(0x9340fc00, A64_SBFM);
    check_row(0x1340fc00, A64_UNDEFINED);
}

// also that every row has words at all
TEST(random_words_are_of_their_row)
{
    uint64_t rng = 1;
    unsigned differ = 0;
    for (unsigned r = 1; r < A64_ROW_COUNT; r++) {
        uint32_t first = a64_random(r, &rng);
        for (int i = 0; i < 100; i++) {
            uint32_t word = a64_random(r, &rng);
            check_row(word, r);
            differ += word != first;
        }
    }
    CHECK(differ > 95 * (A64_ROW_COUNT - 1));
    CHECK_INT(a64_random(A64_UNDEFINED, &rng), 0);
}

TEST(a_rows_fields_and_fixed_bits_make_the_word)
{
    for (unsigned r = 1; r < A64_ROW_COUNT; r++) {
        uint32_t bits = a64_row_info[r].mask;
        for (unsigned i = a64_row_fields[r]; i < a64_row_fields[r + 1]; i++) {
            const struct isa_field *f = &a64_fields[i];
            uint32_t mask = (uint32_t)(((1ull << f->width) - 1) << f->at);
            CHECK_INT(bits & mask, 0);
            bits |= mask;
        }
        CHECK_INT(bits, 0xffffffff);
        CHECK_INT(a64_row_info[r].value & ~a64_row_info[r].mask, 0);
    }
}

static void check_text(uint32_t word, const char *want)
{
    char got[128];
    a64_disasm(got, sizeof got, word, 0x10000);
    CHECK_STR(got, want);
}

TEST(text_is_llvms_with_absolute_targets)
{
    check_text(0x8b020420, "add x0, x1, x2, lsl #1");
    check_text(0xf9400be1, "ldr x1, [sp, #16]");
    check_text(0xa9bf7bfd, "stp x29, x30, [sp, #-16]!");
    check_text(0x17ffffff, "b 0xfffc");
    check_text(0xd503233f, "paciasp");
    check_text(0x4e211c20, "and v0.16b, v1.16b, v1.16b");
    check_text(0x1e2e1000, "fmov s0, #1.00000000");
    check_text(0x1e3f9001, "fmov s1, #-1.75000000");
    check_text(0xd53bd040, "mrs x0, TPIDR_EL0");
    check_text(0x00000010, "udf #16");
    check_text(0xffffffff, ".inst 0xffffffff");
}

TEST(text_is_cut_to_its_room)
{
    char buf[8] = "0123456";
    a64_disasm(buf, 5, 0x8b020420, 0);
    CHECK_STR(buf, "add ");
    CHECK_INT(buf[5], '5');
    a64_disasm(buf, 1, 0x8b020420, 0);
    CHECK_STR(buf, "");
    a64_disasm(NULL, 0, 0x8b020420, 0);
}

TEST_MAIN()
