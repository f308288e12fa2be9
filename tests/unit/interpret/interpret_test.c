/* interpret_test.c: an event becomes records, JSON and deliveries, or it is kept as failed: all of it or nothing, also when memory
 * runs out at any point. */
#include "test.h"

#include <stdlib.h>

#include "hub.h"
#include "interpret/interpret.h"

static struct hub hub;

#define CONFIG                                                                                     \
    "{\"sources\":[{\"name\":\"shop\",\"kind\":\"http\",\"scheme\":\"token\",\"header\":\"x-t\","  \
    "\"secret\":\"s\","                                                                            \
    "\"type_pointer\":\"/"                                                                         \
    "event\",\"type_map\":{\"paid\":\"order.paid\",\"odd\":\"odd.event\"},\"key_pointer\":\"/"     \
    "id\","                                                                                        \
    "\"fields\":{\"contact.email\":\"/mail\",\"contact.phone\":\"/phone\",\"contact.name\":\"/"    \
    "name\","                                                                                      \
    "\"order.number\":\"/order\",\"order.amount\":\"/amount\",\"order.item.name\":\"/item\","      \
    "\"subscription.number\":\"/sub\",\"checkout.number\":\"/checkout\"}}],"                       \
    "\"destinations\":[{\"name\":\"crm\",\"kind\":\"http\",\"url\":\"https://crm.example\"},"      \
    "{\"name\":\"pixel\",\"kind\":\"meta-capi\",\"pixel_id\":\"123456789\",\"access_token\":"      \
    "\"EAAtoken\"}],"                                                                              \
    "\"routes\":[{\"name\":\"crm\",\"on\":\"*\",\"to\":\"crm\"},{\"name\":\"pixel\",\"on\":"       \
    "\"order.paid\",\"to\":\"pixel\"}]}"
#define BODY                                                                                       \
    "{\"event\":\"paid\",\"id\":\"%s\",\"mail\":\"ana@example.com\",\"phone\":\"+5511999990005\"," \
    "\"name\":\"Ana Lima\","                                                                       \
    "\"order\":\"o-1\",\"amount\":\"39.90\",\"item\":\"Curso\",\"sub\":\"s-1\",\"checkout\":\"c-"  \
    "1\"}"

static int setup(void **state UNUSED)
{
    hub_open(&hub);
    hub_configure(&hub, CONFIG);
    return 0;
}

static int teardown(void **state UNUSED)
{
    hub_close(&hub);
    return 0;
}

/* One event on its way: stored as pending, with what interpreting it needs. */
struct way {
    struct arena arena, request_arena;
    struct config *config;
    struct route_ctx route;
    struct interpret_ctx ctx;
    struct request request;
    struct stored_event event;
    struct leased *born;
};

static void way_start(struct way *w, uint64_t id, slice type, slice body, size_t arena_max)
{
    char sql[256];
    *w = (struct way){ .config = config_hold(&hub.config) };
    arena_init(&w->arena, arena_max);
    arena_init(&w->request_arena, 1 << 20);
    w->route = (struct route_ctx){ .store = hub.store,
                                   .ids = &hub.ids,
                                   .arena = &w->arena,
                                   .config = w->config,
                                   .now_ms = 1790000000000,
                                   .room = 10,
                                   .tail = &w->born };
    w->ctx = (struct interpret_ctx){ .store = hub.store,
                                     .ids = &hub.ids,
                                     .log = &hub.log,
                                     .config = w->config,
                                     .arena = &w->arena,
                                     .now_ms = 1790000000000,
                                     .route = &w->route };
    w->request =
        (struct request){ .method = SLICE("POST"), .body = body, .received_ms = 1790000000000 };
    w->event = (struct stored_event){ .id = id,
                                      .workspace_id = HUB_WORKSPACE,
                                      .source_id = 1,
                                      .request_id = 1,
                                      .received_ms = 1790000000000 };
    w->event.event = (struct event){
        .type = type, .name = SLICE("paid"), .key = SLICE("k"), .occurred_ms = 1789000000000
    };
    snprintf(sql, sizeof sql,
             "INSERT INTO events VALUES (%llu, 1, 1, 1, 'order.paid', '', 'k%llu', '', 1, 1, 0)",
             (unsigned long long)id, (unsigned long long)id);
    hub_run(&hub, sql);
}

