/* main.c: argv to a command. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "app.h"

static const char *env(const char *name, const char *fallback)
{
    const char *v = getenv(name);
    return v && *v ? v : fallback;
}

int main(void)
{
    struct app_options o = { .listen = env("MALOTE_LISTEN", "127.0.0.1:7070"), .data = env("MALOTE_DATA", "./malote-data"),
        .database = env("MALOTE_DATABASE", NULL), .master_key = env("MALOTE_MASTER_KEY", NULL), .admin_key = env("MALOTE_ADMIN_KEY", NULL),
        .log = env("MALOTE_LOG", "text"), .allow_net = env("MALOTE_ALLOW_NET", ""), .trust_proxy = env("MALOTE_TRUST_PROXY", "127.0.0.0/8 ::1/128"),
        .ca_file = env("MALOTE_CA_FILE", NULL), .threads = (unsigned)atoi(env("MALOTE_THREADS", "1")) };
    static struct app app;
    struct why why;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (app_open(&app, &o, &why) != OK) { fprintf(stderr, "malote: %s\n", why.text); return 1; }
    int sig;
    sigwait(&set, &sig);
    app_close(&app);
    return 0;
}
