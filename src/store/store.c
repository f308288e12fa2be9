/* store.c: what is the same for every driver: statement cache, transactions, migrations. */
#include "store/store.h"

#include <stdlib.h>

struct stmt_base {
    struct store *store;
};

static const struct store_driver *driver_of(struct stmt *q)
{
    return ((struct stmt_base *)(void *)q)->store->driver;
}

enum err store_open(const char *url, enum store_mode mode, struct store **out, struct why *why)
{
    *out = NULL;
    slice u = slice_str(url);
    if (slice_starts(u, SLICE("postgres://")) || slice_starts(u, SLICE("postgresql://")))
        return why_set(why, ERR_MISSING,
                       "PostgreSQL is not built into this version; use the SQLite file");
    return store_sqlite.open(url, mode, out, why);
}

void store_close(struct store *s)
{
    if (!s) return;
    for (size_t i = 0; i < SQL_COUNT; i++)
        if (s->cache[i]) s->driver->finish(s->cache[i]);
    s->driver->close(s);
}

static enum err script(struct store *s, const char *text, struct why *why)
{
    return s->driver->script(s, text, why);
}

enum err store_begin(struct store *s, struct why *why)
{
    CHECK(!s->in_transaction);
    enum err rc = s->driver->control(s, STORE_BEGIN, why);
    s->in_transaction = rc == OK;
    return rc;
}

enum err store_commit(struct store *s, struct why *why)
{
    CHECK(s->in_transaction);
    enum err rc = s->driver->control(s, STORE_COMMIT, why);
    if (rc != OK) store_rollback(s);
    s->in_transaction = false;
    return rc;
}

enum err store_commit_unsynced(struct store *s, struct why *why)
{
    s->driver->defer_sync(s, true);
    enum err rc = store_commit(s, why);
    s->driver->defer_sync(s, false);
    return rc;
}

void store_rollback(struct store *s)
{
    if (s->in_transaction)
        (void)!s->driver->control(s, STORE_ROLLBACK,
                                  NULL); /* fails only when the driver rolled back already */
    s->in_transaction = false;
}

enum err store_savepoint(struct store *s, struct why *why)
{
    return s->driver->control(s, STORE_SAVEPOINT, why);
}
enum err store_release(struct store *s, struct why *why)
{
    return s->driver->control(s, STORE_RELEASE, why);
}

void store_undo(struct store *s)
{
    (void)!s->driver->control(s, STORE_UNDO, NULL);
    (void)!s->driver->control(s, STORE_RELEASE, NULL);
}

struct stmt *store_stmt(struct store *s, enum sql id, struct why *why)
{
    CHECK((unsigned)id < SQL_COUNT);
    if (!s->cache[id] &&
        s->driver->prepare(s, sql_text[id].text[s->driver->dialect], &s->cache[id], why) != OK)
        return NULL;
    s->driver->reset(s->cache[id]);
    return s->cache[id];
}

void stmt_i64(struct stmt *q, int n, int64_t v)
{
    if (q) driver_of(q)->bind_i64(q, n, v);
}
void stmt_text(struct stmt *q, int n, slice v)
{
    if (q) driver_of(q)->bind_bytes(q, n, v, true);
}
void stmt_blob(struct stmt *q, int n, slice v)
{
    if (q) driver_of(q)->bind_bytes(q, n, v, false);
}
void stmt_null(struct stmt *q, int n)
{
    if (q) driver_of(q)->bind_null(q, n);
}
int64_t stmt_col_i64(struct stmt *q, int n) { return driver_of(q)->col_i64(q, n); }
slice stmt_col_text(struct stmt *q, int n) { return driver_of(q)->col_bytes(q, n); }
bool stmt_col_null(struct stmt *q, int n) { return driver_of(q)->col_null(q, n); }
void stmt_reset(struct stmt *q)
{
    if (q) driver_of(q)->reset(q);
}
int64_t store_changes(struct store *s) { return s->driver->changes(s); }

enum err stmt_step(struct stmt *q, bool *row, struct why *why)
{
    *row = false;
    return q ? driver_of(q)->step(q, row, why) : ERR_IO;
}

enum err stmt_run(struct stmt *q, struct why *why)
{
    bool row = true;
    enum err rc = OK;
    while (rc == OK && row) rc = stmt_step(q, &row, why);
    stmt_reset(q);
    return rc;
}