static void way_forget_born(struct way *w)
{
    leased_free_list(w->born);
    w->born = NULL;
    w->route.tail = &w->born;
    w->route.room = 10;
    w->route.created = w->route.unborn = 0;
}

static void way_end(struct way *w)
{
    way_forget_born(w);
    config_release(w->config);
    arena_free(&w->arena);
    arena_free(&w->request_arena);
}

static enum err run(struct way *w, bool *done, struct why *why)
{
    if (store_begin(hub.store, why) != OK) fail_msg("%s", why->text);
    enum err rc = interpret_event(&w->ctx, &w->request, &w->event, done, why);
    if (rc == OK && store_commit(hub.store, why) != OK) fail_msg("%s", why->text);
    if (rc != OK) store_rollback(hub.store);
    return rc;
}

static int64_t count(const char *format, uint64_t id)
{
    char sql[512];
    snprintf(sql, sizeof sql, format, (unsigned long long)id);
    return hub_count(&hub, sql);
}

/* Done means all of it; failed means nothing but the reason. */
static void check_whole(uint64_t id, bool done)
{
    int64_t state = count("SELECT state FROM events WHERE id = %llu", id);
    if (done)
        assert_true(state == EVENT_DONE ||
                    state == EVENT_PENDING); /* and the writer's mark tells */
    else
        assert_int_equal(state, EVENT_FAILED);
    assert_int_equal(count("SELECT COUNT(*) FROM deliveries WHERE event_id = %llu", id),
                     done ? 2 : 0);
    assert_int_equal(count("SELECT COUNT(*) FROM event_data WHERE id = %llu", id), 1);
    assert_int_equal(count("SELECT problem = '' FROM event_data WHERE id = %llu", id), done);
    assert_int_equal(count("SELECT COUNT(*) FROM event_data x JOIN contacts c ON c.id = "
                           "x.contact_id JOIN orders o ON o.id = x.order_id"
                           " WHERE x.id = %llu AND o.contact_id = c.id AND o.amount = 3990",
                           id),
                     done);
    assert_int_equal(count("SELECT COUNT(*) FROM contact_identities WHERE %llu > 0", id),
                     done ? 2 : 0);
    assert_int_equal(count("SELECT COUNT(*) FROM subscriptions WHERE %llu > 0", id), done);
    assert_int_equal(count("SELECT COUNT(*) FROM checkouts WHERE %llu > 0", id), done);
}

static void wipe(void)
{
    hub_run(
        &hub,
        "DELETE FROM events; DELETE FROM event_data; DELETE FROM deliveries; DELETE FROM contacts;"
        "DELETE FROM contact_identities; DELETE FROM orders; DELETE FROM subscriptions; DELETE "
        "FROM checkouts");
}

static slice body_of(struct arena *a, const char *id)
{
    struct buf b = buf_in(a, 4096);
    buf_printf(&b, BODY, id);
    return buf_slice(&b);
}

static void understood(void **state UNUSED)
{
    struct way w;
    struct why why = { .code = OK };
    struct arena a;
    bool done = false;
    arena_init(&a, 1 << 20);
    way_start(&w, 11, SLICE("order.paid"), body_of(&a, "1"), 1 << 20);
    if (run(&w, &done, &why) != OK) fail_msg("%s", why.text);
    assert_true(done);
    check_whole(11, true);
    assert_int_equal(w.route.created, 2);
    json *v = NULL;
    assert_int_equal(json_parse(hub_text(&hub, "SELECT data FROM event_data", &a), &a, &v, &why),
                     OK);
    static const struct {
        const char *pointer, *want;
    } members[] = {
        { "/type", "order.paid" },
        { "/source", "shop" },
        { "/kind", "http" },
        { "/key", "k" },
        { "/occurred_at", "2026-09-10T00:26:40.000Z" },
        { "/contact/email", "ana@example.com" },
        { "/order/number", "o-1" },
        { "/order/status", "paid" },
        { "/order/amount", "3990" },
        { "/order/items/0/name", "Curso" },
        { "/subscription/number", "s-1" },
        { "/checkout/number", "c-1" },
        { "/custom/item", "Curso" },
    };
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        assert_slice(json_text(json_at(v, slice_str(members[i].pointer))),
                     slice_str(members[i].want));
    way_end(&w);
    arena_free(&a);
}

