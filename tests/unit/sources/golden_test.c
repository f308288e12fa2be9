/* golden_test.c: every payload of tests/golden/<kind>/<name>.json gives exactly <name>.expect.json.
 * MALOTE_GOLDEN_WRITE=1 writes the expectations anew: then read the diff. */
#include "test.h"

#include <dirent.h>

#include "kind.h"

extern const struct source_kind source_cakto, source_whatsapp_cloud;

static const char *tests_dir;

static const struct golden {
    const struct source_kind *kind;
    const char *settings;
    bool proven;  /* the payloads prove themselves */
    size_t least; /* payloads there are */
} goldens[] = {
    { &source_cakto, "{\"secret\":\"7d0c5a1e-0000-4000-8000-00000000ca01\"}", true, 16 },
    { &source_whatsapp_cloud, "{\"app_secret\":\"5f4dcc3b5aa765d61d8327deb882cf99\"}", false, 71 },
};

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

static void check_one(const struct golden *g, const char *name)
{
    struct arena a;
    struct why why = { 0 };
    char input[512], expect[512];
    slice got, stem = slice_str(name);
    arena_init(&a, 1 << 24);
    stem.len -= SLICE(".json").len;
    snprintf(input, sizeof input, "golden/%s/%s", g->kind->name, name);
    snprintf(expect, sizeof expect, "golden/%s/%.*s.expect.json", g->kind->name, SLICE_ARG(stem));
    struct settings cfg = kind_settings(g->kind, g->settings, &a);
    slice body = test_exact(test_file(tests_dir, input, &a));
    struct request r = { .body = body, .received_ms = 1773144000000 };
    if (g->proven) assert_int_equal(g->kind->verify(&r, &cfg, 1773144000000, &a, &why), OK);
    if (kind_run(g->kind, &r, &cfg, &a, &got, &why) != OK) fail_msg("%s: %s", name, why.text);
    got = pretty(got, &a);
    if (getenv("MALOTE_GOLDEN_WRITE")) write_file(expect, got);
    slice want = test_file(tests_dir, expect, &a);
    if (!slice_eq(got, want))
        fail_msg("%s:\ngot %.*s\nwant %.*s", name, SLICE_ARG(got), SLICE_ARG(want));
    free((void *)(uintptr_t)body.ptr);
    arena_free(&a);
}

static void check_all(const struct golden *g)
{
    char path[1024];
    size_t count = 0;
    snprintf(path, sizeof path, "%s/golden/%s", tests_dir, g->kind->name);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        slice name = slice_str(entry->d_name);
        if (!slice_ends(name, SLICE(".json")) || slice_ends(name, SLICE(".expect.json"))) continue;
        check_one(g, entry->d_name);
        count++;
    }
    closedir(dir);
    assert_true(count >= g->least);
}

static void cakto(void **state UNUSED) { check_all(&goldens[0]); }
static void whatsapp_cloud(void **state UNUSED) { check_all(&goldens[1]); }

int main(int argc, char **argv)
{
    tests_dir = argc > 1 ? argv[1] : "tests";
    const struct CMUnitTest tests[] = { cmocka_unit_test(cakto), cmocka_unit_test(whatsapp_cloud) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
