/* files_test.c: files kept once, under their digest. */
#include "test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "media/files.h"

static char folder[64];
static struct files files;

static int setup(void **state UNUSED)
{
    struct why why;
    snprintf(folder, sizeof folder, "/tmp/malote-files-XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(files_open(&files, folder, &why), OK);
    return 0;
}

static int teardown(void **state UNUSED)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static slice keep(uint64_t id, slice a, slice b, char hash[FILES_HASH_LEN])
{
    struct why why;
    struct files_draft d;
    assert_int_equal(files_begin(&files, id, &d, &why), OK);
    assert_int_equal(files_add(&d, a, &why), OK);
    assert_int_equal(files_add(&d, b, &why), OK);
    slice digest = files_digest(&d, hash);
    assert_int_equal(files_keep(&files, &d, digest, &why), OK);
    return digest;
}

static void kept_under_its_digest(void **state UNUSED)
{
    struct why why;
    char hash[FILES_HASH_LEN], again[FILES_HASH_LEN], text[8] = "";
    int fd;
    int64_t size;
    slice digest = keep(1, SLICE("a"), SLICE("bc"), hash);
    assert_memory_equal(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                        64);
    assert_true(slice_eq(digest, keep(2, SLICE("ab"), SLICE("c"), again)));
    assert_int_equal(files_read(&files, digest, &fd, &size, &why), OK);
    assert_int_equal(size, 3);
    assert_int_equal(read(fd, text, sizeof text), 3);
    assert_string_equal(text, "abc");
    close(fd);
    assert_int_equal(files_remove(&files, digest, &why), OK);
    assert_int_equal(files_remove(&files, digest, &why), OK);
    assert_int_equal(files_read(&files, digest, &fd, &size, &why), ERR_MISSING);
}

static void no_name_but_a_digest(void **state UNUSED)
{
    static const char *const names[] = {
        "", "../../etc/passwd", "ba/816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"
    };
    struct why why;
    int fd;
    int64_t size;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_int_equal(files_read(&files, slice_str(names[i]), &fd, &size, &why), ERR_MISSING);
        assert_int_equal(files_remove(&files, slice_str(names[i]), &why), ERR_MISSING);
    }
}

static void drafts_leave_nothing(void **state UNUSED)
{
    struct why why;
    struct files_draft d;
    char path[128];
    assert_int_equal(files_begin(&files, 7, &d, &why), OK);
    assert_int_equal(files_add(&d, SLICE("half"), &why), OK);
    files_drop(&d);
    files_drop(&d);
    snprintf(path, sizeof path, "%s/drafts/7", folder);
    assert_int_not_equal(access(path, F_OK), 0);
    int fd = open(path, O_CREAT | O_WRONLY, 0600); /* a killed process's */
    close(fd);
    assert_int_equal(files_open(&files, folder, &why), OK);
    assert_int_not_equal(access(path, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(kept_under_its_digest, setup, teardown),
        cmocka_unit_test_setup_teardown(no_name_but_a_digest, setup, teardown),
        cmocka_unit_test_setup_teardown(drafts_leave_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
