/* sqlite.c: the SQLite driver. WAL with synchronous=FULL: a commit is on disk when it returns.
 *
 * Checkpoints are the writer's (journal/checkpoint.c); a connection used alone does them itself at SQLite's default of 1000 pages. */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "store/store.h"
#include "store/wal_vfs.h"
#include "store/tokens.h"

enum {
    BUSY_WAIT_MS = 5000,
    EMPTY_WAIT_MS = 20,
    CACHE_KIB_WRITER = 24576,
    CACHE_KIB_READER = 4096,
    LOOKASIDE_BYTES = 4096,
    LOOKASIDE_SLOTS = 256,
    STMT_VALUES_MAX = 32
};

struct sqlite_store {
    struct store base;
    sqlite3 *db;
    struct wal_vfs vfs; /* of a writing connection: gathers the log's writes */
    char vfs_name[40];
    int log_pages; /* of the write-ahead log, told by SQLite at each commit */
    sqlite3_stmt
        *control[STORE_CONTROL_COUNT]; /* prepared once: each is run for every event or turn */
};

struct stmt {
    struct store *store; /* first, as store.c expects */
    sqlite3_stmt *q;
    bool fresh; /* reset and without values already */
    int place
        [STMT_VALUES_MAX +
         1]; /* $n -> SQLite's number: to SQLite "$2" is a name, numbered by first appearance */
};

static sqlite3 *db_of(struct store *s) { return ((struct sqlite_store *)(void *)s)->db; }

static enum err failed(sqlite3 *db, int code, const char *what, struct why *why)
{
    enum err rc = ERR_IO;
    int primary = code & 0xff;
    if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED)
        rc = ERR_BUSY;
    else if (primary == SQLITE_CONSTRAINT)
        rc = ERR_CONFLICT;
    else if (primary == SQLITE_FULL || primary == SQLITE_TOOBIG || primary == SQLITE_NOMEM)
        rc = ERR_LIMIT;
    return why_set(why, rc, "database: %s: %s", what,
                   db ? sqlite3_errmsg(db) : sqlite3_errstr(code));
}

static int on_commit(void *ctx, sqlite3 *db UNUSED, const char *name UNUSED, int pages)
{
    ((struct sqlite_store *)ctx)->log_pages = pages;
    return SQLITE_OK;
}

static int64_t sqlite_log_pages(struct store *s)
{
    return ((struct sqlite_store *)(void *)s)->log_pages;
}

static enum err sqlite_script(struct store *s, const char *text, struct why *why)
{
    int code = sqlite3_exec(db_of(s), text, NULL, NULL, NULL);
    return code == SQLITE_OK ? OK : failed(db_of(s), code, "statement", why);
}

