/* seal_test.c: what was sealed opens under its key and context only, and not at all once a byte has changed. */
#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "crypto/seal.h"

#define HEX_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define HEX_B "100102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static void keys_as_text(void **state UNUSED)
{
    static const struct {
        const char *text;
        enum err want;
    } cases[] = {
        { HEX_A, OK },
        { " \t" HEX_A "\n", OK },
        { "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F", OK },
        { "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", OK },
        { "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", OK },
        { "", ERR_SYNTAX },
        { "secret", ERR_SYNTAX },
        { "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e", ERR_SYNTAX },
        { "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1g", ERR_SYNTAX },
        { "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==", ERR_SYNTAX },
        { HEX_A "00", ERR_SYNTAX },
    };
    struct seal_key want;
    assert_int_equal(seal_key_read(SLICE(HEX_A), &want, NULL), OK);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct seal_key key;
        struct why why = { .code = OK };
        slice text = test_exact(slice_str(cases[i].text));
        if (seal_key_read(text, &key, &why) != cases[i].want) fail_msg("\"%s\"", cases[i].text);
        if (cases[i].want == OK)
            assert_memory_equal(&key, &want, sizeof key);
        else
            assert_null(strstr(why.text, "00010203")); /* an error never repeats a key */
        free((void *)(uintptr_t)text.ptr);
    }
}

static void round_trip(void **state UNUSED)
{
    static const char *const plains[] = { "", "x", "{\"secret\":\"whsec_abc\"}" };
    struct seal_key key, other;
    struct arena a;
    struct why why;
    arena_init(&a, 1 << 20);
    assert_int_equal(seal_key_read(SLICE(HEX_A), &key, NULL), OK);
    assert_int_equal(seal_key_read(SLICE(HEX_B), &other, NULL), OK);
    for (size_t i = 0; i < ARRAY_LEN(plains); i++) {
        slice sealed, again, opened, plain = slice_str(plains[i]);
        assert_int_equal(seal_close(&key, SLICE("source:1"), plain, &a, &sealed), OK);
        assert_int_equal(seal_close(&key, SLICE("source:1"), plain, &a, &again), OK);
        assert_int_equal(sealed.len, plain.len + SEAL_OVERHEAD);
        assert_false(slice_eq(sealed, again)); /* a fresh nonce each time */
        if (plain.len > 4) assert_int_equal(slice_find_slice(sealed, plain), sealed.len);
        sealed = test_exact(sealed);
        assert_int_equal(seal_open(&key, SLICE("source:1"), sealed, &a, &opened, &why), OK);
        assert_slice(opened, plain);
        assert_int_equal(seal_open(&other, SLICE("source:1"), sealed, &a, &opened, &why),
                         ERR_DENIED);
        assert_non_null(strstr(why.text, "another master key"));
        assert_int_equal(seal_open(&key, SLICE("source:2"), sealed, &a, &opened, &why), ERR_DENIED);
        assert_int_equal(seal_open(&key, SLICE("destination:1"), sealed, &a, &opened, &why),
                         ERR_DENIED);
        free((void *)(uintptr_t)sealed.ptr);
    }
    arena_free(&a);
}

static void every_byte_counts(void **state UNUSED)
{
    struct seal_key key;
    struct arena a;
    slice sealed, opened;
    arena_init(&a, 1 << 20);
    assert_int_equal(seal_key_read(SLICE(HEX_A), &key, NULL), OK);
    assert_int_equal(seal_close(&key, SLICE("c"), SLICE("{\"a\":1}"), &a, &sealed), OK);
    for (size_t i = 0; i < sealed.len; i++)
        for (int bit = 0; bit < 8; bit++) {
            char copy[128];
            memcpy(copy, sealed.ptr, sealed.len);
            copy[i] = (char)(copy[i] ^ 1 << bit);
            slice bad = test_exact(slice_of(copy, sealed.len));
            assert_int_equal(seal_open(&key, SLICE("c"), bad, &a, &opened, NULL), ERR_DENIED);
            free((void *)(uintptr_t)bad.ptr);
        }
    for (size_t len = 0; len < sealed.len; len++) {
        slice cut = test_exact(slice_sub(sealed, 0, len));
        assert_int_equal(seal_open(&key, SLICE("c"), cut, &a, &opened, NULL), ERR_DENIED);
        free((void *)(uintptr_t)cut.ptr);
    }
    arena_free(&a);
}

static void key_file(void **state UNUSED)
{
    static const struct {
        mode_t mode;
        enum err want;
    } modes[] = {
        { 0600, OK },         { 0400, OK },         { 0640, ERR_DENIED },
        { 0604, ERR_DENIED }, { 0660, ERR_DENIED }, { 0601, ERR_DENIED },
    };
    char dir[] = "/tmp/malote-XXXXXX", path[64], missing[64];
    struct seal_key made, read;
    struct why why;
    struct stat st;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/master.key", dir);
    snprintf(missing, sizeof missing, "%s/no/master.key", dir);
    mode_t mask = umask(0);
    assert_int_equal(seal_key_file(path, &made, &why), OK);
    umask(mask);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600); /* whatever the umask */
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        assert_int_equal(chmod(path, modes[i].mode), 0);
        memset(&read, 0, sizeof read);
        assert_int_equal(seal_key_file(path, &read, &why), modes[i].want);
        if (modes[i].want == OK)
            assert_memory_equal(&read, &made, sizeof read);
        else
            assert_non_null(strstr(why.text, "chmod 600"));
    }
    assert_int_equal(seal_key_file(missing, &read, &why), ERR_IO);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(truncate(path, 10), 0);
    assert_int_equal(seal_key_file(path, &read, &why), ERR_SYNTAX); /* and it is not made anew */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

static void no_room(void **state UNUSED)
{
    struct seal_key key;
    struct arena a;
    slice out;
    arena_init(&a, 16);
    assert_int_equal(seal_key_read(SLICE(HEX_A), &key, NULL), OK);
    assert_int_equal(seal_close(&key, SLICE("c"), SLICE("x"), &a, &out), ERR_LIMIT);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(keys_as_text),
                                        cmocka_unit_test(round_trip),
                                        cmocka_unit_test(every_byte_counts),
                                        cmocka_unit_test(key_file), cmocka_unit_test(no_room) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
