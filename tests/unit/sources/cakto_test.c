/* cakto_test.c: what the golden payloads leave out: wrong types everywhere, odd lists, keys,
 * proofs and samples. */
#include "test.h"

#include "base/buf.h"
#include "kind.h"

extern const struct source_kind source_cakto;

static const char *tests_dir;

#define SECRET "7d0c5a1e-0000-4000-8000-00000000ca01"
#define SETTINGS "{\"secret\":\"" SECRET "\"}"

/* What one body gives. */
struct result {
    enum err rc;
    struct why why;
    json *event; /* the first event with its changes; NULL when there is none */
};

static struct result run_with(const char *settings, slice body, struct arena *a)
{
    struct result res = { 0 };
    json *list = NULL;
    slice out = { NULL, 0 }, exact = test_exact(body);
    struct settings cfg = kind_settings(&source_cakto, settings, a);
    struct request r = { .body = exact, .received_ms = 1773144000000 };
    res.rc = kind_run(&source_cakto, &r, &cfg, a, &out, &res.why);
    free((void *)(uintptr_t)exact.ptr);
    if (res.rc == OK) {
        assert_int_equal(json_parse(out, a, &list, NULL), OK); /* what we print can be read */
        assert_int_equal(slice_find_slice(out, SLICE("\\u0000")), out.len);
        res.event = yyjson_arr_get_first(list);
    }
    return res;
}

static struct result run(slice body, struct arena *a) { return run_with(SETTINGS, body, a); }

static slice at(const struct result *r, const char *pointer)
{
    return json_text(json_at(r->event, slice_str(pointer)));
}

/* ---- every field of every payload replaced by every kind of value ---- */

static const char *const odd_values[] = {
    "null",
    "true",
    "false",
    "0",
    "-1",
    "1e999",
    "12345678901234567890",
    "\"\"",
    "\"x\"",
    "\"\\u0000\"",
    "\"a\\u0000b\"",
    "[]",
    "{}",
    "[[]]",
    "{\"id\":[]}",
    "[null]",
    "[{}]",
    "\"\\ud83d\\ude00\"",
    "0.1e-7",
    "\"0000-00-00\"",
};

/* Prints v with the member number *left replaced by `odd`; counts *left down. */
static void print_with(struct buf *b, const char *key, json *v, long *left, const char *odd)
{
    if ((*left)-- == 0) {
        json_put_raw(b, key, slice_str(odd));
        return;
    }
    size_t index, max;
    json *k, *member;
    if (yyjson_is_obj(v)) {
        json_begin_object(b, key);
        yyjson_obj_foreach(v, index, max, k, member)
            print_with(b, yyjson_get_str(k), member, left, odd);
        json_end_object(b);
    } else if (yyjson_is_arr(v)) {
        json_begin_array(b, key);
        yyjson_arr_foreach(v, index, max, member) print_with(b, NULL, member, left, odd);
        json_end_array(b);
    } else {
        struct arena *a = b->arena;
        json_put_raw(b, key, json_print(v, a));
    }
}

static void wrong_types(const char *file)
{
    struct arena source, a;
    json *root = NULL;
    arena_init(&source, 1 << 20);
    arena_init(&a, 1 << 22);
    assert_int_equal(json_parse(test_file(tests_dir, file, &source), &source, &root, NULL), OK);
    for (size_t o = 0; o < ARRAY_LEN(odd_values); o++) {
        for (long n = 0;; n++) {
            long left = n;
            arena_reset(&a);
            struct buf b = buf_in(&a, 1 << 16);
            print_with(&b, NULL, root, &left, odd_values[o]);
            assert_true(buf_ok(&b));
            if (left >= 0) break; /* past the last member */
            struct result r = run(buf_slice(&b), &a);
            if (r.rc != OK && r.rc != ERR_SYNTAX)
                fail_msg("%s, member %ld, %s", file, n, odd_values[o]);
            if (r.rc == ERR_SYNTAX) assert_true(r.why.text[0] != 0);
        }
    }
    arena_free(&a);
    arena_free(&source);
}

static void wrong_types_never_crash(void **state UNUSED)
{
    wrong_types("golden/cakto/subscription-renewed.json");
    wrong_types("golden/cakto/constructed-purchase-approved-v2-list.json");
    wrong_types("golden/cakto/constructed-checkout-abandonment.json");
}

