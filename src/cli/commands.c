/* commands.c: the table of commands, and those that are little more than one call of the API. */
#include <stdio.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/cli.h"

enum { FOLLOW_POLL_S = 1, BODY_TEXT_MAX = 4 * 1024 * 1024 };

#define MESSAGE_FLAGS "to contact group text template language parameters reply-to destination key"

slice cli_path(struct args *a, const char *path, size_t used)
{
    struct buf b = buf_in(a->arena, 8192);
    slice rest = slice_str(path);
    size_t at = slice_find_slice(rest, SLICE("{}"));
    buf_add(&b, slice_sub(rest, 0, at));
    if (at < rest.len) {
        buf_add(&b, a->count > used ? text_url_encode(slice_str(a->word[used]), a->arena)
                                    : (slice){ NULL, 0 });
        buf_add(&b, slice_sub(rest, at + 2, rest.len));
    }
    for (size_t i = 0; i < a->flag_count; i++) {
        buf_byte(&b, i == 0 ? '?' : '&');
        slice value =
            a->flag[i].value.len ? text_url_encode(a->flag[i].value, a->arena) : SLICE("true");
        for (size_t c = 0; c < a->flag[i].name.len; c++)
            buf_byte(&b, a->flag[i].name.ptr[c] == '-' ? '_' : a->flag[i].name.ptr[c]);
        buf_printf(&b, "=%.*s", SLICE_ARG(value));
    }
    return buf_slice(&b);
}

/* A list, or one item when a word names it. */
static int read_command(struct args *a, const struct command *c)
{
    json *v = NULL;
    slice path = a->count > 0 ? cli_path(a, arena_printf(a->arena, "%s/{}", c->path).ptr, 0)
                              : cli_path(a, c->path, 0);
    int rc = client_do(a, "GET", path, (slice){ NULL, 0 }, &v);
    if (rc == EXIT_OK) client_print(a, v, a->count > 0 ? NULL : c->columns);
    return rc;
}

/* POST to the path with the word in it. */
static int act_command(struct args *a, const struct command *c)
{
    json *v = NULL;
    int rc = client_do(a, "POST", cli_path(a, c->path, 0), SLICE("{}"), &v);
    if (rc == EXIT_OK) client_print(a, v, NULL);
    return rc;
}

static int retry_command(struct args *a, const struct command *c UNUSED)
{
    slice id = slice_str(a->word[0]);
    json *v = NULL;
    const char *path = slice_starts(id, SLICE("evt_"))   ? "/api/events/{}/retry"
                       : slice_starts(id, SLICE("req_")) ? "/api/requests/{}/retry"
                                                         : "/api/deliveries/{}/retry";
    int rc = client_do(a, "POST", cli_path(a, path, 0), SLICE("{}"), &v);
    if (rc == EXIT_OK) client_print(a, v, NULL);
    return rc;
}

/* Flags as members of a JSON body. */
static slice body_of(struct args *a)
{
    struct buf b = buf_in(a->arena, 8192);
    json_begin_object(&b, NULL);
    for (size_t i = 0; i < a->flag_count; i++) {
        char name[64];
        size_t len = a->flag[i].name.len < sizeof name ? a->flag[i].name.len : sizeof name - 1;
        for (size_t c = 0; c < len; c++)
            name[c] = a->flag[i].name.ptr[c] == '-' ? '_' : a->flag[i].name.ptr[c];
        name[len] = '\0';
        if (a->flag[i].value.len)
            json_put_str(&b, name, a->flag[i].value);
        else
            json_put_bool(&b, name, true);
    }
    json_end_object(&b);
    return buf_slice(&b);
}

static int replay_command(struct args *a, const struct command *c)
{
    json *v = NULL;
    slice body = body_of(a);
    a->flag_count = 0;
    int rc = client_do(a, "POST", cli_path(a, c->path, 0), body, &v);
    if (rc == EXIT_OK) client_print(a, v, NULL);
    return rc;
}

