/* app.c: opens the parts of a hub in the order in which they depend on each other. */
#include "app.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/api.h"
#include "api/keys.h"
#include "api/routes.h"
#include "base/clock.h"
#include "base/text.h"
#include "config/change.h"
#include "config/tables.h"

enum {
    STOP_GRACE_MS = 10000,
    API_THREADS = 2,
    THREADS_MAX = 64,
    MESSAGE_KEYS_MIN_MS = 1000,
    MEDIA_KEEP_MIN_MS = 60 * 60 * 1000,
    CACHE_MIB_MAX = 1024 * 1024 /* a TiB */
};

static enum err open_data(struct app *app, struct why *why)
{
    const char *data = app->o.data;
    if (mkdir(data, 0700) != 0 && errno != EEXIST)
        return why_set(why, ERR_IO, "cannot make the data folder %s: %s", data, strerror(errno));
    if (access(data, W_OK | X_OK) != 0)
        return why_set(why, ERR_IO, "the data folder %s cannot be written: %s", data,
                       strerror(errno));
    int len = app->o.database ? snprintf(app->database, sizeof app->database, "%s", app->o.database)
                              : snprintf(app->database, sizeof app->database, "%s/malote.db", data);
    if (len < 0 || (size_t)len >= sizeof app->database)
        return why_set(why, ERR_LIMIT, "the data folder's path is too long");
    return OK;
}

/* One hub per data folder: two would hand out the same deliveries. The lock ends with the process. */
static enum err lock_data(struct app *app, struct why *why)
{
    char path[1100];
    (void)snprintf(path, sizeof path, "%s.lock", app->database);
    app->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (app->lock_fd < 0) return why_set(why, ERR_IO, "cannot open %s: %s", path, strerror(errno));
    if (flock(app->lock_fd, LOCK_EX | LOCK_NB) == 0) return OK;
    return why_set(why, ERR_CONFLICT, "another malote is running on %s", app->database);
}

static enum err open_depot(const struct app_options *o, struct depot *out, struct why *why)
{
    char folder[1100];
    uint64_t cache_mib = 0;
    bool remote = s3_is_place(o->media);
    struct s3_options s3 = o->s3;
    s3.place = o->media;
    if (text_u64(slice_str(o->media_cache), CACHE_MIB_MAX, &cache_mib, NULL) != OK)
        return why_set(why, ERR_SYNTAX, "MALOTE_MEDIA_CACHE is a number of MiB, at most %d",
                       CACHE_MIB_MAX);
    if (o->media && !remote)
        (void)snprintf(folder, sizeof folder, "%.1024s", o->media);
    else
        (void)snprintf(folder, sizeof folder, "%s/media", o->data);
    struct depot_options d = { folder, remote ? &s3 : NULL, (int64_t)cache_mib * 1024 * 1024 };
    return depot_open(out, &d, why);
}

static enum err open_key(struct app *app, struct why *why)
{
    char path[1100];
    if (app->o.master_key && *app->o.master_key)
        return seal_key_read(slice_str(app->o.master_key), &app->key, why);
    (void)snprintf(path, sizeof path, "%s/master.key", app->o.data);
    return seal_key_file(path, &app->key, why);
}

/* At the first start: a source to try, behind a random path. */
static enum err add_demo(struct app *app, struct store *s, struct why *why)
{
    struct arena a;
    json *given = NULL;
    struct config *none = NULL;
    uint64_t id = 0;
    arena_init(&a, 1 << 20);
    struct change_ctx ctx = { s, &app->ids, &app->key, 1, clock_wall_ms(), &a };
    enum err rc = config_load(s, &app->key, &none, why);
    if (rc == OK)
        rc = json_parse(SLICE("{\"name\":\"demo\",\"kind\":\"http\",\"scheme\":\"none\",\"type\":"
                              "\"demo.received\"}"),
                        &a, &given, why);
    if (rc == OK) rc = change_put(&ctx, none, CONFIG_SOURCE, 0, given, false, &id, why);
    config_release(none);
    arena_free(&a);
    return rc;
}

