/* meta_ad.c: see meta_ad.h. Meta takes a messaging event only within seven days after the click. */
#include "dests/meta_ad.h"

#include "base/time.h"

#define CLICK_AGE_MAX_MS (7 * INT64_C(86400000))
#define CLICK_EARLY_MS (5 * INT64_C(60000)) /* two clocks: the channel's and the shop's */

static slice own(json *root, const char *meta, const char *custom)
{
    slice text = json_text(json_at(root, slice_str(meta)));
    return text.len > 0 ? text : json_text(json_at(root, slice_str(custom)));
}

static slice in_time(json *contact, const char *clid, const char *at, int64_t occurred_ms)
{
    int64_t at_ms = 0;
    slice text = json_get_text(contact, at);
    if (text.len > 0 && time_parse(text, &at_ms, NULL, NULL) != OK) at_ms = 0;
    bool fits = at_ms == 0 ||
                (at_ms <= occurred_ms + CLICK_EARLY_MS && occurred_ms - at_ms <= CLICK_AGE_MAX_MS);
    return fits ? json_get_text(contact, clid) : (slice){ NULL, 0 };
}

struct meta_ad meta_ad_of(json *root, int64_t occurred_ms)
{
    json *contact = json_get(root, "contact");
    struct meta_ad ad = { own(root, "/custom/meta/ctwa_clid", "/custom/ctwa_clid"),
                          own(root, "/custom/meta/whatsapp_business_account_id",
                              "/custom/whatsapp_business_account_id") };
    slice account = json_get_text(contact, "ctwa_account");
    if (ad.clid.len == 0) {
        ad.clid = in_time(contact, "ctwa_clid", "ctwa_at", occurred_ms);
        if (ad.clid.len == 0)
            ad.clid = in_time(contact, "ctwa_first_clid", "ctwa_first_at", occurred_ms);
        /* The account that the person wrote to now need not be the one of the ad. */
        if (ad.clid.len > 0 && account.len > 0 &&
            !json_at(root, SLICE("/custom/meta/whatsapp_business_account_id")))
            ad.account = account;
    }
    if (ad.account.len == 0) ad.account = account;
    return ad;
}

slice meta_ad_channel(json *root, const struct meta_ad *ad)
{
    static const char *const channels[] = { "whatsapp", "messenger", "instagram" };
    slice text = own(root, "/custom/meta/messaging_channel", "/custom/messaging_channel");
    for (size_t i = 0; i < ARRAY_LEN(channels); i++)
        if (slice_eq(text, slice_str(channels[i]))) return text;
    return ad->clid.len > 0 ? SLICE("whatsapp") : (slice){ NULL, 0 };
}