/* Of events; or, with --unread, of requests that could not be read when they came. */
static int replay_events(struct args *a, const struct command *c)
{
    struct command unread = *c;
    unread.path = "/api/requests/retry";
    if (!args_has(a, "unread")) return replay_command(a, c);
    if (!args_only(a, "unread source since until dry-run"))
        return cli_fail(EXIT_USAGE,
                        "what was not read has no events: --unread goes with --source, --since, "
                        "--until and --dry-run");
    for (size_t i = 0; i < a->flag_count; i++)
        if (slice_eq(a->flag[i].name, SLICE("unread"))) a->flag[i] = a->flag[--a->flag_count];
    return replay_command(a, &unread);
}

static int send_command(struct args *a, const struct command *c)
{
    json *v = NULL;
    struct buf b = buf_in(a->arena, 4096);
    json_begin_object(&b, NULL);
    if (a->count > 1) json_put_str(&b, "event", slice_str(a->word[1]));
    json_end_object(&b);
    int rc = client_do(a, "POST", cli_path(a, c->path, 0), buf_slice(&b), &v);
    if (rc == EXIT_OK) client_print(a, v, NULL);
    int64_t status = 0;
    return rc == EXIT_OK && json_i64(json_get(v, "status"), &status) && status >= 300 ? EXIT_FAILED
                                                                                      : rc;
}

static int assign_command(struct args *a, const struct command *c)
{
    json *v = NULL;
    struct buf b = buf_in(a->arena, 4096);
    json_begin_object(&b, NULL);
    json_put_str(&b, "assignee", slice_str(a->word[1]));
    json_end_object(&b);
    int rc = client_do(a, "POST", cli_path(a, c->path, 0), buf_slice(&b), &v);
    if (rc == EXIT_OK) client_print(a, v, NULL);
    return rc;
}

/* The file as it is: what the platform would have sent. */
static int ingest_command(struct args *a, const struct command *c)
{
    struct why why;
    slice body;
    json *v = NULL;
    if (cli_read_file(a->word[1], a->arena, &body, &why) != OK)
        return cli_fail(EXIT_FAILED, "%s", why.text);
    int rc = client_do(a, "POST", cli_path(a, c->path, 0), body, &v);
    if (rc == EXIT_OK) client_print(a, v, NULL);
    return rc;
}

static int apply_command(struct args *a, const struct command *c)
{
    struct why why;
    slice text, body;
    json *v = NULL;
    enum err rc = cli_read_file(a->word[0], a->arena, &text, &why);
    if (rc == OK) rc = yaml_to_json(text, a->word[0], a->arena, &body, &why);
    if (rc != OK) return cli_fail(EXIT_FAILED, "%s", why.text);
    int code = client_do(a, "POST", cli_path(a, c->path, 0), body, &v);
    if (code != EXIT_OK) return code;
    if (a->json) {
        client_print(a, v, NULL);
        return code;
    }
    json *steps = json_get(v, "steps");
    for (size_t i = 0; i < yyjson_arr_size(steps); i++) {
        json *s = yyjson_arr_get(steps, i);
        printf("%-10.*s %-12.*s %.*s\n", SLICE_ARG(json_get_text(s, "action")),
               SLICE_ARG(json_get_text(s, "noun")), SLICE_ARG(json_get_text(s, "name")));
    }
    if (args_has(a, "dry-run")) printf("nothing was changed (dry run)\n");
    return code;
}

