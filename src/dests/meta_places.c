/* meta_places.c: short tables of places; a linear search of a page of text is faster than it needs
 * to be.
 *
 * Names are there because lead forms and shops send them; only exact ones count. Cutting an unknown
 * name to two letters, as one of Meta's libraries does, turns Minas Gerais into Michigan. */
#include "dests/meta_places.h"

#include "base/err.h"

struct place {
    const char *name, *code;
};

/* ISO 3166-1 alpha-2, officially assigned codes (249), run together. */
static const char country_codes[] =
    "adaeafagaialamaoaqarasatauawaxazbabbbdbebfbgbhbibjblbmbnbobqbrbsbtbvbwby"
    "bzcacccdcfcgchcickclcmcncocrcucvcwcxcyczdedjdkdmdodzeceeegeheresetfifjfk"
    "fmfofrgagbgdgegfggghgiglgmgngpgqgrgsgtgugwgyhkhmhnhrhthuidieiliminioiqir"
    "isitjejmjojpkekgkhkikmknkpkrkwkykzlalblclilklrlsltlulvlymamcmdmemfmgmhmk"
    "mlmmmnmompmqmrmsmtmumvmwmxmymznancnenfngninlnonpnrnunzompapepfpgphpkplpm"
    "pnprpsptpwpyqarerorsrurwsasbscsdsesgshsisjskslsmsnsosrssstsvsxsysztctdtf"
    "tgthtjtktltmtntotrtttvtwtzuaugumusuyuzvavcvevgvivnvuwfwsyeytzazmzw";
_Static_assert(sizeof country_codes - 1 == 2 * 249, "two letters per country");

static const struct place country_names[] = {
    { "uk", "gb" },
    { "unitedkingdom", "gb" },
    { "greatbritain", "gb" },
    { "reinounido", "gb" },
    { "england", "gb" },
    { "usa", "us" },
    { "unitedstates", "us" },
    { "unitedstatesofamerica", "us" },
    { "estadosunidos", "us" },
    { "estadosunidosdaamérica", "us" },
    { "eua", "us" },
    { "brazil", "br" },
    { "brasil", "br" },
    { "canada", "ca" },
    { "canadá", "ca" },
    { "portugal", "pt" },
    { "argentina", "ar" },
    { "bolivia", "bo" },
    { "bolívia", "bo" },
    { "chile", "cl" },
    { "colombia", "co" },
    { "colômbia", "co" },
    { "costarica", "cr" },
    { "cuba", "cu" },
    { "dominicanrepublic", "do" },
    { "repúblicadominicana", "do" },
    { "ecuador", "ec" },
    { "equador", "ec" },
    { "elsalvador", "sv" },
    { "guatemala", "gt" },
    { "honduras", "hn" },
    { "mexico", "mx" },
    { "méxico", "mx" },
    { "nicaragua", "ni" },
    { "panama", "pa" },
    { "panamá", "pa" },
    { "paraguay", "py" },
    { "paraguai", "py" },
    { "peru", "pe" },
    { "perú", "pe" },
    { "uruguay", "uy" },
    { "uruguai", "uy" },
    { "venezuela", "ve" },
    { "angola", "ao" },
    { "mozambique", "mz" },
    { "moçambique", "mz" },
    { "capeverde", "cv" },
    { "caboverde", "cv" },
    { "spain", "es" },
    { "espanha", "es" },
    { "españa", "es" },
    { "france", "fr" },
    { "frança", "fr" },
    { "germany", "de" },
    { "alemanha", "de" },
    { "deutschland", "de" },
    { "italy", "it" },
    { "itália", "it" },
    { "italia", "it" },
    { "ireland", "ie" },
    { "irlanda", "ie" },
    { "netherlands", "nl" },
    { "belgium", "be" },
    { "bélgica", "be" },
    { "switzerland", "ch" },
    { "suíça", "ch" },
    { "austria", "at" },
    { "japan", "jp" },
    { "japão", "jp" },
    { "china", "cn" },
    { "india", "in" },
    { "índia", "in" },
    { "australia", "au" },
    { "austrália", "au" },
    { "newzealand", "nz" },
    { "southafrica", "za" },
    { "áfricadosul", "za" },
};

/* State names only count where a state is expected, so Georgia is no country here. Two-letter codes
 * need no row. */
