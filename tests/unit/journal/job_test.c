/* job_test.c: a job and the request it brings are one: both are on disk, or neither. And waiting for an entry. */
#include "test.h"

#include <pthread.h>

#include "deliver/settle.h"
#include "hub.h"

static struct hub hub;

static int setup(void **state UNUSED)
{
    hub_open(&hub);
    hub_configure(&hub,
                  "{\"sources\":[{\"name\":\"a\",\"kind\":\"http\",\"scheme\":\"token\",\"header\":"
                  "\"x-t\",\"secret\":\"s\",\"type\":\"x.y\"}]}");
    hub_run(&hub,
            "INSERT INTO destinations (id, workspace_id, name, kind, settings, secrets, hold, "
            "created_ms, updated_ms) VALUES (2, 1, 'crm', 'http', '{}', X'', '', 1, 1)");
    hub_unlock(&hub);
    return 0;
}

static int teardown(void **state UNUSED)
{
    hub_close(&hub);
    return 0;
}

struct bringing {
    struct journal_job job; /* first: a job is its bringing */
    struct journal_entry *entry;
    bool fails, brings, done;
    enum err rc;
    pthread_mutex_t lock;
    pthread_cond_t ended;
};

static enum err run(struct journal_job *job, struct store *s, struct why *why)
{
    struct bringing *b = (struct bringing *)(void *)job;
    job->entry = b->brings ? b->entry : NULL;
    bool fresh; /* any write would do */
    enum err rc = settle_hold(s, 1, 2, SLICE("written"), 7, &fresh, why);
    return b->fails ? why_set(why, ERR_CONFLICT, "as told") : rc;
}

static void done(struct journal_job *job, enum err rc, const struct why *why UNUSED)
{
    struct bringing *b = (struct bringing *)(void *)job;
    pthread_mutex_lock(&b->lock);
    b->rc = rc;
    b->done = true;
    pthread_cond_signal(&b->ended);
    pthread_mutex_unlock(&b->lock);
}

static void post(struct journal *j, struct bringing *b)
{
    b->job = (struct journal_job){ .run = run, .done = done };
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->ended, NULL);
    journal_post(j, &b->job);
    pthread_mutex_lock(&b->lock);
    while (!b->done) pthread_cond_wait(&b->ended, &b->lock);
    pthread_mutex_unlock(&b->lock);
}

static void together(void **state UNUSED)
{
    static const struct {
        const char *what;
        bool fails, brings;
        int64_t events;
    } cases[] = {
        { "stored with the job", false, true, 1 },
        { "the job failed: neither", true, true, 0 },
        { "the job brings none after all", false, false, 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        setup(NULL);
        struct journal *j = hub_journal(&hub, true);
        struct bringing b = { .entry = hub_entry(&hub, 1, SLICE("{\"a\":1}")),
                              .fails = cases[i].fails,
                              .brings = cases[i].brings };
        post(j, &b);
        if (cases[i].events == 0) journal_entry_free(b.entry); /* still ours */
        journal_stop(j); /* what was committed is interpreted, or left for the next start */
        assert_int_equal(b.rc, cases[i].fails ? ERR_CONFLICT : OK);
        if (hub_count(&hub, "SELECT COUNT(*) FROM events") != cases[i].events ||
            hub_count(&hub, "SELECT COUNT(*) FROM requests") != cases[i].events ||
            hub_count(&hub, "SELECT COUNT(*) FROM destinations WHERE hold = 'written'") !=
                !cases[i].fails)
            fail_msg("%s", cases[i].what);
        teardown(NULL);
    }
}

/* The same key by a job is known afterwards, to entries and to the next start. */
static void known_afterwards(void **state UNUSED)
{
    struct why why;
    struct journal_receipt receipt;
    for (int round = 0; round < 3; round++) {
        struct journal *j = hub_journal(&hub, true);
        struct journal_entry *e = hub_entry(&hub, 1, SLICE("{\"a\":1}"));
        if (round == 0) {
            struct bringing b = { .entry = e, .brings = true };
            post(j, &b);
            e = hub_entry(&hub, 1, SLICE("{\"a\":1}"));
        }
        assert_int_equal(journal_enter(j, e, &receipt, &why), OK);
        assert_int_equal(receipt.events, 0);
        assert_int_equal(receipt.duplicates, 1);
        assert_int_not_equal(receipt.request, 0);
        journal_stop(j);
    }
    assert_int_equal(hub_count(&hub, "SELECT COUNT(*) FROM events"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(together),
        cmocka_unit_test_setup_teardown(known_afterwards, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
