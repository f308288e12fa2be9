/* message.c: `malote message`: one sent, by flags or as the JSON of a file; one shown; all of them counted. */
#include "cli/cli.h"

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
        json_put_str(&b, "language", args_flag(a, "language"));
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

/* What is wrong with the flags, in their own words; NULL: nothing that could be told here. */
static const char *wrong_flags(const struct args *a)
{
    bool text = args_flag(a, "text").len > 0, template = args_flag(a, "template").len > 0;
    int whom = (args_flag(a, "to").len > 0) + (args_flag(a, "contact").len > 0) +
               (args_flag(a, "group").len > 0);
    if (whom != 1) return "say to whom: one of --to, --contact and --group";
    if (text && template) return "--text or --template, not both";
    if (!text && !template) return "say what: --text TEXT, or --template NAME --language pt_BR";
    if (text && (args_has(a, "language") || args_has(a, "parameters")))
        return "--language and --parameters go with --template";
    if (template && args_flag(a, "language").len == 0)
        return "--template needs its --language: a code such as pt_BR, as Meta approved it";
    return NULL;
}

/* Of the flags, or a file with the API's JSON. */
static int message_send(struct args *a, const struct command *c)
{
    struct why why;
    slice body;
    json *v = NULL;
    const char *wrong = NULL;
    if (a->count == 1)
        wrong = wrong_flags(a);
    else if (a->flag_count > 0)
        wrong = "a file holds the whole message: no flags beside it";
    if (wrong) return cli_fail(EXIT_USAGE, "%s; see `malote help message`", wrong);
    if (a->count == 1)
        body = message_of(a);
    else if (cli_read_file(a->word[1], a->arena, &body, &why) != OK)
        return cli_fail(EXIT_FAILED, "%s", why.text);
    a->flag_count = 0;
    int rc = client_do(a, "POST", slice_str(c->path), body, &v);
    if (rc == EXIT_OK) client_print(a, v, NULL);
    return rc;
}

int cli_message(struct args *a, const struct command *c)
{
    json *v = NULL;
    slice verb = slice_str(a->word[0]), path = { NULL, 0 };
    if (slice_eq(verb, SLICE("send")) && args_only(a, CLI_MESSAGE_FLAGS)) return message_send(a, c);
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
