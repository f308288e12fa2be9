/* whatsapp_stop.c: words by which a person asks for no marketing, or for some again: the whole text of a message, or of what was
 * tapped: a button or a row of a list, by its title or by the payload or id behind it.
 *
 * Compared without case, accents, punctuation and emoji, and never as a part of a text: "quero parar de fumar" is no opt-out. */
#include <stdlib.h>

#include "base/brazil.h"
#include "base/text.h"
#include "sources/whatsapp.h"

enum { STOP_TEXT_MAX = 100 }; /* bytes of a text that may be one of the words */

/* Letters and digits, folded; whatever stands between them is one blank. Empty: nothing is left, or it is too long. */
static slice fold_word(slice text, char out[STOP_TEXT_MAX])
{
    char folded[STOP_TEXT_MAX];
    size_t n = 0;
    if (text.len > STOP_TEXT_MAX) return (slice){ NULL, 0 };
    slice in = brazil_fold(text, folded);
    for (size_t i = 0, step; i < in.len; i += step) {
        uint32_t code = text_utf8_get(slice_sub(in, i, in.len), &step);
        bool letter = (code >= 'a' && code <= 'z') || (code >= '0' && code <= '9') ||
                      (code >= 0x370 && code < 0x2000) || (code >= 0x3040 && code < 0xd800);
        if (letter) {
            memcpy(out + n, in.ptr + i, step);
            n += step;
        } else if (n > 0 && out[n - 1] != ' ') {
            out[n++] = ' ';
        }
    }
    while (n > 0 && out[n - 1] == ' ') n--;
    return slice_of(out, n);
}

/* Can a word of the list be this folded one? Folding makes nothing longer, and of an ASCII letter its small one. Nearly always no. */
static bool may_be(slice listed, slice word)
{
    unsigned char first = listed.len > 0 ? (unsigned char)listed.ptr[0] : 0;
    bool plain = (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z');
    return listed.len >= word.len && (!plain || (char)(first | 0x20) == word.ptr[0]);
}

static bool is_listed(const struct settings *cfg, size_t setting, slice word)
{
    const struct setting_value *list = settings_get(cfg, setting);
    char room[STOP_TEXT_MAX];
    for (size_t i = 0; i < list->count; i++)
        if (may_be(list->items[i].value, word) &&
            slice_eq(fold_word(list->items[i].value, room), word))
            return true;
    return false;
}

struct word {
    char text[STOP_TEXT_MAX];
    size_t len;
};

static int by_text(const void *a, const void *b)
{
    const struct word *x = a, *y = b;
    return slice_cmp(slice_of(x->text, x->len), slice_of(y->text, y->len));
}

/* Each word is folded once: this runs whenever a configuration is loaded, on the writer, for everybody's sources. */
enum err whatsapp_stop_check(const struct settings *cfg, struct why *why)
{
    static const size_t lists[] = { WA_STOP_WORDS, WA_RESUME_WORDS };
    size_t stops = settings_get(cfg, WA_STOP_WORDS)->count;
    struct word *stop = calloc(stops + 1, sizeof *stop); /* and the resume word in hand */
    if (!stop) return why_set(why, ERR_LIMIT, "out of memory");
    enum err rc = OK;
    for (size_t k = 0; rc == OK && k < ARRAY_LEN(lists); k++) {
        const struct setting_value *list = settings_get(cfg, lists[k]);
        for (size_t i = 0; rc == OK && i < list->count; i++) {
            struct word *w = &stop[k == 0 ? i : stops];
            w->len = fold_word(list->items[i].value, w->text).len;
            if (w->len == 0)
                rc = why_set(why, ERR_SYNTAX,
                             "setting `%s`: a word has letters or digits, at most %d bytes",
                             k == 0 ? "stop_words" : "resume_words", STOP_TEXT_MAX);
            else if (k == 1 && bsearch(w, stop, stops, sizeof *stop, by_text))
                rc = why_set(why, ERR_SYNTAX,
                             "setting `resume_words`: one of them is a stop word, too");
        }
        if (k == 0) qsort(stop, stops, sizeof *stop, by_text);
    }
    free(stop);
    return rc;
}

slice whatsapp_stop_word(json *message, const struct settings *cfg)
{
    static const char *const places[] = { "/text/body",
                                          "/button/text",
                                          "/button/payload",
                                          "/interactive/button_reply/title",
                                          "/interactive/button_reply/id",
                                          "/interactive/list_reply/title",
                                          "/interactive/list_reply/id" };
    char room[STOP_TEXT_MAX];
    slice found = { NULL, 0 };
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        slice word = fold_word(json_str(json_at(message, slice_str(places[i]))), room);
        if (word.len == 0) continue;
        if (is_listed(cfg, WA_STOP_WORDS, word)) return SLICE("stop");
        if (is_listed(cfg, WA_RESUME_WORDS, word)) found = SLICE("resume");
    }
    return found;
}
