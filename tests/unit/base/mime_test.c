/* mime_test.c: types by names, ends by types, and under which types nothing runs. */
#include "base/mime.h"

#include "test.h"

static void names(void **state UNUSED)
{
    static const struct {
        const char *name, *type;
    } cases[] = {
        { "photo.jpg", "image/jpeg" },
        { "PHOTO.JPEG", "image/jpeg" },
        { "a.b.pdf", "application/pdf" },
        { "/tmp/x.d/voz.opus", "audio/ogg" },
        { "jpg", "" },
        { "a.jpg/b", "" },
        { "a.", "" },
        { ".", "" },
        { "", "" },
        { "a.jpgx", "" },
        { "a.svg", "" },
        { "a.html", "" },
        { ".png", "image/png" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        slice in = test_exact(slice_str(cases[i].name));
        assert_slice(mime_of_name(in), slice_str(cases[i].type));
        free((void *)(uintptr_t)in.ptr);
    }
}

static void ends(void **state UNUSED)
{
    static const struct {
        const char *type, *end;
    } cases[] = {
        { "image/jpeg", "jpg" },
        { "Audio/OGG; codecs=opus", "ogg" },
        { "text/html", "" },
        { "", "" },
        { ";", "" },
        { "video/3gpp", "3gp" },
        { "image/jpegx", "" },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        slice in = test_exact(slice_str(cases[i].type));
        assert_slice(mime_extension(in), slice_str(cases[i].end));
        free((void *)(uintptr_t)in.ptr);
    }
}

static void passive(void **state UNUSED)
{
    static const struct {
        const char *type;
        bool passive;
    } cases[] = {
        { "image/jpeg", true },
        { "IMAGE/HEIC", true },
        { "audio/amr", true },
        { "video/quicktime", true },
        { "application/pdf", true },
        { "application/msword", true },
        { "application/vnd.openxmlformats-officedocument.wordprocessingml.document", true },
        { "application/vnd.oasis.opendocument.text", true },
        { "text/plain", true },
        { "image/svg+xml", false },
        { "image/SVG", false },
        { "image/svgz", false },
        { "image/xml", false },
        { "audio/x+xml", false },
        { "image/", false },
        { "image", false },
        { "imagejpeg", false },
        { "text/html", false },
        { "text/javascript", false },
        { "text/xml", false },
        { "application/xhtml+xml", false },
        { "application/pdfx", false },
        { "application/x-shockwave-flash", false },
        { "application/octet-stream", false },
        { "multipart/x-mixed-replace", false },
        { "", false },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        slice in = test_exact(slice_str(cases[i].type));
        if (mime_is_passive(in) != cases[i].passive) fail_msg("%s", cases[i].type);
        free((void *)(uintptr_t)in.ptr);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(names), cmocka_unit_test(ends),
                                        cmocka_unit_test(passive) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
