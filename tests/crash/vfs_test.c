/* vfs_test.c: the power goes at a random moment, and nothing acknowledged is lost.
 *
 * Each round, from one seed: a journal on the disk of disk.h, a client that offers requests (some of them twice) and notes which
 * were acknowledged; in some rounds a sync that fails and forgets what it should have written; a cut at a random write, sync or
 * truncation, the closing checkpoint and the migrations included; power
 * again, checks, on with the next cut; at last a run without one until everything is interpreted.
 * After each cut: the database is sound; every acknowledged request and event key is there; an interpreted event has exactly one
 * delivery. At the end: so has every event.
 *
 * A canary proves that it can fail: on a disk whose syncs do nothing, the same rounds must find a loss.
 * A failure prints its seed; `crash_vfs SEED` runs that round alone. */
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "disk.h"
#include "hub.h"

enum {
    WORKERS = 4,
    ROUNDS = 60,
    CANARY_ROUNDS = 40,
    PART_ROUNDS = 40,
    CUTS_MAX = 3,
    KEYS_MAX = 256,
    UNDER_WAY_MAX = 24,
    BODY_BYTES_MAX = 6000
};

static const char config[] =
    "{\"sources\":[{\"name\":\"shop\",\"kind\":\"http\",\"scheme\":\"token\",\"header\":\"x-t\","
    "\"secret\":\"s\","
    "\"type\":\"order.paid\",\"key_pointer\":\"/id\",\"fields\":{\"order.number\":\"/"
    "id\",\"contact.email\":\"/mail\"}}],"
    "\"destinations\":[{\"name\":\"crm\",\"kind\":\"http\",\"url\":\"https://crm.example\"}],"
    "\"routes\":[{\"name\":\"all\",\"on\":\"order.*\",\"to\":\"crm\"}]}";

/* What the client knows. `lock` guards all of it; done() comes from the writer thread. */
struct client {
    struct hub hub;
    pthread_mutex_t lock;
    pthread_cond_t answered;
    size_t under_way, keys;
    bool acknowledged[KEYS_MAX];
    uint64_t request_id[KEYS_MAX]; /* of the request that brought the key in; 0: not known */
    uint64_t chance;
    uint64_t seed;
    size_t keys_in_memory;
    int64_t checkpoint_pages;
    bool syncs_fail;
};

struct offer {
    struct client *client;
    size_t key;
};

static bool complain(const struct client *c, const char *what, long long n)
{
    fprintf(stderr, "crash: seed %llu: %s (%lld)%s\n", (unsigned long long)c->seed, what, n,
            c->syncs_fail ? ", syncs failed" : "");
    return false;
}

static void done(struct journal_entry *e, enum err rc, void *ctx)
{
    struct offer *o = ctx;
    struct client *c = o->client;
    pthread_mutex_lock(&c->lock);
    c->under_way--;
    if (rc == OK) c->acknowledged[o->key] = true;
    if (rc == OK && e->stored) c->request_id[o->key] = e->id;
    pthread_cond_signal(&c->answered);
    pthread_mutex_unlock(&c->lock);
    free(o);
}

static void wait_below(struct client *c, size_t most)
{
    pthread_mutex_lock(&c->lock);
    while (c->under_way > most) pthread_cond_wait(&c->answered, &c->lock);
    pthread_mutex_unlock(&c->lock);
}

static uint64_t below(struct client *c, uint64_t n) { return disk_random(&c->chance) % n; }

static void offer(struct client *c, struct journal *j)
{
    static char body[BODY_BYTES_MAX + 128];
    static char filler[BODY_BYTES_MAX];
    bool again = c->keys > 0 && below(c, 5) == 0;
    size_t key = again ? below(c, c->keys) : c->keys++;
    memset(filler, 'x', sizeof filler);
    int len = snprintf(body, sizeof body,
                       "{\"id\":\"k%zu\",\"mail\":\"u%zu@example.com\",\"filler\":\"%.*s\"}", key,
                       key % 7, (int)below(c, BODY_BYTES_MAX), filler);
    struct journal_entry *e = hub_entry(&c->hub, 1, slice_of(body, (size_t)len));
    struct offer *o = malloc(sizeof *o);
    CHECK(o);
    *o = (struct offer){ c, key };
    e->done = done;
    e->ctx = o;
    pthread_mutex_lock(&c->lock);
    c->under_way++;
    pthread_mutex_unlock(&c->lock);
    CHECK(journal_offer(j, e) == OK); /* far below its maximum */
}