static void not_understood(void **state UNUSED)
{
    static const struct {
        const char *body;
        uint64_t source_id;
        size_t arena_max;
        const char *says;
    } cases[] = {
        { "{", 1, 1 << 20, "" },
        { "{}", 99, 1 << 20, "its source was deleted" },
        { NULL, 1, 2048, "too large" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct way w;
        struct why why = { .code = OK };
        struct arena a;
        bool done = true;
        arena_init(&a, 1 << 20);
        slice body = cases[i].body ? slice_str(cases[i].body) : body_of(&a, "1");
        way_start(&w, 20 + i, SLICE("order.paid"), body, cases[i].arena_max);
        w.event.source_id = cases[i].source_id;
        if (run(&w, &done, &why) != OK)
            fail_msg("%s", why.text); /* the event failed, not the store */
        assert_false(done);
        check_whole(20 + i, false);
        assert_null(w.born);
        slice problem = hub_text(&hub, "SELECT problem FROM event_data", &a);
        assert_true(slice_find_slice(problem, slice_str(cases[i].says)) < problem.len ||
                    !cases[i].says[0]);
        way_end(&w);
        arena_free(&a);
        wipe();
    }
}

/* Fails the first allocation, then the second, ... until the event is understood. */
static void memory_runs_out(void **state UNUSED)
{
    enum { TRIES_MAX = 5000 };
    struct arena a;
    struct why why = { .code = OK };
    bool done = false;
    uint64_t nth = 0;
    arena_init(&a, 1 << 20);
    slice body = body_of(&a, "1");
    while (!done && ++nth < TRIES_MAX) {
        struct way w;
        way_start(&w, 100 + nth, SLICE("order.paid"), body, 1 << 20);
        arena_fail_nth(nth);
        enum err rc = run(&w, &done, &why);
        arena_fail_nth(0);
        if (rc != OK)
            fail_msg("allocation %llu: %s: %s", (unsigned long long)nth, err_name(rc), why.text);
        check_whole(100 + nth, done);
        if (!done) assert_true(w.born == NULL && w.route.created == 0 && w.route.room == 10);
        way_end(&w);
        wipe();
    }
    assert_true(done && nth > 20); /* the loop met real allocations */
    arena_free(&a);
}

/* Several events together: one that cannot be understood spoils the transaction; apart it fails alone, wherever it stands. */
static void together(void **state UNUSED)
{
    enum { N = 5 };
    static const unsigned bad[] = {
        0, 1, 1 << 2, 1 << 4, 1 | 1 << 4, 1 << 1 | 1 << 2, (1 << N) - 1
    };
    for (size_t c = 0; c < ARRAY_LEN(bad); c++) {
        struct way w[N];
        struct interpret_item items[N];
        struct keep_minutes *minutes = calloc(1, sizeof *minutes);
        struct why why = { .code = OK };
        struct arena a;
        arena_init(&a, 1 << 20);
        for (unsigned i = 0; i < N; i++) {
            char text[800], sql[64];
            snprintf(text, sizeof text,
                     "{\"event\":\"paid\",\"id\":\"%u\",\"mail\":\"ana%u@example.com\",\"order\":"
                     "\"o-%u\",\"amount\":\"39.90\"}",
                     i, i, i);
            slice body = bad[c] >> i & 1 ? SLICE("{") : arena_dup(&a, slice_str(text));
            way_start(&w[i], 50 + i, SLICE("order.paid"), body, 1 << 20);
            snprintf(sql, sizeof sql, "k%u", i);
            w[i].event.event.key = arena_dup(&a, slice_str(sql));
            items[i] = (struct interpret_item){ &w[i].request, w[i].event };
        }
        uint64_t failed_before = atomic_load(&hub.metrics.counter[METRIC_events_failed]);
        size_t handled = 0, good = 0;
        w[0].ctx.minutes = minutes;
        if (store_begin(hub.store, &why) != OK) fail_msg("%s", why.text);
        struct interpret_limit first = { .events = 100, .until_us = INT64_MAX };
        enum err rc = interpret_items(&w[0].ctx, items, N, &first, &handled, &why);
        assert_int_equal(w[0].ctx.spoiled, bad[c] != 0);
        assert_int_equal(rc == OK, bad[c] == 0);
        struct interpret_limit limit = { .events = 100, .until_us = INT64_MAX };
        if (rc == OK) {
            limit = first;
        } else {
            store_rollback(hub.store);
            keep_end_minutes(minutes, &hub.metrics, false);
            way_forget_born(&w[0]);
            w[0].ctx.apart = true;
            if (store_begin(hub.store, &why) != OK) fail_msg("%s", why.text);
            if (interpret_items(&w[0].ctx, items, N, &limit, &handled, &why) != OK)
                fail_msg("%s", why.text);
        }
        if (store_commit(hub.store, &why) != OK) fail_msg("%s", why.text);
        assert_int_equal(handled, N);
        assert_int_equal(limit.events, 100 - N);
        for (unsigned i = 0; i < N; i++) {
            bool done = !(bad[c] >> i & 1);
            good += done;
            assert_int_equal(count("SELECT state FROM events WHERE id = %llu", 50 + i),
                             done ? EVENT_PENDING : EVENT_FAILED);
            assert_int_equal(
                count("SELECT COUNT(*) FROM event_data WHERE problem = '' AND id = %llu", 50 + i),
                done);
            assert_int_equal(count("SELECT COUNT(*) FROM deliveries WHERE event_id = %llu", 50 + i),
                             done ? 2 : 0);
        }
        size_t born = 0;
        for (struct leased *d = w[0].born; d; d = d->next) born++;
        assert_int_equal(born, 2 * good);
        assert_int_equal(w[0].route.created, 2 * good);
        assert_int_equal(count("SELECT COUNT(*) FROM orders WHERE %llu > 0", 1), good);
        assert_int_equal(minutes->at[0].done, good);
        assert_int_equal(minutes->at[0].failed, N - good);
        keep_end_minutes(minutes, &hub.metrics, true);
        assert_int_equal(minutes->count, 0);
        assert_int_equal(atomic_load(&hub.metrics.counter[METRIC_events_failed]) - failed_before,
                         N - good);
        for (unsigned i = 0; i < N; i++) way_end(&w[i]);
        keep_free_minutes(minutes);
        free(minutes);
        arena_free(&a);
        wipe();
    }
}

/* A failed event is interpreted again after the fix: the same row, no second delivery. */
static void again(void **state UNUSED)
{
    struct way w;
    struct why why = { .code = OK };
    struct arena a;
    bool done = true;
    arena_init(&a, 1 << 20);
    way_start(&w, 11, SLICE("order.paid"), SLICE("{"), 1 << 20);
    assert_int_equal(run(&w, &done, &why), OK);
    assert_false(done);
    w.event.again = true;
    w.request = (struct request){ .method = SLICE("POST"),
                                  .body = body_of(&a, "1"),
                                  .received_ms = 1790000000000 };
    for (int turn = 0; turn < 3; turn++) {
        assert_int_equal(run(&w, &done, &why), OK);
        assert_true(done);
        check_whole(11, true);
    }
    assert_int_equal(w.route.created, 2);
    way_end(&w);
    arena_free(&a);
}

static void credentials_are_not_kept(void **state UNUSED)
{
    static const struct header headers[] = {
        { SLICE_INIT("Content-Type"), SLICE_INIT("application/json") },
        { SLICE_INIT("Authorization"), SLICE_INIT("Bearer hush") },
        { SLICE_INIT("X-API-KEY"), SLICE_INIT("hush") },
        { SLICE_INIT("Cookie"), SLICE_INIT("s=hush") },
        { SLICE_INIT("X-Signature"), SLICE_INIT("t=1,v1=ab\"c") },
    };
    struct arena a;
    arena_init(&a, 1 << 16);
    struct buf b = buf_in(&a, 4096);
    interpret_write_headers(&b, headers, ARRAY_LEN(headers));
    assert_slice(
        buf_slice(&b),
        SLICE("[\"Content-Type\",\"application/json\",\"X-Signature\",\"t=1,v1=ab\\\"c\"]"));
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(understood, setup, teardown),
        cmocka_unit_test_setup_teardown(not_understood, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_runs_out, setup, teardown),
        cmocka_unit_test_setup_teardown(together, setup, teardown),
        cmocka_unit_test_setup_teardown(again, setup, teardown),
        cmocka_unit_test(credentials_are_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
