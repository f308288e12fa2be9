/* commands.c: the table of commands, and those that are little more than one call of the API. */
#include <stdio.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/cli.h"

enum { FOLLOW_POLL_S = 1, BODY_TEXT_MAX = 4 * 1024 * 1024 };

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
    bool event = slice_starts(id, SLICE("evt_")), request = slice_starts(id, SLICE("req_"));
    const char *path = event     ? "/api/events/{}/retry"
                       : request ? "/api/requests/{}/retry"
                                 : "/api/deliveries/{}/retry";
    if (slice_starts(id, SLICE("med_")))
        return cli_fail(EXIT_USAGE, "a file is fetched again by: malote media retry %s",
                        a->word[0]);
    if (!event && !request && !slice_starts(id, SLICE("dlv_")))
        return cli_fail(
            EXIT_USAGE,
            "%s is no id of a delivery (dlv_...), an event (evt_...) or a request (req_...); "
            "see `malote dead-letters`, `malote deliveries`, `malote events` and `malote "
            "requests`",
            a->word[0]);
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

/* POST with the flags as its body. */
static int post_flags_command(struct args *a, const struct command *c)
{
    json *v = NULL;
    slice body = body_of(a);
    a->flag_count = 0;
    int rc = client_do(a, "POST", cli_path(a, c->path, 0), body, &v);
    if (rc == EXIT_OK) client_print(a, v, NULL);
    return rc;
}

/* Some at a time, until there are no more: a line of figures for each call. */
static int reread(struct args *a, const char *path)
{
    size_t at = a->flag_count;
    if (at == CLI_FLAGS_MAX) return cli_fail(EXIT_USAGE, "too many flags");
    for (;;) {
        json *v = NULL;
        slice body = body_of(a);
        size_t flags = a->flag_count;
        a->flag_count = 0;
        int rc = client_do(a, "POST", slice_str(path), body, &v);
        if (rc != EXIT_OK) return rc;
        client_print(a, v, NULL);
        a->flag_count = flags;
        slice next = json_get_text(v, "next");
        if (next.len == 0) return EXIT_OK;
        a->flag[at].name = SLICE("after");
        a->flag[at].value = next;
        a->flag_count = at + 1;
    }
}

/* Of events; or, with --unread, of requests that could not be read when they came. */
static int replay_command(struct args *a, const struct command *c)
{
    static const char *const filters[] = { "source", "type", "state", "since", "all" };
    if (args_has(a, "unread")) {
        if (!args_only(a, "unread source since until dry-run"))
            return cli_fail(EXIT_USAGE,
                            "what was not read has no events: --unread goes with --source, "
                            "--since, --until and --dry-run");
        for (size_t i = 0; i < a->flag_count; i++)
            if (slice_eq(a->flag[i].name, SLICE("unread"))) a->flag[i] = a->flag[--a->flag_count];
        return reread(a, "/api/requests/retry");
    }
    for (size_t i = 0; i < ARRAY_LEN(filters); i++)
        if (args_has(a, filters[i])) return post_flags_command(a, c);
    return cli_fail(EXIT_USAGE, "say which events: --source, --type, --state or --since; or --all; "
                                "or --unread for requests that could not be read");
}

