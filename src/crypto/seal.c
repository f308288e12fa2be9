/* seal.c: AES-256-GCM over libcrypto, and the master key's file. */
#include "crypto/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "crypto/hash.h"

enum { SEAL_VERSION = 1, KEY_FILE_MAX = 256 };

static void key_set_id(struct seal_key *key)
{
    uint8_t digest[HASH_BYTES_MAX];
    slice bytes = slice_of(key->bytes, sizeof key->bytes);
    hash_digest(HASH_SHA256, &bytes, 1, digest);
    memcpy(key->id, digest, SEAL_ID_BYTES);
}

enum err seal_key_read(slice text, struct seal_key *out, struct why *why)
{
    size_t len = 0;
    text = slice_trim(text);
    bool good = text.len == 2 * SEAL_KEY_BYTES
                    ? text_unhex(text, out->bytes, sizeof out->bytes, &len) == OK
                    : text_unbase64(text, false, out->bytes, sizeof out->bytes, &len) == OK;
    if (!good || len != SEAL_KEY_BYTES)
        return why_set(why, ERR_SYNTAX,
                       "the master key must be 64 hex digits or base64 of 32 bytes");
    key_set_id(out);
    return OK;
}

static enum err key_file_make(const char *path, struct seal_key *out, struct why *why)
{
    char text[2 * SEAL_KEY_BYTES + 1];
    hash_random(out->bytes, sizeof out->bytes);
    key_set_id(out);
    text_hex(slice_of(out->bytes, sizeof out->bytes), text);
    text[2 * SEAL_KEY_BYTES] = '\n';
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return why_set(why, ERR_IO, "cannot make %s: %s", path, strerror(errno));
    bool good = write(fd, text, sizeof text) == (ssize_t)sizeof text && fsync(fd) == 0;
    good = close(fd) == 0 && good;
    if (!good) (void)unlink(path);
    return good ? OK : why_set(why, ERR_IO, "cannot write %s: %s", path, strerror(errno));
}

enum err seal_key_file(const char *path, struct seal_key *out, struct why *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) return key_file_make(path, out, why);
    if (fd < 0) return why_set(why, ERR_IO, "cannot read %s: %s", path, strerror(errno));
    struct stat st;
    char text[KEY_FILE_MAX];
    bool known = fstat(fd, &st) == 0;
    ssize_t len = read(fd, text, sizeof text);
    close(fd);
    if (!known || len < 0) return why_set(why, ERR_IO, "cannot read %s", path);
    if (st.st_mode & 077)
        return why_set(why, ERR_DENIED, "%s can be read by others: chmod 600 it", path);
    return seal_key_read(slice_of(text, (size_t)len), out, why);
}

enum err seal_close(const struct seal_key *key, slice context, slice plain, struct arena *arena,
                    slice *out)
{
    uint8_t *to = arena_alloc(arena, plain.len + SEAL_OVERHEAD);
    if (!to) return ERR_LIMIT;
    CHECK(plain.len < 1 << 24 && context.len < 1 << 16);
    to[0] = SEAL_VERSION;
    memcpy(to + 1, key->id, SEAL_ID_BYTES);
    uint8_t *nonce = to + 1 + SEAL_ID_BYTES, *text = nonce + SEAL_NONCE_BYTES;
    hash_random(nonce, SEAL_NONCE_BYTES);
    int n = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool good =
        ctx && EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->bytes, nonce) == 1 &&
        EVP_EncryptUpdate(ctx, NULL, &n, (const uint8_t *)context.ptr, (int)context.len) == 1 &&
        EVP_EncryptUpdate(ctx, text, &n, (const uint8_t *)plain.ptr, (int)plain.len) == 1 &&
        EVP_EncryptFinal_ex(ctx, text + plain.len, &n) == 1 &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, SEAL_TAG_BYTES, text + plain.len) == 1;
    EVP_CIPHER_CTX_free(ctx);
    CHECK(good);
    *out = slice_of(to, plain.len + SEAL_OVERHEAD);
    return OK;
}

enum err seal_open(const struct seal_key *key, slice context, slice sealed, struct arena *arena,
                   slice *out, struct why *why)
{
    const uint8_t *from = (const uint8_t *)sealed.ptr;
    if (sealed.len < SEAL_OVERHEAD || from[0] != SEAL_VERSION)
        return why_set(why, ERR_DENIED, "a sealed secret is damaged");
    if (memcmp(from + 1, key->id, SEAL_ID_BYTES) != 0)
        return why_set(
            why, ERR_DENIED,
            "secrets were sealed under another master key: start with the key of this database");
    size_t len = sealed.len - SEAL_OVERHEAD;
    uint8_t tag[SEAL_TAG_BYTES], *plain = arena_alloc(arena, len + 1);
    if (!plain) return why_set(why, ERR_LIMIT, "secret too large");
    const uint8_t *nonce = from + 1 + SEAL_ID_BYTES, *text = nonce + SEAL_NONCE_BYTES;
    memcpy(tag, text + len, SEAL_TAG_BYTES);
    int n = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool good =
        ctx && EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->bytes, nonce) == 1 &&
        EVP_DecryptUpdate(ctx, NULL, &n, (const uint8_t *)context.ptr, (int)context.len) == 1 &&
        EVP_DecryptUpdate(ctx, plain, &n, text, (int)len) == 1 &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, SEAL_TAG_BYTES, tag) == 1 &&
        EVP_DecryptFinal_ex(ctx, plain + len, &n) == 1;
    EVP_CIPHER_CTX_free(ctx);
    if (!good) return why_set(why, ERR_DENIED, "a sealed secret is damaged or was moved");
    *out = slice_of(plain, len);
    return OK;
}
