/* route_test.c: which events a route takes, and that one key is one delivery. */
#include "test.h"

#include "hub.h"
#include "route/route.h"

static struct hub hub;

static int setup(void **state UNUSED)
{
    hub_open(&hub);
    return 0;
}

static int teardown(void **state UNUSED)
{
    hub_close(&hub);
    return 0;
}

#define HEAD                                                                                       \
    "{\"sources\":[{\"name\":\"a\",\"kind\":\"http\",\"scheme\":\"token\",\"header\":\"x-t\","     \
    "\"secret\":\"s\",\"type\":\"x.y\"},"                                                          \
    "{\"name\":\"b\",\"kind\":\"http\",\"scheme\":\"token\",\"header\":\"x-t\",\"secret\":\"s\","  \
    "\"type\":\"x.y\"}],"                                                                          \
    "\"destinations\":[{\"name\":\"crm\",\"kind\":\"http\",\"url\":\"https://crm.example\"},"      \
    "{\"name\":\"pixel\",\"kind\":\"meta-capi\",\"pixel_id\":\"123456789\",\"access_token\":"      \
    "\"EAAtoken\"},"                                                                               \
    "{\"name\":\"off\",\"kind\":\"http\",\"url\":\"https://off.example\",\"enabled\":false},"      \
    "{\"name\":\"slow\",\"kind\":\"http\",\"url\":\"https://slow.example\"}],\"routes\":["
#define TAIL "]}"

static void matching(void **state UNUSED)
{
    static const struct {
        const char *route;
        uint64_t workspace_id, source_id;
        const char *type;
        bool want;
    } cases[] = {
        { "\"on\":\"order.paid\"", 1, 1, "order.paid", true },
        { "\"on\":\"order.paid\"", 1, 2, "order.paid", true },
        { "\"on\":\"order.paid\"", 2, 1, "order.paid", false },
        { "\"on\":\"order.paid\"", 1, 1, "order.paid.x", false },
        { "\"on\":\"order.*\"", 1, 1, "order.paid", true },
        { "\"on\":\"order.*\"", 1, 1, "orders.paid", false },
        { "\"on\":\"*\"", 1, 1, "click", true },
        { "\"on\":\"*.created\"", 1, 1, "subscription.created", true },
        { "\"on\":[\"click\",\"order.*\"]", 1, 1, "order.paid", true },
        { "\"on\":[\"click\",\"order.*\"]", 1, 1, "checkout.started", false },
        { "\"on\":\"*\",\"from\":\"a\"", 1, 1, "click", true },
        { "\"on\":\"*\",\"from\":\"a\"", 1, 2, "click", false },
        { "\"on\":\"*\",\"enabled\":false", 1, 1, "click", false },
        /* the hub's own events: only for who names them, or their source */
        { "\"on\":\"malote.alert\"", 1, 1, "malote.alert", true },
        { "\"on\":\"malote.*\"", 1, 1, "malote.alert", true },
        { "\"on\":\"*\"", 1, 1, "malote.alert", false },
        { "\"on\":\"*.alert\"", 1, 1, "malote.alert", false },
        { "\"on\":[\"order.*\",\"malote.alert\"]", 1, 1, "malote.alert", true },
        { "\"on\":\"*\",\"from\":\"a\"", 1, 1, "malote.alert", true },
        { "\"on\":\"*\",\"from\":\"a\"", 1, 2, "malote.alert", false },
        /* half a year of old chats: only for who names it */
        { "\"on\":\"*\"", 1, 1, "history.message", false },
        { "\"on\":\"*\",\"from\":\"a\"", 1, 1, "history.message", false },
        { "\"on\":[\"*\",\"message.*\"]", 1, 1, "history.message", false },
        { "\"on\":\"*.message\"", 1, 1, "history.message", false },
        { "\"on\":\"history.*\"", 1, 1, "history.message", true },
        { "\"on\":\"history.chunk\"", 1, 1, "history.message", false },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[2048];
        snprintf(text, sizeof text, HEAD "{\"name\":\"r\",\"to\":\"crm\",%s}" TAIL, cases[i].route);
        hub_configure(&hub, text);
        struct config *c = config_hold(&hub.config);
        if (route_matches(&c->routes[0], cases[i].workspace_id, cases[i].source_id,
                          slice_str(cases[i].type)) != cases[i].want)
            fail_msg("%s against %s", cases[i].route, cases[i].type);
        config_release(c);
    }
}

#define PAID                                                                                       \
    "{\"id\":\"evt_1\",\"type\":\"order.paid\",\"key\":\"k\",\"occurred_at\":\"2026-11-01T00:00:"  \
    "00.000Z\","                                                                                   \
    "\"order\":{\"number\":\"o-1\",\"status\":\"paid\",\"amount\":3990,\"currency\":\"BRL\"}}"

