/* SPDX-License-Identifier: Apache-2.0
 *
 * WebAssembly: modules and components. All sections are walked to the file's last byte; a program
 * exports _start (WASI preview 1), or the interface wasi:cli/run (a component).
 */
#include "format/scan.h"

#define MODULE 1          /* version 1, layer 0 */
#define COMPONENT 0x1000d /* version 13, layer 1 */
#define EXPORTS_MODULE 7
#define EXPORTS_COMPONENT 11
#define SECTION_LAST 13

/* An unsigned LEB128 of at most 32 bits; *at moves behind it. */
static bool get_u32(struct scan *s, uint64_t *at, uint64_t end, uint32_t *ret)
{
    uint32_t v = 0;
    for (unsigned shift = 0; shift < 35 && *at < end; shift += 7) {
        const uint8_t *p = scan_get(s, *at, 1);
        if (!p || (shift == 28 && (*p & 0xf0)))
            return false;
        *at += 1;
        v |= (uint32_t)(*p & 0x7f) << shift;
        if (!(*p & 0x80)) {
            *ret = v;
            return true;
        }
    }
    return false;
}

/* Is _start, a function, among the exports at .. end? */
static bool exports_start(struct scan *s, uint64_t at, uint64_t end)
{
    uint32_t n, len, index;
    if (!get_u32(s, &at, end, &n))
        return false;
    while (n-- > 0) {
        if (!get_u32(s, &at, end, &len) || len >= end - at)
            return false;
        const uint8_t *kind = scan_get(s, at + len, 1);
        bool function = kind && *kind == 0;
        if (function && len == 6 && scan_is(s, at, "_start", 6))
            return true;
        at += (uint64_t)len + 1;
        if (!kind || !get_u32(s, &at, end, &index))
            return false;
    }
    return false;
}

static bool mentions(struct scan *s, uint64_t at, uint64_t end, const char *word)
{
    size_t n = strlen(word);
    while (end - at >= n) {
        size_t take = end - at < SCAN_WINDOW ? (size_t)(end - at) : SCAN_WINDOW;
        const uint8_t *p = scan_get(s, at, take);
        if (!p)
            return false;
        if (memmem(p, take, word, n))
            return true;
        at += take - n + 1;
    }
    return false;
}

/* Walk the sections. False: they do not end where the file does. */
static bool walk(struct scan *s, bool component, bool *ret_program)
{
    uint64_t at = 8;
    *ret_program = false;
    while (at < s->size) {
        const uint8_t *p = scan_get(s, at, 1);
        uint32_t len;
        if (!p || *p > SECTION_LAST)
            return false;
        uint8_t id = *p;
        at++;
        if (!get_u32(s, &at, s->size, &len) || len > s->size - at)
            return false;
        if (component && id == EXPORTS_COMPONENT)
            *ret_program |= mentions(s, at, at + len, "wasi:cli/run@");
        if (!component && id == EXPORTS_MODULE)
            *ret_program |= exports_start(s, at, at + len);
        at += len;
    }
    return true;
}

void decide_wasm(struct scan *s, struct format_verdict *v)
{
    const uint8_t *p = scan_get(s, 0, 8);
    uint32_t version = p ? get_le32(p + 4) : 0;
    bool program, component = version == COMPONENT;
    if (version != MODULE && !component)
        verdict_no(v, p ? "WebAssembly of a version that is not known here"
                        : "a WebAssembly module that is cut off");
    else if (!walk(s, component, &program))
        verdict_no(v, "a WebAssembly %s that is cut off or damaged",
                   component ? "component" : "module");
    else if (!program)
        verdict_no(v, component
                          ? "a WebAssembly component without wasi:cli/run, which is no program"
                          : "a WebAssembly library: it exports no _start");
    else
        v->kind = component ? KIND_WASM_COMPONENT : KIND_WASM_MODULE;
}
