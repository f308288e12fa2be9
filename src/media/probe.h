/* probe.h: tries an S3 bucket, as the hub would use it. */
#ifndef MALOTE_MEDIA_PROBE_H
#define MALOTE_MEDIA_PROBE_H

#include "media/s3.h"

enum { PROBE_TIMEOUT_MS = 15 * 1000 };

/* Puts a small object, reads it, deletes it; waits for each at most PROBE_TIMEOUT_MS. Says which of them failed, and why. */
MUST_CHECK enum err probe_bucket(const struct s3 *s3, const struct guard *guard,
                                 const char *ca_file, struct why *why);

#endif
