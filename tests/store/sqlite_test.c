/* sqlite_test.c: the contract of store.h, kept by the SQLite driver. */
#include "test.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hub.h"

static int setup(void **state)
{
    struct hub *h = malloc(sizeof *h);
    hub_open(h);
    *state = h;
    return 0;
}

static int teardown(void **state)
{
    hub_close(*state);
    free(*state);
    return 0;
}

static const char *in_dir(const struct hub *h, const char *name, char out[256])
{
    snprintf(out, 256, "%s/%s", h->dir, name);
    return out;
}

static void write_file(const char *path, const char *bytes, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
    close(fd);
}

/* A connection behind the store's back. */
static sqlite3 *other(const struct hub *h)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open_v2(h->database, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    return db;
}

static enum err add_minute(struct store *s, int64_t minute, int64_t requests, struct why *why)
{
    struct stmt *q = store_stmt(s, SQL_JOURNAL_MINUTE_ADD, why);
    const int64_t values[] = { 1, 7, minute, requests, 0, 0, 0, 0, 0, 0, 0 };
    for (size_t i = 0; i < ARRAY_LEN(values); i++) stmt_i64(q, (int)i + 1, values[i]);
    return stmt_run(q, why);
}

/* ---- opening ---- */

static void migrates_once(void **state)
{
    struct hub *h = *state;
    struct why why;
    int64_t count = hub_count(h, "SELECT COUNT(*) FROM schema_migrations");
    assert_int_equal(count, SQL_MIGRATION_COUNT);
    assert_int_equal(store_migrate(h->store, 2, &why), OK);
    assert_int_equal(store_check(h->store, &why), OK);
    assert_int_equal(hub_count(h, "SELECT COUNT(*) FROM schema_migrations"), count);
    assert_int_equal(hub_count(h, "SELECT COUNT(*) FROM workspaces"), 1);
}

static void newer_database_is_refused(void **state)
{
    struct hub *h = *state;
    struct why why;
    hub_run(h, "INSERT INTO schema_migrations VALUES (9999, 'from the future', 0)");
    assert_int_equal(store_migrate(h->store, 2, &why), ERR_CONFLICT);
    assert_non_null(strstr(why.text, "newer than this program"));
    assert_int_equal(store_check(h->store, &why), ERR_CONFLICT);
    assert_int_equal(store_begin(h->store, &why), OK); /* the refusal left no transaction open */
    store_rollback(h->store);
}

static void unmigrated_database_is_told_apart(void **state)
{
    struct hub *h = *state;
    struct store *s = NULL;
    struct why why;
    char path[256];
    assert_int_equal(store_open(in_dir(h, "fresh.db", path), STORE_WRITER, &s, &why), OK);
    assert_int_equal(store_check(s, &why), ERR_MISSING);
    store_close(s);
}

static void what_cannot_be_opened(void **state)
{
    struct hub *h = *state;
    static const struct {
        const char *name, *bytes;
        size_t len;
        enum store_mode mode;
        enum err want;
    } cases[] = {
        { "no/such/folder.db", NULL, 0, STORE_WRITER, ERR_IO },
        { "missing.db", NULL, 0, STORE_READER, ERR_IO },
        { "text.db",
          "this is no database, and long enough not to be an empty one............................"
          "....................",
          105, STORE_WRITER, ERR_IO },
        { "postgres://localhost/malote", NULL, 0, STORE_WRITER, ERR_MISSING },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char path[256];
        struct store *s = (struct store *)1;
        struct why why = { .code = OK };
        in_dir(h, cases[i].name, path);
        if (cases[i].bytes) write_file(path, cases[i].bytes, cases[i].len);
        enum err rc = store_open(cases[i].want == ERR_MISSING ? cases[i].name : path, cases[i].mode,
                                 &s, &why);
        if (rc != cases[i].want) fail_msg("%s: %s (%s)", cases[i].name, err_name(rc), why.text);
        assert_null(s);
        assert_true(why.text[0] != '\0');
    }
}

