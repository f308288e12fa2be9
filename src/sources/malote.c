/* malote.c: the hub's own source: what it has to tell is an event like any other. Its "request" is written by the hub itself
 * (deliver/alert.c); nothing comes in from outside, whatever the signature.
 *
 *   {"alert":"destination_held","destination":"pixel","destination_id":"dst_…","reason":"…","at":"2026-03-10T12:18:30.500Z"}
 *
 * No personal data and no secrets: it goes wherever a route says. */
#include "base/time.h"
#include "sources/source.h"

static enum err verify(struct request *r UNUSED, const struct settings *cfg UNUSED,
                       int64_t now_ms UNUSED, struct arena *arena UNUSED, struct why *why)
{
    return why_set(why, ERR_DENIED, "the hub's own source has no way in");
}

static enum err split(struct request *r, const struct settings *cfg UNUSED, struct arena *arena,
                      struct event_list *out, struct why *why)
{
    json *root = NULL;
    int64_t at_ms = 0;
    enum err rc = request_json(r, arena, &root, why);
    if (rc == OK) rc = time_parse(json_get_text(root, "at"), &at_ms, NULL, why);
    if (rc != OK) return rc;
    slice alert = json_get_text(root, "alert"), id = json_get_text(root, "destination_id");
    if (alert.len == 0 || id.len == 0) return why_set(why, ERR_SYNTAX, "this is no alert");
    slice ms = arena_printf(arena, "%lld", (long long)at_ms);
    const slice parts[] = { alert, id, ms };
    struct event *e = event_list_add(out, arena);
    if (!e || !ms.ptr) return why_set(why, ERR_LIMIT, "arena full");
    *e = (struct event){ .type = SLICE("malote.alert"),
                         .name = alert,
                         .key = event_key(arena, parts, ARRAY_LEN(parts)),
                         .locator = SLICE(""),
                         .occurred_ms = at_ms };
    return e->key.ptr ? OK : why_set(why, ERR_LIMIT, "arena full");
}

static enum err interpret(struct request *r, const struct event *e UNUSED,
                          const struct settings *cfg UNUSED, struct arena *arena,
                          struct changes *out, struct why *why)
{
    json *root = NULL;
    *out = (struct changes){ 0 };
    enum err rc = request_json(r, arena, &root, why);
    if (rc == OK) out->custom = json_print(root, arena);
    return rc == OK && out->custom.len == 0 ? why_set(why, ERR_LIMIT, "arena full") : rc;
}

const struct source_kind source_malote = {
    .name = "malote",
    .abi = SOURCE_ABI,
    .title = "Malote itself",
    .builtin = true,
    .overload = OVERLOAD_REFUSE,
    .rank = ORIGIN_PLATFORM,
    .verify = verify,
    .split = split,
    .interpret = interpret,
};
