/* meta_ad.h: the click on a click-to-WhatsApp ad that a messaging event is to be credited to. Pure. */
#ifndef MALOTE_DESTS_META_AD_H
#define MALOTE_DESTS_META_AD_H

#include "base/json.h"

/* Both go out unhashed. Empty: there is none. */
struct meta_ad {
    slice clid, account; /* click id, verbatim; the WhatsApp account whose ad it was */
};

/* What the event itself names (custom.meta, custom) counts first; then the contact's latest click, if it was before the event and
 * not too long before it; then its first one. Borrows from the event. */
struct meta_ad meta_ad_of(json *root, int64_t occurred_ms);
/* "whatsapp", "messenger" or "instagram", as the event says, or as the ad does; empty: neither. */
slice meta_ad_channel(json *root, const struct meta_ad *ad);

#endif
