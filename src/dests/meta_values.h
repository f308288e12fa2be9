/* meta_values.h: the parameters whose value is computed rather than copied; `put` slots of the
 * table in meta_params.c. */
#ifndef MALOTE_DESTS_META_VALUES_H
#define MALOTE_DESTS_META_VALUES_H

#include "dests/meta_params.h"

#define META_VALUE(name)                                                                           \
    void meta_values_##name(struct meta_event *m, const struct meta_param *p, struct buf *b)
META_VALUE(event_name);
META_VALUE(event_time);
META_VALUE(event_id);
META_VALUE(source_url);
META_VALUE(action_source);
META_VALUE(referrer);
META_VALUE(opt_out);
META_VALUE(processing);
META_VALUE(processing_place);
META_VALUE(hashed);
META_VALUE(ip);
META_VALUE(fbc);
META_VALUE(fbp);
META_VALUE(lead_id);
META_VALUE(app_only);
META_VALUE(value);
META_VALUE(currency);
META_VALUE(content_ids);
META_VALUE(contents);
META_VALUE(content_type);
META_VALUE(content_name);
META_VALUE(content_category);
META_VALUE(num_items);
META_VALUE(channel);
META_VALUE(outcome);
META_VALUE(ad);
META_VALUE(extinfo);
#undef META_VALUE

/* A URL fit to be sent: checkouts put e-mail addresses into queries, and Meta must not get one in
 * clear. Such a query is cut off. */
slice meta_values_clean_url(slice url);

#endif
