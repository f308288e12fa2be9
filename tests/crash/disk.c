/* disk.c: see disk.h. Files are two byte arrays, what a reader sees and what a power cut leaves, and the list of writes between. */
#include "disk.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

enum { FILES_MAX = 16, NAME_MAX_LEN = 256, SHM_REGIONS_MAX = 64, PIECE = 512 };

struct bytes {
    uint8_t *at;
    size_t len, cap;
};

struct change {
    struct change *next;
    size_t offset, len;
    bool truncate; /* to `offset` */
    uint8_t data[];
};

struct disk_file {
    char name[NAME_MAX_LEN];
    bool exists, synced; /* synced: its name survives a cut */
    struct bytes seen, safe;
    struct change *changes, **tail; /* since the last sync */
    unsigned sync_errors;
    void *shm[SHM_REGIONS_MAX];
    unsigned shm_users;
    unsigned readers; /* handles with a shared lock or a higher one */
    struct handle *reserved, *exclusive;
    unsigned shm_shared[SQLITE_SHM_NLOCK];
    struct handle *shm_exclusive[SQLITE_SHM_NLOCK];
};

static struct disk {
    pthread_mutex_t lock;
    struct disk_file files[FILES_MAX];
    uint64_t random, cut_after, fail_sync, limit;
    bool cut, lie;
} disk = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* What SQLite holds of an open file. */
struct handle {
    sqlite3_file base;
    struct disk_file *file;
    bool temporary, uses_shm;
    int level;            /* SQLITE_LOCK_* */
    unsigned sync_errors; /* of the file, that this handle was told of */
    bool shm_shared[SQLITE_SHM_NLOCK];
};

uint64_t disk_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void bytes_put(struct bytes *b, size_t offset, const void *data, size_t len)
{
    if (len == 0) return;
    if (offset + len > b->cap) {
        b->cap = (offset + len) * 2;
        b->at = realloc(b->at, b->cap);
        CHECK(b->at);
    }
    if (offset > b->len) memset(b->at + b->len, 0, offset - b->len);
    memcpy(b->at + offset, data, len);
    if (offset + len > b->len) b->len = offset + len;
}

static void bytes_cut(struct bytes *b, size_t len)
{
    if (len < b->len) b->len = len;
}