static const struct place american_states[] = {
    { "alabama", "al" },
    { "alaska", "ak" },
    { "arizona", "az" },
    { "arkansas", "ar" },
    { "california", "ca" },
    { "colorado", "co" },
    { "connecticut", "ct" },
    { "delaware", "de" },
    { "florida", "fl" },
    { "georgia", "ga" },
    { "hawaii", "hi" },
    { "idaho", "id" },
    { "illinois", "il" },
    { "indiana", "in" },
    { "iowa", "ia" },
    { "kansas", "ks" },
    { "kentucky", "ky" },
    { "louisiana", "la" },
    { "maine", "me" },
    { "maryland", "md" },
    { "massachusetts", "ma" },
    { "michigan", "mi" },
    { "minnesota", "mn" },
    { "mississippi", "ms" },
    { "missouri", "mo" },
    { "montana", "mt" },
    { "nebraska", "ne" },
    { "nevada", "nv" },
    { "newhampshire", "nh" },
    { "newjersey", "nj" },
    { "newmexico", "nm" },
    { "newyork", "ny" },
    { "northcarolina", "nc" },
    { "northdakota", "nd" },
    { "ohio", "oh" },
    { "oklahoma", "ok" },
    { "oregon", "or" },
    { "pennsylvania", "pa" },
    { "rhodeisland", "ri" },
    { "southcarolina", "sc" },
    { "southdakota", "sd" },
    { "tennessee", "tn" },
    { "texas", "tx" },
    { "utah", "ut" },
    { "vermont", "vt" },
    { "virginia", "va" },
    { "washington", "wa" },
    { "westvirginia", "wv" },
    { "wisconsin", "wi" },
    { "wyoming", "wy" },
    { "districtofcolumbia", "dc" },
    { "puertorico", "pr" },
    { "alberta", "ab" },
    { "britishcolumbia", "bc" },
    { "manitoba", "mb" },
    { "newbrunswick", "nb" },
    { "newfoundlandandlabrador", "nl" },
    { "northwestterritories", "nt" },
    { "novascotia", "ns" },
    { "nunavut", "nu" },
    { "ontario", "on" },
    { "princeedwardisland", "pe" },
    { "quebec", "qc" },
    { "québec", "qc" },
    { "saskatchewan", "sk" },
    { "yukon", "yt" },
};

static const struct place brazilian_states[] = {
    { "acre", "ac" },
    { "alagoas", "al" },
    { "amapá", "ap" },
    { "amazonas", "am" },
    { "bahia", "ba" },
    { "ceará", "ce" },
    { "distritofederal", "df" },
    { "espíritosanto", "es" },
    { "goiás", "go" },
    { "maranhão", "ma" },
    { "matogrosso", "mt" },
    { "matogrossodosul", "ms" },
    { "minasgerais", "mg" },
    { "pará", "pa" },
    { "paraíba", "pb" },
    { "paraná", "pr" },
    { "pernambuco", "pe" },
    { "piauí", "pi" },
    { "riodejaneiro", "rj" },
    { "riograndedonorte", "rn" },
    { "riograndedosul", "rs" },
    { "rondônia", "ro" },
    { "roraima", "rr" },
    { "santacatarina", "sc" },
    { "sãopaulo", "sp" },
    { "sergipe", "se" },
    { "tocantins", "to" },
};

static slice code_of(const struct place *places, size_t count, slice name)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq(name, slice_str(places[i].name))) return slice_str(places[i].code);
    return (slice){ NULL, 0 };
}

slice meta_places_country(slice text)
{
    for (size_t i = 0; text.len == 2 && i + 2 < sizeof country_codes; i += 2)
        if (memcmp(country_codes + i, text.ptr, 2) == 0) return slice_of(country_codes + i, 2);
    return code_of(country_names, ARRAY_LEN(country_names), text);
}

slice meta_places_state_code(slice name)
{
    return code_of(american_states, ARRAY_LEN(american_states), name);
}

slice meta_places_brazil_twin(slice text)
{
    for (size_t i = 0; i < ARRAY_LEN(brazilian_states); i++)
        if (slice_eq(text, slice_str(brazilian_states[i].code)))
            return slice_str(brazilian_states[i].name);
    return code_of(brazilian_states, ARRAY_LEN(brazilian_states), text);
}