/* ---- one run of the hub, until the power goes or the client has had enough ---- */

static bool migrate(struct client *c)
{
    struct store *s = NULL;
    struct why why = { .code = OK };
    enum err rc = store_open(c->hub.database, STORE_WRITER, &s, &why);
    if (rc == OK) rc = store_migrate(s, clock_wall_ms(), &why);
    store_close(s);
    return rc == OK || disk_is_cut() ? true : complain(c, why.text, rc);
}

static struct journal *start(struct client *c)
{
    struct journal *j = NULL;
    struct why why = { .code = OK };
    c->hub.ids =
        (struct id_maker){ .node = 0 }; /* a new process, perhaps within the same millisecond */
    struct journal_options o = { .database = c->hub.database,
                                 .log = &c->hub.log,
                                 .metrics = &c->hub.metrics,
                                 .ids = &c->hub.ids,
                                 .config = &c->hub.config,
                                 .interpret = true,
                                 .keys_in_memory = c->keys_in_memory,
                                 .checkpoint_pages = c->checkpoint_pages };
    enum err rc = journal_start(&o, &j, &why);
    if (rc != OK && !disk_is_cut()) (void)complain(c, why.text, rc);
    return j;
}

static bool run_until_cut(struct client *c)
{
    disk_cut_after(1 + below(c, below(c, 4) == 0 ? 60 : 900));
    if (!migrate(c)) return false;
    struct journal *j = disk_is_cut() ? NULL : start(c);
    if (!j) return disk_is_cut();
    size_t most = 1 + below(c, UNDER_WAY_MAX);
    if (c->syncs_fail) disk_fail_sync(1 + below(c, 30));
    for (size_t i = below(c, 60) + 5; i > 0 && c->keys < KEYS_MAX && !disk_is_cut(); i--) {
        offer(c, j);
        wait_below(c, most);
    }
    wait_below(c, 0);
    journal_stop(j);
    return true;
}

static enum err count_pending(void *ctx, struct store *s, struct why *why)
{
    bool *more = ctx;
    struct stmt *q = store_stmt(s, SQL_INTERPRET_PENDING, why);
    stmt_i64(q, 1, 0);
    stmt_i64(q, 2, 1);
    enum err rc = stmt_step(q, more, why);
    stmt_reset(q);
    return rc;
}

/* Each call is a turn of the writer, which interprets some. */
static bool run_to_the_end(struct client *c)
{
    enum { TURNS_MAX = 10000 };
    struct why why = { .code = OK };
    bool more = true;
    if (!migrate(c)) return false;
    struct journal *j = start(c);
    if (!j) return false;
    enum err rc = OK;
    for (int turn = 0; rc == OK && more && turn < TURNS_MAX; turn++)
        rc = journal_call(j, count_pending, &more, &why);
    journal_stop(j);
    return rc == OK && !more ? true : complain(c, "events stay pending", rc);
}

/* ---- what must hold ---- */

static bool number(sqlite3 *db, const char *sql, uint64_t value, int64_t *out)
{
    sqlite3_stmt *q = NULL;
    bool good = sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK;
    if (good && sqlite3_bind_parameter_count(q) > 0)
        good = sqlite3_bind_int64(q, 1, (int64_t)value) == SQLITE_OK;
    good = good && sqlite3_step(q) == SQLITE_ROW;
    if (good)
        *out = sqlite3_column_int64(q, 0);
    else
        fprintf(stderr, "crash: %s: %s\n", sql, sqlite3_errmsg(db));
    sqlite3_finalize(q);
    return good;
}