/* Polls for events that are newer than those seen, and prints a line for each. */
static int listen_command(struct args *a, const struct command *c UNUSED)
{
    struct arena turn;
    arena_init(&turn, CLI_ARENA_MAX);
    char newest[64] = "";
    for (bool first = true;; first = false) {
        json *v = NULL;
        struct args call = *a;
        call.arena = &turn;
        int rc = client_do(&call, "GET", cli_path(&call, "/api/events", 0), (slice){ NULL, 0 }, &v);
        if (rc != EXIT_OK) return rc;
        json *items = json_get(v, "items");
        size_t count = yyjson_arr_size(items), fresh = 0;
        while (fresh < count &&
               !slice_eq(json_get_text(yyjson_arr_get(items, fresh), "id"), slice_str(newest)))
            fresh++;
        for (size_t i = first ? 0 : fresh; i-- > 0;) {
            json *e = yyjson_arr_get(items, i);
            printf("%.*s  %-12.*s %-22.*s %-8.*s %.*s\n",
                   SLICE_ARG(json_get_text(e, "received_at")),
                   SLICE_ARG(json_get_text(e, "source")), SLICE_ARG(json_get_text(e, "type")),
                   SLICE_ARG(json_get_text(e, "state")), SLICE_ARG(json_get_text(e, "id")));
        }
        fflush(stdout);
        if (count > 0)
            (void)snprintf(newest, sizeof newest, "%.*s",
                           SLICE_ARG(json_get_text(yyjson_arr_get(items, 0), "id")));
        arena_reset(&turn);
        sleep(FOLLOW_POLL_S);
    }
}

/* The message of the flags: a text or a template, its parameters parted by |. */
static slice message_of(struct args *a)
{
    static const struct {
        const char *flag, *member;
    } plain[] = { { "to", "to" },
                  { "contact", "contact" },
                  { "group", "group" },
                  { "destination", "destination" },
                  { "reply-to", "reply_to" },
                  { "key", "idempotency_key" } };
    struct buf b = buf_in(a->arena, 64 * 1024);
    slice template = args_flag(a, "template"), rest = args_flag(a, "parameters"), one;
    json_begin_object(&b, NULL);
    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        json_put_opt(&b, plain[i].member, args_flag(a, plain[i].flag));
    json_put_str(&b, "type", template.len ? SLICE("template") : SLICE("text"));
    if (template.len) {
        json_begin_object(&b, "template");
        json_put_str(&b, "name", template);
        json_put_opt(&b, "language", args_flag(a, "language"));
        if (rest.len > 0) {
            json_begin_array(&b, "parameters");
            while (slice_cut(&rest, '|', &one)) json_put_str(&b, NULL, one);
            json_end_array(&b);
        }
        json_end_object(&b);
    } else {
        json_put_str(&b, "text", args_flag(a, "text"));
    }
    json_end_object(&b);
    return buf_slice(&b);
}

/* Of the flags, or a file with the API's JSON. */
static int message_send(struct args *a, const struct command *c)
{
    struct why why;
    slice body;
    json *v = NULL;
    if (a->count == 1)
        body = message_of(a);
    else if (cli_read_file(a->word[1], a->arena, &body, &why) != OK)
        return cli_fail(EXIT_FAILED, "%s", why.text);
    a->flag_count = 0;
    int rc = client_do(a, "POST", slice_str(c->path), body, &v);
    if (rc == EXIT_OK) client_print(a, v, NULL);
    return rc;
}

static int message_command(struct args *a, const struct command *c)
{
    json *v = NULL;
    slice verb = slice_str(a->word[0]), path = { NULL, 0 };
    if (slice_eq(verb, SLICE("send")) && args_only(a, MESSAGE_FLAGS)) return message_send(a, c);
    if (slice_eq(verb, SLICE("stats")) && a->count == 1 && args_only(a, "since"))
        path = cli_path(a, "/api/messages/stats", 0);
    else if (slice_eq(verb, SLICE("show")) && a->count == 2 && args_only(a, ""))
        path = cli_path(a, "/api/messages/{}", 1);
    else
        return cli_fail(EXIT_USAGE, "usage: malote %s", c->usage);
    int rc = client_do(a, "GET", path, (slice){ NULL, 0 }, &v);
    if (rc == EXIT_OK) client_print(a, v, NULL);
    return rc;
}

