/* files.c: see files.h. */
#include "media/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

static enum err failed(struct why *why, const char *what, const char *path)
{
    return why_set(why, errno == ENOSPC || errno == EDQUOT ? ERR_LIMIT : ERR_IO, "cannot %s %s: %s",
                   what, path, strerror(errno));
}

static enum err make_folder(const char *path, struct why *why)
{
    return mkdir(path, 0700) == 0 || errno == EEXIST ? OK : failed(why, "make", path);
}

static enum err sync_folder(const char *path, struct why *why)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum err rc = fd >= 0 && fsync(fd) == 0 ? OK : failed(why, "sync", path);
    if (fd >= 0) close(fd);
    return rc;
}

/* A digest is the only thing that ever becomes part of a path. */
static bool is_hash(slice hash)
{
    if (hash.len != FILES_HASH_LEN) return false;
    for (size_t i = 0; i < hash.len; i++)
        if (!(hash.ptr[i] >= '0' && hash.ptr[i] <= '9') &&
            !(hash.ptr[i] >= 'a' && hash.ptr[i] <= 'f'))
            return false;
    return true;
}

static enum err path_of(const struct files *f, slice hash, char folder[FILES_PATH_MAX],
                        char path[FILES_PATH_MAX], struct why *why)
{
    if (!is_hash(hash)) return why_set(why, ERR_MISSING, "no such file");
    (void)snprintf(folder, FILES_PATH_MAX, "%s/%.2s", f->folder, hash.ptr);
    (void)snprintf(path, FILES_PATH_MAX, "%s/%.2s/%.*s", f->folder, hash.ptr, SLICE_ARG(hash));
    return OK;
}

static void remove_drafts(const char *folder)
{
    char path[FILES_PATH_MAX];
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (e->d_name[0] == '.') continue;
        (void)snprintf(path, sizeof path, "%.700s/%.255s", folder, e->d_name);
        (void)unlink(path);
    }
    if (d) closedir(d);
}

enum err files_open(struct files *f, const char *folder, struct why *why)
{
    char drafts[FILES_PATH_MAX];
    int len = snprintf(f->folder, sizeof f->folder, "%s", folder);
    if (len < 0 || (size_t)len >= sizeof f->folder)
        return why_set(why, ERR_LIMIT, "the media folder's path is too long");
    (void)snprintf(drafts, sizeof drafts, "%s/drafts", f->folder);
    enum err rc = make_folder(f->folder, why);
    if (rc == OK) rc = make_folder(drafts, why);
    if (rc == OK) remove_drafts(drafts);
    return rc;
}

