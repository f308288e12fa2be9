/* whatsapp_fuzz.c: any body, any query, through the WhatsApp source. */
#include "fuzz.h"

extern const struct source_kind source_whatsapp_cloud;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct request r = { .body = slice_of(data, size),
                               .query = slice_of(data, size),
                               .received_ms = 1773144000000 };
    fuzz_kind(&source_whatsapp_cloud, "{\"app_secret\":\"s\"}", &r);
    fuzz_kind(&source_whatsapp_cloud,
              "{\"app_secret\":[\"s\",\"t\"],\"numbers\":[\"106540352242922\"]}", &r);
    struct arena a;
    struct why why;
    struct request hello = r;
    slice answer = { NULL, 0 };
    arena_init(&a, FUZZ_ARENA_BYTES);
    struct settings cfg =
        kind_settings(&source_whatsapp_cloud, "{\"app_secret\":\"s\",\"verify_token\":\"t\"}", &a);
    if (source_whatsapp_cloud.handshake(&hello, &cfg, &a, &answer, &why) == OK)
        CHECK(answer.len > 0);
    arena_free(&a);
    return 0;
}