/* The header is sound and the pages behind it are not: found out by whoever reads them. */
static void damaged_pages(void **state)
{
    struct hub *h = *state;
    struct why why = { .code = OK };
    struct store *s = NULL;
    bool row = false;
    hub_unlock(h);
    int fd = open(h->database, O_RDWR);
    assert_true(fd >= 0);
    char junk[4096];
    memset(junk, 0xa5, sizeof junk);
    for (off_t page = 1; page < 8; page++)
        assert_int_equal(pwrite(fd, junk, sizeof junk, page * 4096), sizeof junk);
    close(fd);
    enum err rc = store_open(h->database, STORE_WRITER, &s, &why);
    if (rc == OK) rc = store_check(s, &why);
    struct stmt *q = rc == OK ? store_stmt(s, SQL_CONFIG_SOURCES, &why) : NULL;
    if (rc == OK) rc = stmt_step(q, &row, &why);
    assert_int_not_equal(rc, OK);
    assert_non_null(strstr(why.text, "database"));
    store_close(s);
}

/* As another user than root, whom permissions do not stop: in a child process. */
static int try_as_user(const char *path, char *text, size_t size)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        struct store *s = NULL;
        struct why why = { .code = OK };
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) _exit(99);
        enum err rc = store_open(path, STORE_WRITER, &s, &why);
        if (rc == OK) rc = store_migrate(s, 1, &why);
        if (write(fds[1], why.text, strlen(why.text)) < 0) _exit(98);
        _exit((int)rc);
    }
    close(fds[1]);
    ssize_t len = read(fds[0], text, size - 1);
    text[len > 0 ? len : 0] = '\0';
    close(fds[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void read_only(void **state)
{
    struct hub *h = *state;
    char text[512];
    hub_unlock(h);
    static const struct {
        mode_t file, dir;
    } cases[] = { { 0444, 0755 }, { 0444, 0555 }, { 0644, 0555 } };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(chmod(h->database, cases[i].file), 0);
        assert_int_equal(chmod(h->dir, cases[i].dir), 0);
        int rc = try_as_user(h->database, text, sizeof text);
        if (rc != ERR_IO) fail_msg("case %zu: %d (%s)", i, rc, text);
        assert_true(text[0] != '\0');
    }
    assert_int_equal(chmod(h->dir, 0700), 0);
}

/* ---- locks and constraints ---- */

static void locked_is_busy(void **state)
{
    struct hub *h = *state;
    struct why why;
    sqlite3 *db = other(h);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(store_begin(h->store, &why), ERR_BUSY); /* after the driver's own patience */
    assert_non_null(strstr(why.text, "locked"));
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(store_begin(h->store, &why), OK);
    store_rollback(h->store);
    sqlite3_close(db);
}

static void readers_do_not_write(void **state)
{
    struct hub *h = *state;
    struct store *s = NULL;
    struct why why;
    assert_int_equal(store_open(h->database, STORE_READER, &s, &why), OK);
    assert_int_not_equal(add_minute(s, 1, 1, &why), OK);
    assert_int_equal(hub_count(h, "SELECT COUNT(*) FROM source_minutes"), 0);
    store_close(s);
}

static void taken_is_conflict(void **state)
{
    struct hub *h = *state;
    struct why why;
    for (int turn = 0; turn < 2; turn++) {
        struct stmt *q = store_stmt(h->store, SQL_CONTACT_ADD, &why);
        stmt_i64(q, 1, 77);
        stmt_i64(q, 2, 1);
        stmt_i64(q, 3, 5);
        stmt_text(q, 4, SLICE("{}"));
        assert_int_equal(stmt_run(q, &why), turn == 0 ? OK : ERR_CONFLICT);
    }
    for (int turn = 0; turn < 2; turn++) { /* ON CONFLICT DO NOTHING: no error, and no change */
        struct stmt *q = store_stmt(h->store, SQL_CONTACT_IDENTITY_ADD, &why);
        const int64_t values[] = { 1, 3, 0, 77 };
        for (size_t i = 0; i < ARRAY_LEN(values); i++) stmt_i64(q, (int)i + 1, values[i]);
        stmt_text(q, 3, SLICE("+5511999990005"));
        assert_int_equal(stmt_run(q, &why), OK);
        assert_int_equal(store_changes(h->store), turn == 0 ? 1 : 0);
    }
}

/* An id that is taken is an error and never looks like a known key: the delivery would be believed and not be there. */
static void taken_id_is_no_duplicate(void **state)
{
    struct hub *h = *state;
    enum { ID = 1, KEY = 6, VALUES = 10 };
    for (int turn = 0; turn < 3; turn++) { /* new; known key, new id; new key, taken id */
        struct why why = { .code = OK };
        struct stmt *q = store_stmt(h->store, SQL_ROUTE_DELIVERY_ADD, &why);
        for (int n = 1; n <= VALUES; n++) stmt_i64(q, n, 1);
        stmt_i64(q, ID, turn == 1 ? 501 : 500);
        stmt_text(q, KEY, turn == 2 ? SLICE("other") : SLICE("key"));
        assert_int_equal(stmt_run(q, &why), turn == 2 ? ERR_CONFLICT : OK);
        if (turn < 2) assert_int_equal(store_changes(h->store), turn == 0);
    }
}

/* ---- transactions ---- */

static void savepoint_undoes_its_part(void **state)
{
    struct hub *h = *state;
    struct why why;
    assert_int_equal(store_begin(h->store, &why), OK);
    assert_int_equal(add_minute(h->store, 1, 1, &why), OK);
    assert_int_equal(store_savepoint(h->store, &why), OK);
    assert_int_equal(add_minute(h->store, 2, 1, &why), OK);
    store_undo(h->store);
    assert_int_equal(store_savepoint(h->store, &why), OK);
    assert_int_equal(add_minute(h->store, 3, 1, &why), OK);
    assert_int_equal(store_release(h->store, &why), OK);
    assert_int_equal(store_commit(h->store, &why), OK);
    assert_int_equal(hub_count(h, "SELECT SUM(minute * 10 + 1) FROM source_minutes"), 11 + 31);
    assert_int_equal(store_begin(h->store, &why), OK);
    assert_int_equal(add_minute(h->store, 3, 5, &why), OK);
    store_rollback(h->store);
    assert_int_equal(hub_count(h, "SELECT requests FROM source_minutes WHERE minute = 3"), 1);
}

static void undo_with_a_half_read_statement(void **state)
{
    struct hub *h = *state;
    struct why why;
    bool row = false;
    assert_int_equal(store_begin(h->store, &why), OK);
    assert_int_equal(add_minute(h->store, 1, 1, &why), OK);
    struct stmt *q = store_stmt(h->store, SQL_STORE_MIGRATION_NEWEST, &why);
    assert_int_equal(stmt_step(q, &row, &why), OK);
    assert_true(row);
    assert_int_equal(store_savepoint(h->store, &why), OK);
    assert_int_equal(add_minute(h->store, 2, 1, &why), OK);
    store_undo(h->store);
    stmt_reset(q);
    assert_int_equal(store_commit(h->store, &why), OK);
    assert_int_equal(hub_count(h, "SELECT COUNT(*) FROM source_minutes"), 1);
}

/* ---- values ---- */

/* To SQLite "$2" is a name numbered by first appearance: settle_lease names $3 first and $1 late. */
static void values_go_by_number(void **state)
{
    struct hub *h = *state;
    struct why why;
    hub_run(h, "INSERT INTO deliveries VALUES (41, 1, 2, 3, 4, 'k', 0, 1, 10, 0, 0, 0, 0, '', 5, "
               "5, '', 0),"
               " (42, 1, 2, 3, 4, 'l', 0, 1, 10, 0, 0, 0, 0, '', 5, 5, '', 0)");
    struct stmt *q = store_stmt(h->store, SQL_SETTLE_LEASE, &why);
    const int64_t values[] = { 1, 42, 1003, 1004, 1, 1006 };
    for (size_t i = ARRAY_LEN(values); i > 0; i--) stmt_i64(q, (int)i, values[i - 1]);
    assert_int_equal(stmt_run(q, &why), OK);
    assert_int_equal(
        hub_count(h, "SELECT COUNT(*) FROM deliveries WHERE id = 42 AND state = 1 AND due_ms = 1003"
                     " AND updated_ms = 1004 AND outcome_unknown = 1 AND first_attempt_ms = 1006"),
        1);
    assert_int_equal(hub_count(h, "SELECT state FROM deliveries WHERE id = 41"), 0);
}

static void values_are_stored_whole(void **state)
{
    struct hub *h = *state;
    struct why why;
    static const char odd[] = "a\0b\xff\n\"'";
    static const struct {
        int64_t id;
        slice text, blob;
        const char *same;
    } cases[] = {
        { 1,
          SLICE_INIT("{}"),
          { odd, sizeof odd },
          "method = '{}' AND body = X'610062ff0a222700'" },
        { INT64_MAX,
          SLICE_INIT("a\xc3\xa7\xc3\xa3o"),
          { NULL, 0 },
          "method = 'ação' AND body = X''" },
        { 3, { NULL, 0 }, SLICE_INIT("plain"), "method = '' AND body = CAST('plain' AS BLOB)" },
        { 4, SLICE_INIT(""), SLICE_INIT(""), "method = '' AND body = X''" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char sql[256];
        struct stmt *q = store_stmt(h->store, SQL_JOURNAL_REQUEST_ADD, &why);
        for (int n = 2; n <= 12; n++) stmt_i64(q, n, INT64_MIN);
        stmt_i64(q, 1, cases[i].id);
        stmt_text(q, 5, cases[i].text);
        stmt_blob(q, 10, cases[i].blob);
        assert_int_equal(stmt_run(q, &why), OK);
        snprintf(sql, sizeof sql,
                 "SELECT COUNT(*) FROM requests WHERE id = %lld AND %s AND typeof(body) = 'blob'"
                 " AND typeof(method) = 'text' AND received_ms = -9223372036854775807 - 1",
                 (long long)cases[i].id, cases[i].same);
        assert_int_equal(hub_count(h, sql), 1);
    }
}

static void values_come_back(void **state)
{
    struct hub *h = *state;
    struct why why;
    bool row = false;
    hub_run(h, "INSERT INTO sources VALUES (9223372036854775807, 1, 'b', 'http', '', X'', 2, 3),"
               " (5, 1, 'a', 'http', '{\"n\":\"ação\"}', X'0061ff', -1, 3)");
    struct stmt *q = store_stmt(h->store, SQL_CONFIG_SOURCES, &why);
    assert_int_equal(stmt_step(q, &row, &why), OK);
    assert_int_equal(stmt_col_i64(q, 0), 5);
    assert_slice(stmt_col_text(q, 4), SLICE("{\"n\":\"ação\"}"));
    assert_slice(stmt_col_text(q, 5), SLICE("\0a\xff"));
    assert_int_equal(stmt_col_i64(q, 6), -1);
    assert_int_equal(stmt_step(q, &row, &why), OK);
    assert_int_equal(stmt_col_i64(q, 0), INT64_MAX);
    assert_int_equal(stmt_col_text(q, 5).len, 0);
    assert_false(stmt_col_null(q, 5));
    assert_int_equal(stmt_step(q, &row, &why), OK);
    assert_false(row);
    stmt_reset(q);
    q = store_stmt(h->store, SQL_SETTLE_NEXT_DUE, &why); /* MIN over nothing */
    for (int n = 1; n <= 3; n++) stmt_i64(q, n, 0);
    assert_int_equal(stmt_step(q, &row, &why), OK);
    assert_true(row && stmt_col_null(q, 0));
    stmt_reset(q);
}

static void every_statement_prepares(void **state)
{
    struct hub *h = *state;
    for (int id = 0; id < SQL_COUNT; id++) {
        struct why why = { .code = OK };
        if (!store_stmt(h->store, (enum sql)id, &why))
            fail_msg("%s: %s", sql_text[id].name, why.text);
    }
}

/* ---- backup ---- */

struct writing {
    const struct hub *hub;
    _Atomic bool stop;
    int64_t written;
};

static void *write_on(void *arg)
{
    struct writing *w = arg;
    struct store *s = NULL;
    if (store_open(w->hub->database, STORE_WRITER, &s, NULL) != OK) return NULL;
    while (!atomic_load(&w->stop)) {
        if (store_begin(s, NULL) != OK) break;
        /* Two rows in one transaction: a copy of one moment has both or neither. */
        if (add_minute(s, 1000000 + w->written, 1, NULL) != OK ||
            add_minute(s, 2000000 + w->written, 1, NULL) != OK)
            break;
        if (store_commit(s, NULL) != OK) break;
        w->written++;
    }
    store_close(s);
    return NULL;
}

static void backup_while_writing(void **state)
{
    struct hub *h = *state;
    struct why why;
    pthread_t thread;
    struct writing w = { .hub = h };
    hub_run(h, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
               " INSERT INTO source_minutes SELECT 1, 9, i, i, 0, 0, 0, 0, 0, 0, 0 FROM n");
    assert_int_equal(pthread_create(&thread, NULL, write_on, &w), 0);
    for (int turn = 0; turn < 5; turn++) {
        struct hub copy = *h;
        snprintf(copy.database, sizeof copy.database, "%s/copy%d.db", h->dir, turn);
        assert_int_equal(store_backup(h->store, copy.database, &why), OK);
        assert_int_equal(
            hub_count(&copy, "SELECT COUNT(*) FROM source_minutes WHERE source_id = 9"), 20000);
        assert_int_equal(hub_count(&copy,
                                   "SELECT SUM(CASE WHEN minute < 2000000 THEN 1 ELSE -1 END)"
                                   " FROM source_minutes WHERE source_id = 7"),
                         0);
        assert_int_equal(store_backup(h->store, copy.database, &why), ERR_CONFLICT);
    }
    atomic_store(&w.stop, true);
    pthread_join(thread, NULL);
    assert_int_equal(hub_count(h, "SELECT COUNT(*) FROM source_minutes WHERE source_id = 7"),
                     2 * w.written);
    char path[256];
    assert_int_not_equal(store_backup(h->store, in_dir(h, "no/such/folder.db", path), &why), OK);
    assert_int_equal(store_checkpoint(h->store, &why), OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(migrates_once, setup, teardown),
        cmocka_unit_test_setup_teardown(newer_database_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(unmigrated_database_is_told_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_opened, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(read_only, setup, teardown),
        cmocka_unit_test_setup_teardown(locked_is_busy, setup, teardown),
        cmocka_unit_test_setup_teardown(readers_do_not_write, setup, teardown),
        cmocka_unit_test_setup_teardown(taken_is_conflict, setup, teardown),
        cmocka_unit_test_setup_teardown(taken_id_is_no_duplicate, setup, teardown),
        cmocka_unit_test_setup_teardown(savepoint_undoes_its_part, setup, teardown),
        cmocka_unit_test_setup_teardown(undo_with_a_half_read_statement, setup, teardown),
        cmocka_unit_test_setup_teardown(values_go_by_number, setup, teardown),
        cmocka_unit_test_setup_teardown(values_are_stored_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(values_come_back, setup, teardown),
        cmocka_unit_test_setup_teardown(every_statement_prepares, setup, teardown),
        cmocka_unit_test_setup_teardown(backup_while_writing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