enum err store_backup(struct store *s, const char *path, struct why *why)
{
    return s->driver->backup(s, path, why);
}
void store_own_checkpoints(struct store *s) { s->driver->own_checkpoints(s); }
void store_keep_log(struct store *s) { s->driver->keep_log(s); }
int64_t store_log_pages(struct store *s) { return s->driver->log_pages(s); }
enum err store_integrity(struct store *s, struct why *why) { return s->driver->integrity(s, why); }
enum err store_checkpoint(struct store *s, struct why *why)
{
    return s->driver->checkpoint(s, why);
}

enum err store_empty_log(struct store *s, struct why *why) { return s->driver->empty_log(s, why); }

enum err store_log_open(struct store *s, struct store_log *out, struct why *why)
{
    out->driver = s->driver;
    return s->driver->log_open(s, &out->handle, why);
}

enum err store_log_sync(const struct store_log *log, struct why *why)
{
    return log->driver->log_sync(log->handle, why);
}

enum err store_log_rewrite(struct store *s, struct why *why)
{
    return s->driver->log_rewrite(s, why);
}

void store_log_close(struct store_log *log)
{
    if (log->driver) log->driver->log_close(log->handle);
}

/* The migration's text with the driver's own words in place of the tokens; malloc'ed, NULL when there is no memory. */
static char *with_tokens(const struct store_driver *driver, const char *text)
{
    slice rest = slice_str(text);
    size_t cap = rest.len * 4 + 1, n = 0;
    char *out = malloc(cap);
    while (out && rest.len > 0) {
        const char *const *pair = driver->tokens;
        while (pair[0] && !slice_starts(rest, slice_str(pair[0]))) pair += 2;
        slice put = pair[0] ? slice_str(pair[1]) : slice_sub(rest, 0, 1);
        CHECK(n + put.len < cap);
        memcpy(out + n, put.ptr, put.len);
        n += put.len;
        rest = slice_sub(rest, pair[0] ? strlen(pair[0]) : 1, rest.len);
    }
    if (out) out[n] = '\0';
    return out;
}

static enum err newest(struct store *s, int64_t *number, struct why *why)
{
    bool row = false;
    struct stmt *q = store_stmt(s, SQL_STORE_MIGRATION_NEWEST, why);
    enum err rc = stmt_step(q, &row, why);
    if (rc == OK) *number = stmt_col_i64(q, 0);
    stmt_reset(q);
    if (rc == OK && *number > SQL_MIGRATION_COUNT)
        rc = why_set(
            why, ERR_CONFLICT,
            "the database is at schema %lld, newer than this program (%d): start the newer malote",
            (long long)*number, SQL_MIGRATION_COUNT);
    return rc;
}

static enum err apply(struct store *s, const struct sql_migration *m, int64_t now_ms,
                      struct why *why)
{
    char *text = with_tokens(s->driver, m->text[s->driver->dialect]);
    if (!text) return why_set(why, ERR_LIMIT, "out of memory");
    enum err rc = script(s, text, why);
    free(text);
    if (rc != OK) return rc;
    struct stmt *q = store_stmt(s, SQL_STORE_MIGRATION_ADD, why);
    stmt_i64(q, 1, m->number);
    stmt_text(q, 2, slice_str(m->name));
    stmt_i64(q, 3, now_ms);
    return stmt_run(q, why);
}

enum err store_migrate(struct store *s, int64_t now_ms, struct why *why)
{
    enum err rc =
        script(s,
               "CREATE TABLE IF NOT EXISTS schema_migrations "
               "(number BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_ms BIGINT NOT NULL)",
               why);
    for (bool more = rc == OK; rc == OK && more;) {
        int64_t number = 0;
        rc = store_begin(s, why);
        if (rc != OK) return rc;
        rc = newest(s, &number, why); /* inside the lock: another process may have been quicker */
        more = rc == OK && number < SQL_MIGRATION_COUNT;
        if (more) rc = apply(s, &sql_migrations[number], now_ms, why);
        if (rc == OK)
            rc = store_commit(s, why);
        else
            store_rollback(s);
    }
    return rc;
}

enum err store_check(struct store *s, struct why *why)
{
    int64_t number = 0;
    if (newest(s, &number, why) == ERR_CONFLICT) return ERR_CONFLICT;
    if (number < SQL_MIGRATION_COUNT)
        return why_set(why, ERR_MISSING,
                       "the database is at schema %lld of %d: start `malote serve` once to bring "
                       "it up to date",
                       (long long)number, SQL_MIGRATION_COUNT);
    return OK;
}
