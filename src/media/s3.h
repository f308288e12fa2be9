/* s3.h: what an S3-compatible store is asked, and what its answers mean. Pure: no socket, no clock. The wire signs and carries it.
 *
 * A file's key is <prefix>/ab/ab12… under its SHA-256, as in the folder: a bucket can be filled from one, and the other way round. */
#ifndef MALOTE_MEDIA_S3_H
#define MALOTE_MEDIA_S3_H

#include "base/arena.h"
#include "deliver/wire.h"

enum { S3_TEXT_MAX = 256, S3_PREFIX_MAX = 200, S3_BUCKET_MAX = 63 };

/* As the operator gave it; the texts stay his. */
struct s3_options {
    const char *place;    /* "s3://bucket/prefix" */
    const char *endpoint; /* NULL: AWS, by region */
    const char *region;
    const char *key, *secret;
    const char *style; /* "path", "host"; NULL: path at an endpoint that was given, host at AWS */
};

struct s3 {
    char base
        [2 * S3_TEXT_MAX +
         S3_BUCKET_MAX]; /* scheme, host, and the bucket if it goes by path; no slash at the end */
    char prefix[S3_PREFIX_MAX + 1]; /* no slash at either end; may be empty */
    struct wire_signer signer;
};

bool s3_is_place(const char *place); /* "s3://..." */
/* ERR_SYNTAX names the setting that is wrong; nothing of a key is repeated. */
MUST_CHECK enum err s3_read(const struct s3_options *o, struct s3 *out, struct why *why);

/* One request about `name` below the prefix; `payload` is the SHA-256 of its body in hex, empty: there is no body. */
MUST_CHECK enum err s3_request(const struct s3 *s, const char *method, slice name, slice payload,
                               struct arena *arena, struct outgoing *out, struct why *why);
/* "ab/ab12…" for a file. */
slice s3_name(slice hash, struct arena *arena);

/* Did the store take the object? Every store names what it took by an ETag; a page of something in between does not. */
bool s3_took(const struct reply *r);
/* What an answer that is no success says. ERR_MISSING: that object is not there (and nothing else is wrong). ERR_DENIED: the
 * settings are wrong, as `why` says. ERR_REMOTE: it failed; later. The body's own words stay out but for AWS's code. */
enum err s3_refusal(const struct reply *r, struct why *why);

#endif
