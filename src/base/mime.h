/* mime.h: types of files by the ends of their names, and back: those that WhatsApp takes and sends. */
#ifndef MALOTE_BASE_MIME_H
#define MALOTE_BASE_MIME_H

#include "base/slice.h"

/* "photo.JPG" -> "image/jpeg"; .ptr NULL: its end says nothing. */
slice mime_of_name(slice name);
/* "audio/ogg; codecs=opus" -> "ogg"; .ptr NULL for a type that is not known. */
slice mime_extension(slice type);

/* May a file be called so to a browser that does not sniff? Pictures, sound and video but those written in XML (SVG), and the documents
 * of the table. `type` is bare: no parameters. Not among them, whatever is declared: what a browser would run or lay out as a page. */
bool mime_is_passive(slice type);

#endif