static void forget_changes(struct disk_file *f)
{
    for (struct change *c = f->changes, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    f->changes = NULL;
    f->tail = &f->changes;
}

static void forget_shm(struct disk_file *f)
{
    for (size_t i = 0; i < SHM_REGIONS_MAX; i++) {
        free(f->shm[i]);
        f->shm[i] = NULL;
    }
}

static void file_erase(struct disk_file *f)
{
    forget_changes(f);
    forget_shm(f);
    free(f->seen.at);
    free(f->safe.at);
    *f = (struct disk_file){ .exists = false };
}

/* ---- faults ---- */

/* Counts an operation; false when there is no power for it. Under lock. */
static bool powered(void)
{
    if (!disk.cut && disk.cut_after > 0 && --disk.cut_after == 0) disk.cut = true;
    return !disk.cut;
}

void disk_reset(uint64_t seed)
{
    pthread_mutex_lock(&disk.lock);
    for (size_t i = 0; i < FILES_MAX; i++) file_erase(&disk.files[i]);
    disk.random = seed;
    disk.cut_after = disk.fail_sync = disk.limit = 0;
    disk.cut = disk.lie = false;
    pthread_mutex_unlock(&disk.lock);
}

void disk_cut_after(uint64_t operations)
{
    pthread_mutex_lock(&disk.lock);
    disk.cut_after = operations;
    pthread_mutex_unlock(&disk.lock);
}

bool disk_is_cut(void)
{
    pthread_mutex_lock(&disk.lock);
    bool cut = disk.cut;
    pthread_mutex_unlock(&disk.lock);
    return cut;
}

void disk_fail_sync(uint64_t nth)
{
    pthread_mutex_lock(&disk.lock);
    disk.fail_sync = nth;
    pthread_mutex_unlock(&disk.lock);
}

void disk_lie(bool lie) { disk.lie = lie; }

void disk_limit(uint64_t bytes)
{
    pthread_mutex_lock(&disk.lock);
    disk.limit = bytes;
    pthread_mutex_unlock(&disk.lock);
}

static uint64_t used(void)
{
    uint64_t n = 0;
    for (size_t i = 0; i < FILES_MAX; i++) n += disk.files[i].seen.len;
    return n;
}

uint64_t disk_used(void)
{
    pthread_mutex_lock(&disk.lock);
    uint64_t n = used();
    pthread_mutex_unlock(&disk.lock);
    return n;
}

/* What a cut leaves of one file. `chance` of 256 that a piece is kept: drawn per cut, so that all and nothing occur too. */
static void settle(struct disk_file *f, unsigned chance)
{
    for (struct change *c = f->changes; c; c = c->next) {
        if (c->truncate) {
            if ((disk_random(&disk.random) & 255) < chance) bytes_cut(&f->safe, c->offset);
            continue;
        }
        for (size_t from = 0; from < c->len; from += PIECE) {
            size_t len = c->len - from < PIECE ? c->len - from : PIECE;
            if ((disk_random(&disk.random) & 255) < chance)
                bytes_put(&f->safe, c->offset + from, c->data + from, len);
        }
    }
    forget_changes(f);
    f->seen.len = 0;
    bytes_put(&f->seen, 0, f->safe.at, f->safe.len);
}

void disk_restart(void)
{
    static const unsigned chances[] = { 0, 20, 128, 236, 256 };
    pthread_mutex_lock(&disk.lock);
    unsigned chance = chances[disk_random(&disk.random) % ARRAY_LEN(chances)];
    for (size_t i = 0; i < FILES_MAX; i++) {
        struct disk_file *f = &disk.files[i];
        if (!f->exists) continue;
        if (!f->synced && (disk_random(&disk.random) & 255) >= chance) {
            file_erase(f);
            continue;
        }
        settle(f, chance);
        forget_shm(f);
        f->synced = true;
    }
    disk.cut = false;
    disk.cut_after = disk.fail_sync = 0;
    pthread_mutex_unlock(&disk.lock);
}

/* ---- files ---- */

static struct disk_file *file_of(sqlite3_file *f) { return ((struct handle *)(void *)f)->file; }
static int io_unlock(sqlite3_file *f, int level);

static int io_close(sqlite3_file *f)
{
    struct handle *h = (struct handle *)(void *)f;
    (void)io_unlock(f, SQLITE_LOCK_NONE);
    pthread_mutex_lock(&disk.lock);
    if (h->temporary) file_erase(h->file);
    pthread_mutex_unlock(&disk.lock);
    return SQLITE_OK;
}

static int io_read(sqlite3_file *f, void *out, int n, sqlite3_int64 offset)
{
    struct disk_file *file = file_of(f);
    size_t from = (size_t)offset, want = (size_t)n;
    pthread_mutex_lock(&disk.lock);
    size_t there = from < file->seen.len ? file->seen.len - from : 0;
    if (there > want) there = want;
    if (there) memcpy(out, file->seen.at + from, there);
    memset((char *)out + there, 0, want - there);
    bool cut = disk.cut;
    pthread_mutex_unlock(&disk.lock);
    return cut ? SQLITE_IOERR_READ : there == want ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static void note(struct disk_file *f, size_t offset, const void *data, size_t len, bool truncate)
{
    struct change *c = malloc(sizeof *c + len);
    CHECK(c);
    *c = (struct change){ .offset = offset, .len = len, .truncate = truncate };
    if (len) memcpy(c->data, data, len);
    *f->tail = c;
    f->tail = &c->next;
}

static int io_write(sqlite3_file *f, const void *data, int n, sqlite3_int64 offset)
{
    struct disk_file *file = file_of(f);
    size_t from = (size_t)offset, len = (size_t)n;
    pthread_mutex_lock(&disk.lock);
    size_t more = from + len > file->seen.len ? from + len - file->seen.len : 0;
    int code = SQLITE_OK;
    if (disk.limit && more && used() + more > disk.limit)
        code = SQLITE_FULL;
    else {
        bool power = powered();
        note(file, from, data, len, false); /* the write that the cut strikes may arrive in part */
        if (power)
            bytes_put(&file->seen, from, data, len);
        else
            code = SQLITE_IOERR_WRITE;
    }
    pthread_mutex_unlock(&disk.lock);
    return code;
}

static int io_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    struct disk_file *file = file_of(f);
    pthread_mutex_lock(&disk.lock);
    bool power = powered();
    if (power) {
        note(file, (size_t)size, NULL, 0, true);
        bytes_cut(&file->seen, (size_t)size);
    }
    pthread_mutex_unlock(&disk.lock);
    return power ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

static int io_sync(sqlite3_file *f, int flags UNUSED)
{
    struct disk_file *file = file_of(f);
    pthread_mutex_lock(&disk.lock);
    bool power = powered();
    if (disk.fail_sync > 0 && --disk.fail_sync == 0) {
        file->sync_errors++;
        forget_changes(file);
    }
    struct handle *h = (struct handle *)(void *)f;
    bool fails = h->sync_errors != file->sync_errors;
    h->sync_errors = file->sync_errors;
    if (power && !fails && !disk.lie) {
        for (struct change *c = file->changes; c; c = c->next) {
            if (c->truncate)
                bytes_cut(&file->safe, c->offset);
            else
                bytes_put(&file->safe, c->offset, c->data, c->len);
        }
        forget_changes(file);
        file->synced = true; /* SQLite syncs the folder with the first sync of a file it made */
    }
    pthread_mutex_unlock(&disk.lock);
    return power && !fails ? SQLITE_OK : SQLITE_IOERR_FSYNC;
}

static int io_size(sqlite3_file *f, sqlite3_int64 *size)
{
    pthread_mutex_lock(&disk.lock);
    *size = (sqlite3_int64)file_of(f)->seen.len;
    pthread_mutex_unlock(&disk.lock);
    return SQLITE_OK;
}

static int io_control(sqlite3_file *f UNUSED, int op UNUSED, void *arg UNUSED)
{
    return SQLITE_NOTFOUND;
}
static int io_sector(sqlite3_file *f UNUSED) { return 4096; }
static int io_traits(sqlite3_file *f UNUSED) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }
static void io_shm_barrier(sqlite3_file *f UNUSED) { atomic_thread_fence(memory_order_seq_cst); }

/* ---- locks ---- */

static struct handle *handle_of(sqlite3_file *f) { return (struct handle *)(void *)f; }

static int io_lock(sqlite3_file *f, int level)
{
    struct handle *h = handle_of(f);
    struct disk_file *file = h->file;
    int code = SQLITE_OK;
    pthread_mutex_lock(&disk.lock);
    if (file->exclusive && file->exclusive != h)
        code = SQLITE_BUSY;
    else if (level >= SQLITE_LOCK_RESERVED && file->reserved && file->reserved != h)
        code = SQLITE_BUSY;
    else if (level == SQLITE_LOCK_EXCLUSIVE && file->readers > 1)
        code = SQLITE_BUSY;
    if (code == SQLITE_OK && level > h->level) {
        if (h->level == SQLITE_LOCK_NONE) file->readers++;
        if (level >= SQLITE_LOCK_RESERVED) file->reserved = h;
        if (level == SQLITE_LOCK_EXCLUSIVE) file->exclusive = h;
        h->level = level;
    }
    pthread_mutex_unlock(&disk.lock);
    return code;
}

static int io_unlock(sqlite3_file *f, int level)
{
    struct handle *h = handle_of(f);
    pthread_mutex_lock(&disk.lock);
    if (level < h->level) {
        if (h->file->exclusive == h) h->file->exclusive = NULL;
        if (h->file->reserved == h) h->file->reserved = NULL;
        if (level == SQLITE_LOCK_NONE) h->file->readers--;
        h->level = level;
    }
    pthread_mutex_unlock(&disk.lock);
    return SQLITE_OK;
}

static int io_reserved(sqlite3_file *f, int *out)
{
    pthread_mutex_lock(&disk.lock);
    *out = file_of(f)->reserved != NULL;
    pthread_mutex_unlock(&disk.lock);
    return SQLITE_OK;
}

static bool shm_free(const struct handle *h, int i, bool shared)
{
    const struct disk_file *file = h->file;
    if (file->shm_exclusive[i] && file->shm_exclusive[i] != h) return false;
    return shared || file->shm_shared[i] == (h->shm_shared[i] ? 1u : 0u);
}

static void shm_set(struct handle *h, int i, bool lock, bool shared)
{
    struct disk_file *file = h->file;
    if (!shared)
        file->shm_exclusive[i] = lock ? h : NULL;
    else if (lock != h->shm_shared[i]) {
        file->shm_shared[i] += lock ? 1u : -1u;
        h->shm_shared[i] = lock;
    }
}

static int io_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
    struct handle *h = handle_of(f);
    bool lock = flags & SQLITE_SHM_LOCK, shared = flags & SQLITE_SHM_SHARED, possible = true;
    pthread_mutex_lock(&disk.lock);
    for (int i = at; lock && i < at + n; i++) possible = possible && shm_free(h, i, shared);
    for (int i = at; possible && i < at + n; i++) shm_set(h, i, lock, shared);
    pthread_mutex_unlock(&disk.lock);
    return possible ? SQLITE_OK : SQLITE_BUSY;
}

