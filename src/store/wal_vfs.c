/* wal_vfs.c: writes of the write-ahead log, gathered; and its syncs, when wanted, left to another thread.
 *
 * SQLite writes a log page by page, each with a header of its own: over a hundred small writes for a commit of thirty requests, more
 * than everything else the writer does. This layer over the system's VFS keeps consecutive writes to a log in memory and hands them
 * on as one, at the latest when SQLite asks for the sync.
 *
 * Why it is safe: with synchronous=FULL the log is synced before the commit is published in the shared index, so no other
 * connection looks for a page that is still here; our own reads, truncations and size questions flush first. A crash loses what was
 * not synced, as before. An error of a gathered write shows at the flush, which the commit waits for.
 *
 * While `defer` is set, the sync that ends a commit only flushes: the log is written, other connections see the commit, and the
 * disk has it after the next wal_vfs_log_sync. All that SQLite's recovery needs still holds: a log is valid up to its first frame that is
 * not, so an unsynced commit is lost whole; checkpoints sync the log before they copy (they are never deferred); and the sync that
 * orders a new header before its frames, without which old frames could be read under it, is always a real one. */
#include "store/wal_vfs.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

enum {
    GATHER_BYTES_MAX = 1024 * 1024,
    WRITE_BYTES_MAX = 64 * 1024, /* SQLite's own VFS takes less than 128 KiB at once */
    WAL_HEADER = 32,
    WAL_FRAME_HEADER = 24,
    PAGE_MIN = 512
};

struct gather_file {
    sqlite3_file base;  /* first, as SQLite wants it */
    sqlite3_file *real; /* behind this struct */
    const struct wal_vfs *vfs;
    char *bytes;
    sqlite3_int64 from; /* where bytes[0] belongs */
    int len;
    bool header; /* a header was written since the last real sync */
};

static struct gather_file *gather_of(sqlite3_file *f) { return (struct gather_file *)(void *)f; }
static sqlite3_file *real_of(sqlite3_file *f) { return gather_of(f)->real; }

static int flush(sqlite3_file *f)
{
    struct gather_file *g = gather_of(f);
    int len = g->len, rc = SQLITE_OK;
    g->len = 0;
    for (int at = 0, part; rc == SQLITE_OK && at < len; at += part) {
        part = len - at < WRITE_BYTES_MAX ? len - at : WRITE_BYTES_MAX;
        rc = g->real->pMethods->xWrite(g->real, g->bytes + at, part, g->from + at);
    }
    return rc;
}

static int on_write(sqlite3_file *f, const void *bytes, int len, sqlite3_int64 at)
{
    struct gather_file *g = gather_of(f);
    g->header = g->header || at == 0;
    if (g->len > 0 && (at != g->from + g->len || g->len + len > GATHER_BYTES_MAX)) {
        int rc = flush(f);
        if (rc != SQLITE_OK) return rc;
    }
    if (!g->bytes) g->bytes = malloc(GATHER_BYTES_MAX);
    if (!g->bytes || len > GATHER_BYTES_MAX)
        return g->real->pMethods->xWrite(g->real, bytes, len, at);
    if (g->len == 0) g->from = at;
    memcpy(g->bytes + g->len, bytes, (size_t)len);
    g->len += len;
    return SQLITE_OK;
}

static int on_read(sqlite3_file *f, void *bytes, int len, sqlite3_int64 at)
{
    struct gather_file *g = gather_of(f);
    bool here = g->len > 0 && at < g->from + g->len && at + len > g->from;
    int rc = here ? flush(f) : SQLITE_OK;
    return rc == SQLITE_OK ? g->real->pMethods->xRead(g->real, bytes, len, at) : rc;
}

static int on_close(sqlite3_file *f)
{
    int rc = flush(f), closed = real_of(f)->pMethods->xClose(real_of(f));
    free(gather_of(f)->bytes);
    return rc == SQLITE_OK ? closed : rc;
}

static int on_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    int rc = flush(f);
    return rc == SQLITE_OK ? real_of(f)->pMethods->xTruncate(real_of(f), size) : rc;
}