/* Routes an event; deliveries end in `list`. */
static void send(struct route_ctx *ctx, struct leased **list, size_t room, uint64_t event_id,
                 const char *id, const char *type)
{
    struct why why = { .code = OK };
    struct outgoing_event e = {
        slice_str(id), slice_str(type), SLICE("a"), 1000, 2000, SLICE(PAID)
    };
    ctx->room = room;
    *list = NULL;
    ctx->tail = list;
    ctx->created = ctx->unborn = 0;
    if (route_event(ctx, 1, 1, event_id, &e, &why) != OK) fail_msg("%s", why.text);
}

static void release(struct leased *list)
{
    for (struct leased *d = list, *next; d; d = next) {
        next = d->next;
        leased_free(d);
    }
}

static void one_key_one_delivery(void **state UNUSED)
{
    struct arena a;
    struct leased *list;
    arena_init(&a, 1 << 20);
    hub_configure(
        &hub,
        HEAD "{\"name\":\"one\",\"to\":\"pixel\",\"on\":\"order.paid\"},"
             "{\"name\":\"two\",\"to\":\"pixel\",\"on\":\"order.*\"},"
             "{\"name\":\"crm\",\"to\":\"crm\",\"on\":\"*\",\"priority\":\"low\"},"
             "{\"name\":\"off\",\"to\":\"off\",\"on\":\"*\"},"
             "{\"name\":\"later\",\"to\":\"slow\",\"on\":\"order.late\",\"delay\":\"2h\"}" TAIL);
    struct config *c = config_hold(&hub.config);
    struct route_ctx ctx = {
        .store = hub.store, .ids = &hub.ids, .arena = &a, .config = c, .now_ms = 1790000000000
    };
    send(&ctx, &list, 10, 7, "evt_1", "order.paid");
    assert_int_equal(ctx.created,
                     3); /* pixel once although two routes lead there; crm; off, as waiting */
    assert_int_equal(ctx.unborn, 1);
    assert_int_equal(hub_count(&hub, "SELECT COUNT(*) FROM deliveries WHERE destination_id = 2"),
                     1);
    assert_int_equal(hub_count(&hub, "SELECT state FROM deliveries WHERE destination_id = 3"),
                     DELIVERY_WAITING);
    assert_int_equal(hub_count(&hub, "SELECT priority FROM deliveries WHERE destination_id = 1"),
                     PRIORITY_LOW);
    assert_non_null(list);
    assert_slice(list->key, SLICE("Purchase:o-1"));
    assert_slice(list->data, SLICE(PAID));
    release(list);
    send(&ctx, &list, 10, 8, "evt_2", "order.paid"); /* another event about the same order */
    assert_int_equal(hub_count(&hub, "SELECT COUNT(*) FROM deliveries WHERE destination_id = 2"),
                     1);
    assert_int_equal(hub_count(&hub, "SELECT COUNT(*) FROM deliveries WHERE destination_id = 1"),
                     2);
    release(list);
    send(&ctx, &list, 0, 9, "evt_3", "click"); /* no room in memory: only in the store */
    assert_null(list);
    assert_int_equal(ctx.unborn, ctx.created);
    send(&ctx, &list, 10, 10, "evt_4", "order.late");
    assert_int_equal(hub_count(&hub, "SELECT due_ms - 1790000000000 FROM deliveries WHERE event_id "
                                     "= 10 AND destination_id = 4"),
                     7200000);
    assert_int_equal(
        hub_count(&hub, "SELECT state FROM deliveries WHERE event_id = 10 AND destination_id = 4"),
        DELIVERY_WAITING);
    release(list);
    config_release(c);
    arena_free(&a);
}

static void collect(void *ctx, const struct route *r, slice key)
{
    char *text = ctx;
    size_t used = slice_str(text).len;
    snprintf(text + used, 256 - used, "%.*s=%.*s;", SLICE_ARG(r->name), SLICE_ARG(key));
}

static void preview(void **state UNUSED)
{
    struct arena a;
    char text[256] = "";
    arena_init(&a, 1 << 20);
    hub_configure(&hub, HEAD "{\"name\":\"one\",\"to\":\"pixel\",\"on\":\"order.paid\"},{\"name\":"
                             "\"crm\",\"to\":\"crm\",\"on\":\"*\"},"
                             "{\"name\":\"no\",\"to\":\"crm\",\"on\":\"click\"}" TAIL);
    struct config *c = config_hold(&hub.config);
    struct outgoing_event e = { SLICE("evt_1"), SLICE("order.paid"), SLICE("a"), 1000,
                                2000,           SLICE(PAID) };
    assert_int_equal(route_preview(c, 1, 1, &e, &a, collect, text), OK);
    assert_string_equal(text, "one=Purchase:o-1;crm=evt_1;");
    assert_int_equal(hub_count(&hub, "SELECT COUNT(*) FROM deliveries"), 0);
    config_release(c);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(matching, setup, teardown),
        cmocka_unit_test_setup_teardown(one_key_one_delivery, setup, teardown),
        cmocka_unit_test_setup_teardown(preview, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
