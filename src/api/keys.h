/* keys.h: API keys. Stored as SHA-256 of the key, which is 32 random bytes and needs no slow hash. */
#ifndef MALOTE_API_KEYS_H
#define MALOTE_API_KEYS_H

#include "base/id.h"
#include "store/store.h"

enum key_role { ROLE_INGEST, ROLE_READER, ROLE_OPERATOR, ROLE_ADMIN, ROLE_COUNT };
extern const char *const key_role_name[ROLE_COUNT];
/* May a key of the role `has` call what asks for `needs`? Each role may what those before it may, but for ingest: that one hands over
 * requests and nothing else, and who only reads may not do so. */
bool keys_may(enum key_role has, enum key_role needs);

enum { KEY_TEXT_MAX = 64, KEY_RATE_DEFAULT = 60 };

struct api_key {
    uint64_t id, workspace_id;
    enum key_role role;
    uint32_t rate_per_min;
    bool pii; /* may see personal data unmasked */
};

/* A new random key, "mlt_" and 43 base64url digits, into out; returns it. */
slice keys_make(char out[KEY_TEXT_MAX]);
/* Stores a key. ERR_CONFLICT when the name is taken. */
MUST_CHECK enum err keys_add(struct store *s, struct id_maker *ids, uint64_t workspace_id,
                             slice name, enum key_role role, uint32_t rate_per_min, bool pii,
                             slice key, int64_t now_ms, struct why *why);
/* Who is it? ERR_DENIED when nobody. */
MUST_CHECK enum err keys_find(struct store *s, slice key, struct api_key *out, struct why *why);
/* Makes `key` the workspace's key `admin`; the one of that name before it is known no more. */
MUST_CHECK enum err keys_set_admin(struct store *s, struct id_maker *ids, uint64_t workspace_id,
                                   slice key, struct why *why);
/* At the first start (*first): stores `given` as the admin key, or makes one and prints it. Later: `given`, if not NULL, replaces it. */
MUST_CHECK enum err keys_first(struct store *s, struct id_maker *ids, const char *given,
                               bool *first, struct why *why);

#endif
