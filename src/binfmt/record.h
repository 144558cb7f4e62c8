/* SPDX-License-Identifier: Apache-2.0
 *
 * What Archway registered in one instance, kept in a JSON file: so that it touches only its own
 * rules, and can tell whether the file that the kernel holds is still the one on disk.
 */
#ifndef BINFMT_RECORD_H
#define BINFMT_RECORD_H

#include "base/util.h"

#include "codec/digest.h"

#include <archway/instance.h>

#include <stdint.h>

#define RECORD_HOST_FILE "/var/lib/archway/rules.json"

/* A file, as stat(2) tells it from all others and from its own earlier contents. */
struct record_file {
    uint64_t dev, ino; /* which */
    uint64_t size;     /* bytes */
    int64_t mtime_ns;  /* nanoseconds since 1970 */
    int64_t ctime_ns;  /* likewise; moves with every change of contents, mode or links */
};

struct record {
    char *name;               /* of the entry */
    char *platform;           /* "linux/arm64"; "" for a raw string */
    char *text;               /* register string */
    char *path;               /* interpreter on disk */
    struct record_file file;  /* it, when it was registered; all 0 without F */
    char digest[DIGEST_SIZE]; /* of what it held then; "" without F, and in older records */
    /* the entry in the kernel: a new inode each time a rule is registered, its ctime that moment */
    uint64_t entry_ino;
    int64_t entry_ctime_ns;
    bool persist; /* it stands in binfmt.d too */
};

struct records {
    struct record *v; /* in order of registration */
    size_t n;         /* in use */
};

enum record_state {
    RECORD_FRESH,    /* the kernel holds the file that is on disk, or one with the same contents */
    RECORD_STALE,    /* the file on disk has other contents now */
    RECORD_GONE,     /* the file on disk is not there any more; the kernel may still hold it */
    RECORD_ABSENT,   /* the instance has no such entry: someone removed it, or the machine started
                        anew */
    RECORD_REPLACED, /* the entry is not the one that was registered: someone put another there */
};

/* Load; a file that is not there gives none. */
bool records_load(const char *path, struct records *ret, struct aw_err *err);
/* Write by rename, making the folder; no records: the file is removed. */
bool records_save(const char *path, const struct records *r, struct aw_err *err);
void records_fini(struct records *r);
#define _cleanup_records_ __attribute__((cleanup(records_fini)))

struct record *records_find(const struct records *r, const char *name);
/* Take rec over, in place of one of the same name. */
bool records_put(struct records *r, struct record *rec, struct aw_err *err);
void records_drop(struct records *r, const char *name);

void record_file_of(int fd, struct record_file *ret); /* all 0 if it cannot be told */
bool record_file_same(const struct record_file *a, const struct record_file *b);
/* The entry's inode and the time it was registered; false: no such entry. Works for rules of
 * others too: an interpreter with a later ctime was changed after its registration. */
bool record_entry_of(const struct aw_instance *inst, const char *name, uint64_t *ret_ino,
                     int64_t *ret_ctime_ns);

/* How the record stands to the instance and to the disk now. A file that stat(2) tells from the
 * recorded one is read as a whole: a reinstalled package has new inodes and the same contents. */
enum record_state record_state(const struct record *rec, const struct aw_instance *inst);
/* Is the entry of that name the recorded rule? Whoever registered it. */
bool record_same_rule(const struct record *rec, const struct aw_entry *entry);
/* Is it Archway's? Also where a service that registers from binfmt.d put the very rule back: state
 * is RECORD_REPLACED then. */
bool record_owns(const struct record *rec, enum record_state state, const struct aw_entry *entry);

/* Where the file is another one with the same contents: record it, so that it is not read again. */
void record_renew(struct record *rec, const struct aw_instance *inst);
/* The digest of a file's contents; "" if it cannot be read. By path, or by a descriptor (O_PATH is
 * enough). */
void record_digest_path(const char *path, char ret[DIGEST_SIZE]);
void record_digest_fd(int fd, char ret[DIGEST_SIZE]);
/* A stable lower-case word ("stale"), for --json. */
const char *record_state_name(enum record_state state);

#endif
