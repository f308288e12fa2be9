/* known_test.c: a key is fresh once, whatever is in memory, on its way or in the table: random turns against a plain list, with
 * rollbacks, restarts and every size of memory. */
#include "test.h"

#include <stdlib.h>

#include "hub.h"
#include "journal/known.h"
#include "journal/mark.h"

enum { KEYS = 400, TURNS = 300, TAKES_MAX = 12 };

struct model {
    bool known[KEYS], taken[KEYS]; /* by committed turns; by this one too */
    uint64_t next_id;
};

static void insert_event(struct hub *hub, uint64_t id, unsigned key)
{
    char sql[200];
    struct why why;
    snprintf(sql, sizeof sql,
             "INSERT INTO events VALUES (%llu, 1, 7, 1, 't', '', 'key-%u', '', 1, 1, 0)",
             (unsigned long long)id, key);
    if (hub->store->driver->script(hub->store, sql, &why) != OK) fail_msg("%s", why.text);
}

static void take(struct hub *hub, struct known *k, struct model *m, unsigned key)
{
    char text[16];
    struct why why;
    bool fresh = false;
    snprintf(text, sizeof text, "key-%u", key);
    uint64_t id = m->next_id++;
    if (known_take(k, hub->store, 1, 7, slice_str(text), id, &fresh, &why) != OK)
        fail_msg("%s", why.text);
    assert_int_equal(fresh, !m->taken[key]);
    if (fresh) insert_event(hub, id, key);
    m->taken[key] = true;
}

static void turn(struct hub *hub, struct known *k, struct model *m, unsigned takes, bool commit)
{
    struct why why;
    known_begin(k);
    if (store_begin(hub->store, &why) != OK) fail_msg("%s", why.text);
    memcpy(m->taken, m->known, sizeof m->known);
    for (unsigned i = 0; i < takes; i++) take(hub, k, m, (unsigned)rand() % KEYS);
    if (known_merge(k, hub->store, &why) != OK) fail_msg("%s", why.text);
    if (!commit)
        store_rollback(hub->store);
    else if (store_commit(hub->store, &why) != OK)
        fail_msg("%s", why.text);
    else
        memcpy(m->known, m->taken, sizeof m->known);
    known_end(k, commit);
}

static struct known *open_known(struct hub *hub, size_t memory_max, bool filter)
{
    struct known *k;
    struct why why;
    if (known_open(hub->store, filter ? hub->database : NULL, &hub->log, memory_max, &k, &why) !=
        OK)
        fail_msg("%s", why.text);
    return k;
}

static void run(size_t memory_max, bool filter, unsigned seed)
{
    static struct hub hub;
    struct model m = { .next_id = 1 };
    hub_open(&hub);
    srand(seed);
    struct known *k = open_known(&hub, memory_max, filter);
    for (int i = 0; i < TURNS; i++) {
        turn(&hub, k, &m, (unsigned)rand() % TAKES_MAX, rand() % 4 != 0);
        if (rand() % 20 != 0) continue;
        known_close(k);
        k = open_known(&hub, memory_max, filter);
    }
    known_close(k);
    int64_t stored = hub_count(&hub, "SELECT COUNT(*) FROM events");
    assert_int_equal(stored, hub_count(&hub, "SELECT COUNT(DISTINCT key) FROM events"));
    int64_t unmerged =
        hub_count(&hub, "SELECT COUNT(*) FROM events WHERE id > (SELECT event_id FROM "
                        "marks WHERE name = 'known')");
    int64_t rows = hub_count(&hub, "SELECT COUNT(*) FROM known_keys");
    assert_true(rows <= stored && rows + unmerged >= stored);
    if (memory_max == 0) assert_int_equal(rows, stored);
    if (memory_max > 0 && memory_max < 64) assert_true(rows > 0);
    hub_close(&hub);
}

static void test_random_turns(void **state UNUSED)
{
    static const size_t sizes[] = { 0, 1, 2, 3, 8, 20, 64, 100, 1000 };
    for (size_t i = 0; i < 2 * ARRAY_LEN(sizes); i++)
        run(sizes[i / 2], i % 2, 20261122 + (unsigned)i);
}

/* Events that no mark tells of (of an older version, or put there by hand) are learned at the start, more than fit into memory. */
static void test_start_with_many(void **state UNUSED)
{
    static struct hub hub;
    hub_open(&hub);
    struct model m = { .next_id = 1 };
    for (unsigned i = 0; i < KEYS; i++) {
        insert_event(&hub, m.next_id++, i);
        m.known[i] = true;
    }
    struct known *k = open_known(&hub, 8, true);
    assert_true(hub_count(&hub, "SELECT COUNT(*) FROM known_keys") >= KEYS - 16);
    turn(&hub, k, &m, 100, true);
    known_close(k);
    hub_close(&hub);
}

/* The same key of another source, or of another workspace, is another key. */
static void test_scope(void **state UNUSED)
{
    static struct hub hub;
    hub_open(&hub);
    for (size_t memory = 0; memory <= 8; memory += 8) {
        struct known *k = open_known(&hub, memory, false);
        struct why why;
        bool fresh;
        known_begin(k);
        if (store_begin(hub.store, &why) != OK) fail_msg("%s", why.text);
        static const struct {
            uint64_t workspace_id, source_id;
            const char *key;
            bool fresh;
        } cases[] = { { 1, 1, "a", true }, { 1, 2, "a", true },  { 2, 1, "a", true },
                      { 1, 1, "b", true }, { 1, 1, "a", false }, { 2, 1, "a", false },
                      { 1, 1, "", true },  { 1, 1, "", false } };
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
            assert_int_equal(known_take(k, hub.store, cases[i].workspace_id, cases[i].source_id,
                                        slice_str(cases[i].key), i + 1, &fresh, &why),
                             OK);
            assert_int_equal(fresh, cases[i].fresh);
        }
        store_rollback(hub.store);
        known_end(k, false);
        known_close(k);
    }
    hub_close(&hub);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_random_turns),
                                        cmocka_unit_test(test_start_with_many),
                                        cmocka_unit_test(test_scope) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
