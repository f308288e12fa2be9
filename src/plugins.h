/* plugins.h: the kinds of sources and destinations that are built in. Adding one is a file of
 * its own and a line in plugins.c. */
#ifndef MALOTE_PLUGINS_H
#define MALOTE_PLUGINS_H

#include "dests/dest.h"
#include "sources/source.h"

/* NULL behind the last. */
extern const struct source_kind *const plugins_sources[];
extern const struct dest_kind *const plugins_dests[];

/* The kind called `name`; NULL when there is none. */
const struct source_kind *plugins_source(slice name);
const struct dest_kind *plugins_dest(slice name);

#endif
