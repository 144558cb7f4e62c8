/* SPDX-License-Identifier: Apache-2.0
 *
 * An instance's entries, compact: what the matcher compares, and the rest as text.
 */
#ifndef BINFMT_SNAPSHOT_H
#define BINFMT_SNAPSHOT_H

#include <archway/instance.h>

/* Bytes of a file's head as brief_matches() takes it: a word more than count. */
#define BRIEF_HEAD (AW_RULE_WINDOW + 8)

/* All pointers lead into the snapshot. */
struct brief {
    const char *name;      /* of the entry */
    const char *text;      /* its file, with a NUL behind it */
    size_t len;            /* bytes of text */
    const char *extension; /* or NULL: by magic */
    const uint8_t *magic;  /* size bytes, and zeros up to a whole word */
    const uint8_t *mask;   /* likewise, also of a rule that has none */
    uint32_t offset;       /* of magic in the file */
    uint32_t size;         /* of magic and mask */
    int failed;            /* errno of reading it; 0: none */
    bool enabled;          /* the rule itself */
    bool known;            /* the rule is complete: see struct aw_entry */
};

/* Take apart text (len bytes and a NUL; it is changed) into *ret, whose strings need not be zero.
 * False: no entry's file. */
bool entry_take(const char *name, char *text, struct aw_entry *ret);

const struct brief *snapshot_brief(const struct aw_snapshot *s, size_t i);
/* Entry number i, as aw_snapshot_entry() gives it; *ret need not be zero. */
void snapshot_take(const struct aw_snapshot *s, size_t i, struct aw_entry *ret);
/* Does the entry, enabled or not, match a file that begins with head and goes by path? */
bool brief_matches(const struct brief *b, const uint8_t head[BRIEF_HEAD], const char *path);

#endif
