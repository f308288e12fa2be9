/* seal.h: secrets at rest. AES-256-GCM under the master key.
 *
 * Sealed form: 1 byte version (1), 4 bytes key id, 12 bytes random nonce, ciphertext, 16 bytes tag. `context` (table and
 * record id) is authenticated too, so that a sealed value cannot be moved to another record. */
#ifndef MALOTE_CRYPTO_SEAL_H
#define MALOTE_CRYPTO_SEAL_H

#include "base/arena.h"

enum { SEAL_KEY_BYTES = 32, SEAL_ID_BYTES = 4, SEAL_NONCE_BYTES = 12, SEAL_TAG_BYTES = 16 };
enum { SEAL_OVERHEAD = 1 + SEAL_ID_BYTES + SEAL_NONCE_BYTES + SEAL_TAG_BYTES };

struct seal_key {
    uint8_t bytes[SEAL_KEY_BYTES];
    uint8_t id
        [SEAL_ID_BYTES]; /* the first bytes of the key's SHA-256: tells keys apart, tells nothing of them */
};

/* Reads a key from text: 64 hex digits or base64 of 32 bytes, blanks around it ignored. ERR_SYNTAX else. */
MUST_CHECK enum err seal_key_read(slice text, struct seal_key *out, struct why *why);
/* Reads `path`, or makes it (mode 0600, fsynced) with a new random key when it does not exist.
 * ERR_DENIED when others may read the file. */
MUST_CHECK enum err seal_key_file(const char *path, struct seal_key *out, struct why *why);

/* Seals `plain`; the result is in `arena`. ERR_LIMIT when the arena is full. */
MUST_CHECK enum err seal_close(const struct seal_key *key, slice context, slice plain,
                               struct arena *arena, slice *out);
/* Opens it again. ERR_DENIED: another key, another context, or damaged. */
MUST_CHECK enum err seal_open(const struct seal_key *key, slice context, slice sealed,
                              struct arena *arena, slice *out, struct why *why);

#endif
