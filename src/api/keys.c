/* keys.c: making, storing and finding API keys. */
#include "api/keys.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/text.h"
#include "config/config.h"
#include "crypto/hash.h"

const char *const key_role_name[] = { "ingest", "reader", "operator", "admin" };
_Static_assert(ARRAY_LEN(key_role_name) == ROLE_COUNT, "every role has a name");

bool keys_may(enum key_role has, enum key_role needs)
{
    return needs == ROLE_INGEST ? has != ROLE_READER : has >= needs;
}

enum { KEY_LENGTH_MIN = 24 }; /* of one given by the operator */

slice keys_make(char out[KEY_TEXT_MAX])
{
    uint8_t bytes[32];
    hash_random(bytes, sizeof bytes);
    memcpy(out, "mlt_", 4);
    slice text = text_base64(slice_of(bytes, sizeof bytes), out + 4);
    size_t len = text.len - 1; /* without '=' */
    for (size_t i = 4; i < 4 + len; i++)
        out[i] = out[i] == '+' ? '-' : out[i] == '/' ? '_' : out[i];
    out[4 + len] = '\0';
    return slice_of(out, 4 + len);
}

static slice digest(slice key, uint8_t out[HASH_BYTES_MAX])
{
    return slice_of(out, hash_digest(HASH_SHA256, &key, 1, out));
}

enum err keys_add(struct store *s, struct id_maker *ids, uint64_t workspace_id, slice name,
                  enum key_role role, uint32_t rate_per_min, bool pii, slice key, int64_t now_ms,
                  struct why *why)
{
    uint8_t hash[HASH_BYTES_MAX];
    struct stmt *q = store_stmt(s, SQL_KEYS_ADD, why);
    stmt_i64(q, 1, (int64_t)id_next(ids, now_ms));
    stmt_i64(q, 2, (int64_t)workspace_id);
    stmt_text(q, 3, name);
    stmt_text(q, 4, slice_str(key_role_name[role]));
    stmt_blob(q, 5, digest(key, hash));
    stmt_i64(q, 6, rate_per_min);
    stmt_i64(q, 7, pii);
    stmt_i64(q, 8, now_ms);
    enum err rc = stmt_run(q, why);
    if (rc == ERR_CONFLICT)
        return why_set(why, rc, "there is a key \"%.*s\" already", SLICE_ARG(name));
    return rc;
}

enum err keys_find(struct store *s, slice key, struct api_key *out, struct why *why)
{
    uint8_t hash[HASH_BYTES_MAX];
    bool row = false;
    *out = (struct api_key){ .id = 0 };
    struct stmt *q = store_stmt(s, SQL_KEYS_FIND, why);
    stmt_blob(
        q, 1,
        digest(key, hash)); /* looked up by digest: how long it takes tells nothing of the key */
    enum err rc = stmt_step(q, &row, why);
    if (rc == OK && row) {
        *out = (struct api_key){ .id = (uint64_t)stmt_col_i64(q, 0),
                                 .workspace_id = (uint64_t)stmt_col_i64(q, 1),
                                 .rate_per_min = (uint32_t)stmt_col_i64(q, 3),
                                 .pii = stmt_col_i64(q, 4) != 0 };
        slice role = stmt_col_text(q, 2);
        for (int i = 0; i < ROLE_COUNT; i++)
            if (slice_eq(role, slice_str(key_role_name[i]))) out->role = (enum key_role)i;
    }
    stmt_reset(q);
    if (rc == OK && !row) return why_set(why, ERR_DENIED, "unknown API key");
    return rc;
}

static enum err count_keys(struct store *s, int64_t *count, struct why *why)
{
    bool row = false;
    struct stmt *q = store_stmt(s, SQL_KEYS_COUNT, why);
    enum err rc = stmt_step(q, &row, why);
    if (rc == OK && row) *count = stmt_col_i64(q, 0);
    stmt_reset(q);
    return rc;
}

enum err keys_set_admin(struct store *s, struct id_maker *ids, uint64_t workspace_id, slice key,
                        struct why *why)
{
    struct stmt *q = store_stmt(s, SQL_KEYS_DELETE, why);
    stmt_i64(q, 1, (int64_t)workspace_id);
    stmt_text(q, 2, SLICE("admin"));
    enum err rc = stmt_run(q, why);
    if (rc == OK)
        rc = keys_add(s, ids, workspace_id, SLICE("admin"), ROLE_ADMIN, 0, true, key,
                      clock_wall_ms(), why);
    return rc;
}

enum err keys_first(struct store *s, struct id_maker *ids, const char *given, bool *first,
                    struct why *why)
{
    int64_t count = 0;
    char text[KEY_TEXT_MAX];
    slice key = slice_str(given);
    if (key.len > 0 && key.len < KEY_LENGTH_MIN)
        return why_set(why, ERR_SYNTAX, "MALOTE_ADMIN_KEY must have at least %d characters",
                       KEY_LENGTH_MIN);
    enum err rc = count_keys(s, &count, why);
    *first = rc == OK && count == 0;
    if (rc != OK || (count > 0 && key.len == 0)) return rc;
    bool made = key.len == 0;
    if (made) key = keys_make(text);
    rc = keys_set_admin(s, ids, WORKSPACE_OWNER, key, why);
    if (rc == OK && made)
        printf("Admin key (shown this once; keep it safe):\n\n    %.*s\n\n", SLICE_ARG(key));
    return rc;
}
