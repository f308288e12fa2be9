/* brazil.h: Brazilian phones, documents, postal codes, states and names, checked and in one
 * form.
 *
 * Pure. Facts and rules: docs/formats.md. On error ERR_SYNTAX and one word in `why` that may be
 * shown and stored ("bad_length", "missing_ddd", ...): it never repeats the value. Nothing is
 * written to the result then. */
#ifndef MALOTE_BASE_BRAZIL_H
#define MALOTE_BASE_BRAZIL_H

#include "base/json.h"

enum {
    BRAZIL_PHONE_MAX = 16, /* '+' and 15 digits (E.164) */
    BRAZIL_CPF_LEN = 11,
    BRAZIL_CNPJ_LEN = 14,
    BRAZIL_CEP_LEN = 8,
    BRAZIL_NAME_MAX = 256, /* bytes; longer is "too_long" */
};

enum brazil_phone_type { BRAZIL_MOBILE, BRAZIL_LANDLINE, BRAZIL_FOREIGN, BRAZIL_PHONE_TYPE_COUNT };
extern const char *const brazil_phone_type_name[BRAZIL_PHONE_TYPE_COUNT];

struct brazil_phone {
    char text[BRAZIL_PHONE_MAX];
    size_t len;
    enum brazil_phone_type type;
    bool ninth_digit_added; /* an old mobile of eight digits was completed */
};

/* To E.164. Words: empty, not_a_phone, invalid_characters, not_geographic, missing_ddd,
 * invalid_ddd, invalid_subscriber, bad_length. 10 and 11 digits are a national number even if
 * they begin with 55 (DDD 55 exists). */
MUST_CHECK enum err brazil_phone(slice text, struct brazil_phone *out, struct why *why);
static inline slice brazil_phone_text(const struct brazil_phone *p)
{
    return slice_of(p->text, p->len);
}
/* The number of a channel's digits, country code first, in one form ("+5511999990005", with the ninth digit whichever came); what is no
 * number by the book is still the one the channel knows. In `arena`; .ptr NULL: it is full. */
slice brazil_phone_of(slice digits, struct arena *arena);

/* Words: empty, invalid_characters, bad_length, repeated_digits, bad_check_digit. */
MUST_CHECK enum err brazil_cpf(slice text, char out[BRAZIL_CPF_LEN], struct why *why);
/* The same words; also the alphanumeric form in use since July 2026. Lower case is raised. */
MUST_CHECK enum err brazil_cnpj(slice text, char out[BRAZIL_CNPJ_LEN], struct why *why);
/* CPF or CNPJ by its length. `number`: it was a JSON number and may have lost leading zeros, so
 * it is padded (to 11; from 12 digits on to 14). */
MUST_CHECK enum err brazil_document(slice text, bool number, char out[BRAZIL_CNPJ_LEN], size_t *len,
                                    struct why *why);

/* Eight digits; seven have lost a leading zero. Words: empty, invalid_characters, bad_length,
 * invalid. */
MUST_CHECK enum err brazil_cep(slice text, char out[BRAZIL_CEP_LEN], struct why *why);

/* "SP" from "sp", "São Paulo" or "SAO PAULO". Words: empty, unknown_state. *code is static. */
MUST_CHECK enum err brazil_state(slice text, slice *code, struct why *why);

struct brazil_name {
    slice display, first, last; /* last is empty when there is one word only */
};
/* Display form in `arena`: one blank between words, capitals where they belong. Words: empty,
 * not_a_name, too_long. ERR_LIMIT when the arena is full. */
MUST_CHECK enum err brazil_name(slice text, struct arena *arena, struct brazil_name *out,
                                struct why *why);

/* Lower case without accents, for comparing words people typed; bytes outside Latin-1 letters
 * stay. Room: text.len bytes. */
slice brazil_fold(slice text, char *out);

#endif
