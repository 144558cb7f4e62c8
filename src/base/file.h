/* SPDX-License-Identifier: Apache-2.0
 *
 * Files and folders, always relative to a directory fd (AT_FDCWD is fine), every descriptor
 * close-on-exec. Messages name the path that failed.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/util.h"

#include <archway/err.h>

#include <stdint.h>
#include <sys/types.h>

/* Read or write all, over EINTR and short counts. read returns the bytes read (short only at end
 * of file) or -1; write returns false with errno set. */
ssize_t file_read_full(int fd, void *data, size_t len);
bool file_write_full(int fd, const void *data, size_t len);

/* The whole file into fresh memory (free(), NUL appended, *ret_len may be NULL).
 * More than limit bytes: AW_E_LIMIT. Missing: AW_E_NOTFOUND. */
char *file_load(int dirfd, const char *path, size_t limit, size_t *ret_len, struct aw_err *err);
/* The same from an open descriptor, from its present position; name is for messages. */
char *file_load_fd(int fd, const char *name, size_t limit, size_t *ret_len, struct aw_err *err);

/* Replace path by rename, so that readers see the old or the new text, never a part. replace also
 * waits until it is on disk (fsync, some 10 ms); swap does not: for what means nothing after the
 * machine has stopped. */
bool file_replace(int dirfd, const char *path, const void *data, size_t len, mode_t mode,
                  struct aw_err *err);
bool file_swap(int dirfd, const char *path, const void *data, size_t len, mode_t mode,
               struct aw_err *err);
/* file_replace for who is alone with path, having a lock on it: what a killed process left of its
 * text stands beside it under one name (".NAME.new"), and is removed by the next call of either.
 * A path that is not there is removed already. */
bool file_replace_alone(const char *path, const char *text, mode_t mode, struct aw_err *err);
bool file_remove_alone(const char *path, struct aw_err *err);
/* Write to an existing file in one write(2) (sysctl, uid_map, register). */
bool file_poke(int dirfd, const char *path, const char *text, struct aw_err *err);

/* mkdir -p; existing folders are fine. */
bool file_mkdirs(int dirfd, const char *path, mode_t mode, struct aw_err *err);
/* Open a folder, making it (and what leads to it) first; -1 on failure. */
int file_open_dir(int dirfd, const char *path, mode_t mode, struct aw_err *err);
/* Remove path and all below it; crosses no mount point and follows no link. Missing is fine. */
bool file_remove_tree(int dirfd, const char *path, struct aw_err *err);

/* openat2(2) with resolve flags (RESOLVE_IN_ROOT, ...); -1 and errno on failure; retries EAGAIN. */
int file_openat2(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve);

/* Open (making it, mode 0600) and flock(2) a lock file; how is LOCK_SH or LOCK_EX, with LOCK_NB
 * where waiting is wrong: then a busy lock gives -1 with err->code AW_E_EXIST.
 * The lock is released by close(), and belongs to every copy of the descriptor: keep it from
 * children that outlive you. The file may be unlinked by a holder of LOCK_EX; waiters then retry.
 */
int file_lock(int dirfd, const char *path, int how, struct aw_err *err);

/* A name nobody has: prefix and 16 random hex digits. */
void file_random_name(const char *prefix, char *ret, size_t size);

/* Milliseconds of CLOCK_MONOTONIC. */
uint64_t file_now_ms(void);

#endif
