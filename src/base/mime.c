/* mime.c: see mime.h. */
#include "base/mime.h"

#include "base/err.h"

/* Of a type with several ends the first is its own. */
static const struct {
    slice end, type;
} types[] = {
    { SLICE_INIT("jpg"), SLICE_INIT("image/jpeg") },
    { SLICE_INIT("jpeg"), SLICE_INIT("image/jpeg") },
    { SLICE_INIT("png"), SLICE_INIT("image/png") },
    { SLICE_INIT("webp"), SLICE_INIT("image/webp") },
    { SLICE_INIT("gif"), SLICE_INIT("image/gif") },
    { SLICE_INIT("aac"), SLICE_INIT("audio/aac") },
    { SLICE_INIT("amr"), SLICE_INIT("audio/amr") },
    { SLICE_INIT("m4a"), SLICE_INIT("audio/mp4") },
    { SLICE_INIT("mp3"), SLICE_INIT("audio/mpeg") },
    { SLICE_INIT("ogg"), SLICE_INIT("audio/ogg") },
    { SLICE_INIT("opus"), SLICE_INIT("audio/ogg") },
    { SLICE_INIT("mp4"), SLICE_INIT("video/mp4") },
    { SLICE_INIT("3gp"), SLICE_INIT("video/3gpp") },
    { SLICE_INIT("pdf"), SLICE_INIT("application/pdf") },
    { SLICE_INIT("txt"), SLICE_INIT("text/plain") },
    { SLICE_INIT("doc"), SLICE_INIT("application/msword") },
    { SLICE_INIT("docx"),
      SLICE_INIT("application/vnd.openxmlformats-officedocument.wordprocessingml.document") },
    { SLICE_INIT("xls"), SLICE_INIT("application/vnd.ms-excel") },
    { SLICE_INIT("xlsx"),
      SLICE_INIT("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet") },
    { SLICE_INIT("ppt"), SLICE_INIT("application/vnd.ms-powerpoint") },
    { SLICE_INIT("pptx"),
      SLICE_INIT("application/vnd.openxmlformats-officedocument.presentationml.presentation") },
    { SLICE_INIT("odt"), SLICE_INIT("application/vnd.oasis.opendocument.text") },
    { SLICE_INIT("ods"), SLICE_INIT("application/vnd.oasis.opendocument.spreadsheet") },
    { SLICE_INIT("odp"), SLICE_INIT("application/vnd.oasis.opendocument.presentation") },
};

slice mime_of_name(slice name)
{
    size_t dot = name.len;
    while (dot > 0 && name.ptr[dot - 1] != '.' && name.ptr[dot - 1] != '/') dot--;
    if (dot == 0 || name.ptr[dot - 1] != '.') return (slice){ NULL, 0 };
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (slice_eq_nocase(slice_sub(name, dot, name.len), types[i].end)) return types[i].type;
    return (slice){ NULL, 0 };
}

slice mime_extension(slice type)
{
    slice bare = slice_trim(slice_sub(type, 0, slice_find(type, ';')));
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (slice_eq_nocase(bare, types[i].type)) return types[i].end;
    return (slice){ NULL, 0 };
}

bool mime_is_passive(slice type)
{
    static const slice families[] = { SLICE_INIT("image/"), SLICE_INIT("audio/"),
                                      SLICE_INIT("video/") };
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        size_t len = families[i].len;
        /* image/svg+xml, and whatever else ends in XML */
        if (slice_eq_nocase(slice_sub(type, 0, len), families[i]))
            return type.len > len && slice_find(type, '+') == type.len &&
                   !slice_eq_nocase(slice_sub(type, len, len + 3), SLICE("svg")) &&
                   !slice_eq_nocase(slice_sub(type, type.len - 3, type.len), SLICE("xml"));
    }
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (slice_eq_nocase(type, types[i].type)) return true;
    return false;
}
