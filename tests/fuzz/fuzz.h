/* fuzz.h: what the fuzz targets share. A target asserts properties with CHECK; "does not crash"
 * is the least of them. */
#ifndef MALOTE_TESTS_FUZZ_FUZZ_H
#define MALOTE_TESTS_FUZZ_FUZZ_H

#include "../unit/sources/kind.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FUZZ_ARENA_BYTES = 1 << 24 };

/* Does s lie in one of the two arenas' worth of memory we may read? Reading it all shows that to
 * the sanitizer. */
static inline void fuzz_touch(slice s)
{
    volatile char sum = 0;
    for (size_t i = 0; i < s.len; i++) sum = (char)(sum ^ s.ptr[i]);
}

/* What source.h promises of every event. */
static inline void fuzz_check_event(const struct event *e)
{
    CHECK(e->type.len >= 1 && e->type.len <= EVENT_TYPE_MAX);
    for (size_t i = 0; i < e->type.len; i++) {
        char c = e->type.ptr[i];
        CHECK((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.');
    }
    CHECK(e->key.len >= 1 && e->key.len <= EVENT_KEY_MAX && text_utf8_valid(e->key));
    for (size_t i = 0; i < e->key.len; i++) CHECK((unsigned char)e->key.ptr[i] >= 0x20);
    CHECK(text_utf8_valid(e->name) && slice_find(e->name, 0) == e->name.len);
    fuzz_touch(e->locator);
}

/* Runs a kind twice over one request: the same result both times, promises kept, and the print
 * can be read back. */
static inline void fuzz_kind(const struct source_kind *kind, const char *settings,
                             const struct request *r)
{
    struct arena arena, again;
    arena_init(&arena, FUZZ_ARENA_BYTES);
    arena_init(&again, FUZZ_ARENA_BYTES);
    struct settings cfg = kind_settings(kind, settings, &arena);
    struct request one = *r, two = *r, three = *r;
    struct event_list list = { 0 };
    struct why why = { 0 };
    slice out = { NULL, 0 }, second = { NULL, 0 };
    if (kind->verify(&one, &cfg, r->received_ms, &arena, &why) != OK) CHECK(why.text[0] != 0);
    one.json = NULL;
    enum err rc = kind_run(kind, &one, &cfg, &arena, &out, &why);
    CHECK(rc == OK || rc == ERR_SYNTAX || rc == ERR_LIMIT);
    CHECK(kind_run(kind, &two, &cfg, &again, &second, NULL) == rc && slice_eq(out, second));
    if (rc == OK) {
        json *tree = NULL;
        CHECK(json_parse(out, &arena, &tree, &why) == OK);
        CHECK(kind->split(&three, &cfg, &arena, &list, NULL) == OK);
        for (size_t i = 0; i < list.count; i++) fuzz_check_event(&list.at[i]);
    }
    arena_free(&arena);
    arena_free(&again);
}

#endif
