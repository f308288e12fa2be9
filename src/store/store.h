/* store.h: the database, behind one small interface that both drivers implement.
 *
 * A `struct store` is one connection and belongs to one thread. The writer thread holds the only one that writes (journal/);
 * readers hold their own. Statements live in .sql files beside the code that uses them and are named by `enum sql`; values are
 * always bound. Conventions of the schema: store/migrations/0001_first.sql. */
#ifndef MALOTE_STORE_STORE_H
#define MALOTE_STORE_STORE_H

#include "base/arena.h"
#include "sql.h"

struct store;
struct stmt;

enum store_mode { STORE_WRITER, STORE_READER };

enum store_control {
    STORE_BEGIN,
    STORE_COMMIT,
    STORE_ROLLBACK,
    STORE_SAVEPOINT,
    STORE_RELEASE,
    STORE_UNDO,
    STORE_CONTROL_COUNT
};

/* What a driver implements; store.c passes calls on. See the functions below for the contracts. */
struct store_driver {
    const char *name;
    enum sql_dialect dialect;
    enum err (*open)(const char *url, enum store_mode mode, struct store **out, struct why *why);
    void (*close)(struct store *s);
    enum err (*prepare)(struct store *s, const char *text, struct stmt **out, struct why *why);
    void (*bind_i64)(struct stmt *q, int n, int64_t v);
    void (*bind_bytes)(struct stmt *q, int n, slice v, bool text);
    void (*bind_null)(struct stmt *q, int n);
    enum err (*step)(struct stmt *q, bool *row, struct why *why);
    void (*reset)(struct stmt *q);
    void (*finish)(struct stmt *q);
    int64_t (*col_i64)(struct stmt *q, int n);
    slice (*col_bytes)(struct stmt *q, int n);
    bool (*col_null)(struct stmt *q, int n);
    enum err (*script)(struct store *s, const char *text,
                       struct why *why); /* several statements, no values */
    enum err (*control)(struct store *s, enum store_control what, struct why *why);
    int64_t (*changes)(struct store *s);
    enum err (*backup)(struct store *s, const char *path, struct why *why);
    enum err (*checkpoint)(struct store *s, struct why *why);
    enum err (*empty_log)(struct store *s, struct why *why);
    void (*defer_sync)(struct store *s, bool defer);
    enum err (*log_open)(struct store *s, void **out, struct why *why);
    enum err (*log_sync)(void *log, struct why *why);
    enum err (*log_rewrite)(struct store *s, struct why *why);
    void (*log_close)(void *log);
    int64_t (*log_pages)(struct store *s);
    void (*own_checkpoints)(struct store *s);
    void (*keep_log)(struct store *s);
    enum err (*integrity)(struct store *s, struct why *why);
    /* What differs in the schema's text: pairs of token and replacement, NULL-terminated. */
    const char *const *tokens;
};

extern const struct store_driver store_sqlite;

/* Every driver's connection and statement start with these. */
struct store {
    const struct store_driver *driver;
    struct stmt *cache[SQL_COUNT];
    bool in_transaction;
};

/* Opens a connection. url: a file path (SQLite); "postgres://…" is not built in yet (ERR_MISSING).
 * ERR_IO when it cannot be opened or is not a database; *out is NULL on error. */
MUST_CHECK enum err store_open(const char *url, enum store_mode mode, struct store **out,
                               struct why *why);
void store_close(struct store *s);

/* Brings the schema up to date, each migration in a transaction of its own, under the database's lock. ERR_CONFLICT when the
 * database is newer than this program. now_ms is noted beside each migration. */
MUST_CHECK enum err store_migrate(struct store *s, int64_t now_ms, struct why *why);
/* ERR_CONFLICT (newer), ERR_MISSING (not migrated yet) or OK; changes nothing. */
MUST_CHECK enum err store_check(struct store *s, struct why *why);

