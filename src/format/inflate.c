/* SPDX-License-Identifier: Apache-2.0
 *
 * The beginning of a deflated file (RFC 1951): archway-format wants a manifest's few lines, and
 * must start too fast to carry more than this.
 */
#include "format/scan.h"

#define CODE_BITS 15
#define LITERALS 288
#define DISTANCES 30

struct in {
    const uint8_t *p;
    size_t len, at;
    uint32_t bits;  /* not used yet, the lowest first */
    unsigned count; /* how many */
    bool bad;       /* read beyond the end, or nonsense */
};

/* A canonical code: how many codes have each length, and their symbols in order. */
struct code {
    uint16_t count[CODE_BITS + 1];
    uint16_t symbol[LITERALS];
};

static unsigned take(struct in *in, unsigned n)
{
    while (in->count < n) {
        if (in->at >= in->len) {
            in->bad = true;
            return 0;
        }
        in->bits |= (uint32_t)in->p[in->at++] << in->count;
        in->count += 8;
    }
    unsigned v = in->bits & ((1u << n) - 1);
    in->bits >>= n;
    in->count -= n;
    return v;
}

/* False: more codes than bits can tell apart. */
static bool make_code(struct code *c, const uint8_t *lengths, unsigned n)
{
    uint16_t next[CODE_BITS + 2] = {0};
    int left = 1;
    memset(c, 0, sizeof(*c));
    for (unsigned i = 0; i < n; i++)
        c->count[lengths[i]]++;
    c->count[0] = 0;
    for (unsigned len = 1; len <= CODE_BITS; len++) {
        left = left * 2 - c->count[len];
        if (left < 0)
            return false;
        next[len + 1] = (uint16_t)(next[len] + c->count[len]);
    }
    for (unsigned i = 0; i < n; i++)
        if (lengths[i])
            c->symbol[next[lengths[i]]++] = (uint16_t)i;
    return true;
}

static unsigned decode(struct in *in, const struct code *c)
{
    int code = 0, first = 0, index = 0;
    for (unsigned len = 1; len <= CODE_BITS; len++) {
        code |= (int)take(in, 1);
        int count = c->count[len];
        if (code - first < count)
            return c->symbol[index + (code - first)];
        index += count;
        first = (first + count) << 1;
        code <<= 1;
    }
    in->bad = true;
    return 0;
}

struct out {
    uint8_t *p;
    size_t size, len;
};

/* Copy from what was made, or stored bytes. Both end quietly when the room is full. */
static void stored(struct in *in, struct out *out)
{
    in->bits = 0;
    in->count = 0;
    if (in->len - in->at < 4) {
        in->bad = true;
        return;
    }
    unsigned n = get_le16(in->p + in->at), check = get_le16(in->p + in->at + 2);
    in->at += 4;
    if (n != (~check & 0xffff) || n > in->len - in->at) {
        in->bad = true;
        return;
    }
    for (; n > 0 && out->len < out->size; n--)
        out->p[out->len++] = in->p[in->at++];
}

static const uint16_t length_base[] = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                       15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                       67, 83, 99, 115, 131, 163, 195, 227, 258};
static const uint8_t length_extra[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                       2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
static const uint16_t distance_base[DISTANCES] = {
    1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
    193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};

static void compressed(struct in *in, struct out *out, const struct code *lit,
                       const struct code *dist)
{
    while (!in->bad && out->len < out->size) {
        unsigned symbol = decode(in, lit);
        if (in->bad || symbol == 256)
            return;
        if (symbol < 256) {
            out->p[out->len++] = (uint8_t)symbol;
            continue;
        }
        symbol -= 257;
        if (symbol >= AW_LEN(length_base)) {
            in->bad = true;
            return;
        }
        size_t len = length_base[symbol] + take(in, length_extra[symbol]);
        unsigned d = decode(in, dist);
        if (in->bad || d >= DISTANCES) {
            in->bad = true;
            return;
        }
        size_t back = distance_base[d] + take(in, d < 4 ? 0 : d / 2 - 1);
        if (in->bad || back > out->len) {
            in->bad = true;
            return;
        }
        for (; len > 0 && out->len < out->size; len--, out->len++)
            out->p[out->len] = out->p[out->len - back];
    }
}

static bool fixed_codes(struct code *lit, struct code *dist)
{
    uint8_t lengths[LITERALS];
    for (unsigned i = 0; i < LITERALS; i++)
        lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    if (!make_code(lit, lengths, LITERALS))
        return false;
    memset(lengths, 5, DISTANCES);
    return make_code(dist, lengths, DISTANCES);
}

static bool read_codes(struct in *in, struct code *lit, struct code *dist)
{
    static const uint8_t order[19] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                      11, 4,  12, 3, 13, 2, 14, 1, 15};
    uint8_t lengths[LITERALS + 32] = {0};
    unsigned n_lit = take(in, 5) + 257, n_dist = take(in, 5) + 1, n = take(in, 4) + 4;
    if (in->bad || n_lit > 286 || n_dist > DISTANCES)
        return false;
    for (unsigned i = 0; i < n; i++)
        lengths[order[i]] = (uint8_t)take(in, 3);
    if (!make_code(lit, lengths, 19))
        return false;
    memset(lengths, 0, sizeof(lengths));
    for (unsigned i = 0; i < n_lit + n_dist && !in->bad;) {
        unsigned symbol = decode(in, lit), times;
        uint8_t value = 0;
        if (symbol < 16) {
            lengths[i++] = (uint8_t)symbol;
            continue;
        }
        if (symbol == 16 && i == 0)
            return false;
        if (symbol == 16)
            value = lengths[i - 1];
        times = symbol == 16 ? 3 + take(in, 2) : symbol == 17 ? 3 + take(in, 3) : 11 + take(in, 7);
        if (times > n_lit + n_dist - i)
            return false;
        memset(lengths + i, value, times);
        i += times;
    }
    return !in->bad && lengths[256] && make_code(lit, lengths, n_lit) &&
           make_code(dist, lengths + n_lit, n_dist);
}

bool inflate_head(const uint8_t *data, size_t in_len, uint8_t *room, size_t out_size,
                  size_t *ret_len)
{
    struct in in = {.p = data, .len = in_len};
    struct out out = {.p = room, .size = out_size};
    struct code lit, dist;
    bool last = false;
    while (!last && !in.bad && out.len < out.size) {
        last = take(&in, 1);
        switch (take(&in, 2)) {
        case 0:
            stored(&in, &out);
            break;
        case 1:
            in.bad |= !fixed_codes(&lit, &dist);
            compressed(&in, &out, &lit, &dist);
            break;
        case 2:
            if (!read_codes(&in, &lit, &dist))
                return false;
            compressed(&in, &out, &lit, &dist);
            break;
        default:
            return false;
        }
    }
    *ret_len = out.len;
    return !in.bad;
}
