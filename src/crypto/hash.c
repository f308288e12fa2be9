/* hash.c: digests and MACs over libcrypto's EVP interface. */
#include "crypto/hash.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "base/text.h"

static size_t block_bytes(enum hash_kind kind) { return kind == HASH_SHA512 ? 128 : 64; }

/* One state for the three algorithms: the low-level calls cost no allocation, which EVP contexts do on every message. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
struct hash_state {
    enum hash_kind kind;
    union {
        SHA_CTX sha1;
        SHA256_CTX sha256;
        SHA512_CTX sha512;
    } u;
};

static void state_init(struct hash_state *s, enum hash_kind kind)
{
    s->kind = kind;
    if (kind == HASH_SHA1)
        SHA1_Init(&s->u.sha1);
    else if (kind == HASH_SHA256)
        SHA256_Init(&s->u.sha256);
    else
        SHA512_Init(&s->u.sha512);
}

static void state_add(struct hash_state *s, const void *bytes, size_t len)
{
    if (len == 0) return;
    if (s->kind == HASH_SHA1)
        SHA1_Update(&s->u.sha1, bytes, len);
    else if (s->kind == HASH_SHA256)
        SHA256_Update(&s->u.sha256, bytes, len);
    else
        SHA512_Update(&s->u.sha512, bytes, len);
}

static size_t state_end(struct hash_state *s, uint8_t *out)
{
    if (s->kind == HASH_SHA1)
        SHA1_Final(out, &s->u.sha1);
    else if (s->kind == HASH_SHA256)
        SHA256_Final(out, &s->u.sha256);
    else
        SHA512_Final(out, &s->u.sha512);
    return s->kind == HASH_SHA1 ? 20 : s->kind == HASH_SHA256 ? 32 : 64;
}

static SHA256_CTX *sha256_of(struct hash_stream *s) { return (SHA256_CTX *)(void *)s->state; }
_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct hash_stream), "room for libcrypto's state");

void hash_stream_init(struct hash_stream *s) { SHA256_Init(sha256_of(s)); }

void hash_stream_add(struct hash_stream *s, slice bytes)
{
    if (bytes.len) SHA256_Update(sha256_of(s), bytes.ptr, bytes.len);
}

slice hash_stream_end(struct hash_stream *s, char out[HASH_SHA256_HEX])
{
    uint8_t digest[HASH_SHA256_BYTES];
    SHA256_Final(digest, sha256_of(s));
    return text_hex(slice_of(digest, sizeof digest), out);
}
#pragma GCC diagnostic pop

size_t hash_digest(enum hash_kind kind, const slice *parts, size_t count,
                   uint8_t out[HASH_BYTES_MAX])
{
    struct hash_state s;
    state_init(&s, kind);
    for (size_t i = 0; i < count; i++) state_add(&s, parts[i].ptr, parts[i].len);
    return state_end(&s, out);
}

size_t hash_hmac(enum hash_kind kind, slice key, const slice *parts, size_t count,
                 uint8_t out[HASH_BYTES_MAX])
{
    uint8_t block[128] = { 0 }, inner[HASH_BYTES_MAX];
    size_t size = block_bytes(kind);
    if (key.len > size)
        hash_digest(kind, &key, 1, block);
    else if (key.len)
        memcpy(block, key.ptr, key.len);
    struct hash_state s;
    for (size_t i = 0; i < size; i++) block[i] ^= 0x36;
    state_init(&s, kind);
    state_add(&s, block, size);
    for (size_t i = 0; i < count; i++) state_add(&s, parts[i].ptr, parts[i].len);
    size_t len = state_end(&s, inner);
    for (size_t i = 0; i < size; i++) block[i] ^= 0x36 ^ 0x5c;
    state_init(&s, kind);
    state_add(&s, block, size);
    state_add(&s, inner, len);
    len = state_end(&s, out);
    OPENSSL_cleanse(block, sizeof block);
    OPENSSL_cleanse(&s, sizeof s);
    return len;
}

slice hash_sha256_hex(slice in, char out[HASH_SHA256_HEX])
{
    uint8_t digest[HASH_BYTES_MAX];
    size_t len = hash_digest(HASH_SHA256, &in, 1, digest);
    return text_hex(slice_of(digest, len), out);
}

uint64_t hash_u64(slice in)
{
    uint8_t digest[HASH_BYTES_MAX];
    hash_digest(HASH_SHA256, &in, 1, digest);
    uint64_t n = 0;
    for (size_t i = 0; i < 8; i++) n = n << 8 | digest[i];
    return n;
}

bool hash_equal(slice a, slice b)
{
    return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.ptr, b.ptr, a.len) == 0);
}

void hash_random(void *out, size_t bytes)
{
    CHECK(bytes <= 1 << 20);
    CHECK(RAND_bytes(out, (int)bytes) == 1);
}

static bool verify_with(EVP_PKEY *key, const EVP_MD *md, slice message, slice signature)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx && EVP_DigestVerifyInit(ctx, NULL, md, NULL, key) == 1 &&
                EVP_DigestVerify(ctx, (const uint8_t *)signature.ptr, signature.len,
                                 (const uint8_t *)message.ptr, message.len) == 1;
    EVP_MD_CTX_free(ctx);
    return good;
}

bool hash_rsa_verify(slice pem, slice body, slice signature)
{
    if (pem.len == 0 || pem.len > 1 << 16 || signature.len == 0) return false;
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    EVP_PKEY *key = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
    bool good = key && EVP_PKEY_base_id(key) == EVP_PKEY_RSA &&
                verify_with(key, EVP_sha256(), body, signature);
    EVP_PKEY_free(key);
    BIO_free(bio);
    return good;
}

bool hash_ed25519_verify(slice raw, slice message, slice signature)
{
    if (raw.len != 32 || signature.len != 64) return false;
    EVP_PKEY *key =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const uint8_t *)raw.ptr, raw.len);
    bool good = key && verify_with(key, NULL, message, signature);
    EVP_PKEY_free(key);
    return good;
}
