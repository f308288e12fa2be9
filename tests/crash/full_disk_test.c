/* full_disk_test.c: the disk fills up, is full, and gets room again.
 *
 * While it is full, requests are refused with ERR_LIMIT (the platform sends again) or, from a platform that would not, wait for
 * room; nothing acknowledged is lost; when there is room the hub goes on by itself, without a restart.
 * Twice: on the disk of disk.h, which works everywhere, and on a real tmpfs of 6 MiB in a mount namespace of its own, which
 * needs root and is left out without. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "disk.h"
#include "hub.h"

enum { ROOM = 6 * 1024 * 1024, KEYS_MAX = 4096, FILLER = 16 * 1024, REFUSALS = 5, AFTER = 50 };
enum { SOURCE_REFUSES = 1, SOURCE_WAITS = 2 };

static const char config[] =
    "{\"sources\":[{\"name\":\"shop\",\"kind\":\"http\",\"scheme\":\"token\",\"header\":\"x-t\","
    "\"secret\":\"s\","
    "\"type\":\"order.paid\",\"key_pointer\":\"/id\",\"fields\":{\"order.number\":\"/id\"}},"
    "{\"name\":\"cakto\",\"kind\":\"cakto\",\"secret\":\"7d0c5a1e-0000-4000-8000-00000000ca01\"}],"
    "\"destinations\":[{\"name\":\"crm\",\"kind\":\"http\",\"url\":\"https://crm.example\"}],"
    "\"routes\":[{\"name\":\"all\",\"on\":\"order.*\",\"to\":\"crm\"}]}";

/* How room is made and taken. */
struct room {
    const char *name;
    void (*make)(const struct hub *h);
};

struct client {
    struct hub hub;
    pthread_mutex_t lock;
    pthread_cond_t answered;
    bool acknowledged[KEYS_MAX];
    size_t keys, answers;
    enum err last;
};

struct offer {
    struct client *client;
    size_t key;
};

static void done(struct journal_entry *e, enum err rc, void *ctx)
{
    struct offer *o = ctx;
    struct client *c = o->client;
    (void)e;
    pthread_mutex_lock(&c->lock);
    c->acknowledged[o->key] = rc == OK;
    c->last = rc;
    c->answers++;
    pthread_cond_signal(&c->answered);
    pthread_mutex_unlock(&c->lock);
    free(o);
}

static void send_entry(struct client *c, struct journal *j, struct journal_entry *e, size_t key)
{
    struct offer *o = malloc(sizeof *o);
    CHECK(o && key < KEYS_MAX);
    *o = (struct offer){ c, key };
    e->done = done;
    e->ctx = o;
    CHECK(journal_offer(j, e) == OK);
}

static enum err answer(struct client *c, size_t answers)
{
    pthread_mutex_lock(&c->lock);
    while (c->answers < answers) pthread_cond_wait(&c->answered, &c->lock);
    enum err rc = c->last;
    pthread_mutex_unlock(&c->lock);
    return rc;
}

static size_t answers_of(struct client *c)
{
    pthread_mutex_lock(&c->lock);
    size_t n = c->answers;
    pthread_mutex_unlock(&c->lock);
    return n;
}

/* Offers one request and waits for its answer. */
static enum err ask(struct client *c, struct journal *j)
{
    static char body[FILLER + 128], filler[FILLER];
    memset(filler, 'x', sizeof filler);
    size_t key = c->keys++, before = answers_of(c);
    int len =
        snprintf(body, sizeof body, "{\"id\":\"k%zu\",\"filler\":\"%.*s\"}", key, FILLER, filler);
    send_entry(c, j, hub_entry(&c->hub, SOURCE_REFUSES, slice_of(body, (size_t)len)), key);
    return answer(c, before + 1);
}

/* A body of the source that is kept trying for, handed over by someone who understands an answer: refused at once. */
static bool handed_over_is_told(struct client *c, struct journal *j)
{
    static char body[FILLER + 256], filler[FILLER];
    memset(filler, 'x', sizeof filler);
    int len =
        snprintf(body, sizeof body,
                 "{\"event\":\"purchase_approved\",\"data\":{\"id\":\"c0ffee00-0000-4000-8000-"
                 "000000000002\",\"status\":\"paid\"},\"filler\":\"%.*s\"}",
                 FILLER, filler);
    struct journal_entry *e = hub_entry(&c->hub, SOURCE_WAITS, slice_of(body, (size_t)len));
    size_t before = answers_of(c);
    int64_t from_ms = clock_mono_ms();
    e->overload = OVERLOAD_REFUSE;
    send_entry(c, j, e, c->keys++);
    return answer(c, before + 1) == ERR_LIMIT && clock_mono_ms() - from_ms < ROOM_WAIT_MAX_MS / 2;
}

