/* meta_places.h: names and codes of countries and states, in the normal form that is hashed (lower
 * case, letters only). Pure. */
#ifndef MALOTE_DESTS_META_PLACES_H
#define MALOTE_DESTS_META_PLACES_H

#include "base/slice.h"

/* ISO 3166-1 alpha-2 code of a code or name; empty when it is neither. */
slice meta_places_country(slice text);
/* Postal code of a state of the USA or a province of Canada by its English name; empty for anything
 * else. */
slice meta_places_state_code(slice name);
/* Brazil: the state's name for its code (UF), its code for its name; empty for anything else. */
slice meta_places_brazil_twin(slice text);

#endif
