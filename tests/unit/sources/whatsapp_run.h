/* whatsapp_run.h: one body through the source kind `whatsapp-cloud`; for its unit tests. */
#ifndef MALOTE_TESTS_UNIT_SOURCES_WHATSAPP_RUN_H
#define MALOTE_TESTS_UNIT_SOURCES_WHATSAPP_RUN_H

#include "kind.h"
#include "test.h"

extern const struct source_kind source_whatsapp_cloud;
static const struct source_kind *const kind = &source_whatsapp_cloud;

#define SECRET "5f4dcc3b5aa765d61d8327deb882cf99"
#define SETTINGS "{\"app_secret\":\"" SECRET "\",\"verify_token\":\"meatyhamhock\"}"

/* One message in its envelope. */
#define ENVELOPE(value)                                                                            \
    "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"1\",\"changes\":[{\"field\":"  \
    "\"messages\",\"value\":{\"metadata\":{\"display_phone_number\":\"5511955550100\","            \
    "\"phone_number_id\":\"106\"}," value "}}]}]}"
#define MESSAGE(members)                                                                           \
    ENVELOPE("\"messages\":[{\"from\":\"5511999990001\",\"id\":\"wamid.A\",\"timestamp\":"         \
             "\"1750000000\"," members "}]")

struct result {
    enum err rc;
    struct why why;
    json *list, *event;
};

static inline struct result run_with(const char *settings, slice body, struct arena *a)
{
    struct result res = { 0 };
    slice out = { NULL, 0 }, exact = test_exact(body);
    struct settings cfg = kind_settings(kind, settings, a);
    struct request r = { .body = exact, .received_ms = 1773144000000 };
    res.rc = kind_run(kind, &r, &cfg, a, &out, &res.why);
    free((void *)(uintptr_t)exact.ptr);
    if (res.rc == OK) {
        assert_int_equal(json_parse(out, a, &res.list, NULL), OK);
        assert_int_equal(slice_find_slice(out, SLICE("\\u0000")), out.len);
        res.event = yyjson_arr_get_first(res.list);
    }
    return res;
}

#endif
