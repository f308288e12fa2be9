/* app.h: the one long-lived state of a running hub. Opened in order, closed in reverse; nothing else is global. */
#ifndef MALOTE_APP_H
#define MALOTE_APP_H

#include "base/log.h"
#include "campaign/campaign.h"
#include "config/config.h"
#include "deliver/deliver.h"
#include "journal/journal.h"
#include "listen/limiter.h"
#include "listen/listen.h"
#include "media/media.h"
#include "metrics/metrics.h"

/* From flags and the environment (docs/configuration.md). */
struct app_options {
    const char *listen;      /* MALOTE_LISTEN */
    const char *data;        /* MALOTE_DATA: folder of the database and the master key */
    const char *database;    /* MALOTE_DATABASE; NULL: data/malote.db */
    const char *master_key;  /* MALOTE_MASTER_KEY; NULL: data/master.key */
    const char *admin_key;   /* MALOTE_ADMIN_KEY; NULL: made at the first start and printed once */
    const char *log;         /* MALOTE_LOG: "text" or "json" */
    const char *allow_net;   /* MALOTE_ALLOW_NET */
    const char *trust_proxy; /* MALOTE_TRUST_PROXY */
    const char *ca_file;     /* MALOTE_CA_FILE: certificates instead of the system's */
    unsigned threads;        /* MALOTE_THREADS: listen loops */
    const char *media;       /* MALOTE_MEDIA: "s3://bucket/prefix" or a folder; NULL: data/media */
    const char
        *media_cache; /* MALOTE_MEDIA_CACHE: MiB of files from the bucket that are kept here */
    const char *message_keys; /* MALOTE_MESSAGE_KEYS: how long idempotency keys are kept, "30d" */
    const char *
        media_keep; /* MALOTE_MEDIA_KEEP: how long files of messages are kept, "90d"; "": for good */
    struct s3_options s3; /* MALOTE_S3_ENDPOINT, _REGION, _STYLE, _KEY, _SECRET */
};

struct app {
    struct app_options o;
    char database[1024];
    struct log log;
    struct metrics metrics;
    struct id_maker ids;
    struct seal_key key;
    struct config_box config;
    pthread_mutex_t config_lock; /* held by whoever changes the configuration */
    pthread_mutex_t reload_lock; /* around load and swap */
    struct guard guard, proxies;
    struct limiter api_limiter;
    int lock_fd;
    bool first_start;                      /* the database was made just now */
    pthread_key_t reader_key;              /* each API thread's reading connection */
    struct depot depot;                    /* files of messages */
    _Atomic uint64_t uploads[UPLOADS_MAX]; /* under way: whose, by workspace; 0: room for one */
    _Atomic bool long_call;                /* one that reads all there is (api.c) */
    int64_t media_keep_ms;                 /* 0: for good */
    int64_t message_keys_ms;               /* an idempotency key that is older is forgotten */
    struct media_fetcher *media;
    struct campaigner *campaigns;
    struct deliver *deliver;
    struct journal *journal;
    struct listen *listen;
};

/* Opens everything and starts the threads. On error all that was opened is closed. */
MUST_CHECK enum err app_open(struct app *app, const struct app_options *options, struct why *why);
/* Ends in order: no new requests, attempts under way end, the journal commits what waits. */
void app_close(struct app *app);
/* Loads the configuration anew from the store and swaps it in; from any thread but the listen loops. */
MUST_CHECK enum err app_reload(struct app *app, struct why *why);

#endif