MUST_CHECK enum err store_begin(struct store *s, struct why *why);
/* On error the transaction is rolled back. */
MUST_CHECK enum err store_commit(struct store *s, struct why *why);
/* As store_commit, but it is on disk only after the next store_log_sync that is OK; until then it may be lost with all that follows
 * it, never in part. Other connections see it at once. */
MUST_CHECK enum err store_commit_unsynced(struct store *s, struct why *why);
void store_rollback(struct store *s);
/* A part of a transaction that can be undone alone; they do not nest. */
MUST_CHECK enum err store_savepoint(struct store *s, struct why *why);
MUST_CHECK enum err store_release(struct store *s, struct why *why);
void store_undo(struct store *s);

/* The prepared statement, reset and without values; prepared on first use. NULL (see why) when it cannot be prepared. */
struct stmt *store_stmt(struct store *s, enum sql id, struct why *why);
/* Values, numbered from 1. Text and blob are borrowed until the statement is reset. Absent (ptr NULL) text is bound as ''. */
void stmt_i64(struct stmt *q, int n, int64_t v);
void stmt_text(struct stmt *q, int n, slice v);
void stmt_blob(struct stmt *q, int n, slice v);
void stmt_null(struct stmt *q, int n);
/* Next row: OK with *row; ERR_BUSY, ERR_CONFLICT (unique), ERR_LIMIT (disk full) or ERR_IO. q NULL gives ERR_IO with why kept. */
MUST_CHECK enum err stmt_step(struct stmt *q, bool *row, struct why *why);
/* Runs to the end and resets. */
MUST_CHECK enum err stmt_run(struct stmt *q, struct why *why);
/* Columns, numbered from 0; slices are borrowed until the next step. */
int64_t stmt_col_i64(struct stmt *q, int n);
slice stmt_col_text(struct stmt *q, int n);
bool stmt_col_null(struct stmt *q, int n);
/* Ends reading early. */
void stmt_reset(struct stmt *q);
/* Rows changed by the last statement run. */
int64_t store_changes(struct store *s);

/* A consistent copy of the whole database into a new file while others write. ERR_CONFLICT when the file exists. */
MUST_CHECK enum err store_backup(struct store *s, const char *path, struct why *why);
/* Reads the whole database for damage: ERR_IO with what was found. */
MUST_CHECK enum err store_integrity(struct store *s, struct why *why);
/* Moves the write-ahead log into the database as far as readers allow; never waits for them. On any writing connection. */
MUST_CHECK enum err store_checkpoint(struct store *s, struct why *why);
/* Moves all of the log into the database and cuts it to nothing, so that no older state of a page is left in it; on the writing thread,
 * outside of transactions. ERR_BUSY: a reader needs it still; it is not waited for longer than a moment. */
MUST_CHECK enum err store_empty_log(struct store *s, struct why *why);
/* The writing connection's log, for the one thread that syncs it. */
struct store_log {
    const struct store_driver *driver;
    void *handle;
};
/* ERR_IO when it cannot be opened. Open it after something was read on `s`, close it before `s`. */
MUST_CHECK enum err store_log_open(struct store *s, struct store_log *out, struct why *why);
/* Onto the disk with everything that was committed before the call. */
MUST_CHECK enum err store_log_sync(const struct store_log *log, struct why *why);
void store_log_close(struct store_log *log);
/* After a sync that failed: writes the whole log, and the database's pages it names, anew and syncs them; on the writing thread, while
 * nothing is copied from the log. A second sync alone proves nothing: the system may have given up what it could not write, and
 * calls the next sync good. */
MUST_CHECK enum err store_log_rewrite(struct store *s, struct why *why);
/* From now on this connection does no checkpoints by itself; whoever writes calls store_checkpoint. */
void store_own_checkpoints(struct store *s);
/* The log is neither copied nor deleted when this connection is closed as the last one. */
void store_keep_log(struct store *s);
/* Pages in the write-ahead log after this connection's last commit; 0 for a store without one. */
int64_t store_log_pages(struct store *s);

#endif
