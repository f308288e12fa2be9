/* formats_fuzz.c: amounts, times, phones, documents, places and names: what is accepted has a
 * form that reads as itself. */
#include "fuzz.h"

#include "base/brazil.h"
#include "base/money.h"
#include "base/time.h"

static void times(slice in)
{
    char text[TIME_TEXT_MAX];
    int64_t ms = 0, again = 0;
    bool bare = false;
    if (time_parse(in, &ms, &bare, NULL) != OK) return;
    slice out = time_format(ms, text);
    if (out.len == 0) return; /* an offset may lead out of the years 1 to 9999 */
    CHECK(time_parse(out, &again, &bare, NULL) == OK && again == ms && !bare);
}

static void amounts(slice in, struct arena *a)
{
    char text[32];
    int64_t cents = 0, again = 0;
    json *v = NULL;
    if (money_parse(in, &cents, NULL) == OK) {
        CHECK(cents >= 0 && cents <= MONEY_CENTS_MAX);
        int len =
            snprintf(text, sizeof text, "%lld,%02d", (long long)(cents / 100), (int)(cents % 100));
        CHECK(money_parse(slice_of(text, (size_t)len), &again, NULL) == OK && again == cents);
    }
    if (json_parse(in, a, &v, NULL) != OK) return;
    if (money_from_json(v, &cents, NULL) == OK) CHECK(cents >= 0 && cents <= MONEY_CENTS_MAX);
    if (money_cents_from_json(v, &cents, NULL) == OK) CHECK(cents >= 0 && cents <= MONEY_CENTS_MAX);
}

static void brazil(slice in, struct arena *a)
{
    struct brazil_phone phone, phone_again;
    struct brazil_name name, name_again;
    char out[BRAZIL_CNPJ_LEN], again[BRAZIL_CNPJ_LEN];
    size_t len = 0, len_again = 0;
    slice code;
    if (brazil_phone(in, &phone, NULL) == OK) {
        CHECK(brazil_phone(brazil_phone_text(&phone), &phone_again, NULL) == OK);
        CHECK(slice_eq(brazil_phone_text(&phone), brazil_phone_text(&phone_again)));
    }
    for (int number = 0; number < 2; number++) {
        if (brazil_document(in, number, out, &len, NULL) != OK) continue;
        CHECK(brazil_document(slice_of(out, len), false, again, &len_again, NULL) == OK);
        CHECK(slice_eq(slice_of(out, len), slice_of(again, len_again)));
    }
    if (brazil_cep(in, out, NULL) == OK)
        CHECK(brazil_cep(slice_of(out, BRAZIL_CEP_LEN), again, NULL) == OK &&
              memcmp(out, again, BRAZIL_CEP_LEN) == 0);
    if (brazil_state(in, &code, NULL) == OK) CHECK(code.len == 2);
    if (brazil_name(in, a, &name, NULL) == OK) {
        CHECK(name.first.len > 0 && text_utf8_valid(name.display));
        CHECK(brazil_name(name.display, a, &name_again, NULL) == OK &&
              slice_eq(name.display, name_again.display));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    arena_init(&a, FUZZ_ARENA_BYTES);
    times(slice_of(data, size));
    amounts(slice_of(data, size), &a);
    brazil(slice_of(data, size), &a);
    arena_free(&a);
    return 0;
}
