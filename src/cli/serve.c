/* serve.c: runs the hub until it is told to stop; and the commands that work on its files: check, backup. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app.h"
#include "base/text.h"
#include "cli/cli.h"
#include "media/probe.h"

/* A flag wins over the environment variable of the same name. */
static const char *option(struct args *a, const char *flag, const char *variable,
                          const char *fallback)
{
    slice given = args_flag(a, flag);
    return given.ptr ? given.ptr : cli_env(variable, fallback);
}

static enum err read_options(struct args *a, struct app_options *o, struct why *why)
{
    uint64_t threads = 1;
    *o = (struct app_options){
        .listen = option(a, "listen", "MALOTE_LISTEN", "127.0.0.1:7070"),
        .data = option(a, "data", "MALOTE_DATA", "./malote-data"),
        .database = option(a, "database", "MALOTE_DATABASE", NULL),
        .master_key =
            cli_env("MALOTE_MASTER_KEY", NULL), /* no flag: command lines are seen by others */
        .admin_key = cli_env("MALOTE_ADMIN_KEY", NULL),
        .log = option(a, "log", "MALOTE_LOG", "text"),
        .allow_net = option(a, "allow-net", "MALOTE_ALLOW_NET", ""),
        .trust_proxy = option(a, "trust-proxy", "MALOTE_TRUST_PROXY", "127.0.0.0/8 ::1/128"),
        .ca_file = option(a, "ca-file", "MALOTE_CA_FILE", NULL),
        .media = option(a, "media", "MALOTE_MEDIA", NULL),
        .media_cache = option(a, "media-cache", "MALOTE_MEDIA_CACHE", "1024"),
        .media_keep = option(a, "media-keep", "MALOTE_MEDIA_KEEP", ""),
        .message_keys = option(a, "message-keys", "MALOTE_MESSAGE_KEYS", "30d"),
        .s3 = { .endpoint = option(a, "s3-endpoint", "MALOTE_S3_ENDPOINT", NULL),
                .region = option(a, "s3-region", "MALOTE_S3_REGION", "us-east-1"),
                .style = option(a, "s3-style", "MALOTE_S3_STYLE", NULL),
                .key = cli_env("MALOTE_S3_KEY", NULL),
                .secret = cli_env("MALOTE_S3_SECRET", NULL) },
    };
    slice text = slice_str(option(a, "threads", "MALOTE_THREADS", "1"));
    if (text_u64(text, 64, &threads, NULL) != OK || threads == 0)
        return why_set(why, ERR_SYNTAX, "--threads is 1 to 64");
    o->threads = (unsigned)threads;
    return OK;
}

static void first_steps(struct app *app)
{
    fprintf(stderr, "malote %s listens on http://%s, data in %s. Stop with Ctrl-C.\n",
            MALOTE_VERSION, app->o.listen, app->o.data);
    if (!app->first_start) return;
    struct config *config = config_hold(&app->config);
    const struct source *demo = config_source_by_name(config, 1, SLICE("demo"));
    if (demo)
        fprintf(stderr,
                "\nSend it a first webhook:\n\n    curl http://%s%.*s -H 'Content-Type: "
                "application/json' -d '{\"hello\":\"world\"}'\n\n"
                "and see it: MALOTE_API_KEY=<the admin key> malote events\n\n",
                app->o.listen, SLICE_ARG(demo->path));
    config_release(config);
}

int cli_serve(struct args *a, const struct command *c UNUSED)
{
    static struct app app; /* large; one per process */
    struct app_options o;
    struct why why = { .code = OK };
    sigset_t stop;
    int sig = 0;
    if (read_options(a, &o, &why) != OK) return cli_fail(EXIT_USAGE, "%s", why.text);
    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    sigprocmask(SIG_BLOCK, &stop, NULL); /* before any thread starts, so that all inherit it */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    (void)setvbuf(stderr, NULL, _IOLBF, 0);
    if (app_open(&app, &o, &why) != OK) return cli_fail(EXIT_FAILED, "%s", why.text);
    first_steps(&app);
    (void)sigwait(&stop, &sig);
    LOG(&app.log, LOG_INFO, "hub.stopping", log_int("signal", sig));
    app_close(&app);
    return EXIT_OK;
}