static int io_shm_map(sqlite3_file *f, int region, int size, int extend, void volatile **out)
{
    struct handle *h = handle_of(f);
    struct disk_file *file = h->file;
    CHECK(region < SHM_REGIONS_MAX);
    pthread_mutex_lock(&disk.lock);
    if (!h->uses_shm) file->shm_users++;
    h->uses_shm = true;
    if (!file->shm[region] && extend) file->shm[region] = calloc(1, (size_t)size);
    *out = file->shm[region];
    pthread_mutex_unlock(&disk.lock);
    return SQLITE_OK;
}

static int io_shm_unmap(sqlite3_file *f, int gone UNUSED)
{
    struct handle *h = handle_of(f);
    pthread_mutex_lock(&disk.lock);
    if (h->uses_shm && --h->file->shm_users == 0)
        forget_shm(h->file); /* as SQLite does: the last one takes it away */
    h->uses_shm = false;
    pthread_mutex_unlock(&disk.lock);
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = io_close,
    .xRead = io_read,
    .xWrite = io_write,
    .xTruncate = io_truncate,
    .xSync = io_sync,
    .xFileSize = io_size,
    .xLock = io_lock,
    .xUnlock = io_unlock,
    .xCheckReservedLock = io_reserved,
    .xFileControl = io_control,
    .xSectorSize = io_sector,
    .xDeviceCharacteristics = io_traits,
    .xShmMap = io_shm_map,
    .xShmLock = io_shm_lock,
    .xShmBarrier = io_shm_barrier,
    .xShmUnmap = io_shm_unmap,
};

