/* golden_test.c: every payload of tests/golden/cakto/<name>.json gives exactly <name>.expect.json.
 * MALOTE_GOLDEN_WRITE=1 writes the expectations anew: then read the diff. */
#include "test.h"

#include <dirent.h>

#include "kind.h"

extern const struct source_kind source_cakto;

static const char *tests_dir;

static slice pretty(slice text, struct arena *a)
{
    json *v = NULL;
    size_t len = 0;
    assert_int_equal(json_parse(text, a, &v, NULL), OK);
    char *out = yyjson_val_write_opts(v, YYJSON_WRITE_PRETTY_TWO_SPACES, NULL, &len, NULL);
    assert_non_null(out);
    slice copy = arena_printf(a, "%.*s\n", (int)len, out);
    free(out);
    return copy;
}

static void write_file(const char *name, slice text)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", tests_dir, name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(text.ptr, 1, text.len, f) != text.len) fail_msg("cannot write %s", path);
    fclose(f);
}

static void check_one(const char *name)
{
    struct arena a;
    struct why why = { 0 };
    char input[512], expect[512];
    slice got, stem = slice_str(name);
    arena_init(&a, 1 << 24);
    stem.len -= SLICE(".json").len;
    snprintf(input, sizeof input, "golden/cakto/%s", name);
    snprintf(expect, sizeof expect, "golden/cakto/%.*s.expect.json", SLICE_ARG(stem));
    struct settings cfg =
        kind_settings(&source_cakto, "{\"secret\":\"7d0c5a1e-0000-4000-8000-00000000ca01\"}", &a);
    slice body = test_exact(test_file(tests_dir, input, &a));
    struct request r = { .body = body, .received_ms = 1773144000000 };
    assert_int_equal(source_cakto.verify(&r, &cfg, 1773144000000, &a, &why), OK);
    if (kind_run(&source_cakto, &r, &cfg, &a, &got, &why) != OK) fail_msg("%s: %s", name, why.text);
    got = pretty(got, &a);
    if (getenv("MALOTE_GOLDEN_WRITE")) write_file(expect, got);
    slice want = test_file(tests_dir, expect, &a);
    if (!slice_eq(got, want))
        fail_msg("%s:\ngot %.*s\nwant %.*s", name, SLICE_ARG(got), SLICE_ARG(want));
    free((void *)(uintptr_t)body.ptr);
    arena_free(&a);
}

static void cakto(void **state UNUSED)
{
    char path[1024];
    size_t count = 0;
    snprintf(path, sizeof path, "%s/golden/cakto", tests_dir);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        slice name = slice_str(entry->d_name);
        if (!slice_ends(name, SLICE(".json")) || slice_ends(name, SLICE(".expect.json"))) continue;
        check_one(entry->d_name);
        count++;
    }
    closedir(dir);
    assert_true(count >= 16);
}

int main(int argc, char **argv)
{
    tests_dir = argc > 1 ? argv[1] : "tests";
    const struct CMUnitTest tests[] = { cmocka_unit_test(cakto) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