static int lost(const struct client *c)
{
    int n = 0;
    for (size_t key = 0; key < c->keys; key++) {
        char sql[128];
        if (!c->acknowledged[key]) continue;
        (void)snprintf(sql, sizeof sql,
                       "SELECT COUNT(*) FROM events e JOIN requests r ON r.id = e.request_id"
                       " WHERE e.key = 'k%zu'",
                       key);
        n += hub_count(&c->hub, sql) != 1;
    }
    return n;
}

#define MUST(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "full disk (%s): %s\n", room->name, #cond);                            \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

static int fill_and_go_on(struct client *c, const struct room *room)
{
    static const char paid[] =
        "{\"event\":\"purchase_approved\",\"secret\":\"7d0c5a1e-0000-4000-8000-00000000ca01\","
        "\"data\":{\"id\":\"c0ffee00-0000-4000-8000-000000000001\",\"status\":\"paid\"}}";
    struct why why = { .code = OK };
    struct journal *j = hub_journal(&c->hub, true);
    size_t refused = 0;
    while (refused < REFUSALS && c->keys < KEYS_MAX - AFTER - 3) {
        enum err rc = ask(c, j);
        MUST(rc == OK || rc == ERR_LIMIT);
        refused += rc == ERR_LIMIT;
    }
    MUST(refused == REFUSALS);
    MUST(handed_over_is_told(c, j));
    /* One that would not come again is kept waiting, in memory, and is not answered while the disk is full ... */
    size_t waiting = c->keys++, before = answers_of(c);
    struct journal_entry *e = hub_entry(&c->hub, SOURCE_WAITS, SLICE(paid));
    MUST(e->events.count == 1);
    send_entry(c, j, e, waiting);
    (void)ask(
        c,
        j); /* behind it: its answer shows that a turn with both has failed, or that there was still room for both */
    room->make(&c->hub);
    MUST(answer(c, before + 2) == OK); /* ... and is acknowledged once there is room */
    MUST(c->acknowledged[waiting]);
    c->acknowledged[waiting] = false; /* its key is not one of ours: looked for by itself below */
    for (int i = 0; i < AFTER; i++) MUST(ask(c, j) == OK);
    bool more = true;
    enum err rc = OK;
    for (int turn = 0; rc == OK && more && turn < 10000; turn++)
        rc = journal_call(j, hub_pending, &more, &why);
    MUST(rc == OK && !more);
    journal_stop(j);
    MUST(lost(c) == 0);
    MUST(hub_count(&c->hub, "SELECT COUNT(*) FROM events WHERE source_id = 2") == 1);
    MUST(hub_count(&c->hub,
                   "SELECT COUNT(*) FROM events WHERE source_id = 1 AND (state <> 0 OR id >"
                   " (SELECT event_id FROM marks WHERE name = 'interpreted'))") == 0);
    MUST(hub_count(&c->hub, "SELECT COUNT(*) FROM events e WHERE source_id = 1 AND 1 <>"
                            " (SELECT COUNT(*) FROM deliveries d WHERE d.event_id = e.id)") == 0);
    MUST(hub_count(&c->hub,
                   "SELECT COUNT(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'") ==
         0);
    return 0;
}

static void client_start(struct client *c)
{
    *c = (struct client){ .lock = PTHREAD_MUTEX_INITIALIZER, .answered = PTHREAD_COND_INITIALIZER };
    hub_open(&c->hub);
    hub_configure(&c->hub, config);
    hub_unlock(&c->hub);
}

static void limit_away(const struct hub *h)
{
    (void)h;
    disk_limit(0);
}

static int in_memory(void)
{
    static struct client c;
    static const struct room room = { "in memory", limit_away };
    disk_install();
    disk_reset(1);
    disk_limit(ROOM);
    client_start(&c);
    int rc = fill_and_go_on(&c, &room);
    hub_close(&c.hub);
    return rc;
}

static void grow_tmpfs(const struct hub *h)
{
    (void)h;
    CHECK(mount("none", getenv("TMPDIR"), NULL, MS_REMOUNT, "size=64m") == 0);
}

static int on_tmpfs(void)
{
    static struct client c;
    static const struct room room = { "tmpfs", grow_tmpfs };
    char dir[] = "/tmp/malote-full-XXXXXX", size[32];
    (void)snprintf(size, sizeof size, "size=%d", ROOM);
    if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return 77;
    if (!mkdtemp(dir)) return 77;
    if (mount("none", dir, "tmpfs", 0, size) != 0) {
        (void)rmdir(dir);
        return 77;
    }
    CHECK(setenv("TMPDIR", dir, 1) == 0);
    client_start(&c);
    int rc = fill_and_go_on(&c, &room);
    hub_close(&c.hub);
    (void)umount(dir);
    (void)rmdir(dir);
    return rc;
}

/* Each in a process of its own: one replaces SQLite's file layer, the other the process's mounts. */
static int in_child(int (*run)(void))
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) _exit(run());
    CHECK(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(void)
{
    int memory = in_child(in_memory), tmpfs = in_child(on_tmpfs);
    if (tmpfs == 77) puts("full disk: no tmpfs of our own here; tried in memory only");
    return memory != 0 || (tmpfs != 0 && tmpfs != 77);
}
