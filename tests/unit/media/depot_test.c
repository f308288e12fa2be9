/* depot_test.c: the folder as waiting room and cache of a bucket. */
#include "test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "media/depot.h"

static char folder[64];
static struct depot depot;

static int setup(void **state UNUSED)
{
    struct why why;
    struct s3_options s3 = { "s3://files", NULL, "us-east-1", "k", "s", NULL };
    struct depot_options o = { folder, &s3, 1000 };
    snprintf(folder, sizeof folder, "/tmp/malote-depot-XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(depot_open(&depot, &o, &why), OK);
    return 0;
}

static int teardown(void **state UNUSED)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    depot_close(&depot);
    return system(command);
}

/* Keeps `size` bytes of `ch`; where: d.kept or d.cache. */
static slice keep(struct files *where, char ch, size_t size, char hash[FILES_HASH_LEN])
{
    struct why why;
    struct files_draft d;
    char bytes[2000];
    memset(bytes, ch, size);
    assert_int_equal(files_begin(where, 1, &d, &why), OK);
    assert_int_equal(files_add(&d, slice_of(bytes, size), &why), OK);
    slice digest = files_digest(&d, hash);
    if (where == &depot.cache)
        assert_int_equal(depot_cached(&depot, &d, digest, &why), OK);
    else
        assert_int_equal(files_keep(where, &d, digest, &why), OK);
    return digest;
}

static bool is_here(slice hash)
{
    int fd;
    int64_t size;
    struct why why;
    if (depot_read(&depot, hash, &fd, &size, &why) != OK) return false;
    close(fd);
    return true;
}

static void age(slice hash, time_t at)
{
    char path[256];
    assert_int_equal(hash.len, FILES_HASH_LEN);
    struct timespec times[2] = { { at, 0 }, { at, 0 } };
    const char *name = hash.ptr ? hash.ptr : "";
    snprintf(path, sizeof path, "%s/cache/%.2s/%.64s", folder, name, name);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void carried_and_counted(void **state UNUSED)
{
    char hash[FILES_HASH_LEN];
    struct why why;
    slice a = keep(&depot.kept, 'a', 400, hash);
    assert_int_equal(depot.cache_bytes, 0);
    assert_int_equal(depot_carried(&depot, a, &why), OK);
    assert_int_equal(depot.cache_bytes, 400);
    assert_int_equal(depot_carried(&depot, a, &why), OK); /* it is carried already */
    (void)keep(&depot.kept, 'a', 400, hash);              /* came once more */
    assert_int_equal(depot_carried(&depot, a, &why), OK);
    assert_int_equal(depot.cache_bytes, 400);
    assert_true(is_here(a));
    assert_int_equal(depot_remove(&depot, a, &why), OK);
    assert_int_equal(depot_remove(&depot, a, &why), OK);
    assert_int_equal(depot.cache_bytes, 0);
    assert_false(is_here(a));
}

static void the_oldest_go(void **state UNUSED)
{
    char hash[4][FILES_HASH_LEN], waits[FILES_HASH_LEN];
    slice h[4], w = keep(&depot.kept, 'w', 1500, waits);
    for (size_t i = 0; i < 4; i++) {
        h[i] = keep(&depot.cache, (char)('a' + i), 300, hash[i]);
        age(h[i], 1000 + (time_t)i);
    }
    assert_int_equal(depot.cache_bytes, 1200);
    assert_true(is_here(h[0])); /* read just now: h[1] is the oldest */
    depot_shrink(&depot);
    assert_int_equal(depot.cache_bytes, 900);
    assert_false(is_here(h[1]));
    assert_true(is_here(h[0]) && is_here(h[2]) && is_here(h[3]));
    assert_true(is_here(w)); /* in no bucket yet: never dropped */
    depot_shrink(&depot);
    assert_int_equal(depot.cache_bytes, 900);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(carried_and_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(the_oldest_go, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
