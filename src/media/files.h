/* files.h: a folder in which each file is kept once, under the SHA-256 of its bytes: <folder>/ab/ab12….
 *
 * A file is written beside, synced, and then given its name: one that is there is whole. Names come from digests alone, never from
 * outside. Any thread, each with its own files. */
#ifndef MALOTE_MEDIA_FILES_H
#define MALOTE_MEDIA_FILES_H

#include <stdint.h>

#include "crypto/hash.h"

enum { FILES_PATH_MAX = 1024, FILES_HASH_LEN = HASH_SHA256_HEX };

struct files {
    char folder[FILES_PATH_MAX - 160];
};

/* One being written. */
struct files_draft {
    int fd;
    int64_t size;
    struct hash_stream hash;
    char path[FILES_PATH_MAX];
};

/* Makes the folder and removes drafts that a killed process left. */
MUST_CHECK enum err files_open(struct files *f, const char *folder, struct why *why);
/* `id` names the draft; two drafts never share one. */
MUST_CHECK enum err files_begin(const struct files *f, uint64_t id, struct files_draft *out,
                                struct why *why);
/* ERR_LIMIT: the disk is full. */
MUST_CHECK enum err files_add(struct files_draft *d, slice bytes, struct why *why);
/* The digest so far, as hex; ends the writing of bytes. */
slice files_digest(struct files_draft *d, char out[FILES_HASH_LEN]);
/* Onto the disk and under its name; the draft is gone, also on error. */
MUST_CHECK enum err files_keep(const struct files *f, struct files_draft *d, slice hash,
                               struct why *why);
void files_drop(struct files_draft *d);
/* The file's size; ERR_MISSING: no such file. `used`: it counts as touched just now. */
MUST_CHECK enum err files_size(const struct files *f, slice hash, bool used, int64_t *size,
                               struct why *why);
/* For reading: a descriptor the caller closes, and the size. ERR_MISSING: no such file. */
MUST_CHECK enum err files_read(const struct files *f, slice hash, int *fd, int64_t *size,
                               struct why *why);
/* A file as it lies there. at_ms: when it was kept, or last touched (wall clock). */
struct files_entry {
    slice hash;
    int64_t size, at_ms;
};
/* Calls `see` for every file that was kept before `before_ms` (wall clock), in no order, until it says something other than OK. */
MUST_CHECK enum err files_each(const struct files *f, int64_t before_ms,
                               enum err (*see)(void *ctx, const struct files_entry *e,
                                               struct why *why),
                               void *ctx, struct why *why);
/* The same for one part of them, 0..FILES_PARTS-1: the first byte of the digest. */
enum { FILES_PARTS = 256 };
MUST_CHECK enum err files_part(const struct files *f, unsigned part, int64_t before_ms,
                               enum err (*see)(void *ctx, const struct files_entry *e,
                                               struct why *why),
                               void *ctx, struct why *why);
/* From one folder into another on the same file system, over what is there. ERR_MISSING: no such file. */
MUST_CHECK enum err files_move(const struct files *from, const struct files *to, slice hash,
                               struct why *why);
/* Gone for good; one that was not there is fine. */
MUST_CHECK enum err files_remove(const struct files *f, slice hash, struct why *why);

#endif