static enum err open_store(struct app *app, struct why *why)
{
    struct store *s = NULL;
    enum err rc = store_open(app->database, STORE_WRITER, &s, why);
    if (rc == OK) rc = store_migrate(s, clock_wall_ms(), why);
    if (rc == OK)
        rc = store_begin(
            s,
            why); /* all of the first start or none: a kill in between must not leave half of it */
    bool begun = rc == OK;
    if (rc == OK) rc = keys_first(s, &app->ids, app->o.admin_key, &app->first_start, why);
    if (rc == OK && app->first_start) rc = add_demo(app, s, why);
    if (rc == OK)
        rc = store_commit(s, why);
    else if (begun)
        store_rollback(s);
    store_close(s);
    return rc;
}

enum err app_reload(struct app *app, struct why *why)
{
    struct store *s = NULL;
    struct config *fresh = NULL;
    pthread_mutex_lock(&app->reload_lock); /* who read earlier must not swap in later */
    enum err rc = store_open(app->database, STORE_READER, &s, why);
    if (rc == OK) rc = config_load(s, &app->key, &fresh, why);
    store_close(s);
    if (rc == OK) config_swap(&app->config, fresh);
    pthread_mutex_unlock(&app->reload_lock);
    if (rc != OK) return rc;
    if (app->deliver) deliver_config_changed(app->deliver);
    campaign_wake(app->campaigns); /* its destination may be there again */
    media_wake(app->media);        /* its workspace, too */
    return OK;
}

static void reload_after_hold(void *ctx)
{
    struct app *app = ctx;
    struct why why;
    if (app_reload(app, &why) != OK) LOG(&app->log, LOG_ERROR, "config.failed", log_why(&why));
}

static void look_for_campaigns(void *ctx) { campaign_settled(((struct app *)ctx)->campaigns); }

static void look_for_media(void *ctx) { media_wake(((struct app *)ctx)->media); }

static void look_for_deliveries(void *ctx)
{
    deliver_wake(((struct app *)ctx)->deliver, clock_wall_ms());
}

static void hold_destination(void *ctx, struct config *config, const struct destination *to,
                             const char *reason)
{
    deliver_hold(((struct app *)ctx)->deliver, config, to, reason);
}

static enum err start_threads(struct app *app, struct why *why)
{
    struct deliver_options d = { .log = &app->log,
                                 .metrics = &app->metrics,
                                 .ids = &app->ids,
                                 .config = &app->config,
                                 .guard = &app->guard,
                                 .ca_file = app->o.ca_file,
                                 .reload = reload_after_hold,
                                 .settled = look_for_campaigns,
                                 .files_wanted = look_for_media,
                                 .ctx = app };
    enum err rc = deliver_new(&d, &app->deliver, why);
    if (rc != OK) return rc;
    struct media_options m = { .database = app->database,
                               .depot = &app->depot,
                               .log = &app->log,
                               .metrics = &app->metrics,
                               .config = &app->config,
                               .guard = &app->guard,
                               .ca_file = app->o.ca_file,
                               .keep_ms = app->media_keep_ms,
                               .released = look_for_deliveries,
                               .refused = hold_destination,
                               .ctx = app };
    rc = media_new(&m, &app->media, why);
    struct campaign_options p = { app->database, &app->log, &app->metrics, &app->ids,
                                  &app->config };
    if (rc == OK) rc = campaign_new(&p, &app->campaigns, why);
    if (rc != OK) return rc;
    struct journal_options j = { .database = app->database,
                                 .log = &app->log,
                                 .metrics = &app->metrics,
                                 .ids = &app->ids,
                                 .config = &app->config,
                                 .deliver = app->deliver,
                                 .interpreted = look_for_media,
                                 .interpreted_ctx = app,
                                 .interpret = true };
    rc = journal_start(&j, &app->journal, why);
    if (rc == OK) rc = deliver_start(app->deliver, app->journal, why);
    if (rc == OK) rc = media_start(app->media, app->journal, why);
    if (rc == OK) rc = campaign_start(app->campaigns, app->journal, why);
    if (rc != OK) return rc;
    struct listen_options l = { .address = app->o.listen,
                                .threads = app->o.threads,
                                .connections_max = CONNECTIONS_MAX_DEFAULT,
                                .log = &app->log,
                                .metrics = &app->metrics,
                                .config = &app->config,
                                .journal = app->journal,
                                .proxies = &app->proxies,
                                .api = api_handle,
                                .streams = api_upload_streams,
                                .api_ctx = app,
                                .api_threads = API_THREADS };
    return listen_start(&l, &app->listen, why);
}