static int key_command(struct args *a, const struct command *c UNUSED)
{
    json *v = NULL;
    slice verb = slice_str(a->count > 0 ? a->word[0] : "list"), body = body_of(a);
    a->flag_count = 0;
    int rc = EXIT_USAGE;
    if (slice_eq(verb, SLICE("list"))) {
        rc = client_do(a, "GET", SLICE("/api/keys"), (slice){ NULL, 0 }, &v);
        if (rc == EXIT_OK) client_print(a, v, "name role rate_per_min personal_data created_at");
    } else if (slice_eq(verb, SLICE("add")) && a->count == 2) {
        slice inner = slice_sub(body, 1, body.len);
        struct buf b = buf_in(a->arena, 8192);
        json_begin_object(&b, NULL);
        json_put_str(&b, "name", slice_str(a->word[1]));
        if (inner.len > 1) buf_byte(&b, ',');
        buf_add(&b, inner);
        rc = client_do(a, "POST", SLICE("/api/keys"), buf_slice(&b), &v);
        if (rc == EXIT_OK) client_print(a, v, NULL);
    } else if (slice_eq(verb, SLICE("delete")) && a->count == 2) {
        rc = client_do(a, "DELETE", cli_path(a, "/api/keys/{}", 1), (slice){ NULL, 0 }, &v);
        if (rc == EXIT_OK) client_print(a, v, NULL);
    } else {
        return cli_fail(EXIT_USAGE, "usage: malote key list | add NAME --role ROLE | delete NAME");
    }
    return rc;
}

static int workspace_command(struct args *a, const struct command *c)
{
    static const struct {
        const char *verb, *method, *path;
    } verbs[] = {
        { "show", "GET", "/api/workspaces/{}" },
        { "delete", "DELETE", "/api/workspaces/{}" },
        { "disable", "POST", "/api/workspaces/{}/disable" },
        { "enable", "POST", "/api/workspaces/{}/enable" },
        { "key", "POST", "/api/workspaces/{}/key" },
    };
    json *v = NULL;
    slice verb = slice_str(a->count > 0 ? a->word[0] : "list"), body = { NULL, 0 };
    if (slice_eq(verb, SLICE("list")) && a->count < 2) {
        int rc = client_do(a, "GET", slice_str(c->path), body, &v);
        if (rc == EXIT_OK) client_print(a, v, c->columns);
        return rc;
    }
    int rc = EXIT_USAGE;
    if (slice_eq(verb, SLICE("add")) && a->count == 2) {
        struct buf b = buf_in(a->arena, 4096);
        json_begin_object(&b, NULL);
        json_put_str(&b, "name", slice_str(a->word[1]));
        json_end_object(&b);
        rc = client_do(a, "POST", slice_str(c->path), buf_slice(&b), &v);
    }
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        if (a->count == 2 && slice_eq(verb, slice_str(verbs[i].verb)))
            rc = client_do(a, verbs[i].method, cli_path(a, verbs[i].path, 1),
                           strcmp(verbs[i].method, "POST") == 0 ? SLICE("{}") : body, &v);
    if (rc == EXIT_USAGE) return cli_fail(EXIT_USAGE, "usage: malote %s", c->usage);
    if (rc == EXIT_OK) client_print(a, v, NULL);
    return rc;
}

static int search_command(struct args *a, const struct command *c)
{
    json *v = NULL;
    struct buf words = buf_in(a->arena, 4096);
    for (size_t i = 0; i < a->count; i++) {
        if (i > 0) buf_byte(&words, ' ');
        buf_add(&words, slice_str(a->word[i]));
    }
    if (a->flag_count == CLI_FLAGS_MAX) return cli_fail(EXIT_USAGE, "too many flags");
    a->flag[a->flag_count].name = SLICE("q");
    a->flag[a->flag_count++].value = buf_slice(&words);
    int rc = client_do(a, "GET", cli_path(a, c->path, a->count), (slice){ NULL, 0 }, &v);
    if (rc == EXIT_OK) client_print(a, v, c->columns);
    return rc;
}