/* One wrong field must not cost the event: only the event word and the order's id may. */
static void one_bad_field_costs_nothing_else(void **state UNUSED)
{
    static const char *const fields[] = {
        "refId",       "customer", "offer",         "offer_type",   "product",    "parent_order",
        "checkoutUrl", "status",   "baseAmount",    "discount",     "amount",     "fees",
        "couponCode",  "reason",   "paymentMethod", "installments", "utm_source", "sck",
        "fbc",         "paidAt",   "createdAt",     "refundedAt",   "canceledAt", "subscription",
        "callback",    "address",  "pix",
    };
    for (size_t f = 0; f < ARRAY_LEN(fields); f++) {
        for (size_t o = 0; o < ARRAY_LEN(odd_values); o++) {
            struct arena a;
            arena_init(&a, 1 << 20);
            slice body = arena_printf(
                &a, "{\"event\":\"purchase_approved\",\"data\":{\"id\":\"o-1\",\"%s\":%s}}",
                fields[f], odd_values[o]);
            struct result r = run(body, &a);
            assert_int_equal(r.rc, OK);
            assert_slice(at(&r, "/type"), SLICE("order.paid"));
            assert_slice(at(&r, "/key"), SLICE("purchase_approved:o-1"));
            assert_slice(at(&r, "/order/number"), SLICE("o-1"));
            arena_free(&a);
        }
    }
}

/* ---- tables ---- */

