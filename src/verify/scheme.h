/* scheme.h: is this request from who it says? The signature schemes of the field, shared by the
 * source kinds.
 *
 * One engine, one table row per scheme. Works on the exact bytes received, before anything is
 * parsed. The rules every scheme follows (docs/sources/http.md has them for people):
 *  1 constant-time comparison of decoded bytes; hex in either case, base64 strict, prefixes
 *    exact;
 *  2 authenticate first, then look at the time, inclusive and in both directions;
 *  3 several secrets may be live and several signatures sent: any pair may match; an empty
 *    secret matches nothing;
 *  4 a stronger proof that is present and wrong is never outweighed by a weaker one;
 *  5 a header or query parameter that takes part and occurs twice makes the check fail. */
#ifndef MALOTE_VERIFY_SCHEME_H
#define MALOTE_VERIFY_SCHEME_H

#include "crypto/hash.h"
#include "sources/source.h"

enum scheme_kind {
    SCHEME_NONE,              /* no proof: the path must be the secret */
    SCHEME_TOKEN,             /* a fixed text in a header, a query parameter or the JSON body */
    SCHEME_HMAC,              /* all parts chosen by the settings */
    SCHEME_STANDARD_WEBHOOKS, /* v1 (HMAC) and v1a (ed25519) */
    SCHEME_SVIX,
    SCHEME_STRIPE,
    SCHEME_GITHUB,
    SCHEME_META,
    SCHEME_SHOPIFY,
    SCHEME_MERCADO_PAGO,
    SCHEME_CAKTO,
    SCHEME_WOOVI_RSA,
    SCHEME_WOOVI_HMAC,
    SCHEME_KIWIFY,
    SCHEME_EDUZZ,
    SCHEME_COUNT
};

/* "none", "token", ...; NULL behind the last, so that a CHOICE setting can use it as it is. */
extern const char *const scheme_name[SCHEME_COUNT + 1];

enum {
    SCHEME_SIGNATURES_MAX = 16, /* sent with one request; more are refused, as each costs work */
    SCHEME_PARTS_MAX = 16,      /* pieces of a signed template */
    SCHEME_TOLERANCE_MAX_S = 24 * 3600,
};

/* One configured check; borrows everything. Members after tolerance_s are for TOKEN and HMAC,
 * the other schemes know theirs. */
struct scheme {
    enum scheme_kind kind;
    const struct setting_pair *secrets; /* .value: the items of a LIST setting as they are */
    size_t secret_count;
    int64_t tolerance_s; /* 0: the scheme's own (300; Mercado Pago 900) */

    slice header, query; /* where the token or signature stands; one of the two */
    slice pointer;       /* TOKEN: or here in the JSON body */
    slice prefix;        /* before the token or signature: "sha256=", "Bearer " */
    enum hash_kind hash;
    bool base64;    /* else hex */
    slice template; /* what is signed: text with {body}, {timestamp} and {id}; empty: "{body}" */
    slice timestamp_header,
        id_header; /* where {timestamp} (Unix seconds or ms) and {id} come from */
};

/* The scheme called `name`; false when there is none. */
bool scheme_find(slice name, enum scheme_kind *out);

/* Are the parameters complete, and do they go together? ERR_SYNTAX with a sentence for people
 * else. */
MUST_CHECK enum err scheme_check(const struct scheme *s, struct why *why);

/* OK or ERR_DENIED. `why` holds one word for the log and never part of a secret, of a value sent
 * or of one expected: missing_signature, missing_token, missing_timestamp, missing_id,
 * bad_timestamp, bad_id, bad_signature, wrong_token, repeated_header, repeated_parameter,
 * too_many_signatures, expired, too_new, no_secret, too_large. */
MUST_CHECK enum err scheme_verify(const struct scheme *s, struct request *r, int64_t now_ms,
                                  struct arena *arena, struct why *why);

#endif