static struct disk_file *find(const char *name)
{
    for (size_t i = 0; i < FILES_MAX; i++)
        if (disk.files[i].exists && strcmp(disk.files[i].name, name) == 0) return &disk.files[i];
    return NULL;
}

static struct disk_file *make(const char *name)
{
    size_t i = 0;
    while (i < FILES_MAX && disk.files[i].exists) i++;
    CHECK(i < FILES_MAX);
    disk.files[i] = (struct disk_file){ .exists = true, .tail = &disk.files[i].changes };
    (void)snprintf(disk.files[i].name, NAME_MAX_LEN, "%s", name);
    return &disk.files[i];
}

static int vfs_open(sqlite3_vfs *vfs UNUSED, const char *name, sqlite3_file *f, int flags,
                    int *out_flags)
{
    struct handle *h = (struct handle *)(void *)f;
    *h = (struct handle){ .temporary = !name };
    pthread_mutex_lock(&disk.lock);
    h->file = name ? find(name) : NULL;
    if (!h->file && (flags & SQLITE_OPEN_CREATE) && !disk.cut) h->file = make(name ? name : "");
    pthread_mutex_unlock(&disk.lock);
    if (!h->file) return SQLITE_CANTOPEN;
    h->sync_errors = h->file->sync_errors;
    h->base.pMethods = &methods;
    if (out_flags) *out_flags = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs UNUSED, const char *name, int sync_folder UNUSED)
{
    pthread_mutex_lock(&disk.lock);
    struct disk_file *f = disk.cut ? NULL : find(name);
    int code = disk.cut ? SQLITE_IOERR_DELETE : f ? SQLITE_OK : SQLITE_IOERR_DELETE_NOENT;
    if (f) file_erase(f);
    pthread_mutex_unlock(&disk.lock);
    return code;
}

static int vfs_access(sqlite3_vfs *vfs UNUSED, const char *name, int flags UNUSED, int *out)
{
    pthread_mutex_lock(&disk.lock);
    *out = find(name) != NULL;
    pthread_mutex_unlock(&disk.lock);
    return SQLITE_OK;
}

static int vfs_path(sqlite3_vfs *vfs UNUSED, const char *name, int n, char *out)
{
    (void)snprintf(out, (size_t)n, "%s", name);
    return SQLITE_OK;
}

void disk_install(void)
{
    static sqlite3_vfs vfs;
    vfs = *sqlite3_vfs_find(NULL); /* chance, clock and the rest as on the real one */
    vfs.szOsFile = sizeof(struct handle);
    vfs.mxPathname = NAME_MAX_LEN;
    vfs.pNext = NULL;
    vfs.zName = "disk";
    vfs.xOpen = vfs_open;
    vfs.xDelete = vfs_delete;
    vfs.xAccess = vfs_access;
    vfs.xFullPathname = vfs_path;
    CHECK(sqlite3_vfs_register(&vfs, 1) == SQLITE_OK);
}
