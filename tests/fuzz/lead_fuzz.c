/* lead_fuzz.c: any body through the lead source, as JSON and as a form, and any query. */
#include "fuzz.h"

extern const struct source_kind source_lead;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct header form[] = {
        { SLICE_INIT("Content-Type"), SLICE_INIT("application/x-www-form-urlencoded") },
        { SLICE_INIT("User-Agent"), SLICE_INIT("Mozilla/5.0") },
    };
    struct request r = { .body = slice_of(data, size),
                         .remote = SLICE("192.0.2.1"),
                         .received_ms = 1773144000000 };
    fuzz_kind(&source_lead, "{\"write_key\":\"k\",\"origins\":\"*\"}", &r);
    r.headers = form;
    r.header_count = ARRAY_LEN(form);
    fuzz_kind(&source_lead, "{\"write_key\":\"k\"}", &r);
    r.query = r.body;
    fuzz_kind(&source_lead, "{\"write_key\":\"k\",\"server_side\":true}", &r);
    return 0;
}