/* An age without a unit would be seconds: "90" is meant as days by whoever forgets it, and what is deleted is gone. */
static int prune_command(struct args *a, const struct command *c)
{
    slice age = args_flag(a, "older-than");
    if (age.len == 0 || text_is_digits(age))
        return cli_fail(EXIT_USAGE,
                        "say how old: --older-than 90d (or 12h, or 2026-03-10T12:00:00Z); with "
                        "--dry-run nothing is deleted");
    return post_flags_command(a, c);
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
      "send a message (a text, a template, or the JSON of a file), show one, or count them\n\n"
      "  malote message send --to +5511999990001 --text \"Seu pedido saiu\"\n"
      "  malote message send --to +5511999990001 --template pedido_pago --language pt_BR "
      "--parameters \"Ana|123\"\n"
      "  malote message send FILE        the API's JSON, as it is: images, buttons, lists, ...\n\n"
      "A text goes within 24 hours of the person's last message, a template at any time. The same "
      "--key again is the\nsame message. --destination may be left out when there is one.",
      CLI_MESSAGE_FLAGS " since", cli_message, "/api/messages", NULL, 1, 2 },
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
      "media [list] [--state STATE] | [show] ID | retry ID | upload FILE|- [--type MIME] "
      "[--filename "
      "NAME] | download ID [-o FILE] [--force]",
      "files of messages: list them, show one, fetch it again, upload and download\n\n"
      "ID is med_...; STATE pending, downloading, downloaded, failed or expired. `retry` asks the "
      "channel again for one\nthat failed or expired.",
      "state type filename o force!" LIST_FLAGS, cli_media, "/api/media",
      "id kind state size tries problem advice", 0, 2 },
    { "prune-media", "prune-media --older-than AGE [--dry-run]",
      "delete files of messages by age (90d), and those nobody means\n\n"
      "AGE is 90d, 12h or 2026-03-10T12:00:00Z. What was uploaded goes, too. For good: look at "
      "--dry-run first.",
      "older-than dry-run!", prune_command, "/api/media/prune", NULL, 0, 0 },
    { "search", "search WORD... [--contact --type --direction --since --until]",
      "messages with all of the words", "contact type direction since until" LIST_FLAGS,
      search_command, "/api/messages/search",
      "at direction type contact_name contact_phone text contact", 1, CLI_ARGS_MAX },
    { "orders", "orders [NUMBER] [--status]", "list orders, or show one", "status" LIST_FLAGS,
      read_command, "/api/orders", "id contact created_at updated_at", 0, 1 },
    { "messages", "messages [ID] [--contact --conversation --type --direction --since --until]",
      "list messages, or show one with its statuses\n\n"
      "ID is msg_..., --contact con_..., --conversation cnv_..., --direction in or out, --type "
      "text, image, ...;\n--since and --until take 24h, 7d or 2026-03-10T12:00:00Z. To send one: "
      "malote message send.",
      "contact conversation type direction since until" LIST_FLAGS, read_command, "/api/messages",
      "id at direction contact_name contact_phone type status text", 0, 1 },
    { "conversations", "conversations [ID] [--contact]", "list conversations, or show one",
      "contact" LIST_FLAGS, read_command, "/api/conversations",
      "id contact contact_name contact_phone account unread last_message_at window_until", 0, 1 },
    { "numbers", "numbers",
      "our own numbers, with what their channel has told of them\n\n"
      "A number is listed once something has come in for it.",
      LIST_FLAGS, read_command, "/api/numbers",
      "account number name owner in_app history account_update", 0, 0 },
    { "templates", "templates [--name NAME] [--state STATE]",
      "templates that a channel has told of\n\n"
      "A template is listed once its channel has told something of it (field "
      "message_template_status_update).\nSTATE is the channel's word: APPROVED, REJECTED, PAUSED, "
      "...",
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
      "try a delivery now, interpret an event again, or read a request that could not be read\n\n"
      "ID is dlv_... or evt_..., as `malote dead-letters` lists them, or req_..., as `malote "
      "requests --problem` does.\nMany at once: malote retry-dead, malote replay. A file: malote "
      "media retry ID.",
      "", retry_command, NULL, NULL, 1, 1 },
    { "resend", "resend DELIVERY", "send a delivery again, with the same event id", "", act_command,
      "/api/deliveries/{}/resend", NULL, 1, 1 },
    { "cancel", "cancel DELIVERY", "never send it", "", act_command, "/api/deliveries/{}/cancel",
      NULL, 1, 1 },
    { "archive", "archive ID", "put a dead letter aside", "", act_command,
      "/api/dead-letters/{}/archive", NULL, 1, 1 },
    { "replay",
      "replay [--source NAME] [--type TYPE] [--state STATE] [--since TIME] [--until TIME] | --all "
      "| "
      "--unread [--dry-run]",
      "interpret and route events again; or read again what could not be read\n\n"
      "STATE is pending, done, failed, archived or replaying; TYPE an event type, with * as "
      "wildcard; TIME 24h, 7d or\n2026-03-10T12:00:00Z. What was delivered is not sent again. "
      "--dry-run tells how much it would be.\n\n"
      "  malote replay --state failed    after a setting was mended\n"
      "  malote replay --unread          after an upgrade: requests that are kept with a problem",
      "source type state since until all! unread! dry-run!", replay_command, "/api/events/replay",
      NULL, 0, 0 },
    { "retry-dead", "retry-dead [--kind --destination --reason --since --until]",
      "retry dead letters by filter; without one, all of them",
      "kind destination reason since until", post_flags_command, "/api/dead-letters/retry", NULL, 0,
      0 },
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

/* The flags as they are typed. */
static void print_flags(const char *flags)
{
    slice rest = slice_str(flags), item;
    printf("\nflags:");
    while (slice_cut(&rest, ' ', &item)) {
        bool is_switch = slice_ends(item, SLICE("!"));
        if (item.len == 0) continue;
        printf(" %s%.*s%s", item.len == 1 ? "-" : "--",
               SLICE_ARG(slice_sub(item, 0, item.len - is_switch)), is_switch ? "" : " …");
    }
    printf(" --json\n");
}

int cli_help(struct args *a, const struct command *c UNUSED)
{
    for (size_t i = 0; a->count == 1 && i < cli_command_count; i++) {
        if (!slice_eq(slice_str(cli_commands[i].name), slice_str(a->word[0]))) continue;
        printf("usage: malote %s\n\n%s\n", cli_commands[i].usage, cli_commands[i].help);
        print_flags(cli_commands[i].flags);
        return EXIT_OK;
    }
    if (a->count == 1)
        return cli_fail(EXIT_USAGE, "unknown command %s; see `malote help`", a->word[0]);
    printf("Malote %s: webhooks in, kept before \"received\", delivered once.\n\nusage: malote "
           "COMMAND [arguments] [--json]\n\n",
           MALOTE_VERSION);
    for (size_t i = 0; i < cli_command_count; i++) {
        slice help = slice_str(cli_commands[i].help);
        printf("  %-13s %.*s\n", cli_commands[i].name,
               SLICE_ARG(slice_sub(help, 0, slice_find(help, '\n'))));
    }
    printf("\nCommands that talk to a running hub use MALOTE_URL (default http://127.0.0.1:7070) "
           "and MALOTE_API_KEY.\n"
           "`malote help COMMAND` tells more.\n");
    return EXIT_OK;
}
