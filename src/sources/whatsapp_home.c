/* whatsapp_home.c: whose a change is. One Meta app has one callback for all its numbers: what is of another number than the source's own
 * is handed, change by change, to the source that `accounts` names, or kept until it names one.
 *
 * A change is of one number (metadata.phone_number_id); one that is of a whole account names only that (whatsapp_account_of). Whether it
 * concerns numbers of other sources, too, is for the store to say, which knows what number is of which account (interpret/hand.c). */
#include "config/limits.h"
#include "sources/whatsapp.h"

static bool is_listed(const struct setting_value *numbers, slice id)
{
    for (size_t i = 0; i < numbers->count; i++)
        if (slice_eq(numbers->items[i].value, id)) return true;
    return false;
}

enum whatsapp_home whatsapp_home(const struct whatsapp_place *p, const struct settings *cfg,
                                 slice *account, slice *to)
{
    const struct setting_value *numbers = settings_get(cfg, WA_NUMBERS),
                               *accounts = settings_get(cfg, WA_ACCOUNTS);
    *account = *to = (slice){ NULL, 0 };
    bool is_change =
        p->value && p->change != p->entry; /* not another product's entry, or no envelope at all */
    if (!is_change || (numbers->count == 0 && accounts->count == 0)) return WA_OURS;
    slice number = json_get_text(json_get(p->value, "metadata"), "phone_number_id"),
          waba = whatsapp_account_of(p);
    *account = number.len > 0 ? number : waba;
    *to = settings_map_get(cfg, WA_ACCOUNTS, number);
    if (to->len > 0) return WA_ELSEWHERE;
    if (number.len > 0 && is_listed(numbers, number)) return WA_OURS;
    *to = settings_map_get(cfg, WA_ACCOUNTS, waba);
    if (to->len > 0) return WA_ELSEWHERE;
    /* What names no number concerns the app or an account of it, and no person: that stays with who has the app. */
    return number.len == 0 ? WA_OURS : WA_NOBODYS;
}

/* All members of an object but one. */
static void put_members(struct cleaner *cl, struct buf *b, json *object, const char *but)
{
    yyjson_obj_iter it = yyjson_obj_iter_with(object);
    for (json *key; (key = yyjson_obj_iter_next(&it));)
        if (!slice_eq(json_str(key), slice_str(but)))
            json_put_raw(b, yyjson_get_str(key),
                         json_print(yyjson_obj_iter_get_val(key), cl->arena));
}

/* The envelope with the one change in it, as Meta would have sent it for that number alone. */
struct handover *whatsapp_home_part(const struct whatsapp_place *p, json *root, slice account,
                                    slice to, slice locator, struct cleaner *cl)
{
    struct handover *h = arena_new(cl->arena, struct handover, 1);
    struct buf b = buf_in(cl->arena, BODY_MAX_HIGHEST);
    json_begin_object(&b, NULL);
    put_members(cl, &b, root, "entry");
    json_begin_array(&b, "entry");
    json_begin_object(&b, NULL);
    put_members(cl, &b, p->entry, "changes");
    json_begin_array(&b, "changes");
    json_put_raw(&b, NULL, json_print(p->change, cl->arena));
    json_end_array(&b);
    json_end_object(&b);
    json_end_array(&b);
    json_end_object(&b);
    if (!h || !buf_ok(&b) || cl->arena->full) {
        cl->full = true;
        return NULL;
    }
    *h = (struct handover){
        .account = account, .to = to, .body = buf_slice(&b), .locator = whatsapp_change_of(locator)
    };
    return h;
}
