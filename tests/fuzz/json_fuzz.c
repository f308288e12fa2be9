/* json_fuzz.c: what parses prints, and what was printed parses to the same print; depth and
 * pointers stay in bounds. Read leniently, what parses is the same, and what is mended is valid. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct why why = { 0 };
    json *one = NULL, *two = NULL;
    slice text = slice_of(data, size);
    arena_init(&a, FUZZ_ARENA_BYTES);
    if (json_parse(text, &a, &one, &why) == OK) {
        slice print = json_print(one, &a);
        CHECK(print.len > 0 && text_utf8_valid(print));
        CHECK(json_parse(print, &a, &two, NULL) == OK);
        CHECK(slice_eq(json_print(two, &a), print));
        CHECK(json_at(one, SLICE("")) == one);
        fuzz_touch(json_text(json_at(one, slice_sub(text, 0, 40))));
    } else {
        CHECK(!one && why.text[0] != 0);
    }
    slice strict = one ? json_print(one, &a) : slice_of(NULL, 0);
    if (json_parse_lenient(text, &a, &two, NULL) == OK) {
        slice print = json_print(two, &a);
        CHECK(text_utf8_valid(print) && (!one || slice_eq(print, strict)));
        CHECK(json_parse(print, &a, &two, NULL) == OK);
    } else {
        CHECK(!one && !two);
    }
    arena_free(&a);
    return 0;
}
