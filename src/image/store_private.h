/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of src/image share about the store and nobody else sees.
 */
#ifndef IMAGE_STORE_PRIVATE_H
#define IMAGE_STORE_PRIVATE_H

#include "image/image.h"
#include "image/store.h"

struct store {
    int dir_fd;        /* the store's folder */
    char *path;        /* as given to store_open, for messages */
    struct idmap map;  /* the caller's widest map */
    struct aw_log log; /* notes about cleaning up */
    int hold_fd;       /* store.lock with LOCK_SH, or -1 */
};

#define LAYER_NAME 24 /* hex digits of the chain id that name a layer's folder */

/* An image of the index. Strings are owned and never NULL. */
struct store_entry {
    char *name;                      /* canonical name of the source */
    char digest[DIGEST_SIZE];        /* of the manifest blob */
    uint64_t size;                   /* bytes of the manifest blob */
    char config_digest[DIGEST_SIZE]; /* of the config blob: the image's ID */
    char source_digest[DIGEST_SIZE]; /* of the manifest before skopeo converted it */
    char index_digest[DIGEST_SIZE];  /* of the index that the manifest was chosen from, or "" */
    char *signature;                 /* of a local file at the time it was fetched, or "" */
    struct platform platform;        /* of the image */
    char asked[PLATFORM_TEXT];       /* the last --platform that was answered by it, or "" */
    bool only;                       /* the source has no other platform */
    uint64_t fetched;                /* milliseconds since 1970 */
};

struct store_entries {
    struct store_entry *v;
    size_t n;
};

/* ---- locks -------------------------------------------------------------------------------------
 */

/* file_lock, but waiting can be given up and is told as progress ("waiting for ..."). */
int store_lock_wait(struct store *s, const char *path, int how, const char *what,
                    const struct store_wait *w, struct aw_err *err);
/* LOCK_EX on locks/<kind>-<hash of text>; the caller holds the store. */
int store_lock_name(struct store *s, const char *kind, const char *text, const struct store_wait *w,
                    struct aw_err *err);

/* ---- staging -----------------------------------------------------------------------------------
 */

struct store_stage {
    char name[40]; /* of the folder in staging/ */
    int fd;        /* the folder; its flock says that we live. -1: none */
};

/* A private folder that a later command removes if we die. owner: whose root shall own it, or NULL.
 */
bool store_stage_begin(struct store *s, const struct idmap *owner, struct store_stage *ret,
                       struct aw_err *err);
/* Remove it with all that is in it. */
void store_stage_end(struct store *s, struct store_stage *st);
/* Remove what dead processes left in staging/. Returns how many; never fails (a note is logged). */
size_t store_stage_clean(struct store *s);

/* file_remove_tree, in a user namespace where the caller's own rights do not suffice. */
bool store_remove_tree(struct store *s, int dirfd, const char *path, struct aw_err *err);
/* The folder path of the store with every entry's name added to ret, but "." and "..". */
bool store_list_dir(struct store *s, const char *path, struct strv *ret, struct aw_err *err);

/* ---- blobs -------------------------------------------------------------------------------------
 */

#define STORE_BLOB_PATH (sizeof("blobs/sha256/") + DIGEST_HEX)
void store_blob_path(const char *digest, char ret[STORE_BLOB_PATH]);
/* Open for reading; missing: AW_E_NOTFOUND; another size than expected: AW_E_CORRUPT, and it is
 * removed. */
int store_blob_open(struct store *s, const char *digest, uint64_t size, struct aw_err *err);
/* The whole small blob (manifest, config), size and digest verified; a wrong one is removed. */
char *store_blob_load(struct store *s, const char *digest, uint64_t size, size_t *ret_len,
                      struct aw_err *err);
void store_blob_remove(struct store *s, const char *digest);

/* ---- index -------------------------------------------------------------------------------------
 */

bool store_entries_load(struct store *s, struct store_entries *ret, struct aw_err *err);
void store_entries_fini(struct store_entries *list);
void store_entry_fini(struct store_entry *e);
/* Add e, replacing the one of the same name and platform. */
bool store_entry_put(struct store *s, const struct store_entry *e, struct aw_err *err);
/* Remove those that match says yes to. */
bool store_entries_drop(struct store *s, bool (*match)(const struct store_entry *e, void *arg),
                        void *arg, struct aw_err *err);
/* The entry that serves src for want (NULL: the host's, else an only one; with any also the only
 * one of that name); NULL when there is none. */
const struct store_entry *store_entries_find(const struct store_entries *list,
                                             const struct source *src, const struct platform *want,
                                             bool any);
/* Does text look like an image ID (or its beginning), and is id that? */
bool store_id_like(const char *text);
bool store_id_match(const char *text, const char *id);

/* ---- layers ------------------------------------------------------------------------------------
 */

#define STORE_LAYER_PATH 128
/* "layers/<key>/<24 hex>" */
void store_layer_path(const char *key, const char *chain_id, char ret[STORE_LAYER_PATH]);
/* Is it unpacked? One stat. AW_E_CORRUPT where another chain id has taken the name; *ret is then
 * not written. */
bool store_layer_present(struct store *s, const char *key, const char *chain_id, bool *ret,
                         struct aw_err *err);

/* What the mark says of the size of an unpacked layer; 0 when it is not there. */
uint64_t store_layer_bytes(struct store *s, const char *key, const char *chain_id);

/* ---- containers --------------------------------------------------------------------------------
 */

struct store_container {
    char *id;           /* name of its folder */
    char *image;        /* "image" of its state.json, or "" */
    struct strv layers; /* "layers" of its state.json: chain ids */
};
struct store_containers {
    struct store_container *v;
    size_t n;
};
/* The living ones. */
bool store_containers_load(struct store *s, struct store_containers *ret, struct aw_err *err);
void store_containers_fini(struct store_containers *list);
/* The first that runs from the image of that name, or has top (a chain id, may be "") among its
 * layers; NULL: none does. *ret_n (may be NULL) counts them. */
const struct store_container *store_containers_use(const struct store_containers *list,
                                                   const char *name, const char *top,
                                                   size_t *ret_n);

/* ---- choosing by what a user typed (list.c) ----------------------------------------------------
 */

struct store_choice {
    struct store_entries entries; /* those meant */
    struct strv imports;          /* files of imports/ that are meant */
};
/* By name, by digest, or by ID or its beginning (which must mean one image). None: AW_E_NOTFOUND.
 */
bool store_choose(struct store *s, const char *text, const struct platform *platform,
                  struct store_choice *ret, struct aw_err *err);
void store_choice_fini(struct store_choice *c);

/* ---- obtain.c -----------------------------------------------------------------------------------
 */

/* Read manifest and config of e into *ret (freed by image_fini). ret_created may be NULL; free().
 */
bool image_load(struct store *s, const struct store_entry *e, struct image *ret, char **ret_created,
                struct aw_err *err);

#endif
