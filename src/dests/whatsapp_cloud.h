/* whatsapp_cloud.h: shared by the files of the destination kind "whatsapp-cloud"; nothing of it is for others.
 *
 * whatsapp_cloud.c (the kind: settings, keys, admission, requests) -> whatsapp_check.c (what a message may hold)
 * -> whatsapp_body.c (the request's JSON); whatsapp_judge.c reads the answers. Facts: docs/destinations/whatsapp-cloud.md. */
#ifndef MALOTE_DESTS_WHATSAPP_CLOUD_H
#define MALOTE_DESTS_WHATSAPP_CLOUD_H

#include "base/buf.h"
#include "dests/dest.h"

extern const struct dest_kind dest_whatsapp_cloud;

/* Order of the kind's settings table. */
enum whatsapp_setting {
    WHATSAPP_ACCESS_TOKEN,
    WHATSAPP_PHONE_NUMBER_ID,
    WHATSAPP_BASE_URL,
    WHATSAPP_API_VERSION,
    WHATSAPP_TEMPLATES,
    WHATSAPP_TO,
    WHATSAPP_MARKETING,
    WHATSAPP_REPEAT_UNKNOWN,
    WHATSAPP_SETTING_COUNT
};

enum {
    WHATSAPP_BODY_MAX = 256 * 1024,
    WHATSAPP_CALLBACK_MAX = 512, /* of biz_opaque_callback_data */
};

/* Is the message as the API takes it one that Meta would take? ERR_SYNTAX names the member. Lengths are in characters. */
MUST_CHECK enum err whatsapp_check(json *message, struct why *why);
/* Does it hold nothing but members that are known? Only for what is asked for now: what was taken before, stays sendable. */
MUST_CHECK enum err whatsapp_check_members(json *message, struct why *why);
/* The message that is answered: `reply_to`, or Meta's own `context`. */
slice whatsapp_check_reply_to(json *message);
/* "read": a mark, not a message. */
bool whatsapp_check_is_mark(json *message);

/* A request to the number: `rest` behind its id in the path, `type` the body's (empty: there is none). */
MUST_CHECK enum err whatsapp_cloud_request(const char *method, const char *rest, slice body,
                                           slice type, const struct settings *cfg,
                                           struct arena *arena, struct outgoing *out,
                                           struct why *why);

/* whatsapp_file.c: files of POST /api/media; slots of dest_messages. */
enum { WHATSAPP_FILE_KEEP_DAYS = 30, WHATSAPP_FILE_DEPTH = 6 };
/* Where a message names a file: the values that lead to the object with the `media`, each inside the one before; the first is the
 * object of the message's type. */
struct whatsapp_file_place {
    slice type; /* of the file: image, audio, video, sticker or document */
    json *way[WHATSAPP_FILE_DEPTH];
    size_t depth; /* 0: it names none */
};
struct whatsapp_file_place whatsapp_file_place(json *message);
slice whatsapp_file(json *message);
MUST_CHECK enum err whatsapp_file_fits(json *message, slice mime, int64_t size, struct why *why);
MUST_CHECK enum err whatsapp_file_upload(const struct outgoing_file *f, const struct settings *cfg,
                                         struct arena *arena, struct outgoing *out, slice *before,
                                         slice *after, struct why *why);
struct verdict whatsapp_file_uploaded(const struct reply *r, const struct settings *cfg,
                                      struct arena *arena);

/* The request's JSON for a checked message; `file` stands in for its `media`; `callback` comes back with every status of it. Empty when the arena is full. */
slice whatsapp_body(json *message, slice callback, slice file, struct arena *arena);
/* The message for a routed event: the template of setting `templates` for its type. ERR_MISSING: there is none.
 * ERR_SYNTAX: the event lacks a value that the template needs. *message in the form that whatsapp_check takes. */
MUST_CHECK enum err whatsapp_body_of_event(const struct outgoing_event *e, json *data,
                                           const struct settings *cfg, struct arena *arena,
                                           json **message, struct why *why);

/* The judge slot of the kind. */
struct verdict whatsapp_judge(const struct reply *r, size_t count, const struct settings *cfg,
                              struct arena *arena);

#endif
