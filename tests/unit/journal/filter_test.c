/* filter_test.c: the filter never calls a stored key new, and calls most others new once it has read the table. */
#include "test.h"

#include <unistd.h>

#include "crypto/hash.h"
#include "hub.h"
#include "journal/filter.h"

enum { STORED = 20000, ADDED = 1000, OTHERS = 20000, WAIT_STEP_US = 1000 };

static void key_of(unsigned n, uint8_t key[HASH_BYTES_MAX])
{
    slice part = slice_of(&n, sizeof n);
    hash_digest(HASH_SHA256, &part, 1, key);
}

static void store_keys(struct hub *hub, unsigned count)
{
    struct why why;
    if (store_begin(hub->store, &why) != OK) fail_msg("%s", why.text);
    for (unsigned i = 0; i < count; i++) {
        uint8_t key[HASH_BYTES_MAX];
        key_of(i, key);
        struct stmt *q = store_stmt(hub->store, SQL_KNOWN_ADD, &why);
        stmt_i64(q, 1, 1);
        stmt_blob(q, 2, slice_of(key, FILTER_KEY_BYTES));
        if (stmt_run(q, &why) != OK) fail_msg("%s", why.text);
    }
    if (store_commit(hub->store, &why) != OK) fail_msg("%s", why.text);
}

static bool is_new(const struct filter *f, unsigned n)
{
    uint8_t key[HASH_BYTES_MAX];
    key_of(n, key);
    return filter_is_new(f, key);
}

static void test_no_stored_key_is_new(void **state UNUSED)
{
    static struct hub hub;
    hub_open(&hub);
    store_keys(&hub, STORED);
    struct filter *f = filter_start(hub.database, &hub.log);
    assert_non_null(f);
    for (unsigned n = STORED; n < STORED + ADDED; n++) { /* while it may still be reading */
        uint8_t key[HASH_BYTES_MAX];
        key_of(n, key);
        filter_add(f, key);
        assert_false(is_new(f, n));
    }
    unsigned probe =
        STORED + ADDED; /* some key that was never added is new as soon as it is ready */
    for (; !is_new(f, probe); probe++) usleep(WAIT_STEP_US);
    for (unsigned n = 0; n < STORED + ADDED; n++) assert_false(is_new(f, n));
    unsigned vain = 0;
    for (unsigned n = 0; n < OTHERS; n++) vain += !is_new(f, 1000000 + n);
    assert_in_range(vain, 0, OTHERS / 100);
    filter_stop(f);
    hub_close(&hub);
}

static void test_absent_filter(void **state UNUSED)
{
    uint8_t key[FILTER_KEY_BYTES] = { 0 };
    filter_add(NULL, key);
    assert_false(filter_is_new(NULL, key));
    filter_stop(NULL);
}

/* A database that cannot be read: never ready, and stopping does not hang. */
static void test_unreadable(void **state UNUSED)
{
    static struct hub hub;
    hub_open(&hub);
    struct filter *f = filter_start("/nonexistent/malote.db", &hub.log);
    assert_non_null(f);
    assert_false(is_new(f, 1));
    filter_stop(f);
    hub_close(&hub);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_no_stored_key_is_new),
                                        cmocka_unit_test(test_absent_filter),
                                        cmocka_unit_test(test_unreadable) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