static enum err read_options(struct app *app, struct why *why)
{
    app->log =
        (struct log){ .out = stderr, .level = LOG_INFO, .json = strcmp(app->o.log, "json") == 0 };
    if (!app->log.json && strcmp(app->o.log, "text") != 0)
        return why_set(why, ERR_SYNTAX, "MALOTE_LOG is text or json");
    if (app->o.threads < 1 || app->o.threads > THREADS_MAX)
        return why_set(why, ERR_SYNTAX, "MALOTE_THREADS is 1 to %d", THREADS_MAX);
    enum err rc = guard_read(slice_str(app->o.allow_net), &app->guard, why);
    if (rc == OK) rc = guard_read(slice_str(app->o.trust_proxy), &app->proxies, why);
    if (rc != OK) return rc;
    if (tables_duration(slice_str(app->o.message_keys), &app->message_keys_ms, NULL) != OK ||
        app->message_keys_ms < MESSAGE_KEYS_MIN_MS)
        return why_set(why, ERR_SYNTAX, "MALOTE_MESSAGE_KEYS is 1s to 366d, such as 30d");
    if (app->o.media_keep[0] &&
        (tables_duration(slice_str(app->o.media_keep), &app->media_keep_ms, NULL) != OK ||
         app->media_keep_ms < MEDIA_KEEP_MIN_MS))
        return why_set(why, ERR_SYNTAX,
                       "MALOTE_MEDIA_KEEP is 1h to 366d, such as 90d; empty: files stay");
    return OK;
}

static void close_reader(void *store) { store_close(store); }

enum err app_open(struct app *app, const struct app_options *options, struct why *why)
{
    memset(app, 0, sizeof *app);
    app->o = *options;
    app->lock_fd = -1;
    app->metrics.started_ms = clock_wall_ms();
    CHECK(pthread_key_create(&app->reader_key, close_reader) == 0);
    config_box_init(&app->config);
    CHECK(pthread_mutex_init(&app->config_lock, NULL) == 0);
    CHECK(pthread_mutex_init(&app->reload_lock, NULL) == 0);
    limiter_init(&app->api_limiter);
    enum err rc = read_options(app, why);
    if (rc == OK) rc = open_data(app, why);
    if (rc == OK) rc = lock_data(app, why);
    if (rc == OK) rc = open_key(app, why);
    if (rc == OK) rc = open_depot(&app->o, &app->depot, why);
    if (rc == OK) rc = open_store(app, why);
    if (rc == OK) rc = app_reload(app, why);
    if (rc == OK) rc = start_threads(app, why);
    if (rc != OK) app_close(app);
    return rc;
}

void app_close(struct app *app)
{
    media_end_waits(app->media);
    listen_stop(app->listen, STOP_GRACE_MS);
    campaign_stop(app->campaigns);
    deliver_stop(app->deliver, STOP_GRACE_MS);
    media_stop(app->media);
    journal_stop(app->journal);
    listen_free(app->listen);
    media_free(app->media);
    campaign_free(app->campaigns); /* after the journal and the loop: they wake it */
    deliver_free(app->deliver);
    config_swap(&app->config, NULL);
    (void)pthread_key_delete(app->reader_key);
    pthread_mutex_destroy(&app->config_lock);
    pthread_mutex_destroy(&app->reload_lock);
    depot_close(&app->depot);
    if (app->lock_fd >= 0) close(app->lock_fd);
    app->listen = NULL;
    app->deliver = NULL;
    app->media = NULL;
    app->campaigns = NULL;
    app->journal = NULL;
    app->lock_fd = -1;
}
