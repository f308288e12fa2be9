/* mime.h: types of files by the ends of their names, and back: those that WhatsApp takes and sends. */
#ifndef MALOTE_BASE_MIME_H
#define MALOTE_BASE_MIME_H

#include "base/slice.h"

/* "photo.JPG" -> "image/jpeg"; .ptr NULL: its end says nothing. */
slice mime_of_name(slice name);
/* "audio/ogg; codecs=opus" -> "ogg"; .ptr NULL for a type that is not known. */
slice mime_extension(slice type);

#endif
