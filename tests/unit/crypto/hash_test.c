/* hash_test.c: published vectors: FIPS 180-4 (SHA), RFC 4231 and RFC 2202 (HMAC), RFC 8032 (Ed25519). */
#include "test.h"

#include "base/text.h"
#include "crypto/hash.h"

static void digests(void **state UNUSED)
{
    static const struct {
        enum hash_kind kind;
        const char *in, *want;
    } cases[] = {
        { HASH_SHA1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
        { HASH_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
        { HASH_SHA1, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "84983e441c3bd26ebaae4aa1f95129e5e54670f1" },
        { HASH_SHA256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { HASH_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { HASH_SHA256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
        { HASH_SHA512, "abc",
          "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
          "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },
        { HASH_SHA512, "",
          "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
          "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        slice in = test_exact(slice_str(cases[i].in));
        uint8_t out[HASH_BYTES_MAX];
        char hex[2 * HASH_BYTES_MAX];
        for (size_t cut = 0; cut <= in.len; cut++) { /* parts are one text */
            const slice parts[] = { slice_sub(in, 0, cut), slice_sub(in, cut, in.len) };
            size_t len = hash_digest(cases[i].kind, parts, 2, out);
            assert_slice(text_hex(slice_of(out, len), hex), slice_str(cases[i].want));
        }
        if (cases[i].kind == HASH_SHA256)
            assert_slice(hash_sha256_hex(in, hex), slice_str(cases[i].want));
        free((void *)(uintptr_t)in.ptr);
    }
}

static void macs(void **state UNUSED)
{
    /* The key as hex, or as one byte so many times; the text likewise. */
    static const struct {
        enum hash_kind kind;
        uint8_t key_byte;
        size_t key_len;
        const char *key, *text;
        uint8_t text_byte;
        size_t text_len;
        const char *want;
    } cases[] = {
        { HASH_SHA256, 0x0b, 20, NULL, "Hi There", 0, 0,
          "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
        { HASH_SHA256, 0, 0, "Jefe", "what do ya want for nothing?", 0, 0,
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
        { HASH_SHA256, 0xaa, 20, NULL, NULL, 0xdd, 50,
          "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
        { HASH_SHA256, 0xaa, 131, NULL, "Test Using Larger Than Block-Size Key - Hash Key First", 0,
          0, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
        { HASH_SHA256, 0xaa, 131, NULL,
          "This is a test using a larger than block-size key and a larger than block-size data. "
          "The key needs to be hashed before being used by the HMAC algorithm.",
          0, 0, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2" },
        { HASH_SHA512, 0x0b, 20, NULL, "Hi There", 0, 0,
          "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274e"
          "aea3f4e4"
          "be9d914eeb61f1702e696c203a126854" },
        { HASH_SHA512, 0, 0, "Jefe", "what do ya want for nothing?", 0, 0,
          "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65"
          "f8f0e6fd"
          "caeab1a34d4a6b4b636e070a38bce737" },
        { HASH_SHA1, 0x0b, 20, NULL, "Hi There", 0, 0, "b617318655057264e28bc0b6fb378c8ef146be00" },
        { HASH_SHA1, 0, 0, "Jefe", "what do ya want for nothing?", 0, 0,
          "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79" },
        { HASH_SHA256, 0, 0, "", "", 0, 0,
          "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t key[131], text[50], out[HASH_BYTES_MAX];
        char hex[2 * HASH_BYTES_MAX];
        memset(key, cases[i].key_byte, sizeof key);
        memset(text, cases[i].text_byte, sizeof text);
        slice k = cases[i].key ? slice_str(cases[i].key) : slice_of(key, cases[i].key_len);
        slice t = cases[i].text ? slice_str(cases[i].text) : slice_of(text, cases[i].text_len);
        const slice parts[] = { slice_sub(t, 0, t.len / 2), slice_sub(t, t.len / 2, t.len) };
        size_t len = hash_hmac(cases[i].kind, k, parts, 2, out);
        assert_slice(text_hex(slice_of(out, len), hex), slice_str(cases[i].want));
    }
}

static void ed25519(void **state UNUSED)
{
    static const struct {
        const char *key, *message, *signature;
        bool good;
    } cases[] = {
        { "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
          "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e3970"
          "1cf9b46b"
          "d25bf5f0595bbe24655141438e7a100b",
          true },
        { "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
          "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613"
          "d0f11d8c"
          "387b2eaeb4302aeeb00d291612bb0c00",
          true },
        { "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "73",
          "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613"
          "d0f11d8c"
          "387b2eaeb4302aeeb00d291612bb0c00",
          false },
        { "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72", "92a0", false },
        { "3d40", "72", "92a0", false },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t bytes[3][64];
        const char *const texts[] = { cases[i].key, cases[i].message, cases[i].signature };
        slice part[3];
        for (size_t k = 0; k < 3; k++) {
            size_t len = 0;
            assert_int_equal(text_unhex(slice_str(texts[k]), bytes[k], sizeof bytes[k], &len), OK);
            part[k] = slice_of(bytes[k], len);
        }
        assert_true(hash_ed25519_verify(part[0], part[1], part[2]) == cases[i].good);
    }
}

static void equality(void **state UNUSED)
{
    assert_true(hash_equal(SLICE("abc"), SLICE("abc")));
    assert_true(hash_equal(SLICE(""), (slice){ NULL, 0 }));
    assert_false(hash_equal(SLICE("abc"), SLICE("abd")));
    assert_false(hash_equal(SLICE("abc"), SLICE("ab")));
    assert_false(hash_equal(SLICE("abc"), (slice){ NULL, 0 }));
    uint8_t a[32] = { 0 }, b[32] = { 0 };
    hash_random(a, sizeof a);
    hash_random(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    assert_true(hash_u64(SLICE("abc")) == 0xba7816bf8f01cfeaull);
    assert_false(hash_rsa_verify(SLICE("no key"), SLICE("body"), SLICE("signature")));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(digests), cmocka_unit_test(macs),
                                        cmocka_unit_test(ed25519), cmocka_unit_test(equality) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