static int on_sync(sqlite3_file *f, int flags)
{
    struct gather_file *g = gather_of(f);
    int rc = flush(f);
    if (rc != SQLITE_OK || (g->vfs->defer && !g->header)) return rc;
    rc = g->real->pMethods->xSync(g->real, flags);
    if (rc == SQLITE_OK) g->header = false;
    return rc;
}

static int on_size(sqlite3_file *f, sqlite3_int64 *size)
{
    int rc = flush(f);
    return rc == SQLITE_OK ? real_of(f)->pMethods->xFileSize(real_of(f), size) : rc;
}

static int on_lock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xLock(real_of(f), level);
}
static int on_unlock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xUnlock(real_of(f), level);
}
static int on_reserved(sqlite3_file *f, int *out)
{
    return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out);
}
static int on_control(sqlite3_file *f, int op, void *arg)
{
    return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}
static int on_sector(sqlite3_file *f) { return real_of(f)->pMethods->xSectorSize(real_of(f)); }
static int on_device(sqlite3_file *f)
{
    return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static const sqlite3_io_methods methods = {
    .iVersion = 1, /* no shared memory and no mapping: a log has neither */
    .xClose = on_close,
    .xRead = on_read,
    .xWrite = on_write,
    .xTruncate = on_truncate,
    .xSync = on_sync,
    .xFileSize = on_size,
    .xLock = on_lock,
    .xUnlock = on_unlock,
    .xCheckReservedLock = on_reserved,
    .xFileControl = on_control,
    .xSectorSize = on_sector,
    .xDeviceCharacteristics = on_device,
};

static struct wal_vfs *own(sqlite3_vfs *v) { return v->pAppData; }
static sqlite3_vfs *under(sqlite3_vfs *v) { return own(v)->system; }

/* Every file but a log is the system's own, untouched. */
static int on_open(sqlite3_vfs *v, const char *path, sqlite3_file *f, int flags, int *out_flags)
{
    if (!(flags & SQLITE_OPEN_WAL)) return under(v)->xOpen(under(v), path, f, flags, out_flags);
    struct gather_file *g = gather_of(f);
    *g = (struct gather_file){ .real = (sqlite3_file *)(void *)(g + 1), .vfs = own(v) };
    int rc = under(v)->xOpen(under(v), path, g->real, flags, out_flags);
    if (rc == SQLITE_OK) g->base.pMethods = &methods;
    return rc;
}

static int on_delete(sqlite3_vfs *v, const char *path, int sync)
{
    return under(v)->xDelete(under(v), path, sync);
}
static int on_access(sqlite3_vfs *v, const char *path, int flags, int *out)
{
    return under(v)->xAccess(under(v), path, flags, out);
}
static int on_path(sqlite3_vfs *v, const char *path, int n, char *out)
{
    return under(v)->xFullPathname(under(v), path, n, out);
}
static int on_random(sqlite3_vfs *v, int n, char *out)
{
    return under(v)->xRandomness(under(v), n, out);
}
static int on_sleep(sqlite3_vfs *v, int us) { return under(v)->xSleep(under(v), us); }
static int on_time(sqlite3_vfs *v, double *out) { return under(v)->xCurrentTime(under(v), out); }
static int on_error(sqlite3_vfs *v, int n, char *out)
{
    return under(v)->xGetLastError(under(v), n, out);
}
static int on_time64(sqlite3_vfs *v, sqlite3_int64 *out)
{
    return under(v)->xCurrentTimeInt64(under(v), out);
}

void wal_vfs_make(struct wal_vfs *out, const char *name)
{
    sqlite3_vfs *system = sqlite3_vfs_find(NULL);
    out->system = system;
    out->defer = false;
    out->base = (sqlite3_vfs){
        .iVersion = system->iVersion >= 2 ? 2 : 1,
        .szOsFile = system->szOsFile + (int)sizeof(struct gather_file),
        .mxPathname = system->mxPathname,
        .zName = name,
        .pAppData = out,
        .xOpen = on_open,
        .xDelete = on_delete,
        .xAccess = on_access,
        .xFullPathname = on_path,
        .xRandomness = on_random,
        .xSleep = on_sleep,
        .xCurrentTime = on_time,
        .xGetLastError = on_error,
        .xCurrentTimeInt64 = system->iVersion >= 2 ? on_time64 : NULL,
    };
}

/* ---- the log, for whoever syncs it ---- */

int wal_vfs_log_open(sqlite3 *db, sqlite3_file **out)
{
    sqlite3_vfs *system = sqlite3_vfs_find(NULL);
    sqlite3_file *f = calloc(1, (size_t)system->szOsFile);
    *out = NULL;
    if (!f) return SQLITE_NOMEM;
    int rc = system->xOpen(system, sqlite3_filename_wal(sqlite3_db_filename(db, "main")), f,
                           SQLITE_OPEN_WAL | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    if (rc == SQLITE_OK)
        *out = f;
    else
        wal_vfs_log_close(f);
    return rc;
}

int wal_vfs_log_sync(sqlite3_file *log) { return log->pMethods->xSync(log, SQLITE_SYNC_NORMAL); }

void wal_vfs_log_close(sqlite3_file *log)
{
    if (log && log->pMethods) (void)log->pMethods->xClose(log);
    free(log);
}

/* Reads and writes [at, at + len) of a file: what the system holds of it is to be written to the disk once more. */
static int touch(sqlite3_file *f, char *room, int len, sqlite3_int64 at)
{
    int rc = f->pMethods->xRead(f, room, len, at);
    if (rc == SQLITE_IOERR_SHORT_READ)
        return SQLITE_OK; /* behind the end: nothing was lost there */
    return rc == SQLITE_OK ? f->pMethods->xWrite(f, room, len, at) : rc;
}

static uint32_t read_u32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The database's pages that the log has frames of, whatever became of those (https://sqlite.org/fileformat2.html, 4.1). */
static int touch_pages(sqlite3_file *database, sqlite3_file *log, sqlite3_int64 size, char *room)
{
    unsigned char head[WAL_HEADER];
    if (size < WAL_HEADER) return SQLITE_OK;
    int rc = log->pMethods->xRead(log, head, WAL_HEADER, 0);
    uint32_t page = read_u32(head + 8);
    if (rc != SQLITE_OK || page < PAGE_MIN || page > WRITE_BYTES_MAX) return rc;
    for (sqlite3_int64 at = WAL_HEADER; rc == SQLITE_OK && at + WAL_FRAME_HEADER + page <= size;
         at += WAL_FRAME_HEADER + page) {
        rc = log->pMethods->xRead(log, head, WAL_FRAME_HEADER, at);
        uint32_t number = read_u32(head);
        if (rc == SQLITE_OK && number > 0)
            rc = touch(database, room, (int)page, (sqlite3_int64)(number - 1) * page);
    }
    return rc == SQLITE_OK ? database->pMethods->xSync(database, SQLITE_SYNC_NORMAL) : rc;
}

int wal_vfs_log_rewrite(sqlite3 *db)
{
    sqlite3_file *log = NULL, *database = NULL;
    sqlite3_int64 size = 0;
    char *room = malloc(WRITE_BYTES_MAX);
    int rc = room ? wal_vfs_log_open(db, &log) : SQLITE_NOMEM;
    if (rc == SQLITE_OK)
        rc = sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &database);
    if (rc == SQLITE_OK) rc = log->pMethods->xFileSize(log, &size);
    for (sqlite3_int64 at = 0; rc == SQLITE_OK && at < size; at += WRITE_BYTES_MAX)
        rc = touch(log, room, size - at < WRITE_BYTES_MAX ? (int)(size - at) : WRITE_BYTES_MAX, at);
    if (rc == SQLITE_OK) rc = wal_vfs_log_sync(log);
    if (rc == SQLITE_OK) rc = touch_pages(database, log, size, room);
    wal_vfs_log_close(log);
    free(room);
    return rc;
}