/* Erasing is for good: it asks for --yes, since nothing brings the person back. */
static int person_command(struct args *a, const struct command *c UNUSED)
{
    json *v = NULL;
    slice verb = slice_str(a->word[0]);
    bool erase = slice_eq(verb, SLICE("erase"));
    if (!erase && !slice_eq(verb, SLICE("export")))
        return cli_fail(EXIT_USAGE, "usage: malote person export CONTACT | erase CONTACT --yes");
    if (erase && !args_has(a, "yes"))
        return cli_fail(EXIT_USAGE, "this cannot be undone: say --yes to erase %s", a->word[1]);
    a->flag_count = 0;
    int rc = client_do(a, erase ? "DELETE" : "GET",
                       cli_path(a, erase ? "/api/contacts/{}" : "/api/contacts/{}/export", 1),
                       (slice){ NULL, 0 }, &v);
    if (rc != EXIT_OK) return rc;
    a->json = a->json || !erase; /* an export is for a file */
    client_print(a, v, NULL);
    return rc;
}

static int version_command(struct args *a UNUSED, const struct command *c UNUSED)
{
    printf("malote %s\n", MALOTE_VERSION);
    return EXIT_OK;
}

#define SERVE_FLAGS                                                                                \
    "listen data database log allow-net trust-proxy ca-file threads media media-cache media-keep " \
    "message-keys s3-endpoint "                                                                    \
    "s3-region s3-style"
#define LIST_FLAGS " limit cursor"

