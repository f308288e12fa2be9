/* whatsapp_contact.c: who a message is from or to.
 *
 * Number and business-scoped user id may each be missing, and `from` may hold either: both are ways to find one person
 * (records/contact.c), neither is the person. `contacts` beside the messages is matched by them, never by its position. */
#include "base/brazil.h"
#include "base/text.h"
#include "base/time.h"
#include "sources/whatsapp.h"

enum { NUMBER_MIN = 5, NUMBER_MAX = 15 };
#define NUMBER_MARKS " -()."

static slice digits_of(slice id)
{
    return id.len > 0 && id.ptr[0] == '+' ? slice_sub(id, 1, id.len) : id;
}

bool whatsapp_is_number(slice id)
{
    slice d = digits_of(id);
    return d.len >= NUMBER_MIN && d.len <= NUMBER_MAX && text_is_digits(d);
}

slice whatsapp_phone(struct cleaner *cl, slice id)
{
    if (!whatsapp_is_number(id)) return (slice){ NULL, 0 };
    slice out = brazil_phone_of(digits_of(id), cl->arena);
    if (!out.ptr) cl->full = true;
    return out;
}

/* "+55 11 95555-4448" as people write it: the digits. What has anything else in it stays as it is. */
static slice without_marks(struct cleaner *cl, slice id)
{
    bool marks = false;
    for (size_t i = 0; i < id.len; i++) {
        bool mark = slice_find(SLICE(NUMBER_MARKS), id.ptr[i]) < sizeof NUMBER_MARKS - 1;
        if (!mark && id.ptr[i] != '+' && (id.ptr[i] < '0' || id.ptr[i] > '9')) return id;
        marks = marks || mark;
    }
    char *out = marks ? arena_raw(cl->arena, id.len) : NULL;
    size_t n = 0;
    if (marks && !out) cl->full = true;
    for (size_t i = 0; out && i < id.len; i++)
        if (id.ptr[i] == '+' || (id.ptr[i] >= '0' && id.ptr[i] <= '9')) out[n++] = id.ptr[i];
    return out ? slice_of(out, n) : id;
}

void whatsapp_contact_id(struct cleaner *cl, struct contact *c, slice given)
{
    slice id = without_marks(cl, given);
    if (whatsapp_is_number(id)) {
        if (c->field[CONTACT_wa_id].len > 0) return;
        c->field[CONTACT_wa_id] = digits_of(id);
        c->field[CONTACT_phone] = whatsapp_phone(cl, id);
    } else if (contact_is_user_id(id) && c->field[CONTACT_wa_user_id].len == 0) {
        c->field[CONTACT_wa_user_id] = id;
    }
}

bool whatsapp_same_person(struct cleaner *cl, slice a, slice b)
{
    if (a.len == 0 || b.len == 0) return false;
    if (slice_eq(a, b)) return true;
    if (a.ptr[a.len - 1] != b.ptr[b.len - 1]) return false; /* no form changes how a number ends */
    slice first = whatsapp_phone(cl, without_marks(cl, a)),
          second = whatsapp_phone(cl, without_marks(cl, b));
    return first.len > 0 && slice_eq(first, second);
}

/* The entry of value.contacts with this number, in whichever form, or user id. */
static json *find_profile(struct cleaner *cl, json *value, const struct contact *c)
{
    json *list = json_get(value, "contacts"), *one;
    size_t index, max;
    yyjson_arr_foreach(list, index, max, one)
    {
        if (whatsapp_same_person(cl, json_get_text(one, "user_id"), c->field[CONTACT_wa_user_id]) ||
            whatsapp_same_person(cl, json_get_text(one, "wa_id"), c->field[CONTACT_wa_id]))
            return one;
    }
    return NULL;
}

static void put(struct cleaner *cl, struct contact *c, enum contact_field f, json *v)
{
    slice text = clean_value(cl, v);
    if (c->field[f].len == 0 && text.len > 0) c->field[f] = text;
}

/* As a field, without the @ that people write before it. */
static slice read_username(struct cleaner *cl, json *v)
{
    slice name = clean_value(cl, v);
    return slice_starts(name, SLICE("@")) ? slice_sub(name, 1, name.len) : name;
}

static void read_profile(struct cleaner *cl, struct contact *c, json *one)
{
    json *profile = json_get(one, "profile");
    whatsapp_contact_id(cl, c, json_get_text(one, "wa_id"));
    whatsapp_contact_id(cl, c, json_get_text(one, "user_id"));
    put(cl, c, CONTACT_wa_parent_id, json_get(one, "parent_user_id"));
    put(cl, c, CONTACT_wa_name, json_get(profile, "name"));
    slice name = read_username(cl, json_get(profile, "username"));
    if (name.len > 0) c->field[CONTACT_wa_username] = name;
}

static struct contact *end(struct cleaner *cl, struct contact *c)
{
    if (c->field[CONTACT_wa_id].len == 0 && c->field[CONTACT_wa_user_id].len == 0) return NULL;
    clean_contact_end(cl, c);
    return c;
}