static void bodies(void **state UNUSED)
{
    static const struct {
        const char *body;
        enum err rc;
        const char *pointer, *want; /* of the event; want NULL: absent */
    } cases[] = {
        { "", ERR_SYNTAX, NULL, NULL },
        { "[]", ERR_SYNTAX, NULL, NULL },
        { "{\"event\":\"purchase_approved\"}", ERR_SYNTAX, NULL, NULL },
        { "{\"event\":\"purchase_approved\",\"data\":[]}", ERR_SYNTAX, NULL, NULL },
        { "{\"event\":\"purchase_approved\",\"data\":[7]}", ERR_SYNTAX, NULL, NULL },
        { "{\"event\":\"purchase_approved\",\"data\":{\"id\":null}}", ERR_SYNTAX, NULL, NULL },
        { "{\"event\":\"purchase_approved\",\"data\":{\"id\":\"\\u0000\"}}", ERR_SYNTAX, NULL,
          NULL },
        { "{\"event\":\"\",\"data\":{\"id\":\"1\"}}", ERR_SYNTAX, NULL, NULL },
        { "{\"event\":[1],\"data\":{\"id\":\"1\"}}", ERR_SYNTAX, NULL, NULL },
        { "{\"event\":\"refund\",\"data\":{\"id\":\"a\xff\"}}", ERR_SYNTAX, NULL, NULL },
        { "{\"event\":\"refund\",\"data\":{\"id\":7,\"customer\":{\"name\":\"Jos\xe9\"}}}", OK,
          "/contact/name", "Jos\xef\xbf\xbd" },
        { "{\"event\":\"refund\",\"data\":{\"id\":7,\"customer\":{\"email\":\"jos\xe9@b.c\"}}}", OK,
          "/contact/email", NULL },
        { "{\"event\":\"refund\",\"data\":{\"id\":7}}", OK, "/order/number", "7" },
        { "{\"event\":\"refund\",\"data\":{\"id\":\"a\\u0000b\"}}", OK, "/key", "refund:ab" },
        { "{\"event\":\"refund\",\"data\":{\"id\":\"1\",\"amount\":5}}", OK, "/order/amount",
          "500" },
        { "{\"event\":\"refund\",\"data\":{\"id\":\"1\",\"offer\":{\"price\":5}}}", OK,
          "/order/amount", NULL },
        { "{\"event\":\"refund\",\"data\":{\"id\":\"1\",\"amount\":-5}}", OK, "/order/amount",
          NULL },
        { "{\"event\":\"refund\",\"data\":{\"id\":\"1\",\"createdAt\":\"2026-03-10\"}}", OK,
          "/occurred_at", NULL },
        { "{\"event\":\"pix_gerado\",\"data\":{\"id\":\"1\",\"createdAt\":\"2026-03-10 "
          "10:00:00\"}}",
          OK, "/occurred_at", "2026-03-10T13:00:00.000Z" },
        { "{\"event\":\"refund_requested\",\"data\":{\"id\":\"1\"}}", OK, "/type",
          "order.refund_requested" },
        { "{\"event\":\"refund_requested\",\"data\":{\"id\":\"1\",\"status\":\"refunded\"}}", OK,
          "/order/status", NULL },
        { "{\"event\":\"subscription_created\",\"data\":{\"id\":\"1\",\"status\":\"paid\"}}", OK,
          "/order/status", NULL },
        { "{\"event\":\"subscription_created\",\"data\":{\"id\":\"1\"}}", OK, "/type",
          "subscription.created" },
        { "{\"event\":\"subscription_renewal_refused\",\"data\":{\"id\":\"1\",\"subscription\":"
          "\"s\"}}",
          OK, "/subscription/status", "past_due" },
        { "{\"event\":\"subscription_late_recovered\",\"data\":{\"id\":\"1\",\"subscription\":{"
          "\"id\":9}}}",
          OK, "/type", "subscription.renewed" },
        { "{\"event\":\"subscription_late_recovered\",\"data\":{\"id\":\"1\",\"subscription\":{"
          "\"id\":9}}}",
          OK, "/subscription/number", "9" },
        { "{\"event\":\"subscription_paused\",\"data\":{\"id\":\"1\",\"subscription\":{\"id\":9,"
          "\"current_period\":4}}}",
          OK, "/key", "subscription_paused:1:4" },
        { "{\"event\":\"subscription_canceled\",\"data\":{\"id\":\"1\",\"subscription\":{\"id\":9,"
          "\"canceledAt\":"
          "\"2026-01-01T00:00:00Z\"}}}",
          OK, "/occurred_at", "2026-01-01T00:00:00.000Z" },
        { "{\"event\":\"subscription_cancelled\",\"data\":{\"id\":\"1\"}}", OK, "/type",
          "cakto.subscription_cancelled" },
        { "{\"event\":\"payment.approved\",\"data\":{\"id\":\"1\",\"amount\":5}}", OK, "/order",
          NULL },
        { "{\"event\":\"P\xc3\x93S-Venda X\",\"data\":null}", OK, "/type", "cakto.p__s_venda_x" },
        { "{\"event\":\"Purchase_Approved\",\"data\":{\"id\":\"1\"}}", OK, "/type",
          "cakto.purchase_approved" },
        { "{\"event\":\"purchase_approved \",\"data\":{\"id\":\"1\"}}", OK, "/type", "order.paid" },
        { "{\"event\":\"x\"}", OK, "/key",
          "x:37cb5ba50e0ce4a9a3d39da8ae1a6ea2ba0d6b3c7ab9ddb8c1a7bb4cfef0f2cf" },
        { "{\"event\":\"purchase_approved\",\"data\":{\"id\":\"1\",\"subscription\":{\"id\":\"s\","
          "\"current_period\":2}}}",
          OK, "/type", "order.paid" },
        { "{\"event\":\"purchase_approved\",\"data\":{\"id\":\"1\",\"subscription\":{\"id\":\"s\","
          "\"current_period\":2,"
          "\"paid_payments_quantity\":1}}}",
          OK, "/type", "order.paid" },
        { "{\"event\":\"purchase_approved\",\"data\":{\"id\":\"1\",\"subscription\":{\"id\":\"s\","
          "\"current_period\":1}}}",
          OK, "/type", "order.paid" },
        { "{\"event\":\"purchase_approved\",\"data\":{\"id\":\"1\",\"customer\":{\"docNumber\":191}"
          "}}",
          OK, "/contact/document", "00000000191" },
        { "{\"event\":\"purchase_approved\",\"data\":{\"id\":\"1\",\"customer\":{\"docNumber\":"
          "\"191\",\"name\":\"A\"}}}",
          OK, "/contact/document_error", "bad_length" },
        { "{\"event\":\"purchase_approved\",\"data\":{\"id\":\"1\",\"customer\":{\"phone\":\"999\","
          "\"name\":\"A\"}}}",
          OK, "/contact/phone_error", "bad_length" },
        { "{\"event\":\"purchase_approved\",\"data\":{\"id\":\"1\",\"customer\":{\"phone\":\"+"
          "351912345678\"}}}",
          OK, "/contact/country", NULL },
        { "{\"event\":\"purchase_approved\",\"data\":{\"id\":\"1\",\"customer\":{\"email\":\" "
          "A@B.C \"}}}",
          OK, "/contact/email", "a@b.c" },
        { "{\"event\":\"purchase_approved\",\"data\":{\"id\":\"1\",\"customer\":{\"email\":\"a@b@"
          "c\"}}}",
          OK, "/contact", NULL },
        { "{\"event\":\"purchase_approved\",\"data\":{\"id\":\"1\",\"address\":{\"state\":\"sao "
          "paulo\",\"zipCode\":1310100,"
          "\"country\":\"Brasil\"},\"fbp\":\"fb.1.2.3\"}}",
          OK, "/contact/zip", "01310100" },
        { "{\"event\":\"boleto_gerado\",\"data\":{\"id\":\"1\",\"barcode\":\"001\",\"boleto\":{"
          "\"barcode\":\"002\"}}}",
          OK, "/custom/boleto_barcode", "002" },
        { "{\"event\":\"checkout_abandonment\",\"data\":{\"customerEmail\":\"a@b.c\"}}", OK,
          "/checkout", NULL },
        { "{\"event\":\"initiate_checkout\",\"data\":{\"id\":\"c1\",\"customer\":{\"email\":\"a@b."
          "c\"}}}",
          OK, "/key", "initiate_checkout:c1" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a;
        arena_init(&a, 1 << 20);
        struct result r = run(slice_str(cases[i].body), &a);
        if (r.rc != cases[i].rc) fail_msg("%s: %s %s", cases[i].body, err_name(r.rc), r.why.text);
        if (cases[i].pointer) {
            json *v = json_at(r.event, slice_str(cases[i].pointer));
            slice want = cases[i].want ? slice_str(cases[i].want) : SLICE("");
            if (slice_starts(want, SLICE("x:37")))
                assert_int_equal(json_text(v).len, 2 + 64); /* a digest */
            else if (!cases[i].want)
                assert_null(v);
            else
                assert_slice(json_text(v), want);
        }
        arena_free(&a);
    }
}

static void lists(void **state UNUSED)
{
    static const struct {
        const char *data, *number, *amount, *bump;
    } cases[] = {
        /* the main order need not be first */
        { "[{\"id\":\"b\",\"offer_type\":\"order_bump\",\"amount\":1},{\"id\":\"m\",\"offer_type\":"
          "\"main\",\"amount\":2}]",
          "m", "300", "/order/items/0/kind" },
        /* nobody is main: the one without a parent */
        { "[{\"id\":\"b\",\"parent_order\":\"R\",\"amount\":1},{\"id\":\"m\",\"parent_order\":\"\","
          "\"amount\":2}]",
          "m", "300", "/order/items/0/kind" },
        /* all have parents: the first */
        { "[{\"id\":\"m\",\"parent_order\":\"R\",\"amount\":1},{\"id\":\"b\",\"parent_order\":"
          "\"R\",\"amount\":2}]",
          "m", "300", "/order/items/1/kind" },
        /* one amount is missing: the sum is unknown, not smaller */
        { "[{\"id\":\"m\",\"offer_type\":\"main\",\"amount\":1},{\"id\":\"b\"}]", "m", NULL,
          "/order/items/1/kind" },
        { "[{\"id\":\"m\",\"offer_type\":\"main\",\"amount\":0.1},{\"id\":\"b\",\"amount\":0.2}]",
          "m", "30", "/order/items/1/kind" },
        { "[null,7,{\"id\":\"m\",\"amount\":\"1,50\"},\"x\",{\"id\":\"b\",\"amount\":1}]", "m",
          "250", "/order/items/1/kind" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a;
        arena_init(&a, 1 << 20);
        struct result r = run(
            arena_printf(&a, "{\"event\":\"purchase_approved\",\"data\":%s}", cases[i].data), &a);
        assert_int_equal(r.rc, OK);
        assert_slice(at(&r, "/order/number"), slice_str(cases[i].number));
        assert_slice(at(&r, "/order/amount"), slice_str(cases[i].amount ? cases[i].amount : ""));
        assert_slice(at(&r, cases[i].bump), SLICE("bump"));
        arena_free(&a);
    }
    struct arena a;
    arena_init(&a, 1 << 20);
    struct buf b = buf_in(&a, 1 << 16);
    buf_add(&b, SLICE("{\"event\":\"purchase_approved\",\"data\":[{}"));
    for (int i = 0; i < ORDER_ITEMS_MAX; i++) buf_add(&b, SLICE(",{}"));
    buf_add(&b, SLICE("]}"));
    assert_int_equal(run(buf_slice(&b), &a).rc, ERR_LIMIT);
    arena_free(&a);
}

static void keys(void **state UNUSED)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    /* the same cart, the same key; e-mail in another case too; and no e-mail in it */
#define CART(email, offer, time)                                                                   \
    SLICE("{\"event\":\"checkout_abandonment\",\"data\":{\"customerEmail\":\"" email               \
          "\",\"offer\":{\"id\":\"" offer "\"},\"createdAt\":\"" time "\"}}")
    struct result one = run(CART("Eduardo@Example.com", "o", "2026-03-11"), &a);
    struct result same = run(CART("eduardo@example.com", "o", "2026-03-11"), &a);
    struct result other = run(CART("eduardo@example.com", "o", "2026-03-12"), &a);
    assert_slice(at(&one, "/key"), at(&same, "/key"));
    assert_false(slice_eq(at(&one, "/key"), at(&other, "/key")));
    assert_int_equal(slice_find(at(&one, "/key"), '@'), at(&one, "/key").len);
    /* an id of 200 bytes is one; a longer one is none, as its key would be cut */
    char id[208] = "";
    memset(id, 'x', sizeof id);
    assert_int_equal(
        run(arena_printf(&a, "{\"event\":\"refund\",\"data\":{\"id\":\"%.*s\"}}", 200, id), &a).rc,
        OK);
    assert_int_equal(
        run(arena_printf(&a, "{\"event\":\"refund\",\"data\":{\"id\":\"%.*s\"}}", 201, id), &a).rc,
        ERR_SYNTAX);
    arena_free(&a);
}

static void other_products(void **state UNUSED)
{
    static const char *const settings = "{\"secret\":\"s\",\"products\":[\"P1\",\"short2\"]}";
    static const struct {
        const char *product, *type;
    } cases[] = {
        { "{\"id\":\"P1\"}", "order.paid" },
        { "{\"id\":\"P9\",\"short_id\":\"short2\"}", "order.paid" },
        { "{\"id\":\"P9\"}", "cakto.test" },
        { "{\"id\":\"p1\"}", "cakto.test" },
        { "null", "order.paid" /* says nothing */ },
        { "{}", "order.paid" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a;
        arena_init(&a, 1 << 20);
        slice body = arena_printf(
            &a, "{\"event\":\"purchase_approved\",\"data\":{\"id\":\"1\",\"product\":%s}}",
            cases[i].product);
        struct result r = run_with(settings, body, &a);
        assert_slice(at(&r, "/type"), slice_str(cases[i].type));
        assert_int_equal(json_get(r.event, "order") != NULL,
                         strcmp(cases[i].type, "order.paid") == 0);
        arena_free(&a);
    }
}

/* Cakto's word decides, unless the seller says that renewals arrive as purchase_approved. */
static void renewals_by_period(void **state UNUSED)
{
    static const struct {
        const char *settings, *subscription, *type;
    } cases[] = {
        { SETTINGS, "{\"id\":\"s\",\"current_period\":2}", "order.paid" },
        { "{\"secret\":\"s\",\"renewals_by_period\":true}", "{\"id\":\"s\",\"current_period\":2}",
          "subscription.renewed" },
        { "{\"secret\":\"s\",\"renewals_by_period\":true}", "{\"id\":\"s\",\"current_period\":1}",
          "order.paid" },
        { "{\"secret\":\"s\",\"renewals_by_period\":true}",
          "{\"id\":\"s\",\"current_period\":2,\"paid_payments_quantity\":1}", "order.paid" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a;
        arena_init(&a, 1 << 20);
        slice body = arena_printf(
            &a, "{\"event\":\"purchase_approved\",\"data\":{\"id\":\"1\",\"subscription\":%s}}",
            cases[i].subscription);
        struct result r = run_with(cases[i].settings, body, &a);
        assert_slice(at(&r, "/type"), slice_str(cases[i].type));
        arena_free(&a);
    }
}

/* ---- proofs ---- */

static enum err verify_sample(const char *settings, const struct sample *s, slice body,
                              int64_t now_ms, bool signed_by_header)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    struct settings cfg = kind_settings(&source_cakto, settings, &a);
    struct request r = { .headers = s->headers,
                         .header_count = signed_by_header ? s->header_count : 0,
                         .body = body };
    enum err rc = source_cakto.verify(&r, &cfg, now_ms, &a, NULL);
    arena_free(&a);
    return rc;
}

static void samples_verify_and_read(void **state UNUSED)
{
    static const char *const names[] = {
        "",
        "purchase_approved",
        "pix_gerado",
        "boleto_gerado",
        "picpay_gerado",
        "purchase_refused",
        "refund",
        "refund_requested",
        "chargeback",
        "checkout_abandonment",
        "initiate_checkout",
        "subscription_created",
        "subscription_renewed",
        "subscription_canceled",
        "subscription_late",
        "subscription_renewal_refused",
    };
    static const char *const rotated = "{\"secret\":[\"new-secret\",\"" SECRET "\"]}";
    const int64_t now = 1773144000000;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct arena a;
        struct sample s, t;
        arena_init(&a, 1 << 20);
        struct settings cfg = kind_settings(&source_cakto, SETTINGS, &a);
        assert_int_equal(source_cakto.sample(slice_str(names[i]), &cfg, now, 7, &a, &s, NULL), OK);
        assert_int_equal(source_cakto.sample(slice_str(names[i]), &cfg, now, 8, &a, &t, NULL), OK);
        assert_int_equal(verify_sample(SETTINGS, &s, s.body, now, true), OK);
        assert_int_equal(verify_sample(SETTINGS, &s, s.body, now, false), OK);
        assert_int_equal(verify_sample(rotated, &s, s.body, now, true), OK);
        assert_int_equal(verify_sample("{\"secret\":\"other\"}", &s, s.body, now, true),
                         ERR_DENIED);
        assert_int_equal(verify_sample("{\"secret\":\"other\"}", &s, s.body, now, false),
                         ERR_DENIED);
        assert_int_equal(verify_sample(SETTINGS, &s, t.body, now, true), ERR_DENIED);
        assert_int_equal(verify_sample(SETTINGS, &s, s.body, now + 301000, true), ERR_DENIED);
        assert_int_equal(verify_sample("{\"secret\":\"" SECRET "\",\"tolerance\":600}", &s, s.body,
                                       now + 301000, true),
                         OK);
        assert_int_equal(verify_sample("{\"secret\":\"" SECRET "\",\"signed_only\":true}", &s,
                                       s.body, now, true),
                         OK);
        assert_int_equal(verify_sample("{\"secret\":\"" SECRET "\",\"signed_only\":true}", &s,
                                       s.body, now, false),
                         ERR_DENIED);
        struct result r = run(s.body, &a), u = run(t.body, &a);
        assert_int_equal(r.rc, OK);
        assert_false(slice_eq(at(&r, "/key"), at(&u, "/key")));
        assert_false(slice_starts(at(&r, "/type"), SLICE("cakto.")));
        assert_true(json_get(r.event, "contact") != NULL);
        arena_free(&a);
    }
    struct arena a;
    struct sample s;
    arena_init(&a, 1 << 20);
    struct settings cfg = kind_settings(&source_cakto, SETTINGS, &a);
    assert_int_equal(source_cakto.sample(SLICE("nope"), &cfg, now, 7, &a, &s, NULL), ERR_MISSING);
    arena_free(&a);
}

static void out_of_memory(void **state UNUSED)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    struct request r = {
        .body = test_file(tests_dir, "golden/cakto/constructed-subscription-created.json", &a),
    };
    uint64_t allocations = kind_out_of_memory(&source_cakto, SETTINGS, &r);
    assert_true(allocations > 5 && allocations < 200);
    arena_free(&a);
}

int main(int argc, char **argv)
{
    tests_dir = argc > 1 ? argv[1] : "tests";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_types_never_crash),
        cmocka_unit_test(renewals_by_period),
        cmocka_unit_test(one_bad_field_costs_nothing_else),
        cmocka_unit_test(bodies),
        cmocka_unit_test(lists),
        cmocka_unit_test(keys),
        cmocka_unit_test(other_products),
        cmocka_unit_test(samples_verify_and_read),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
