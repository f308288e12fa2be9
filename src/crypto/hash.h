/* hash.h: digests, MACs, random bytes and constant-time comparison; thin over OpenSSL's libcrypto. */
#ifndef MALOTE_CRYPTO_HASH_H
#define MALOTE_CRYPTO_HASH_H

#include "base/err.h"
#include "base/slice.h"

enum hash_kind { HASH_SHA1, HASH_SHA256, HASH_SHA512 };
enum { HASH_BYTES_MAX = 64, HASH_SHA256_BYTES = 32, HASH_SHA256_HEX = 64 };

/* Digest of the concatenated parts into out; returns its length in bytes (20, 32, 64). */
size_t hash_digest(enum hash_kind kind, const slice *parts, size_t count,
                   uint8_t out[HASH_BYTES_MAX]);
/* SHA-256 of what comes in pieces, as 64 lower-case hex digits. */
struct hash_stream {
    _Alignas(8) uint8_t state[128]; /* libcrypto's SHA256_CTX */
};
void hash_stream_init(struct hash_stream *s);
void hash_stream_add(struct hash_stream *s, slice bytes);
slice hash_stream_end(struct hash_stream *s, char out[HASH_SHA256_HEX]);
/* HMAC (RFC 2104) of the concatenated parts; returns its length. An empty key is allowed here: callers refuse empty secrets. */
size_t hash_hmac(enum hash_kind kind, slice key, const slice *parts, size_t count,
                 uint8_t out[HASH_BYTES_MAX]);
/* SHA-256 of one slice as 64 lower-case hex digits into out. */
slice hash_sha256_hex(slice in, char out[HASH_SHA256_HEX]);
/* First 8 bytes of SHA-256 as a number; for indexes, not for security. */
uint64_t hash_u64(slice in);

/* Equality whose duration depends on the lengths only. Different lengths are unequal. */
bool hash_equal(slice a, slice b);
/* Cryptographically strong random bytes; aborts when the system has none. */
void hash_random(void *out, size_t bytes);

/* RSA PKCS#1 v1.5 with SHA-256 over body; public key in PEM. False for any fault. */
bool hash_rsa_verify(slice pem, slice body, slice signature);
/* Ed25519 over message; key is 32 raw bytes. */
bool hash_ed25519_verify(slice key, slice message, slice signature);

#endif
