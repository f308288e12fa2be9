/* probe.c: see probe.h. */
#include "media/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/hash.h"

#define PROBE_TEXT "malote check\n"
#define PROBE_NAME SLICE("malote-check")

static void on_done(struct wire_call *call) { *(bool *)call->ctx = true; }

static enum err ask(struct wire *w, const struct s3 *s3, const char *method,
                    const struct wire_file *file, slice *body, struct arena *arena, struct why *why)
{
    char digest[HASH_SHA256_HEX];
    bool done = false;
    struct wire_call call = { .arena = arena,
                              .timeout_ms = PROBE_TIMEOUT_MS,
                              .signer = &s3->signer,
                              .file = file,
                              .done = on_done,
                              .ctx = &done };
    struct why detail;
    slice payload = file ? hash_sha256_hex(file->before, digest) : (slice){ NULL, 0 };
    enum err rc = s3_request(s3, method, PROBE_NAME, payload, arena, &call.out, why);
    if (rc == OK && (rc = wire_send(w, &call)) != OK) (void)why_set(why, rc, "out of memory");
    if (rc != OK) return rc;
    while (!done) wire_poll(w, PROBE_TIMEOUT_MS); /* the call's own time-out ends it */
    *body = call.reply.body;
    if (file ? s3_took(&call.reply) : call.reply.status >= 200 && call.reply.status < 300)
        return OK;
    rc = s3_refusal(&call.reply, &detail);
    return why_set(why, rc, "media: %s: %.200s", method, detail.text);
}

enum err probe_bucket(const struct s3 *s3, const struct guard *guard, const char *ca_file,
                      struct why *why)
{
    struct metrics *metrics = calloc(1, sizeof *metrics); /* large; nobody reads them */
    struct wire *w = NULL;
    struct arena arena;
    struct wire_file file = { .fd = -1, .before = SLICE(PROBE_TEXT) };
    slice body = { NULL, 0 };
    arena_init(&arena, 1 << 20);
    enum err rc = metrics ? wire_new(guard, metrics, ca_file, &w, why)
                          : why_set(why, ERR_LIMIT, "out of memory");
    if (rc == OK) rc = ask(w, s3, "PUT", &file, &body, &arena, why);
    if (rc == OK) rc = ask(w, s3, "GET", NULL, &body, &arena, why);
    if (rc == OK && !slice_eq(body, SLICE(PROBE_TEXT)))
        rc = why_set(why, ERR_REMOTE, "media: the bucket gives other bytes than it took");
    if (rc == OK) rc = ask(w, s3, "DELETE", NULL, &body, &arena, why);
    wire_free(w);
    arena_free(&arena);
    free(metrics);
    return rc;
}
