/* plugins.c: the lists of built-in kinds. Plain arrays: no registration at run time, no linker
 * sections, one place to look. */
#include "plugins.h"

extern const struct source_kind source_cakto, source_http, source_lead, source_malote,
    source_whatsapp_cloud;
extern const struct dest_kind dest_http, dest_meta_capi, dest_whatsapp_cloud;

const struct source_kind *const plugins_sources[] = { &source_cakto,          &source_http,
                                                      &source_lead,           &source_malote,
                                                      &source_whatsapp_cloud, NULL };
const struct dest_kind *const plugins_dests[] = { &dest_http, &dest_meta_capi, &dest_whatsapp_cloud,
                                                  NULL };

const struct source_kind *plugins_source(slice name)
{
    size_t i = 0;
    while (plugins_sources[i] && !slice_eq(name, slice_str(plugins_sources[i]->name))) i++;
    return plugins_sources[i];
}

const struct dest_kind *plugins_dest(slice name)
{
    size_t i = 0;
    while (plugins_dests[i] && !slice_eq(name, slice_str(plugins_dests[i]->name))) i++;
    return plugins_dests[i];
}