static struct contact *begin(struct cleaner *cl)
{
    struct contact *c = arena_new(cl->arena, struct contact, 1);
    if (!c) cl->full = true;
    return c;
}

/* The ad that the person came by; without a click id (Meta has none for some places) it is nothing that anything could be credited to. */
static void put_click(struct cleaner *cl, struct contact *c, const struct whatsapp_place *p)
{
    json *referral = json_get(p->item, "referral");
    int64_t at_ms = whatsapp_time(p->item);
    char text[TIME_TEXT_MAX];
    put(cl, c, CONTACT_ctwa_clid, json_get(referral, "ctwa_clid"));
    if (c->field[CONTACT_ctwa_clid].len == 0) return;
    c->field[CONTACT_ctwa_first_clid] = c->field[CONTACT_ctwa_clid];
    put(cl, c, CONTACT_ctwa_account, json_get(p->entry, "id"));
    put(cl, c, CONTACT_ctwa_ad, json_get(referral, "source_id"));
    if (at_ms <= 0) return;
    slice at = arena_dup(cl->arena, time_format(at_ms, text));
    if (!at.ptr) cl->full = true;
    c->field[CONTACT_ctwa_at] = c->field[CONTACT_ctwa_first_at] = at;
}

struct contact *whatsapp_contact(const struct whatsapp_place *p, bool ours, struct cleaner *cl)
{
    static const char *const theirs[] = { "from",
                                          "from_user_id",
                                          "recipient_participant_id",
                                          "participant_recipient_id",
                                          "recipient_id",
                                          "recipient_user_id",
                                          "wa_id",
                                          "user_id" };
    static const char *const to[] = { "to", "to_user_id" };
    static const char *const parents[] = { "from_parent_user_id", "parent_recipient_user_id" };
    struct contact *c = begin(cl);
    if (!c) return NULL;
    for (size_t i = 0; !ours && i < ARRAY_LEN(theirs); i++)
        whatsapp_contact_id(cl, c, json_get_text(p->item, theirs[i]));
    slice own = whatsapp_own_number(p, cl->arena);
    for (size_t i = 0; ours && i < ARRAY_LEN(to); i++) {
        slice id = json_get_text(p->item, to[i]);
        /* Seen: an echo whose two ends are the wrong way round. We are nobody's customer. */
        if (whatsapp_same_person(cl, id, own)) id = json_get_text(p->item, "from");
        whatsapp_contact_id(cl, c, id);
    }
    for (size_t i = 0; !ours && i < ARRAY_LEN(parents); i++)
        put(cl, c, CONTACT_wa_parent_id, json_get(p->item, parents[i]));
    if (ours) put(cl, c, CONTACT_wa_parent_id, json_get(p->item, "to_parent_user_id"));
    if (p->thread) { /* a thread belongs to one person, whoever wrote the message */
        json *context = json_get(p->thread, "context");
        whatsapp_contact_id(cl, c, json_get_text(p->thread, "id"));
        whatsapp_contact_id(cl, c, json_get_text(context, "wa_id"));
        whatsapp_contact_id(cl, c, json_get_text(context, "user_id"));
        c->field[CONTACT_wa_username] = read_username(cl, json_get(context, "username"));
    }
    json *profile = find_profile(cl, p->value, c), *list = json_get(p->value, "contacts");
    bool nobody = c->field[CONTACT_wa_id].len == 0 && c->field[CONTACT_wa_user_id].len == 0;
    if (nobody && !ours && yyjson_arr_size(list) == 1) profile = yyjson_arr_get_first(list);
    if (profile) read_profile(cl, c, profile);
    put_click(cl, c, p);
    return end(cl, c);
}

struct contact *whatsapp_moved_contact(const struct whatsapp_place *p, struct cleaner *cl)
{
    json *system = json_get(p->item, "system");
    slice from = json_get_text(p->item, "from"), number = json_get_text(system, "wa_id"),
          previous = json_get_text(system, "previous_user_id");
    struct contact *c = begin(cl);
    if (!c) return NULL;
    if (from.len == 0) from = json_get_text(system, "customer");      /* old versions */
    if (number.len == 0) number = json_get_text(system, "new_wa_id"); /* old versions */
    whatsapp_contact_id(cl, c, number);
    whatsapp_contact_id(cl, c, json_get_text(system, "user_id"));
    put(cl, c, CONTACT_wa_parent_id, json_get(system, "parent_user_id"));
    if (c->field[CONTACT_wa_id].len > 0 && whatsapp_is_number(from))
        c->former_phone = whatsapp_phone(cl, from);
    if (c->field[CONTACT_wa_user_id].len > 0 && contact_is_user_id(previous))
        c->former_wa_user_id = previous;
    whatsapp_contact_id(cl, c, from);
    whatsapp_contact_id(cl, c, json_get_text(p->item, "from_user_id"));
    json *profile = find_profile(cl, p->value, c);
    if (profile) read_profile(cl, c, profile);
    return end(cl, c);
}