const struct command cli_commands[] = {
    { "serve", "serve [flags]", "run the hub", SERVE_FLAGS, cli_serve, NULL, NULL, 0, 0 },
    { "apply", "apply FILE [--dry-run] [--prune]", "make the configuration as the YAML file says",
      "dry-run! prune!", apply_command, "/api/apply", NULL, 1, 1 },
    { "export", "export", "print the configuration, secrets left out", "", read_command,
      "/api/export", NULL, 0, 0 },
    { "send", "send SOURCE [EVENT]",
      "post a correctly signed sample to a source (it counts like a real one)", "", send_command,
      "/api/sources/{}/send", NULL, 1, 2 },
    { "ingest", "ingest SOURCE FILE|-",
      "hand over a body as the source's platform would send it, without its signature", "",
      ingest_command, "/api/events?source={}", NULL, 2, 2 },
    { "message",
      "message send [FILE|-] [--to --contact --group --text --template --language "
      "--parameters \"A|B\" --reply-to --destination --key] | show ID | stats [--since 7d]",
      "send a message (a text, a template, or the JSON of a file), show one, or count them",
      MESSAGE_FLAGS " since", message_command, "/api/messages", NULL, 1, 2 },
    { "campaigns", "campaigns [ID] [--state]", "list campaigns, or show one with its counts",
      "state" LIST_FLAGS, read_command, "/api/campaigns", "id name state per_minute counts", 0, 1 },
    { "campaign",
      "campaign create FILE|- | recipients ID FILE.csv|- [--phone COLUMN] | list ID [--state] | "
      "start|pause|resume|cancel|delete|show ID",
      "send a template to many people", "phone state" LIST_FLAGS, cli_campaign, "/api/campaigns",
      NULL, 2, 3 },
    { "sources", "sources [NAME]", "list sources, or show one", "", read_command, "/api/sources",
      "name kind listens_on updated_at", 0, 1 },
    { "destinations", "destinations [NAME]", "list destinations, or show one", "", read_command,
      "/api/destinations", "name kind state hold updated_at", 0, 1 },
    { "routes", "routes [NAME]", "list routes, or show one", "", read_command, "/api/routes",
      "name from on to priority", 0, 1 },
    { "kinds", "kinds", "source and destination kinds with their settings", "", read_command,
      "/api/kinds", NULL, 0, 0 },
    { "probe", "probe DESTINATION", "test the connection", "", act_command,
      "/api/destinations/{}/probe", NULL, 1, 1 },
    { "pause", "pause DESTINATION", "kill switch: no new attempts", "", act_command,
      "/api/destinations/{}/pause", NULL, 1, 1 },
    { "resume", "resume DESTINATION", "end a pause or a hold", "", act_command,
      "/api/destinations/{}/resume", NULL, 1, 1 },
    { "events", "events [ID] [--source --type --state --since --until]", "list events, or show one",
      "source type state since until" LIST_FLAGS, read_command, "/api/events",
      "id received_at source type state", 0, 1 },
    { "requests", "requests [ID] [--source --problem --since --until]",
      "list requests, or show one", "source problem! since until" LIST_FLAGS, read_command,
      "/api/requests", "id received_at source events problem advice", 0, 1 },
    { "deliveries", "deliveries [ID] [--destination --state --since --until]",
      "list deliveries, or show one with its attempts", "destination state since until" LIST_FLAGS,
      read_command, "/api/deliveries", "id destination state attempts key reason", 0, 1 },
    { "dead-letters", "dead-letters [stats] [--kind --destination --archived]", "what was given up",
      "kind destination archived!" LIST_FLAGS, read_command, "/api/dead-letters",
      "id kind destination source key reason", 0, 1 },
    { "contacts", "contacts [ID] [--email --phone --document]", "list contacts, or show one",
      "email phone document" LIST_FLAGS, read_command, "/api/contacts", "id created_at updated_at",
      0, 1 },
    { "person", "person export CONTACT | erase CONTACT --yes",
      "all that is kept of one person, or none of it any more (LGPD)", "yes!", person_command, NULL,
      NULL, 2, 2 },
    { "media",
      "media [list] [--state] | [show] ID | retry ID | upload FILE|- [--type MIME] [--filename "
      "NAME] | download ID [-o FILE] [--force]",
      "files of messages: list them, show one, fetch it again, upload and download",
      "state type filename o force!" LIST_FLAGS, cli_media, "/api/media",
      "id kind state size tries problem advice", 0, 2 },
    { "prune-media", "prune-media --older-than AGE [--dry-run]",
      "delete files of messages by age (90d), and those nobody means", "older-than dry-run!",
      replay_command, "/api/media/prune", NULL, 0, 0 },
    { "search", "search WORD... [--contact --type --direction --since --until]",
      "messages with all of the words", "contact type direction since until" LIST_FLAGS,
      search_command, "/api/messages/search",
      "at direction type contact_name contact_phone text contact", 1, CLI_ARGS_MAX },
    { "orders", "orders [NUMBER] [--status]", "list orders, or show one", "status" LIST_FLAGS,
      read_command, "/api/orders", "id contact created_at updated_at", 0, 1 },
    { "messages", "messages [ID] [--contact --conversation --type --direction --since --until]",
      "list messages, or show one with its statuses",
      "contact conversation type direction since until" LIST_FLAGS, read_command, "/api/messages",
      "id at direction contact_name contact_phone type status text", 0, 1 },
    { "conversations", "conversations [ID] [--contact]", "list conversations, or show one",
      "contact" LIST_FLAGS, read_command, "/api/conversations",
      "id contact contact_name contact_phone account unread last_message_at window_until", 0, 1 },
    { "numbers", "numbers", "our own numbers, with what their channel has told of them", LIST_FLAGS,
      read_command, "/api/numbers", "account number name owner in_app history account_update", 0,
      0 },
    { "templates", "templates [--name --state]", "templates that a channel has told of",
      "name state" LIST_FLAGS, read_command, "/api/templates",
      "name language state reason quality category state_at", 0, 0 },
    { "tickets", "tickets [ID] [--state --conversation --contact --assignee]",
      "list tickets, or show one", "state conversation contact assignee" LIST_FLAGS, read_command,
      "/api/tickets",
      "id conversation contact_name contact_phone state assignee opened_at first_reply_at", 0, 1 },
    { "close", "close TICKET", "close a ticket", "", act_command, "/api/tickets/{}/close", NULL, 1,
      1 },
    { "reopen", "reopen TICKET", "open a closed ticket again", "", act_command,
      "/api/tickets/{}/reopen", NULL, 1, 1 },
    { "assign", "assign TICKET WHO", "say who answers for a ticket (\"\" for nobody)", "",
      assign_command, "/api/tickets/{}/assign", NULL, 2, 2 },
    { "retry", "retry ID",
      "try a delivery now, interpret an event again, or read a request that could not be read", "",
      retry_command, NULL, NULL, 1, 1 },
    { "resend", "resend DELIVERY", "send a delivery again, with the same event id", "", act_command,
      "/api/deliveries/{}/resend", NULL, 1, 1 },
    { "cancel", "cancel DELIVERY", "never send it", "", act_command, "/api/deliveries/{}/cancel",
      NULL, 1, 1 },
    { "archive", "archive ID", "put a dead letter aside", "", act_command,
      "/api/dead-letters/{}/archive", NULL, 1, 1 },
    { "replay", "replay [--source --type --state --since --until --all | --unread] [--dry-run]",
      "interpret and route events again; or read again what could not be read",
      "source type state since until all! unread! dry-run!", replay_events, "/api/events/replay",
      NULL, 0, 0 },
    { "retry-dead", "retry-dead [--kind --destination --reason --since --until]",
      "retry dead letters by filter", "kind destination reason since until", replay_command,
      "/api/dead-letters/retry", NULL, 0, 0 },
    { "listen", "listen [--source --type]", "print events as they come", "source type",
      listen_command, NULL, NULL, 0, 0 },
    { "stats", "stats", "totals", "", read_command, "/api/stats", NULL, 0, 0 },
    { "status", "status", "version, queues, destinations", "", read_command, "/status", NULL, 0,
      0 },
    { "health", "health", "each part of the hub", "", read_command, "/health/detailed", NULL, 0,
      0 },
    { "workspace", "workspace list | add NAME | show|disable|enable|key|delete NAME",
      "make, stop and delete workspaces; for admin keys of `default`", "", workspace_command,
      "/api/workspaces", "name enabled sources destinations created_at", 0, 2 },
    { "key", "key list | add NAME --role ROLE [--rate-per-min N] [--personal-data] | delete NAME",
      "API keys", "role rate-per-min personal-data!", key_command, NULL, NULL, 0, 2 },
    { "check", "check [FILE]", "verify database, configuration and secrets, or a YAML file",
      SERVE_FLAGS, cli_check, NULL, NULL, 0, 1 },
    { "backup", "backup FILE", "copy the database while the hub runs", SERVE_FLAGS, cli_backup,
      NULL, NULL, 1, 1 },
    { "version", "version", "print the version", "", version_command, NULL, NULL, 0, 0 },
    { "help", "help [COMMAND]", "this text", "", cli_help, NULL, NULL, 0, 1 },
};
const size_t cli_command_count = ARRAY_LEN(cli_commands);

int cli_help(struct args *a, const struct command *c UNUSED)
{
    for (size_t i = 0; a->count == 1 && i < cli_command_count; i++) {
        if (!slice_eq(slice_str(cli_commands[i].name), slice_str(a->word[0]))) continue;
        printf("usage: malote %s\n\n%s\n", cli_commands[i].usage, cli_commands[i].help);
        if (cli_commands[i].flags[0])
            printf("flags: %s (a ! marks a switch), --json\n", cli_commands[i].flags);
        return EXIT_OK;
    }
    if (a->count == 1) return cli_fail(EXIT_USAGE, "unknown command %s", a->word[0]);
    printf("Malote %s: webhooks in, kept before \"received\", delivered once.\n\nusage: malote "
           "COMMAND [arguments] [--json]\n\n",
           MALOTE_VERSION);
    for (size_t i = 0; i < cli_command_count; i++)
        printf("  %-13s %s\n", cli_commands[i].name, cli_commands[i].help);
    printf("\nCommands that talk to a running hub use MALOTE_URL (default http://127.0.0.1:7070) "
           "and MALOTE_API_KEY.\n"
           "`malote help COMMAND` tells more.\n");
    return EXIT_OK;
}