/* The database's path and key as `serve` would take them. */
static enum err open_here(struct args *a, enum store_mode mode, struct store **s,
                          struct seal_key *key, struct why *why)
{
    struct app_options o;
    enum err rc = read_options(a, &o, why);
    if (rc != OK) return rc;
    slice path =
        o.database ? slice_str(o.database) : arena_printf(a->arena, "%s/malote.db", o.data);
    slice key_path = arena_printf(a->arena, "%s/master.key", o.data);
    if (access(path.ptr, F_OK) != 0)
        return why_set(why, ERR_MISSING, "there is no database at %s", path.ptr);
    if (key) {
        if (o.master_key)
            rc = seal_key_read(slice_str(o.master_key), key, why);
        else if (access(key_path.ptr, F_OK) != 0)
            rc = why_set(why, ERR_MISSING, "there is no master key at %s", key_path.ptr);
        else
            rc = seal_key_file(key_path.ptr, key, why);
    }
    return rc == OK ? store_open(path.ptr, mode, s, why) : rc;
}

/* Does the bucket take, give and delete? */
static enum err check_media(struct args *a, struct why *why)
{
    struct app_options o;
    struct s3 s3;
    struct guard guard;
    enum err rc = read_options(a, &o, why);
    if (rc == OK) rc = guard_read(slice_str(o.allow_net), &guard, why);
    if (rc != OK || !s3_is_place(o.media)) return rc;
    o.s3.place = o.media;
    rc = s3_read(&o.s3, &s3, why);
    if (rc == OK) rc = probe_bucket(&s3, &guard, o.ca_file, why);
    if (rc == OK) printf("media: %s takes, gives and deletes files\n", o.media);
    return rc;
}

int cli_check(struct args *a, const struct command *c UNUSED)
{
    struct why why = { .code = OK };
    struct store *s = NULL;
    struct config *config = NULL;
    struct seal_key key;
    slice json_text_out;
    if (a->count == 1) { /* a configuration file: read it without a hub */
        slice text;
        enum err rc = cli_read_file(a->word[0], a->arena, &text, &why);
        if (rc == OK) rc = yaml_to_json(text, a->word[0], a->arena, &json_text_out, &why);
        if (rc != OK) return cli_fail(EXIT_FAILED, "%s", why.text);
        printf("%s is readable; `malote apply --dry-run %s` checks it against a running hub\n",
               a->word[0], a->word[0]);
        return EXIT_OK;
    }
    enum err rc = open_here(a, STORE_READER, &s, &key, &why);
    if (rc == OK) rc = store_check(s, &why);
    if (rc == OK) rc = store_integrity(s, &why);
    if (rc == OK) rc = config_load(s, &key, &config, &why);
    if (rc == OK)
        printf("database ok; %zu sources, %zu destinations, %zu routes; every secret opens with "
               "the master key\n",
               config->source_count, config->destination_count, config->route_count);
    if (rc == OK) rc = check_media(a, &why);
    config_release(config);
    store_close(s);
    return rc == OK ? EXIT_OK : cli_fail(EXIT_FAILED, "%s", why.text);
}

int cli_backup(struct args *a, const struct command *c UNUSED)
{
    struct why why = { .code = OK };
    struct store *s = NULL;
    enum err rc = open_here(a, STORE_READER, &s, NULL, &why);
    if (rc == OK) rc = store_backup(s, a->word[0], &why);
    store_close(s);
    if (rc != OK) return cli_fail(EXIT_FAILED, "%s", why.text);
    printf("%s holds everything but the master key; keep a copy of master.key elsewhere\n",
           a->word[0]);
    return EXIT_OK;
}
