/* meta_capi.h: shared by the files of the destination kind "meta-capi"; nothing of it is for
 * others.
 *
 * meta_capi.c (the kind: settings, keys, admission, requests) -> meta_params.c (the table of
 * parameters, one event's JSON) -> meta_values.c (the parameters that are computed) ->
 * meta_normalise.c, meta_click.c; meta_judge.c reads the answers. */
#ifndef MALOTE_DESTS_META_CAPI_H
#define MALOTE_DESTS_META_CAPI_H

#include "base/buf.h"
#include "dests/dest.h"

extern const struct dest_kind dest_meta_capi;

/* Order of the kind's settings table. */
enum meta_setting {
    META_PIXEL_ID,
    META_ACCESS_TOKEN,
    META_APP_SECRET,
    META_API_VERSION,
    META_BASE_URL,
    META_TEST_EVENT_CODE,
    META_MAP,
    META_ACTION_SOURCE,
    META_EVENT_SOURCE_URL,
    META_EXTERNAL_ID_FROM,
    META_COUNTRY,
    META_OPT_OUT,
    META_DATA_PROCESSING,
    META_DATA_PROCESSING_COUNTRY,
    META_DATA_PROCESSING_STATE,
    META_BATCH_SIZE,
    META_LINGER_MS,
    META_SETTING_COUNT
};

/* The judge slot of the kind (meta_judge.c). */
struct verdict meta_judge(const struct reply *r, size_t count, const struct settings *cfg,
                          struct arena *arena);

#endif
