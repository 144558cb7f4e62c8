/* SPDX-License-Identifier: Apache-2.0
 *
 * 0xCAFEBABE: a Java class, or a Mach-O file for several processors.
 *
 * The idea: what follows is a class's version (45 and up) or a count of processors (a handful). A
 * class is then walked to its last byte, as a virtual machine does, which refuses files that are
 * too short or too long; on the way the name of the class is found.
 */
#include "format/scan.h"

#define MAJOR_FIRST 45 /* JDK 1.0 and 1.1 */
#define ACC_MODULE 0x8000

/* Bytes behind the tag of a constant, by tag; 0: no such tag. JVM specification, section 4.4 */
static size_t constant_size(uint8_t tag)
{
    switch (tag) {
    case 7: /* class, string, method type, module, package: one index */
    case 8:
    case 16:
    case 19:
    case 20:
        return 2;
    case 15: /* method handle */
        return 3;
    case 1: /* text: its length; the text comes on top */
        return 2;
    case 3: /* int, float, references, name and type, dynamic */
    case 4:
    case 9:
    case 10:
    case 11:
    case 12:
    case 17:
    case 18:
        return 4;
    case 5: /* long, double */
    case 6:
        return 8;
    default:
        return 0;
    }
}

/* Walk the constants up to number stop, or all of them (stop = count). *ret_at: where that one, or
 * what comes behind them, stands. False: damaged, or no such number. */
static bool walk_constants(struct scan *s, unsigned count, unsigned stop, uint64_t *ret_at)
{
    uint64_t at = 10;
    unsigned i = 1;
    while (i < count && i < stop) {
        const uint8_t *p = scan_get(s, at, 3);
        size_t size = p ? constant_size(p[0]) : 0;
        if (!size)
            return false;
        i += p[0] == 5 || p[0] == 6 ? 2 : 1;
        at += 1 + size + (p[0] == 1 ? get_be16(p + 1) : 0);
    }
    *ret_at = at;
    return i == stop;
}

static bool skip_attributes(struct scan *s, uint64_t *at)
{
    const uint8_t *p = scan_get(s, *at, 2);
    if (!p)
        return false;
    unsigned n = get_be16(p);
    *at += 2;
    while (n-- > 0) {
        p = scan_get(s, *at, 6);
        if (!p)
            return false;
        *at += 6 + (uint64_t)get_be32(p + 2);
        if (*at > s->size)
            return false;
    }
    return true;
}

/* Fields or methods. */
static bool skip_members(struct scan *s, uint64_t *at)
{
    const uint8_t *p = scan_get(s, *at, 2);
    if (!p)
        return false;
    unsigned n = get_be16(p);
    *at += 2;
    while (n-- > 0) {
        *at += 6;
        if (!skip_attributes(s, at))
            return false;
    }
    return true;
}

/* As virtual machines check names of classes (section 4.2.1). */
static bool good_name(const char *name, size_t len)
{
    if (len == 0 || strlen(name) != len || name[0] == '/' || name[len - 1] == '/')
        return false;
    return !strpbrk(name, ".;[") && !strstr(name, "//");
}

static bool find_name(struct scan *s, unsigned count, unsigned this_class, char *ret)
{
    uint64_t at;
    const uint8_t *p;
    if (!walk_constants(s, count, this_class, &at) || !(p = scan_get(s, at, 3)) || p[0] != 7)
        return false;
    if (!walk_constants(s, count, get_be16(p + 1), &at) || !(p = scan_get(s, at, 3)) || p[0] != 1)
        return false;
    size_t len = get_be16(p + 1);
    if (len >= FORMAT_CLASS_NAME || !scan_copy(s, at + 3, ret, len))
        return false;
    ret[len] = 0;
    return good_name(ret, len);
}

static void decide_class(struct scan *s, struct format_verdict *v)
{
    const uint8_t *p = scan_get(s, 0, 10);
    unsigned count = p ? get_be16(p + 8) : 0;
    uint64_t at;
    if (!count || !walk_constants(s, count, count, &at)) {
        verdict_no(v, "a Java class with damaged constants");
        return;
    }
    p = scan_get(s, at, 8);
    if (!p) {
        verdict_no(v, "a Java class that is cut off");
        return;
    }
    unsigned access = get_be16(p), this_class = get_be16(p + 2), interfaces = get_be16(p + 6);
    at += 8 + 2 * (uint64_t)interfaces;
    if (!skip_members(s, &at) || !skip_members(s, &at) || !skip_attributes(s, &at)) {
        verdict_no(v, "a Java class that is cut off");
    } else if (at != s->size) {
        verdict_no(v, "a Java class with something behind its end, which no Java takes");
    } else if (access & ACC_MODULE) {
        verdict_no(v, "the description of a Java module, which is no program");
    } else if (this_class == 0 || !find_name(s, count, this_class, v->main_class)) {
        v->main_class[0] = 0;
        verdict_no(v, "a Java class without a proper name");
    } else {
        v->kind = KIND_JAVA_CLASS;
    }
}

static void decide_fat(struct scan *s, struct format_verdict *v, uint32_t n)
{
    const uint8_t *p;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t at = 8 + 20 * (uint64_t)i, end = 8 + 20 * (uint64_t)n;
        if (!(p = scan_get(s, at, 20)) || get_be32(p + 8) < end || get_be32(p + 12) < 28 ||
            get_be32(p + 16) > 30 || !scan_within(s, get_be32(p + 8), get_be32(p + 12))) {
            verdict_no(v, "neither a Java class nor a whole Mach-O file");
            return;
        }
    }
    v->kind = KIND_MACHO;
}

void decide_cafebabe(struct scan *s, struct format_verdict *v)
{
    const uint8_t *p = scan_get(s, 0, 8);
    if (!p)
        verdict_no(v, "cut off behind its first bytes: a Java class or a Mach-O file");
    else if (get_be16(p + 6) >= MAJOR_FIRST)
        decide_class(s, v);
    else if (get_be32(p + 4) > 0 && get_be32(p + 4) < MAJOR_FIRST)
        decide_fat(s, v, get_be32(p + 4));
    else
        verdict_no(v, "neither a Java class nor a Mach-O file");
}

#define MH_EXECUTE 2

void decide_macho(struct scan *s, struct format_verdict *v)
{
    const uint8_t *p = scan_get(s, 0, 28);
    if (!p)
        verdict_no(v, "a Mach-O file that is cut off");
    else if (get_le32(p + 12) != MH_EXECUTE)
        verdict_no(v, "a Mach-O file that is no program");
    else if (!scan_within(s, get_le32(p) & 1 ? 32 : 28, get_le32(p + 20)))
        verdict_no(v, "a Mach-O file that is cut off");
    else
        v->kind = KIND_MACHO;
}