static bool check_acknowledged(const struct client *c, sqlite3 *db)
{
    for (size_t key = 0; key < c->keys; key++) {
        int64_t events = 0, requests = 1;
        if (!c->acknowledged[key]) continue;
        if (!number(db, "SELECT COUNT(*) FROM events WHERE key = 'k' || ?", key, &events) ||
            events != 1)
            return complain(c, "an acknowledged event is gone", (long long)key);
        if (c->request_id[key] && !number(db, "SELECT COUNT(*) FROM requests WHERE id = ?",
                                          c->request_id[key], &requests))
            return complain(c, "requests cannot be read", (long long)key);
        if (requests != 1) return complain(c, "an acknowledged request is gone", (long long)key);
    }
    return true;
}

static bool check(const struct client *c, bool all)
{
    static const struct {
        const char *sql, *what;
        bool at_the_end;
    } rules[] = {
        { "SELECT COUNT(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
          "the database is damaged", false },
        { "SELECT COUNT(*) FROM events e WHERE NOT EXISTS (SELECT 1 FROM requests r WHERE r.id = "
          "e.request_id)",
          "an event has no request", false },
        { "SELECT COUNT(*) FROM events e WHERE state = 1 AND 1 <> (SELECT COUNT(*) FROM deliveries "
          "d WHERE d.event_id = e.id)",
          "an interpreted event has not one delivery", false },
        { "SELECT COUNT(*) FROM deliveries d WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.id = "
          "d.event_id AND e.state = 1)",
          "a delivery has no interpreted event", false },
        { "SELECT COUNT(*) - COUNT(DISTINCT key) FROM events", "a key was stored twice", false },
        { "SELECT COUNT(*) FROM events WHERE state = 0 AND id <= (SELECT event_id FROM marks WHERE "
          "name = 'interpreted')",
          "a pending event is behind the mark", false },
        { "SELECT (SELECT COUNT(*) FROM events WHERE id <= (SELECT event_id FROM marks WHERE name "
          "= "
          "'known')) > (SELECT COUNT(*) FROM known_keys)",
          "a key is missing behind the mark", false },
        { "SELECT COUNT(*) FROM events WHERE state <> 1", "an event was not interpreted", true },
    };
    sqlite3 *db = NULL;
    int64_t n = 0;
    int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE; /* a file that was never synced may be gone */
    bool good = sqlite3_open_v2(c->hub.database, &db, flags, NULL) == SQLITE_OK;
    bool empty =
        good && number(db, "SELECT COUNT(*) FROM sqlite_master WHERE name = 'deliveries'", 0, &n) &&
        n == 0;
    if (empty) { /* cut while the schema was being made: then nothing was acknowledged */
        for (size_t key = 0; key < c->keys; key++) good = good && !c->acknowledged[key];
        if (!good) (void)complain(c, "the schema is gone", 0);
    }
    for (size_t i = 0; good && !empty && i < ARRAY_LEN(rules); i++) {
        if (rules[i].at_the_end && !all) continue;
        good = number(db, rules[i].sql, 0, &n) && n == 0;
        if (!good) (void)complain(c, rules[i].what, n);
    }
    if (good && !empty) good = check_acknowledged(c, db);
    sqlite3_close(db);
    return good;
}

static bool round_of(uint64_t seed, bool lie)
{
    static struct client c; /* large */
    c = (struct client){ .lock = PTHREAD_MUTEX_INITIALIZER,
                         .answered = PTHREAD_COND_INITIALIZER,
                         .chance = seed,
                         .seed = seed };
    c.hub.log.level = LOG_LEVEL_COUNT;
    c.keys_in_memory = 1 + below(&c, 40); /* so few that keys are merged all the time */
    c.checkpoint_pages =
        1 + (int64_t)below(&c, 60); /* so few that the log starts anew all the time */
    c.syncs_fail = below(&c, 3) == 0;
    (void)snprintf(c.hub.database, sizeof c.hub.database, "malote.db");
    config_box_init(&c.hub.config);
    hub_configure(&c.hub, config);
    disk_reset(disk_random(&c.chance));
    disk_lie(lie);
    bool good = true;
    for (uint64_t cuts = 1 + below(&c, CUTS_MAX); good && cuts > 0; cuts--) {
        good = run_until_cut(&c);
        disk_restart();
        good = good && check(&c, false);
    }
    good = good && run_to_the_end(&c) && check(&c, true);
    config_swap(&c.hub.config, NULL);
    return good;
}