static enum err sqlite_control(struct store *s, enum store_control what, struct why *why)
{
    static const char *const texts[STORE_CONTROL_COUNT] = { "BEGIN IMMEDIATE", "COMMIT",
                                                            "ROLLBACK",        "SAVEPOINT part",
                                                            "RELEASE part",    "ROLLBACK TO part" };
    sqlite3_stmt **q = &((struct sqlite_store *)(void *)s)->control[what];
    if (what == STORE_SAVEPOINT &&
        sqlite3_get_autocommit(db_of(s))) /* it would begin a transaction of its own */
        return why_set(why, ERR_IO, "database: the transaction was rolled back (disk full?)");
    int code =
        *q ? SQLITE_OK
           : sqlite3_prepare_v3(db_of(s), texts[what], -1, SQLITE_PREPARE_PERSISTENT, q, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(*q);
    enum err rc = code == SQLITE_DONE ? OK : failed(db_of(s), code, texts[what], why);
    sqlite3_reset(*q);
    return rc;
}

static void sqlite_defer_sync(struct store *s, bool defer)
{
    ((struct sqlite_store *)(void *)s)->vfs.defer = defer;
}

static enum err sqlite_log_open(struct store *s, void **out, struct why *why)
{
    sqlite3_file *log = NULL;
    int code = wal_vfs_log_open(db_of(s), &log);
    *out = log;
    return code == SQLITE_OK ? OK : failed(NULL, code, "open the log", why);
}

static enum err sqlite_log_sync(void *log, struct why *why)
{
    int code = wal_vfs_log_sync(log);
    return code == SQLITE_OK ? OK : failed(NULL, code, "sync the log", why);
}

static enum err sqlite_log_rewrite(struct store *s, struct why *why)
{
    int code = wal_vfs_log_rewrite(db_of(s));
    return code == SQLITE_OK ? OK : failed(NULL, code, "write the log anew", why);
}

static void sqlite_log_close(void *log) { wal_vfs_log_close(log); }

static void sqlite_own_checkpoints(struct store *s)
{
    sqlite3_wal_hook(db_of(s), on_commit, s); /* replaces the automatic checkpoint */
}

static void sqlite_keep_log(struct store *s)
{
    (void)sqlite3_db_config(db_of(s), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

static void sqlite_close(struct store *s)
{
    for (size_t i = 0; i < STORE_CONTROL_COUNT; i++)
        sqlite3_finalize(((struct sqlite_store *)(void *)s)->control[i]);
    struct sqlite_store *own = (struct sqlite_store *)(void *)s;
    sqlite3_close(own->db);
    if (own->vfs.base.zName) sqlite3_vfs_unregister(&own->vfs.base);
    free(s);
}

static enum err sqlite_open(const char *path, enum store_mode mode, struct store **out,
                            struct why *why)
{
    struct sqlite_store *s = calloc(1, sizeof *s);
    if (!s) return why_set(why, ERR_LIMIT, "out of memory");
    s->base.driver = &store_sqlite;
    (void)sqlite3_config(
        SQLITE_CONFIG_MEMSTATUS,
        0); /* no lock around each allocation; refused (and done) after the first open */
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE |
                (mode == STORE_WRITER ? SQLITE_OPEN_CREATE : 0);
    int code = sqlite3_initialize();
    if (code == SQLITE_OK && mode == STORE_WRITER) {
        (void)snprintf(s->vfs_name, sizeof s->vfs_name, "malote-%p", (void *)s);
        wal_vfs_make(&s->vfs, s->vfs_name);
        code = sqlite3_vfs_register(&s->vfs.base, 0);
    }
    if (code == SQLITE_OK)
        code = sqlite3_open_v2(path, &s->db, flags, mode == STORE_WRITER ? s->vfs_name : NULL);
    enum err rc = code == SQLITE_OK ? OK : failed(s->db, code, path, why);
    char pragmas[400];
    (void)snprintf(
        pragmas, sizeof pragmas,
        "PRAGMA busy_timeout=%d; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        "PRAGMA cache_size=-%d; PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=268435456;"
        "PRAGMA secure_delete=ON; %s",
        BUSY_WAIT_MS, mode == STORE_WRITER ? CACHE_KIB_WRITER : CACHE_KIB_READER,
        mode == STORE_READER ? "PRAGMA query_only=ON;" : "");
    if (rc == OK) sqlite3_extended_result_codes(s->db, 1);
    if (rc == OK && mode == STORE_WRITER) /* rows of a few kilobytes without malloc */
        (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_LOOKASIDE, NULL, LOOKASIDE_BYTES,
                                LOOKASIDE_SLOTS);
    if (rc == OK) rc = sqlite_script(&s->base, pragmas, why);
    if (rc == OK && mode == STORE_WRITER && sqlite3_db_readonly(s->db, "main") == 1)
        rc = why_set(why, ERR_IO, "database: %s is read-only: check its owner and permissions",
                     path);
    if (rc != OK) {
        sqlite_close(&s->base);
        return rc;
    }
    *out = &s->base;
    return OK;
}

static enum err sqlite_prepare(struct store *s, const char *text, struct stmt **out,
                               struct why *why)
{
    struct stmt *q = calloc(1, sizeof *q);
    if (!q) return why_set(why, ERR_LIMIT, "out of memory");
    q->store = s;
    int code = sqlite3_prepare_v3(db_of(s), text, -1, SQLITE_PREPARE_PERSISTENT, &q->q, NULL);
    if (code != SQLITE_OK) {
        free(q);
        return failed(db_of(s), code, "prepare", why);
    }
    for (int i = 1; i <= sqlite3_bind_parameter_count(q->q); i++) {
        uint64_t n = 0;
        slice name = slice_str(sqlite3_bind_parameter_name(q->q, i));
        CHECK(text_u64(slice_sub(name, 1, name.len), STMT_VALUES_MAX, &n, NULL) == OK);
        q->place[n] = i;
    }
    *out = q;
    return OK;
}

static void sqlite_finish(struct stmt *q)
{
    sqlite3_finalize(q->q);
    free(q);
}

/* A failed bind (only: number out of range, i.e. our mistake, or no memory) shows as an error of step. */
static void sqlite_bind_i64(struct stmt *q, int n, int64_t v)
{
    q->fresh = false;
    CHECK(sqlite3_bind_int64(q->q, q->place[n], v) == SQLITE_OK);
}

static void sqlite_bind_bytes(struct stmt *q, int n, slice v, bool text)
{
    q->fresh = false;
    const char *ptr = v.ptr ? v.ptr : "";
    int code = text ? sqlite3_bind_text64(q->q, q->place[n], ptr, v.len, SQLITE_STATIC, SQLITE_UTF8)
                    : sqlite3_bind_blob64(q->q, q->place[n], ptr, v.len, SQLITE_STATIC);
    CHECK(code == SQLITE_OK || code == SQLITE_TOOBIG || code == SQLITE_NOMEM);
}

static void sqlite_bind_null(struct stmt *q, int n)
{
    q->fresh = false;
    CHECK(sqlite3_bind_null(q->q, q->place[n]) == SQLITE_OK);
}

static enum err sqlite_step(struct stmt *q, bool *row, struct why *why)
{
    q->fresh = false;
    int code = sqlite3_step(q->q);
    *row = code == SQLITE_ROW;
    return code == SQLITE_ROW || code == SQLITE_DONE ? OK
                                                     : failed(db_of(q->store), code, "step", why);
}

static void sqlite_reset(struct stmt *q)
{
    if (q->fresh) return;
    sqlite3_reset(q->q);
    sqlite3_clear_bindings(q->q);
    q->fresh = true;
}

static int64_t sqlite_col_i64(struct stmt *q, int n) { return sqlite3_column_int64(q->q, n); }
static bool sqlite_col_null(struct stmt *q, int n)
{
    return sqlite3_column_type(q->q, n) == SQLITE_NULL;
}
static int64_t sqlite_changes(struct store *s) { return sqlite3_changes64(db_of(s)); }

static slice sqlite_col_bytes(struct stmt *q, int n)
{
    const void *bytes =
        sqlite3_column_blob(q->q, n); /* for text too: no conversion, no terminator needed */
    return slice_of(bytes, (size_t)sqlite3_column_bytes(q->q, n));
}

enum { BACKUP_PAGES_PER_STEP = 256 };

static enum err sqlite_backup(struct store *s, const char *path, struct why *why)
{
    if (access(path, F_OK) == 0)
        return why_set(why, ERR_CONFLICT, "%s exists: name a new file", path);
    sqlite3 *to = NULL;
    int code = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    enum err rc = code == SQLITE_OK ? OK : failed(to, code, path, why);
    sqlite3_backup *copy = rc == OK ? sqlite3_backup_init(to, "main", db_of(s), "main") : NULL;
    if (rc == OK && !copy) rc = failed(to, sqlite3_errcode(to), "backup", why);
    /* One snapshot for all steps: the copy is of one moment, and writers do not make it start anew
     * for ever. BEGIN alone takes none: the first read does. */
    if (rc == OK) rc = sqlite_script(s, "BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1", why);
    while (rc == OK && (code = sqlite3_backup_step(copy, BACKUP_PAGES_PER_STEP)) != SQLITE_DONE)
        if (code != SQLITE_OK) rc = failed(to, code, "backup", why);
    if (copy) sqlite3_backup_finish(copy);
    if (sqlite3_get_autocommit(db_of(s)) == 0) (void)sqlite_script(s, "COMMIT", NULL);
    sqlite3_close(to);
    if (rc != OK) (void)unlink(path);
    return rc;
}

static enum err sqlite_checkpoint(struct store *s, struct why *why)
{
    int code = sqlite3_wal_checkpoint_v2(db_of(s), NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return code == SQLITE_OK || code == SQLITE_BUSY ? OK
                                                    : failed(db_of(s), code, "checkpoint", why);
}

static enum err sqlite_empty_log(struct store *s, struct why *why)
{
    (void)sqlite3_busy_timeout(db_of(s), EMPTY_WAIT_MS); /* the writer has others to serve */
    int code = sqlite3_wal_checkpoint_v2(db_of(s), NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    (void)sqlite3_busy_timeout(db_of(s), BUSY_WAIT_MS);
    if (code == SQLITE_BUSY) return why_set(why, ERR_BUSY, "the log is still read");
    return code == SQLITE_OK ? OK : failed(db_of(s), code, "checkpoint", why);
}

static int on_problem(void *ctx, int count, char **values, char **names UNUSED)
{
    struct why *why = ctx;
    if (count > 0 && values[0] && strcmp(values[0], "ok") != 0 && why->code == OK)
        (void)why_set(why, ERR_IO, "database damaged: %.150s; restore a backup", values[0]);
    return 0;
}

static enum err sqlite_integrity(struct store *s, struct why *why)
{
    struct why found = { .code = OK };
    int code = sqlite3_exec(db_of(s), "PRAGMA quick_check", on_problem, &found, NULL);
    if (code != SQLITE_OK) return failed(db_of(s), code, "check", why);
    if (found.code != OK && why) *why = found;
    return found.code;
}

static const char *const sqlite_tokens[] = {
#define SQLITE_TOKEN(token, sqlite, postgres) token, sqlite,
    STORE_TOKENS(SQLITE_TOKEN)
#undef SQLITE_TOKEN
        NULL,
};

const struct store_driver store_sqlite = {
    .name = "sqlite",
    .dialect = SQL_IN_SQLITE,
    .open = sqlite_open,
    .close = sqlite_close,
    .prepare = sqlite_prepare,
    .bind_i64 = sqlite_bind_i64,
    .bind_bytes = sqlite_bind_bytes,
    .bind_null = sqlite_bind_null,
    .step = sqlite_step,
    .reset = sqlite_reset,
    .finish = sqlite_finish,
    .col_i64 = sqlite_col_i64,
    .col_bytes = sqlite_col_bytes,
    .col_null = sqlite_col_null,
    .script = sqlite_script,
    .control = sqlite_control,
    .changes = sqlite_changes,
    .backup = sqlite_backup,
    .checkpoint = sqlite_checkpoint,
    .empty_log = sqlite_empty_log,
    .defer_sync = sqlite_defer_sync,
    .log_open = sqlite_log_open,
    .log_sync = sqlite_log_sync,
    .log_rewrite = sqlite_log_rewrite,
    .log_close = sqlite_log_close,
    .log_pages = sqlite_log_pages,
    .own_checkpoints = sqlite_own_checkpoints,
    .keep_log = sqlite_keep_log,
    .integrity = sqlite_integrity,
    .tokens = sqlite_tokens,
};