enum err files_begin(const struct files *f, uint64_t id, struct files_draft *out, struct why *why)
{
    *out = (struct files_draft){ .fd = -1 };
    (void)snprintf(out->path, sizeof out->path, "%s/drafts/%llx", f->folder,
                   (unsigned long long)id);
    hash_stream_init(&out->hash);
    out->fd = open(out->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    return out->fd >= 0 ? OK : failed(why, "make", out->path);
}

enum err files_add(struct files_draft *d, slice bytes, struct why *why)
{
    hash_stream_add(&d->hash, bytes);
    while (bytes.len > 0) {
        ssize_t n = write(d->fd, bytes.ptr, bytes.len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return failed(why, "write", d->path);
        d->size += n;
        bytes = slice_sub(bytes, (size_t)n, bytes.len);
    }
    return OK;
}

slice files_digest(struct files_draft *d, char out[FILES_HASH_LEN])
{
    return hash_stream_end(&d->hash, out);
}

void files_drop(struct files_draft *d)
{
    if (d->fd < 0) return;
    close(d->fd);
    (void)unlink(d->path);
    d->fd = -1;
}

enum err files_keep(const struct files *f, struct files_draft *d, slice hash, struct why *why)
{
    char folder[FILES_PATH_MAX], path[FILES_PATH_MAX];
    enum err rc = path_of(f, hash, folder, path, why);
    if (rc == OK && fsync(d->fd) != 0) rc = failed(why, "sync", d->path);
    if (rc == OK) rc = make_folder(folder, why);
    if (rc == OK && rename(d->path, path) != 0) rc = failed(why, "rename", d->path);
    if (rc == OK) rc = sync_folder(folder, why);
    if (rc == OK) rc = sync_folder(f->folder, why);
    files_drop(d);
    return rc;
}

enum err files_read(const struct files *f, slice hash, int *fd, int64_t *size, struct why *why)
{
    char folder[FILES_PATH_MAX], path[FILES_PATH_MAX];
    struct stat st;
    *fd = -1;
    enum err rc = path_of(f, hash, folder, path, why);
    if (rc != OK) return rc;
    int opened = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (opened < 0)
        return errno == ENOENT ? why_set(why, ERR_MISSING, "the file is gone from the media folder")
                               : failed(why, "open", path);
    if (fstat(opened, &st) != 0) {
        close(opened);
        return failed(why, "read", path);
    }
    *fd = opened;
    *size = st.st_size;
    return OK;
}

static enum err see_folder(const char *folder, int64_t before_ms,
                           enum err (*see)(void *, const struct files_entry *, struct why *),
                           void *ctx, struct why *why)
{
    char path[FILES_PATH_MAX];
    struct stat st;
    enum err rc = OK;
    DIR *d = opendir(folder);
    for (struct dirent *e; rc == OK && d && (e = readdir(d));) {
        slice hash = slice_str(e->d_name);
        if (!is_hash(hash)) continue;
        (void)snprintf(path, sizeof path, "%.900s/%.64s", folder, e->d_name);
        if (lstat(path, &st) != 0) continue;
        struct files_entry entry = {
            hash, st.st_size, (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000
        };
        if (entry.at_ms < before_ms) rc = see(ctx, &entry, why);
    }
    if (d) closedir(d);
    return rc;
}

enum err files_part(const struct files *f, unsigned part, int64_t before_ms,
                    enum err (*see)(void *ctx, const struct files_entry *e, struct why *why),
                    void *ctx, struct why *why)
{
    char folder[FILES_PATH_MAX];
    CHECK(part < FILES_PARTS);
    (void)snprintf(folder, sizeof folder, "%s/%02x", f->folder, part);
    return see_folder(folder, before_ms, see, ctx, why);
}

enum err files_each(const struct files *f, int64_t before_ms,
                    enum err (*see)(void *ctx, const struct files_entry *e, struct why *why),
                    void *ctx, struct why *why)
{
    enum err rc = OK;
    for (unsigned part = 0; rc == OK && part < FILES_PARTS; part++)
        rc = files_part(f, part, before_ms, see, ctx, why);
    return rc;
}

enum err files_remove(const struct files *f, slice hash, struct why *why)
{
    char folder[FILES_PATH_MAX], path[FILES_PATH_MAX];
    enum err rc = path_of(f, hash, folder, path, why);
    if (rc == OK && unlink(path) != 0 && errno != ENOENT) rc = failed(why, "remove", path);
    return rc;
}

enum err files_size(const struct files *f, slice hash, bool used, int64_t *size, struct why *why)
{
    char folder[FILES_PATH_MAX], path[FILES_PATH_MAX];
    struct stat st;
    enum err rc = path_of(f, hash, folder, path, why);
    if (rc == OK && lstat(path, &st) != 0)
        rc =
            errno == ENOENT ? why_set(why, ERR_MISSING, "no such file") : failed(why, "read", path);
    if (rc == OK && used) (void)utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW);
    if (rc == OK) *size = st.st_size;
    return rc;
}

enum err files_move(const struct files *from, const struct files *to, slice hash, struct why *why)
{
    char folder[FILES_PATH_MAX], old_path[FILES_PATH_MAX], path[FILES_PATH_MAX];
    enum err rc = path_of(from, hash, folder, old_path, why);
    if (rc != OK) return rc;
    rc = path_of(to, hash, folder, path, why);
    if (rc != OK) return rc;
    rc = make_folder(folder, why);
    if (rc == OK && rename(old_path, path) != 0)
        rc = errno == ENOENT ? why_set(why, ERR_MISSING, "no such file")
                             : failed(why, "rename", old_path);
    return rc;
}
