/* meta_case.h: what Unicode says about one code point, as far as hashed values need it. Pure,
 * without a locale. */
#ifndef MALOTE_DESTS_META_CASE_H
#define MALOTE_DESTS_META_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Simple lower case of a code point; itself when there is none. U+0130 stays as it is: its full
 * mapping is two code points. */
uint32_t meta_case_lower(uint32_t code);
/* White_Space of Unicode, and the zero-width space and byte order mark that copied text brings
 * along. */
bool meta_case_is_blank(uint32_t code);
/* Control characters and punctuation, ASCII's in full, others as far as names and places hold them.
 * Letters, digits and marks are none. */
bool meta_case_is_punctuation(uint32_t code);

#endif