/* A reader keeps a checkpoint from copying all of the log: SQLite then counts what it copied as done and does not sync it. The sync of
 * the next checkpoint fails, and the system forgets both. What is brought onto the disk once more must be both. */
static bool partly_copied(uint64_t seed)
{
    struct client c = { .seed = seed, .syncs_fail = true };
    struct store *w = NULL, *r = NULL;
    struct why why = { .code = OK };
    int64_t rows = 0;
    sqlite3 *db = NULL;
    disk_reset(seed);
    bool good = store_open("part.db", STORE_WRITER, &w, &why) == OK;
    if (good) store_own_checkpoints(w);
    good = good &&
           w->driver->script(w,
                             "CREATE TABLE a (x); CREATE TABLE b (x);"
                             "INSERT INTO a VALUES (randomblob(20000));",
                             &why) == OK &&
           store_open("part.db", STORE_READER, &r, &why) == OK &&
           r->driver->script(r, "BEGIN; SELECT * FROM a", &why) == OK &&
           w->driver->script(w, "INSERT INTO b VALUES (randomblob(20000))", &why) == OK &&
           store_checkpoint(w, &why) == OK && r->driver->script(r, "COMMIT", &why) == OK;
    disk_fail_sync(2); /* the log's first, then the database's */
    good = good && store_checkpoint(w, &why) == ERR_IO && store_log_rewrite(w, &why) == OK &&
           store_checkpoint(w, &why) == OK &&
           /* over the log's start: */
           w->driver->script(w, "INSERT INTO b VALUES (randomblob(20000))", &why) == OK;
    if (good) disk_cut_after(1);
    store_close(r);
    store_close(w);
    disk_restart();
    if (!good) return complain(&c, why.text, 0);
    good = sqlite3_open("part.db", &db) == SQLITE_OK &&
           number(db, "SELECT COUNT(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
                  0, &rows) &&
           rows == 0 &&
           number(db, "SELECT (SELECT COUNT(*) FROM a) + (SELECT COUNT(*) FROM b)", 0, &rows) &&
           rows == 3;
    sqlite3_close(db);
    return good || complain(&c, "what was copied in part is gone", rows);
}

/* Rounds in a process of their own: SQLite's state and the disk start fresh, and workers run beside each other. */
static pid_t worker(uint64_t from, uint64_t rounds, bool lie)
{
    pid_t pid = fork();
    if (pid != 0) return pid;
    if (lie) {
        int null = open("/dev/null", O_WRONLY);
        (void)dup2(null, 2); /* it is to find something */
    }
    bool good = true;
    for (uint64_t i = 0; good && i < rounds; i++) good = round_of(from + i, lie);
    _exit(good ? 0 : 1);
}

static bool ended_well(pid_t pid)
{
    int status = 0;
    CHECK(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(int argc, char **argv)
{
    pid_t pids[WORKERS];
    bool good = true;
    disk_install();
    if (argc > 1) return round_of(strtoull(argv[1], NULL, 10), false) ? 0 : 1;
    uint64_t seed = (uint64_t)clock_wall_ms();
    printf("crash: %d rounds from seed %llu\n", WORKERS * ROUNDS, (unsigned long long)seed);
    fflush(stdout);
    for (uint64_t i = 0; good && i < PART_ROUNDS; i++) good = partly_copied(seed + i);
    for (size_t i = 0; i < WORKERS; i++) pids[i] = worker(seed + i * ROUNDS, ROUNDS, false);
    for (size_t i = 0; i < WORKERS; i++) good = ended_well(pids[i]) && good;
    if (ended_well(worker(seed, CANARY_ROUNDS, true))) {
        fprintf(stderr, "crash: a disk that does not sync went unnoticed\n");
        good = false;
    }
    return good ? 0 : 1;
}
