/* meta_judge_fuzz.c: any answer gives a verdict with a reason of whole UTF-8 that does not repeat
 * the token.
 *
 * Input: one byte that picks the HTTP status, one for the size of the batch, one for the length of
 * the usage headers (both say the same), then the header, then the body. */
#include "base/text.h"
#include "dests/meta_capi.h"

static const char token[] = "EAAfuzz0token";
static const char given[] =
    "{\"pixel_id\":\"1\",\"access_token\":\"EAAfuzz0token\",\"app_secret\":\"fuzz-secret\"}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = { 0, 200, 302, 400, 401, 403, 404, 429, 500, 503 };
    if (size < 3) return 0;
    struct arena arena;
    struct settings cfg;
    json *root;
    arena_init(&arena, 4 << 20);
    CHECK(json_parse(SLICE(given), &arena, &root, NULL) == OK);
    CHECK(settings_read(dest_meta_capi.settings, dest_meta_capi.setting_count, root, NULL, &arena,
                        &cfg, NULL) == OK);
    slice rest = slice_of(data + 3, size - 3);
    slice said = slice_sub(rest, 0, data[2]);
    struct dest_header usage[] = { { SLICE("X-Business-Use-Case-Usage"), said, false },
                                   { SLICE("X-App-Usage"), said, false } };
    slice body = slice_sub(rest, data[2], rest.len);
    struct reply r = { .status = statuses[data[0] % ARRAY_LEN(statuses)],
                       .headers = usage,
                       .header_count = ARRAY_LEN(usage),
                       .body = body,
                       .error = body };
    size_t count = 1 + data[1] % 3u;
    struct verdict v = dest_meta_capi.judge(&r, count, &cfg, &arena);
    slice reason = slice_str(v.reason);
    CHECK(v.kind < VERDICT_COUNT && reason.len > 0 && reason.len < sizeof v.reason);
    CHECK(text_utf8_valid(reason));
    CHECK(slice_find_slice(reason, SLICE(token)) == reason.len);
    CHECK(v.kind != VERDICT_SPLIT || count > 1);
    CHECK(v.kind != VERDICT_DELIVERED || r.status == 200);
    CHECK(v.used_pct <= 100);
    CHECK(v.wait_ms >= 0 && (v.kind != VERDICT_PAUSE || v.wait_ms >= 60000));
    arena_free(&arena);
    return 0;
}
